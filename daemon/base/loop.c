/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and watches on libevent's loop. */
#include "daemon/base/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    const struct loop_timer *t = arg;
    (void)fd, (void)what;
    t->fn(t->arg);
}

int loop_timer_init(struct loop_timer *t, struct event_base *base, loop_fn *fn, void *arg)
{
    t->fn = fn;
    t->arg = arg;
    t->event = event_new(base, -1, 0, on_timer, t);
    return t->event ? 0 : -ENOMEM;
}

void loop_timer_fini(struct loop_timer *t)
{
    if (t->event)
        event_free(t->event);
    t->event = NULL;
}

void loop_timer_arm(struct loop_timer *t, int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns == INT64_MAX) {
        (void)event_del(t->event);
        return;
    }
    /* Rounded up: a timer that is early by part of a microsecond would be armed again and again. */
    int64_t wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    int64_t us = wait_ns / NS_PER_US + (wait_ns % NS_PER_US != 0);
    struct timeval tv = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    if (event_add(t->event, &tv) < 0)
        abort(); /* not even memory for a pointer: without its timers the daemon would only look alive */
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    const struct loop_watch *w = arg;
    (void)fd, (void)what;
    w->fn(w->arg);
}

int loop_watch_init(struct loop_watch *w, struct event_base *base, int fd, loop_fn *fn, void *arg)
{
    w->fn = fn;
    w->arg = arg;
    w->event = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, w);
    if (!w->event)
        return -ENOMEM;
    if (event_add(w->event, NULL) < 0) {
        loop_watch_fini(w);
        return -EIO;
    }
    return 0;
}

void loop_watch_fini(struct loop_watch *w)
{
    if (w->event)
        event_free(w->event);
    w->event = NULL;
}
