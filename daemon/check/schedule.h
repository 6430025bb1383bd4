/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each of thousands of jobs runs. Each has a place of its own within its interval, so that they are spread evenly
 * whatever is added when; the first run comes within a second. How many are started in a short while is limited to about
 * twice the mean, also when many are due at once (a start, a daemon that was stopped), and so is how many are under way: what
 * waits is started in the order in which it was due. Pure: time comes in. Main thread.
 */
#ifndef CHECK_SCHEDULE_H
#define CHECK_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/deadlines.h"

struct job {
    struct deadline due;  /* the next run */
    struct deadline late; /* of the run under way: when its time is up */
    int64_t interval_ns, timeout_ns;
    int64_t place_ns; /* within the interval */
};

struct schedule_ops {
    void *arg;
    void (*start)(void *arg, struct job *job);   /* schedule_ended follows, perhaps within */
    void (*expired)(void *arg, struct job *job); /* its time is up, and it has ended by that */
};

struct schedule {
    struct schedule_ops ops;
    struct deadlines due, late;
    uint32_t running, running_max;
    uint64_t jobs, placed; /* placed: jobs that were ever added, which decides about the places */
    double per_second;     /* runs, in the mean */
    double credit;         /* runs that may be started now */
    int64_t credited_ns;
    uint64_t delayed; /* runs that had to wait because too many were under way */
};

/* seed: a random number, so that hosts do not check in step. */
void schedule_init(struct schedule *s, const struct schedule_ops *ops, uint32_t running_max, uint64_t seed);
void schedule_fini(struct schedule *s);

/* interval_ns and timeout_ns are set. -ENOMEM. */
int schedule_add(struct schedule *s, struct job *job, int64_t now_ns);
void schedule_remove(struct schedule *s, struct job *job); /* also in the middle of a run, of which nothing is said */

bool schedule_running(const struct job *job);

/* The run has ended. */
void schedule_ended(struct schedule *s, struct job *job);

/*
 * Does what is due, until over(arg) is true, which is asked after each start. Returns when it wants to be called next:
 * INT64_MAX for never.
 */
int64_t schedule_tick(struct schedule *s, int64_t now_ns, bool (*over)(void *arg), void *arg);
int64_t schedule_next_ns(const struct schedule *s, int64_t now_ns);

#endif
