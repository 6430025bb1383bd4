/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long one event keeps the loop: nothing else happens meanwhile, so this bounds how late everything else is. By the
 * clock, and by what of it the thread was running for: the rest it waited, for a disk or for its share of a processor.
 *
 * There is one loop a thread, and its callbacks know nothing of each other: so the meter is the thread's. Timers and
 * watches of loop.h are measured by themselves; whoever takes events from libevent directly puts loop_meter_enter and
 * loop_meter_leave around what it does with one. They nest.
 */
#ifndef BASE_LOOP_METER_H
#define BASE_LOOP_METER_H

#include "daemon/base/metrics.h"
#include "daemon/base/recent_max.h"

struct loop_meter {
    metric_value longest_us, work_us, slow;
    struct histogram turns;
    struct recent_max longest, work;
    int64_t began_ns, work_began_ns;
    unsigned depth;
};

/* This thread's meter from now on, until another one is; NULL: none. m stays the caller's. */
void loop_meter_use(struct loop_meter *m);

void loop_meter_enter(void);
void loop_meter_leave(void);

/* -ENOMEM. m must outlive metrics. */
int loop_meter_add_metrics(struct loop_meter *m, struct metrics *metrics);

#endif
