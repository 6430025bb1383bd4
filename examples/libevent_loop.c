/* SPDX-License-Identifier: Apache-2.0 */
/* A watch in a libevent loop. Ends when the service has no instance any more. */
#include <discover/discover.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    int fault = discover_dispatch(arg);
    (void)fd, (void)what;
    if (fault < 0)
        fprintf(stderr, "libevent_loop: %s\n", discover_strerror(fault)); /* it goes on by itself */
}

static void on_change(void *arg, const struct discover_change *change)
{
    printf("%zu usable\n", change->n);
    fflush(stdout);
    if (change->n == 0)
        event_base_loopbreak(arg);
}

int main(void)
{
    struct event_base *base = event_base_new();
    struct discover *d;
    struct discover_watch *w;
    int err = discover_new(&d);
    if (!err)
        err = discover_start(d);
    if (!err)
        err = discover_watch(d, "demo/web", on_change, base, &w);
    if (err < 0) {
        fprintf(stderr, "libevent_loop: %s\n", discover_strerror(err));
        return EXIT_FAILURE;
    }
    struct event *readable = event_new(base, discover_fd(d), EV_READ | EV_PERSIST, on_readable, d);
    event_add(readable, NULL);
    event_base_dispatch(base);
    event_free(readable);
    discover_unwatch(w);
    discover_free(d);
    event_base_free(base);
    return EXIT_SUCCESS;
}
