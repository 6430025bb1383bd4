/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt of one instance: latency rises at once and decays; failures eject, a probe brings back. */
#include "libdiscover/balance/peer.h"

#include <string.h>

#include "tests/support/unit.h"

#define N     20
#define START INT64_C(1000000)

static struct peer peers[N];
static struct peer *all[N];

static void setup(void)
{
    memset(peers, 0, sizeof peers);
    for (size_t i = 0; i < N; i++) {
        all[i] = &peers[i];
        peers[i].id = i + 1;
    }
}

static void let_fail(struct peer *p, enum discover_outcome outcome, int times)
{
    for (int i = 0; i < times; i++)
        (void)peer_report(p, 0, 10, outcome, START);
}

static float latency_us(struct peer *p, int64_t now_ms)
{
    peers_gather(&p, 1, 1, now_ms);
    return p->latency_us;
}

static size_t review(size_t n, int64_t now_ms)
{
    int64_t due_ms;
    return peers_review(all, n, now_ms, &due_ms);
}

START_TEST(latency_rises_at_once_and_falls_over_ten_seconds)
{
    setup();
    (void)peer_report(&peers[0], 0, 1000, DISCOVER_OK, START);
    (void)peer_report(&peers[0], 0, 9000, DISCOVER_OK, START + 1);
    ck_assert_float_eq(latency_us(&peers[0], START + 1), 9000);
    (void)peer_report(&peers[0], 0, 1000, DISCOVER_OK, START + 2);
    ck_assert_float_gt(latency_us(&peers[0], START + 2), 8900);
    for (int64_t ms = 100; ms <= 40000; ms += 100)
        (void)peer_report(&peers[0], 0, 1000, DISCOVER_OK, START + ms);
    ck_assert_float_lt(latency_us(&peers[0], START + 40000), 1300);
    ck_assert_float_ge(latency_us(&peers[0], START + 40000), 1000);
}
END_TEST

START_TEST(cost_counts_calls_in_flight_and_weight)
{
    setup();
    for (size_t i = 0; i < 2; i++) {
        peer_took(&peers[i], 0);
        (void)peer_report(&peers[i], 0, 1000, DISCOVER_OK, START);
    }
    peer_took(&peers[0], 0);
    ck_assert(peer_cheaper(peer_cost(&peers[1], 0, 1, 1, START), peer_cost(&peers[0], 0, 1, 1, START)));
    ck_assert(peer_cheaper(peer_cost(&peers[0], 0, 3, 1, START), peer_cost(&peers[1], 0, 1, 1, START)));
    struct peer_cost unknown = peer_cost(&peers[2], 0, 1, 400, START);
    ck_assert_float_eq(unknown.above / unknown.below, 400);
    (void)peer_report(&peers[2], 0, 0, DISCOVER_CANCELLED, START); /* nobody picked it */
    ck_assert_float_eq(peer_cost(&peers[2], 0, 1, 400, START).above, 400);
    ck_assert_float_eq(latency_us(&peers[2], START), 0);
    peer_took(&peers[2], 0);
    ck_assert_float_eq(peer_cost(&peers[2], 0, 1, 400, START).above, 800); /* it counts from none, not from less */
}
END_TEST

START_TEST(quick_failures_do_not_make_it_attractive)
{
    setup();
    (void)peer_report(&peers[0], 0, 5000, DISCOVER_OK, START);
    let_fail(&peers[0], DISCOVER_UNREACHABLE, 1);
    ck_assert_float_eq(latency_us(&peers[0], START), 5000);
}
END_TEST

START_TEST(five_failures_or_three_vain_connects_eject)
{
    setup();
    let_fail(&peers[0], DISCOVER_FAILED, 4);
    let_fail(&peers[1], DISCOVER_UNREACHABLE, 2);
    ck_assert_uint_eq(review(N, START), 0);
    let_fail(&peers[0], DISCOVER_FAILED, 1);
    let_fail(&peers[1], DISCOVER_UNREACHABLE, 1);
    ck_assert_uint_eq(review(N, START), 2);
    let_fail(&peers[2], DISCOVER_FAILED, 4);
    (void)peer_report(&peers[2], 0, 10, DISCOVER_OK, START);
    let_fail(&peers[2], DISCOVER_FAILED, 1);
    ck_assert(!peers[2].ejected);
}
END_TEST

START_TEST(at_most_a_tenth_or_one_and_never_the_only_one)
{
    setup();
    for (size_t i = 0; i < N; i++)
        let_fail(&peers[i], DISCOVER_FAILED, 5);
    ck_assert_uint_eq(review(1, START), 0);
    ck_assert_uint_eq(review(5, START), 1);
    ck_assert_uint_eq(review(N, START), 2);
}
END_TEST

START_TEST(one_probe_decides)
{
    setup();
    let_fail(&peers[0], DISCOVER_FAILED, 5);
    int64_t due_ms;
    ck_assert_uint_eq(peers_review(all, N, START, &due_ms), 1);
    ck_assert_int_eq(due_ms, START + PEER_EJECT_MS);
    ck_assert(!peer_take_probe(&peers[0]));
    (void)review(N, due_ms);
    ck_assert(peer_take_probe(&peers[0]));
    ck_assert(!peer_take_probe(&peers[0]));
    ck_assert(peer_report(&peers[0], 0, 10, DISCOVER_FAILED, due_ms));
    int64_t now_ms = due_ms;
    ck_assert_uint_eq(peers_review(all, N, now_ms, &due_ms), 1);
    ck_assert_int_eq(due_ms, now_ms + 2 * PEER_EJECT_MS);
    (void)review(N, due_ms);
    ck_assert(peer_take_probe(&peers[0]));
    ck_assert(peer_report(&peers[0], 0, 10, DISCOVER_OK, due_ms));
    ck_assert_uint_eq(review(N, due_ms), 0);
    ck_assert_uint_eq(peers[0].ejections, 2);
    (void)review(N, due_ms + PEER_EJECT_MS);
    ck_assert_uint_eq(peers[0].ejections, 1);
}
END_TEST

START_TEST(a_probe_that_is_never_reported_is_given_to_another_call)
{
    setup();
    let_fail(&peers[0], DISCOVER_FAILED, 5);
    (void)review(N, START);
    (void)review(N, START + PEER_EJECT_MS);
    ck_assert(peer_take_probe(&peers[0]));
    (void)review(N, START + 2 * PEER_EJECT_MS - 1);
    ck_assert(!peer_take_probe(&peers[0]));
    (void)review(N, START + 2 * PEER_EJECT_MS);
    ck_assert(peer_take_probe(&peers[0]));
    (void)peer_report(&peers[0], 0, 0, DISCOVER_CANCELLED, START);
    ck_assert(peer_take_probe(&peers[0]));
}
END_TEST

START_TEST(anothers_word_is_taken_within_the_same_limits)
{
    setup();
    for (size_t i = 0; i < 3; i++)
        peer_warn(&peers[i], START + 5000, START);
    ck_assert_uint_eq(review(1, START), 0);
    ck_assert_uint_eq(review(N, START), 2);
    ck_assert(peers[0].ejected && peers[1].ejected && !peers[2].ejected);
    ck_assert(!peer_untold(&peers[0]));
    ck_assert_uint_eq(peers[0].ejections, 0);
    let_fail(&peers[9], DISCOVER_FAILED, 5); /* what fails here comes first */
    ck_assert_uint_eq(review(N, START), 2);
    ck_assert(peers[9].ejected && peer_untold(&peers[9]) && !peers[0].ejected && peers[1].ejected);
    (void)review(N, START + 5000);
    ck_assert(peer_take_probe(&peers[1])); /* its time is over: one call decides */
    (void)peer_report(&peers[1], 0, 10, DISCOVER_OK, START + 5000);
    ck_assert_uint_eq(review(N, START + 5000), 1);
    peer_warn(&peers[4], START + 2 * PEER_EJECT_MAX_MS, START);
    ck_assert_int_eq(peers[4].warned_until_ms, START + PEER_EJECT_MAX_MS);
}
END_TEST

/* Calls in flight as a lane sees them. */
static float seen_in(struct peer *p, uint32_t lane)
{
    return peer_cost(p, lane, 1, 1, START).above - 1;
}

START_TEST(lanes_hear_of_each_other_when_gathered)
{
    struct peer *p = &peers[0];
    setup();
    for (int i = 0; i < 5; i++)
        peer_took(p, 1);
    peer_took(p, 2);
    ck_assert_float_eq(seen_in(p, 1), 5);
    ck_assert_float_eq(seen_in(p, 2), 1);
    peers_gather(&p, 1, 1u << 1 | 1u << 2, START);
    ck_assert_float_eq(seen_in(p, 1), 6);
    ck_assert_float_eq(seen_in(p, 2), 6);
    (void)peer_report(p, 2, 0, DISCOVER_CANCELLED, START);
    ck_assert_float_eq(seen_in(p, 1), 6);
    ck_assert_float_eq(seen_in(p, 2), 5);
    /* picked in one lane, reported in another */
    for (int i = 0; i < 5; i++)
        (void)peer_report(p, 2, 0, DISCOVER_CANCELLED, START);
    ck_assert_float_eq(seen_in(p, 2), 0);
    peers_gather(&p, 1, 1u << 1 | 1u << 2, START);
    ck_assert_float_eq(seen_in(p, 1), 0);
    ck_assert_float_eq(seen_in(p, 2), 0);
}
END_TEST

START_TEST(the_worst_latency_of_any_lane_is_told_to_all)
{
    struct peer *p = &peers[0];
    setup();
    (void)peer_report(p, 1, 9000, DISCOVER_OK, START);
    (void)peer_report(p, 2, 1000, DISCOVER_OK, START);
    peers_gather(&p, 1, 1u << 1 | 1u << 2 | 1u << 3, START);
    ck_assert_float_eq(p->latency_us, 9000);
    for (uint32_t lane = 1; lane <= 3; lane++)
        ck_assert_float_eq(peer_cost(p, lane, 1, 1, START).above, 9000);
    /* it falls in each lane with what is heard there */
    (void)peer_report(p, 2, 1000, DISCOVER_OK, START + 20000);
    struct peer_cost cost = peer_cost(p, 2, 1, 1, START + 20000);
    ck_assert_float_lt(cost.above / cost.below, 5000);
}
END_TEST

UNIT_TESTS("peer", latency_rises_at_once_and_falls_over_ten_seconds, cost_counts_calls_in_flight_and_weight,
           quick_failures_do_not_make_it_attractive, five_failures_or_three_vain_connects_eject,
           at_most_a_tenth_or_one_and_never_the_only_one, one_probe_decides,
           a_probe_that_is_never_reported_is_given_to_another_call, anothers_word_is_taken_within_the_same_limits,
           lanes_hear_of_each_other_when_gathered, the_worst_latency_of_any_lane_is_told_to_all)
