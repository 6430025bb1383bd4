/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether all threads that matter get on. Each counts its turns; whoever waits for work turns a few times a second all the same,
 * so that one that hangs, in its work or in its waiting, is seen by its count standing still.
 *
 * struct progress is the thread's to write and the main thread's to read; struct watchdog is the main thread's.
 */
#ifndef BASE_WATCHDOG_H
#define BASE_WATCHDOG_H

#include <stdatomic.h>
#include <stdint.h>

#include "libdiscover/core/clock.h"

/* How long a thread may wait for work before it turns. */
#define PROGRESS_WAIT_NS (250 * NS_PER_MS)

struct progress {
    _Atomic uint64_t turns;
    _Atomic int64_t away_until_ns; /* a call that has a limit of its own takes until then, at the longest; 0: none */

    char name[16];
    uint64_t seen; /* the main thread's, as all below */
    int64_t seen_ns;
    struct progress *next;
};

/* The thread's own: it got on. */
static inline void progress_turn(struct progress *p)
{
    uint64_t turns = atomic_load_explicit(&p->turns, memory_order_relaxed);
    atomic_store_explicit(&p->turns, turns + 1, memory_order_relaxed);
}

/* Around a call that may take longer than a turn should, and ends by itself. */
static inline void progress_away(struct progress *p, int64_t longest_ns)
{
    atomic_store_explicit(&p->away_until_ns, clock_now_ns() + longest_ns, memory_order_relaxed);
}
static inline void progress_back(struct progress *p)
{
    progress_turn(p);
    atomic_store_explicit(&p->away_until_ns, 0, memory_order_relaxed);
}

struct watchdog {
    int64_t timeout_ns; /* how long a thread may go without a turn */
    struct progress *threads;
};

/* From its start until its end. w NULL: nobody watches. */
void watchdog_watch(struct watchdog *w, struct progress *p, const char *name);
void watchdog_unwatch(struct watchdog *w, struct progress *p);

/* The thread that has not turned for longest, if that is longer than it may be; NULL: all get on. */
const struct progress *watchdog_stuck(struct watchdog *w, int64_t now_ns);

#endif
