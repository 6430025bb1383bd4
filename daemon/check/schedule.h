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
#include "daemon/base/pace.h"

struct job {
    struct deadline due;  /* when the next run is */
    struct deadline late; /* when the time of the run under way is up */
    int64_t interval_ns, timeout_ns;
    int64_t place_ns; /* within the interval: where its runs begin */
};

struct schedule_ops {
    void (*start)(struct job *job);   /* begins a run; schedule_ended follows, perhaps from within */
    void (*expired)(struct job *job); /* the run's time is up: it has ended, and schedule_ended does not follow */
};

/* In the beginning, all zeros but ops, running_max, and placed: a random number, so that hosts do not check in step. */
struct schedule {
    struct schedule_ops ops;
    struct deadlines due, late;
    uint32_t running, running_max;
    uint64_t jobs, placed; /* placed: number of jobs ever added, by which places are chosen */
    double per_second;     /* runs in the mean */
    struct pace starts;
    uint64_t delayed; /* runs that had to wait because too many were under way */
};

void schedule_fini(struct schedule *s);

/* Adds a job whose interval_ns and timeout_ns are set; it stays the caller's, and where it is. -ENOMEM. */
int schedule_add(struct schedule *s, struct job *job, int64_t now_ns);
void schedule_remove(struct schedule *s, struct job *job); /* also in the middle of a run: expired does not follow */

bool schedule_running(const struct job *job);

/* A run that start has begun has ended. */
void schedule_ended(struct schedule *s, struct job *job);

/* Ends runs whose time is up, and starts one job that is due. Returns false if none was started. */
bool schedule_tick(struct schedule *s, int64_t now_ns);

/* When to call schedule_tick next; INT64_MAX: there are no jobs. */
int64_t schedule_next_ns(const struct schedule *s, int64_t now_ns);

#endif
