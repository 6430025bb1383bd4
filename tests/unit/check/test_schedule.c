/* SPDX-License-Identifier: Apache-2.0 */
/* When jobs run: evenly, soon, not too many at once. */
#include "daemon/check/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define JOBS   5000
#define BIN_NS (100 * NS_PER_MS)
#define BINS   400

static struct schedule s;
static struct job jobs[JOBS];
static unsigned started[BINS], runs_of[JOBS], expired, most;
static int64_t now_ns, last_ns[JOBS], shortest_ns, longest_ns;
static bool hang; /* jobs do not end by themselves */

static void on_start(struct job *job)
{
    size_t i = (size_t)(job - jobs);
    started[now_ns / BIN_NS]++;
    if (runs_of[i]++ > 1) { /* the second run finds its place */
        shortest_ns = now_ns - last_ns[i] < shortest_ns ? now_ns - last_ns[i] : shortest_ns;
        longest_ns = now_ns - last_ns[i] > longest_ns ? now_ns - last_ns[i] : longest_ns;
    }
    last_ns[i] = now_ns;
    most = s.running > most ? s.running : most;
    if (!hang)
        schedule_ended(&s, job);
}

static void on_expired(struct job *job)
{
    ck_assert(!schedule_running(job));
    expired++;
}

static void tick(void)
{
    while (schedule_tick(&s, now_ns)) {
    }
}

static void begin(size_t n, int64_t interval_ns, uint32_t running_max)
{
    memset(started, 0, sizeof started);
    memset(runs_of, 0, sizeof runs_of);
    memset(jobs, 0, sizeof jobs);
    now_ns = expired = most = 0;
    shortest_ns = INT64_MAX;
    longest_ns = 0;
    s = (struct schedule){.ops = {on_start, on_expired}, .running_max = running_max, .placed = 4711};
    for (size_t i = 0; i < n; i++) {
        jobs[i].interval_ns = interval_ns;
        jobs[i].timeout_ns = interval_ns / 2;
        ck_assert_int_eq(schedule_add(&s, &jobs[i], now_ns), 0);
    }
}

static void run_until(int64_t end_ns)
{
    int64_t next_ns = schedule_next_ns(&s, now_ns);
    while (next_ns < end_ns) {
        ck_assert_int_ge(next_ns, now_ns);
        now_ns = next_ns;
        tick();
        next_ns = schedule_next_ns(&s, now_ns);
    }
    now_ns = end_ns;
}

static unsigned most_started(size_t from, size_t to)
{
    unsigned n = 0;
    for (size_t i = from; i < to; i++)
        n = started[i] > n ? started[i] : n;
    return n;
}

START_TEST(thousands_are_spread_evenly)
{
    begin(JOBS, 5 * NS_PER_S, 1000);
    run_until(30 * NS_PER_S);
    /* 100 of them in 100 ms are the mean. */
    ck_assert_uint_le(most_started(0, 300), 200);
    ck_assert_uint_le(most_started(150, 300), 110);
    for (size_t i = 150; i < 300; i++)
        ck_assert_uint_ge(started[i], 90);
    ck_assert_int_ge(shortest_ns, 4990 * NS_PER_MS);
    ck_assert_int_le(longest_ns, 5010 * NS_PER_MS);
    schedule_fini(&s);
}
END_TEST

START_TEST(after_a_standstill_they_come_one_after_the_other)
{
    begin(JOBS, 5 * NS_PER_S, 1000);
    run_until(15 * NS_PER_S);
    now_ns = 25 * NS_PER_S; /* the daemon was stopped */
    tick();
    run_until(38 * NS_PER_S);
    ck_assert_uint_le(most_started(250, 380), 200);
    schedule_fini(&s);
}
END_TEST

START_TEST(the_first_run_comes_soon)
{
    begin(20, 3600 * NS_PER_S, 1000);
    run_until(NS_PER_S + 50 * NS_PER_MS);
    for (size_t i = 0; i < 20; i++)
        ck_assert_uint_eq(runs_of[i], 1);
    schedule_fini(&s);
    begin(1, 100 * NS_PER_MS, 1000);
    run_until(2 * NS_PER_S);
    ck_assert_uint_ge(runs_of[0], 18);
    ck_assert_uint_le(runs_of[0], 21);
    schedule_fini(&s);
}
END_TEST

START_TEST(so_many_at_once_and_no_more)
{
    hang = true;
    begin(200, NS_PER_S, 50);
    run_until(10 * NS_PER_S);
    ck_assert_uint_eq(most, 50);
    ck_assert_uint_gt(s.delayed, 0);
    /* Each ends after half a second: 100 a second, and everyone has its turn. */
    ck_assert_uint_ge(expired, 900);
    for (size_t i = 0; i < 200; i++)
        ck_assert_uint_ge(runs_of[i], 3);
    for (size_t i = 0; i < 200; i++)
        schedule_remove(&s, &jobs[i]);
    ck_assert_uint_eq(s.running, 0);
    ck_assert_int_eq(schedule_next_ns(&s, now_ns), INT64_MAX);
    schedule_fini(&s);
    hang = false;
}
END_TEST

UNIT_TESTS("check/schedule", thousands_are_spread_evenly, after_a_standstill_they_come_one_after_the_other,
           the_first_run_comes_soon, so_many_at_once_and_no_more)
