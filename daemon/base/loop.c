/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and watches on libevent's loop. */
#include "daemon/base/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "daemon/base/loop_meter.h"

enum { URGENT, ORDINARY, PRIORITIES }; /* libevent gives a new event the middle one: ORDINARY */

struct event_base *loop_new(void)
{
    static const struct timeval turn = {.tv_usec = LOOP_TURN_NS / NS_PER_US};
    struct event_config *config = event_config_new();
    if (!config)
        return NULL;
    struct event_base *base = NULL;
    /* Without it libevent's clock goes in steps of up to 4 ms. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0 &&
        event_config_set_max_dispatch_interval(config, &turn, -1, ORDINARY) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    if (base && event_base_priority_init(base, PRIORITIES) < 0) {
        event_base_free(base);
        base = NULL;
    }
    return base;
}

/*
 * libevent's own event_base_free drops calls that bufferevents have put off, and with each the bufferevent, if such a call
 * was the last to know of it (2.1.12): they have their turn first. What they put off in turn ends in the same way.
 */
void loop_free(struct event_base *base)
{
    enum { TURNS_MAX = 16 };
    if (!base)
        return;
    for (int i = 0; i < TURNS_MAX && event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE) > 0; i++)
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    const struct loop_timer *t = arg;
    (void)fd, (void)what;
    loop_meter_enter();
    t->fn(t->arg);
    loop_meter_leave();
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

void loop_timer_urgent(struct loop_timer *t)
{
    (void)event_priority_set(t->event, URGENT); /* fails only while its callback is due to run */
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
    loop_meter_enter();
    w->fn(w->arg);
    loop_meter_leave();
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
