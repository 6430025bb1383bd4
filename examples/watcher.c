/* SPDX-License-Identifier: Apache-2.0 */
/* Watches a service on epoll. Ends when the service has no instance any more. */
#include <discover/discover.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

static void on_change(void *arg, const struct discover_change *change)
{
    printf("%zu usable\n", change->n);
    fflush(stdout);
    if (change->n == 0)
        *(bool *)arg = true;
}

int main(void)
{
    struct discover *d;
    struct discover_watch *w;
    bool done = false;
    int err = discover_new(&d);
    if (!err)
        err = discover_start(d);
    if (!err)
        err = discover_watch(d, "demo/web", on_change, &done, &w);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (!err && epoll_ctl(loop, EPOLL_CTL_ADD, discover_fd(d), &event) < 0)
        err = -errno;
    while (!err && !done && epoll_wait(loop, &event, 1, -1) == 1) {
        int fault = discover_dispatch(d);
        if (fault < 0)
            fprintf(stderr, "watcher: %s\n", discover_strerror(fault)); /* it goes on by itself */
    }
    if (err < 0) {
        fprintf(stderr, "watcher: %s\n", discover_strerror(err));
        return EXIT_FAILURE;
    }
    discover_unwatch(w);
    discover_free(d);
    return EXIT_SUCCESS;
}
