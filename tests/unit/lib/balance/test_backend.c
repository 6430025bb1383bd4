/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt of one instance: calls in flight by lane, latency from all lanes, failures in a row. */
#include "libdiscover/balance/backend.h"

#include <string.h>

#include "tests/support/unit.h"

#define START   INT64_C(1000000)
#define TYPICAL 1000.0f

static struct backend backend;
static struct backend *all[] = {&backend};

static void setup(void)
{
    memset(&backend, 0, sizeof backend);
}

static bool report(uint32_t lane, uint32_t latency_us, enum discover_outcome outcome, int64_t now_ms)
{
    return backend_report(&backend, lane, latency_us, outcome, TYPICAL, now_ms);
}

static float latency_us(int64_t now_ms)
{
    size_t n_known;
    (void)backends_gather(all, 1, now_ms, &n_known);
    return backend_latency_us(&backend);
}

START_TEST(latency_is_a_mean_that_one_call_does_not_decide)
{
    ck_assert_float_eq(latency_us(START), 0);
    for (int i = 0; i < 100; i++)
        (void)report(0, 1000, DISCOVER_OK, START + 100 * i);
    int64_t now_ms = START + 10000;
    ck_assert_float_eq_tol(latency_us(now_ms), 1000, 1);
    (void)report(0, 9000, DISCOVER_OK, now_ms);
    ck_assert_float_gt(latency_us(now_ms), 1500);
    ck_assert_float_lt(latency_us(now_ms), 2001);
}
END_TEST

START_TEST(a_stall_is_forgotten_by_half_every_three_seconds)
{
    (void)report(0, 1001000, DISCOVER_OK, START); /* the first of all */
    (void)report(0, 1000, DISCOVER_OK, START + 10 * BACKEND_HALF_LIFE_MS);
    ck_assert_float_lt(latency_us(START + 10 * BACKEND_HALF_LIFE_MS), 2000);
}
END_TEST

START_TEST(quick_failures_do_not_make_it_attractive)
{
    (void)report(0, 5000, DISCOVER_OK, START);
    float before_us = latency_us(START);
    (void)report(0, 10, DISCOVER_UNREACHABLE, START);
    ck_assert_float_eq(latency_us(START), before_us);
    (void)report(0, 50000, DISCOVER_FAILED, START + 1000);
    ck_assert_float_gt(latency_us(START + 1000), before_us);
}
END_TEST

START_TEST(five_failures_or_three_vain_connects_in_a_row_tell)
{
    for (int i = 0; i < 4; i++)
        ck_assert(!report(0, 10, DISCOVER_FAILED, START));
    ck_assert(!backend_is_failing(&backend));
    ck_assert(!report(0, 10, DISCOVER_OK, START));
    for (int i = 0; i < 4; i++)
        ck_assert(!report(0, 10, DISCOVER_FAILED, START));
    ck_assert(report(0, 10, DISCOVER_FAILED, START));
    ck_assert(backend_is_failing(&backend));
    ck_assert(!report(0, 10, DISCOVER_FAILED, START)); /* it is known by now */
    setup();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(report(0, 10, DISCOVER_UNREACHABLE, START), i == 2);
}
END_TEST

START_TEST(a_much_longer_latency_is_news_once)
{
    ck_assert(!report(0, 1000, DISCOVER_OK, START));
    ck_assert(report(0, 900000, DISCOVER_OK, START));
    (void)latency_us(START);
    ck_assert(!report(0, 1000, DISCOVER_OK, START));
}
END_TEST

START_TEST(a_lane_counts_its_own_calls)
{
    for (int i = 0; i < 5; i++)
        backend_took(&backend, 1);
    ck_assert_int_eq(backend_in_flight(&backend, 1), 5);
    ck_assert_int_eq(backend_in_flight(&backend, 2), 0);
    ck_assert(!backends_cross_lanes(all, 1));
    (void)report(2, 0, DISCOVER_CANCELLED, START); /* picked in one lane, reported in another */
    ck_assert(backends_cross_lanes(all, 1));
    backends_fold_lanes(all, 1);
    ck_assert_int_eq(backend_in_flight(&backend, 0), 4);
    for (int i = 0; i < 9; i++) /* reported without a pick */
        (void)report(0, 0, DISCOVER_CANCELLED, START);
    ck_assert_int_eq(backend_in_flight(&backend, 0), 0);
    backends_fold_lanes(all, 1);
    backend_took(&backend, 0);
    ck_assert_int_eq(backend_in_flight(&backend, 0), 1);
    ck_assert_float_eq(latency_us(START), 0); /* what was cancelled tells nothing */
}
END_TEST

START_TEST(latency_is_gathered_from_all_lanes)
{
    (void)report(1, 17000, DISCOVER_OK, START);
    ck_assert_float_eq_tol(latency_us(START), 3000, 1); /* an eighth of what is new */
    (void)report(2, 1000, DISCOVER_OK, START);
    ck_assert_float_eq_tol(latency_us(START), 2000, 1);
    (void)report(3, 1000, DISCOVER_OK, START + 60000); /* the others' is old */
    ck_assert_float_eq_tol(latency_us(START + 60000), 1000, 10);
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "backend", latency_is_a_mean_that_one_call_does_not_decide,
              a_stall_is_forgotten_by_half_every_three_seconds, quick_failures_do_not_make_it_attractive,
              five_failures_or_three_vain_connects_in_a_row_tell, a_much_longer_latency_is_news_once,
              a_lane_counts_its_own_calls, latency_is_gathered_from_all_lanes)
