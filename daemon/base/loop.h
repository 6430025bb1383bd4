/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two things the daemon wants of libevent's loop, in its own units: a timer at a deadline of clock_now_ns(), and
 * a call when a descriptor has something to read. Thread of the loop only.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

struct event;
struct event_base;

typedef void loop_fn(void *arg);

struct loop_timer {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

/* Not armed. t must stay where it is until loop_timer_fini. -ENOMEM. */
int loop_timer_init(struct loop_timer *t, struct event_base *base, loop_fn *fn, void *arg);
void loop_timer_fini(struct loop_timer *t);

/* Calls fn once at the deadline (at once if it has passed) instead of what was armed before; INT64_MAX: never. */
void loop_timer_arm(struct loop_timer *t, int64_t deadline_ns, int64_t now_ns);

struct loop_watch {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

/* Calls fn whenever fd is readable. w must stay where it is until loop_watch_fini; the fd stays the caller's. */
int loop_watch_init(struct loop_watch *w, struct event_base *base, int fd, loop_fn *fn, void *arg);
void loop_watch_fini(struct loop_watch *w);

#endif
