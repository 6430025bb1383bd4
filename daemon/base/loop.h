/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon wants of libevent's loop, in its own units: a timer at a deadline of clock_now_ns(), and a call when
 * a descriptor has something to read. Thread of the loop only.
 *
 * Nobody keeps the others waiting: what is longer than a slice goes on in the next one, behind all who wait by then.
 * So that this takes no counting of turns, the loop looks for what is urgent at least every LOOP_TURN_NS, however much
 * there is to do, and one event takes a slice (whoever does something that is longer ends it by the clock).
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "libdiscover/core/clock.h"

#define LOOP_TURN_NS  NS_PER_MS
#define LOOP_SLICE_NS (200 * NS_PER_US)

struct event;
struct event_base;

typedef void loop_fn(void *arg);

struct loop_timer {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

/* A loop as above. NULL: no memory. The caller frees it with loop_free, after everything that is on it. */
struct event_base *loop_new(void);
void loop_free(struct event_base *base); /* NULL: nothing happens */

/* loop_slice_begin begins a slice now; loop_slice_over: whether it has used up its time. */
struct loop_slice {
    int64_t until_ns;
};
static inline struct loop_slice loop_slice_begin(void)
{
    return (struct loop_slice){clock_now_ns() + LOOP_SLICE_NS};
}
static inline bool loop_slice_over(const struct loop_slice *s)
{
    return clock_now_ns() >= s->until_ns;
}

/* Not armed. t must stay where it is until loop_timer_fini. -ENOMEM. */
int loop_timer_init(struct loop_timer *t, struct event_base *base, loop_fn *fn, void *arg);
void loop_timer_fini(struct loop_timer *t);

/* Calls fn once at the deadline (at once if it has passed) instead of what was armed before; INT64_MAX: never. */
void loop_timer_arm(struct loop_timer *t, int64_t deadline_ns, int64_t now_ns);

/* Comes before everything that is not urgent. Right after loop_timer_init. */
void loop_timer_urgent(struct loop_timer *t);

struct loop_watch {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

/* Calls fn whenever fd is readable. w must stay where it is until loop_watch_fini; the fd stays the caller's. */
int loop_watch_init(struct loop_watch *w, struct event_base *base, int fd, loop_fn *fn, void *arg);
void loop_watch_fini(struct loop_watch *w);

#endif
