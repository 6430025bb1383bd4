/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets no calls, for how long, and how it comes back. */
#include "libdiscover/balance/outliers.h"

#include <string.h>

#include "tests/support/unit.h"

#define N     20
#define START INT64_C(1000000)

static struct backend backends[N];
static struct backend *all[N];
static int64_t due_ms;

static void all_serve(void)
{
    memset(backends, 0, sizeof backends);
    for (size_t i = 0; i < N; i++) {
        all[i] = &backends[i];
        backends[i].id = i + 1;
    }
}

static void report(size_t i, enum discover_outcome outcome, int64_t now_ms)
{
    (void)backend_report(&backends[i], 0, 10, outcome, 1000.0f, now_ms);
}

static void let_fail(size_t i, int times)
{
    for (int k = 0; k < times; k++)
        report(i, DISCOVER_FAILED, START);
}

static size_t count(enum backend_standing standing)
{
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        n += backends[i].standing == standing;
    return n;
}

static void review(size_t n, int64_t now_ms)
{
    uint32_t end = (uint32_t)n;
    size_t n_known;
    (void)backends_gather(all, n, now_ms, &n_known);
    outliers_review(all, n, &end, 1, now_ms, &due_ms);
}

START_TEST(a_tenth_or_one_is_ejected_and_further_ones_are_tried_soon)
{
    for (size_t i = 0; i < 5; i++)
        let_fail(i, 5);
    review(N, START);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 2);
    ck_assert_uint_eq(count(BACKEND_FAILING), 3);
    ck_assert_int_eq(due_ms, START + PROBE_MS);
    all_serve();
    let_fail(0, 5);
    review(1, START);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 0); /* never the only one */
    all_serve();
    let_fail(0, 5);
    let_fail(1, 5);
    review(5, START);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 1);
}
END_TEST

START_TEST(tries_of_further_ones_come_less_and_less_often)
{
    for (size_t i = 0; i < 3; i++)
        let_fail(i, 5);
    review(N, START);
    int64_t now_ms = START;
    for (int64_t span_ms = PROBE_MS; span_ms <= PROBE_MAX_MS; span_ms *= 2) {
        ck_assert_int_eq(backends[2].until_ms, now_ms + span_ms);
        now_ms = backends[2].until_ms;
        review(N, now_ms);
        ck_assert(backend_take_probe(&backends[2]));
        report(2, DISCOVER_FAILED, now_ms);
        review(N, now_ms);
    }
    ck_assert_int_eq(backends[2].until_ms, now_ms + PROBE_MAX_MS);
}
END_TEST

START_TEST(ejected_ones_are_tried_soon_when_less_than_half_serve)
{
    for (size_t i = 0; i < 3; i++)
        let_fail(i, 5);
    review(4, START);
    ck_assert_int_eq(backends[0].standing, BACKEND_EJECTED);
    ck_assert_int_eq(backends[0].until_ms, START + PROBE_MS);
}
END_TEST

START_TEST(one_probe_decides)
{
    let_fail(0, 5);
    review(N, START);
    ck_assert_int_eq(due_ms, START + EJECT_MS);
    ck_assert(!backend_take_probe(&backends[0]));
    int64_t now_ms = due_ms;
    review(N, now_ms);
    ck_assert(backend_take_probe(&backends[0]));
    ck_assert(!backend_take_probe(&backends[0]));
    ck_assert(backend_report(&backends[0], 0, 10, DISCOVER_FAILED, 1000, now_ms));
    review(N, now_ms);
    ck_assert_int_eq(due_ms, now_ms + 2 * EJECT_MS);
    now_ms = due_ms;
    review(N, now_ms);
    ck_assert(backend_take_probe(&backends[0]));
    ck_assert(backend_report(&backends[0], 0, 10, DISCOVER_OK, 1000, now_ms));
    review(N, now_ms);
    ck_assert_int_eq(backends[0].standing, BACKEND_SERVES);
    ck_assert_int_eq(backends[0].since_ms, now_ms); /* it starts slowly */
    ck_assert_uint_eq(backends[0].ejections, 2);
    review(N, now_ms + EJECT_MS);
    ck_assert_uint_eq(backends[0].ejections, 1);
}
END_TEST

START_TEST(a_probe_that_is_never_reported_is_given_to_another_call)
{
    let_fail(0, 5);
    review(N, START);
    review(N, START + EJECT_MS);
    ck_assert(backend_take_probe(&backends[0]));
    review(N, START + 2 * EJECT_MS - 1);
    ck_assert(!backend_take_probe(&backends[0]));
    review(N, START + 2 * EJECT_MS);
    ck_assert(backend_take_probe(&backends[0]));
    report(0, DISCOVER_CANCELLED, START);
    ck_assert(backend_take_probe(&backends[0]));
}
END_TEST

START_TEST(anothers_word_is_taken_within_the_same_limits)
{
    for (size_t i = 0; i < 3; i++)
        outlier_warn(&backends[i], START + 5000, START);
    review(1, START);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 0);
    review(N, START);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 2);
    ck_assert_int_eq(backends[2].standing, BACKEND_SERVES);
    ck_assert(!outlier_is_unreported(&backends[0]));
    ck_assert_uint_eq(backends[0].ejections, 0);
    let_fail(9, 5); /* what fails here comes first */
    review(N, START);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 2);
    ck_assert_int_eq(backends[0].standing, BACKEND_SERVES);
    ck_assert(outlier_is_unreported(&backends[9]) && backends[1].standing == BACKEND_EJECTED);
    review(N, START + 5000);
    ck_assert(backend_take_probe(&backends[1])); /* its time is over: one call decides */
    report(1, DISCOVER_OK, START + 5000);
    review(N, START + 5000);
    ck_assert_uint_eq(count(BACKEND_EJECTED), 1);
    outlier_warn(&backends[4], START + 2 * EJECT_MAX_MS, START);
    ck_assert_int_eq(backends[4].warned_until_ms, START + EJECT_MAX_MS);
}
END_TEST

static void review_groups(int64_t now_ms)
{
    const uint32_t ends[] = {8, N};
    size_t n_known;
    (void)backends_gather(all, N, now_ms, &n_known);
    outliers_review(all, N, ends, 2, now_ms, &due_ms);
}

START_TEST(a_group_is_out_when_several_fail_in_a_row)
{
    for (size_t i = 0; i < N; i++)
        report(i, DISCOVER_OK, START - 10);
    for (size_t i = 0; i < 3; i++)
        report(i, DISCOVER_UNREACHABLE, START);
    review_groups(START);
    ck_assert_uint_eq(count(BACKEND_FAILING), 8);
    review_groups(START + PROBE_MS);
    ck_assert(backend_take_probe(&backends[7]));
    report(7, DISCOVER_OK, START + PROBE_MS);
    review_groups(START + PROBE_MS);
    ck_assert_uint_eq(count(BACKEND_SERVES), N);
}
END_TEST

START_TEST(a_group_is_not_out_when_one_of_it_succeeds_or_one_alone_fails)
{
    for (size_t i = 0; i < 3; i++)
        report(i, DISCOVER_UNREACHABLE, START);
    report(7, DISCOVER_OK, START + 1);
    review_groups(START + 1);
    ck_assert_uint_eq(count(BACKEND_SERVES), N);
    all_serve();
    for (size_t i = 0; i < 3; i++)
        report(0, DISCOVER_UNREACHABLE, START);
    review_groups(START);
    ck_assert_uint_eq(count(BACKEND_SERVES), N - 1);
}
END_TEST

START_TEST(the_last_group_is_not_out)
{
    for (size_t i = 0; i < 3; i++)
        report(i, DISCOVER_UNREACHABLE, START);
    review(N, START);
    ck_assert_uint_eq(count(BACKEND_SERVES), N);
}
END_TEST

UNIT_TESTS_IN(all_serve, NULL, "outliers", a_tenth_or_one_is_ejected_and_further_ones_are_tried_soon,
              tries_of_further_ones_come_less_and_less_often, ejected_ones_are_tried_soon_when_less_than_half_serve,
              one_probe_decides, a_probe_that_is_never_reported_is_given_to_another_call,
              anothers_word_is_taken_within_the_same_limits, a_group_is_out_when_several_fail_in_a_row,
              a_group_is_not_out_when_one_of_it_succeeds_or_one_alone_fails, the_last_group_is_not_out)
