/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt of one instance: latency rises at once and decays; failures eject, a probe brings back. */
#include "libdiscover/peer.h"

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
        (void)peer_report(p, 10, outcome, START);
}

static size_t review(size_t n, int64_t now_ms)
{
    int64_t due_ms;
    return peers_review(all, n, now_ms, &due_ms);
}

START_TEST(latency_rises_at_once_and_falls_over_ten_seconds)
{
    setup();
    (void)peer_report(&peers[0], 1000, DISCOVER_OK, START);
    (void)peer_report(&peers[0], 9000, DISCOVER_OK, START + 1);
    ck_assert_float_eq(peer_latency_us(&peers[0], START + 1), 9000);
    (void)peer_report(&peers[0], 1000, DISCOVER_OK, START + 2);
    ck_assert_float_gt(peer_latency_us(&peers[0], START + 2), 8900);
    for (int64_t ms = 100; ms <= 40000; ms += 100)
        (void)peer_report(&peers[0], 1000, DISCOVER_OK, START + ms);
    ck_assert_float_lt(peer_latency_us(&peers[0], START + 40000), 1300);
    ck_assert_float_ge(peer_latency_us(&peers[0], START + 40000), 1000);
}
END_TEST

START_TEST(cost_counts_calls_in_flight_and_weight)
{
    setup();
    (void)peer_report(&peers[0], 1000, DISCOVER_OK, START);
    (void)peer_report(&peers[1], 1000, DISCOVER_OK, START);
    peer_took(&peers[0]);
    ck_assert(peer_cheaper(peer_cost(&peers[1], 1, 1, START), peer_cost(&peers[0], 1, 1, START)));
    ck_assert(peer_cheaper(peer_cost(&peers[0], 3, 1, START), peer_cost(&peers[1], 1, 1, START)));
    struct peer_cost unknown = peer_cost(&peers[2], 1, 400, START);
    ck_assert_float_eq(unknown.above / unknown.below, 400);
    (void)peer_report(&peers[2], 0, DISCOVER_CANCELLED, START); /* nobody picked it */
    ck_assert_uint_eq(peers[2].in_flight, 0);
    ck_assert_uint_eq(peers[2].heard, 0);
}
END_TEST

START_TEST(quick_failures_do_not_make_it_attractive)
{
    setup();
    (void)peer_report(&peers[0], 5000, DISCOVER_OK, START);
    let_fail(&peers[0], DISCOVER_UNREACHABLE, 1);
    ck_assert_float_eq(peer_latency_us(&peers[0], START), 5000);
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
    (void)peer_report(&peers[2], 10, DISCOVER_OK, START);
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
    ck_assert(peer_report(&peers[0], 10, DISCOVER_FAILED, due_ms));
    int64_t now_ms = due_ms;
    ck_assert_uint_eq(peers_review(all, N, now_ms, &due_ms), 1);
    ck_assert_int_eq(due_ms, now_ms + 2 * PEER_EJECT_MS);
    (void)review(N, due_ms);
    ck_assert(peer_take_probe(&peers[0]));
    ck_assert(peer_report(&peers[0], 10, DISCOVER_OK, due_ms));
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
    (void)peer_report(&peers[0], 0, DISCOVER_CANCELLED, START);
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
    (void)peer_report(&peers[1], 10, DISCOVER_OK, START + 5000);
    ck_assert_uint_eq(review(N, START + 5000), 1);
    peer_warn(&peers[4], START + 2 * PEER_EJECT_MAX_MS, START);
    ck_assert_int_eq(peers[4].warned_until_ms, START + PEER_EJECT_MAX_MS);
}
END_TEST

UNIT_TESTS("peer", latency_rises_at_once_and_falls_over_ten_seconds, cost_counts_calls_in_flight_and_weight,
           quick_failures_do_not_make_it_attractive, five_failures_or_three_vain_connects_eject,
           at_most_a_tenth_or_one_and_never_the_only_one, one_probe_decides,
           a_probe_that_is_never_reported_is_given_to_another_call, anothers_word_is_taken_within_the_same_limits)
