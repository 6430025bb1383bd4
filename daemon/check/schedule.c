/* SPDX-License-Identifier: Apache-2.0 */
/* When each of thousands of jobs runs. */
#include "daemon/check/schedule.h"

#include <stddef.h>

#include "libdiscover/core/clock.h"

/* jobs due within this time are started together, rather than one in each turn of the loop */
#define SLACK_NS       (4 * NS_PER_MS)
#define FIRST_MAX_NS   NS_PER_S
#define FEW_PER_SECOND 100.0 /* so few starts a second may come in any order */
#define BURST_MIN      5.0

/*
 * In any 100 ms at most twice the mean is started: what was saved up (0.4 of the mean of 100 ms) and what comes in (1.5
 * of it).
 */
#define PACE       1.5
#define BURST_S    0.04
#define GOLDEN_U64 UINT64_C(0x9e3779b97f4a7c15) /* 2^64 by the golden ratio: multiples of it divide the circle evenly */

static struct job *job_due(struct deadline *d)
{
    return (struct job *)((char *)d - offsetof(struct job, due));
}

static struct job *job_late(struct deadline *d)
{
    return (struct job *)((char *)d - offsetof(struct job, late));
}

void schedule_fini(struct schedule *s)
{
    deadlines_fini(&s->due);
    deadlines_fini(&s->late);
}

/* A job comes or goes, with so many runs a second. */
static void change_pace(struct schedule *s, double runs)
{
    s->per_second += runs;
    double a_second = PACE * s->per_second, burst = BURST_S * s->per_second;
    s->starts.every_ns = (int64_t)(NS_PER_S / (a_second > FEW_PER_SECOND ? a_second : FEW_PER_SECOND));
    s->starts.burst = (unsigned)(burst > BURST_MIN ? burst : BURST_MIN);
}

static double runs_a_second(const struct job *job)
{
    return (double)NS_PER_S / (double)job->interval_ns;
}

int schedule_add(struct schedule *s, struct job *job, int64_t now_ns)
{
    int err = deadlines_reserve(&s->due, s->jobs + 1);
    if (!err)
        err = deadlines_reserve(&s->late, s->jobs + 1);
    if (err)
        return err;
    uint64_t place = ++s->placed * GOLDEN_U64;
    int64_t first_ns = job->interval_ns < FIRST_MAX_NS ? job->interval_ns : FIRST_MAX_NS;
    job->place_ns = (int64_t)((double)place / 0x1p64 * (double)job->interval_ns);
    s->jobs++;
    change_pace(s, runs_a_second(job));
    deadlines_set(&s->due, &job->due, now_ns + (int64_t)((double)place / 0x1p64 * (double)first_ns));
    return 0;
}

void schedule_ended(struct schedule *s, struct job *job)
{
    if (!schedule_running(job))
        return;
    deadlines_clear(&s->late, &job->late);
    s->running--;
}

void schedule_remove(struct schedule *s, struct job *job)
{
    if (!job->due.slot)
        return;
    schedule_ended(s, job);
    deadlines_clear(&s->due, &job->due);
    s->jobs--;
    change_pace(s, -runs_a_second(job));
}

bool schedule_running(const struct job *job)
{
    return job->late.slot != 0;
}

/* The job's next place that is more than half an interval away, as the first run may be anywhere between its places. */
static int64_t next_place(const struct job *job, int64_t now_ns)
{
    int64_t from_ns = now_ns + job->interval_ns / 2, past_ns = (from_ns - job->place_ns) % job->interval_ns;
    if (past_ns < 0)
        past_ns += job->interval_ns;
    return from_ns + job->interval_ns - past_ns;
}

static void start(struct schedule *s, struct job *job, int64_t now_ns)
{
    deadlines_set(&s->due, &job->due, next_place(job, now_ns));
    if (schedule_running(job))
        return; /* the last run was started so late that it is still under way */
    (void)pace_take(&s->starts, now_ns);
    s->running++;
    deadlines_set(&s->late, &job->late, now_ns + job->timeout_ns);
    s->ops.start(job);
}

static void expire(struct schedule *s, int64_t now_ns)
{
    struct deadline *first;
    while ((first = deadlines_first(&s->late)) && first->at_ns <= now_ns) {
        struct job *job = job_late(first);
        schedule_ended(s, job);
        s->ops.expired(job);
    }
}

bool schedule_tick(struct schedule *s, int64_t now_ns)
{
    expire(s, now_ns);
    struct deadline *first = deadlines_first(&s->due);
    bool due = first && first->at_ns <= now_ns && pace_wait_ns(&s->starts, now_ns) == 0,
         room = s->running < s->running_max;
    s->delayed += due && !room;
    if (due && room)
        start(s, job_due(first), now_ns);
    return due && room;
}

int64_t schedule_next_ns(const struct schedule *s, int64_t now_ns)
{
    int64_t late_ns = deadlines_next_ns(&s->late), due_ns = deadlines_next_ns(&s->due);
    if (s->running >= s->running_max)
        return late_ns;
    if (due_ns != INT64_MAX)
        due_ns += SLACK_NS - due_ns % SLACK_NS;
    if (due_ns <= now_ns)
        due_ns = now_ns + pace_wait_ns(&s->starts, now_ns);
    return due_ns < late_ns ? due_ns : late_ns;
}
