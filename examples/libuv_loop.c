/* SPDX-License-Identifier: Apache-2.0 */
/* A watch in a libuv loop. Ends when the service has no instance any more. */
#include <discover/discover.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static void on_readable(uv_poll_t *handle, int status, int events)
{
    int fault = discover_dispatch(handle->data);
    (void)status, (void)events;
    if (fault < 0)
        fprintf(stderr, "libuv_loop: %s\n", discover_strerror(fault)); /* it goes on by itself */
}

static void on_change(void *arg, const struct discover_change *change)
{
    printf("%zu usable\n", change->n);
    fflush(stdout);
    if (change->n == 0)
        uv_stop(arg);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    struct discover *d;
    struct discover_watch *w;
    int err = discover_new(&d);
    if (!err)
        err = discover_start(d);
    if (!err)
        err = discover_watch(d, "demo/web", on_change, loop, &w);
    uv_poll_t readable = {.data = d};
    if (!err)
        err = uv_poll_init(loop, &readable, discover_fd(d));
    if (!err)
        err = uv_poll_start(&readable, UV_READABLE, on_readable);
    if (err < 0) {
        fprintf(stderr, "libuv_loop: %s\n", discover_strerror(err));
        return EXIT_FAILURE;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&readable, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    discover_unwatch(w);
    discover_free(d);
    return EXIT_SUCCESS;
}
