/* SPDX-License-Identifier: Apache-2.0 */
/* What is observed under our keys: our own echoes, early and late, and what is not ours. */
#include "daemon/agent/publisher.h"

#include <stdio.h>

#include "tests/unit/agent/publisher_stage.h"

static void answer(const struct flight *f, int64_t now_ns)
{
    publisher_answer(w, f->token, 0, f->seq, RTT, now_ns);
}

START_TEST(orphan_is_deleted_at_once)
{
    observe(A, EPOCH - 1, 5, 0);
    ck_assert_uint_eq(publisher_stats(w).records, 1);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(A, EPOCH - 1, 5));
    (void)publisher_tick(w, 0);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    settle(0);
    ck_assert_uint_eq(metric_get(&counted.orphans), 1);
    ck_assert_uint_eq(publisher_stats(w).digest, 0);
}
END_TEST

/* The live feed lags behind the acknowledgements: echoes of what was are no orphans. */
START_TEST(late_echoes_cause_no_traffic)
{
    uint64_t first = put(A, 80, 0);
    settle(0);
    take_away(A, 0);
    settle(0);
    observe_at(1, A, EPOCH, first, 1);
    observe_at(2, A, 0, 0, 2);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);

    uint64_t older = put(B, 80, 3);
    settle(3);
    uint64_t newer = put(B, 81, 3);
    settle(3);
    observe_at(3, B, EPOCH, older, 4);
    observe_at(4, B, EPOCH, newer, 5);
    (void)publisher_tick(w, 10 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(B, EPOCH, newer));
}
END_TEST

/* Registered, taken away, registered again, all before the first of its echoes. */
START_TEST(echo_of_a_deletion_costs_nothing)
{
    (void)put(A, 80, 0);
    settle(0);
    take_away(A, 0);
    settle(0);
    (void)put(A, 80, 0);
    settle(0);
    observe_at(2, A, 0, 0, RTT);
    (void)publisher_tick(w, RTT);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(what_others_wrote_over_ours_is_put_right_at_once)
{
    uint64_t counter = put(A, 80, 0);
    settle(0);
    const int64_t later_ns = NS_PER_S;
    for (int kind = 0; kind < 4; kind++) {
        int64_t now_ns = later_ns * (kind + 1);
        if (kind == 0)
            observe_alien(A, now_ns);
        else if (kind == 1)
            observe(A, 0, 0, now_ns);
        else if (kind == 2)
            observe(A, EPOCH - 1, 99, now_ns);
        else
            observe(A, EPOCH, counter - 1, now_ns);
        ck_assert_uint_eq(publisher_stats(w).behind, 1);
        ck_assert_uint_eq(publisher_stats(w).digest, digest_of(A, EPOCH, counter)); /* vouched for all the time */
        (void)publisher_tick(w, now_ns);
        ck_assert_msg(bucket->n_flights == 1, "kind %d", kind);
        ck_assert_uint_eq(bucket->flights[0].record.counter, counter);
        settle(now_ns);
        ck_assert_uint_eq(publisher_stats(w).behind, 0);
    }
}
END_TEST

/* Absence is wanted, too: nobody would ever take it away. */
START_TEST(what_others_wrote_where_nothing_is_wanted_is_deleted_at_once)
{
    observe_alien(A, 0); /* never ours */
    (void)publisher_tick(w, 0);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    settle(0);
    ck_assert_uint_eq(publisher_stats(w).digest, 0);

    (void)put(B, 80, NS_PER_S);
    settle(NS_PER_S);
    observe_alien(B, 2 * NS_PER_S); /* its instance ends before it is put right */
    take_away(B, 2 * NS_PER_S);
    (void)publisher_tick(w, 2 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    settle(2 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).records, 0);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);

    (void)put(B, 80, 3 * NS_PER_S);
    settle(3 * NS_PER_S);
    take_away(B, 4 * NS_PER_S);
    settle(4 * NS_PER_S);
    observe_alien(B, 5 * NS_PER_S); /* long after it has ended */
    (void)publisher_tick(w, 5 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
}
END_TEST

/* The acknowledgement and the live feed come on different ways: what the server stored behind ours may be seen before
 * ours is acknowledged. */
START_TEST(what_crossed_a_put_is_put_right)
{
    uint64_t counter = put(A, 80, 0);
    struct flight f = bucket_land();
    observe(A, EPOCH - 1, 7, RTT);
    answer(&f, 2 * RTT);
    (void)publisher_tick(w, NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    land(NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(A, EPOCH, counter));

    take_away(A, 3 * NS_PER_S);
    f = bucket_land();
    observe_alien(A, 3 * NS_PER_S);
    answer(&f, 3 * NS_PER_S);
    (void)publisher_tick(w, 4 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    land(4 * NS_PER_S);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);

    (void)put(A, 80, 5 * NS_PER_S);
    observe_alien(A, 5 * NS_PER_S); /* before ours, this time */
    land(5 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(old_echo_during_the_flight_costs_nothing)
{
    uint64_t first = put(A, 80, 0);
    land(RTT);
    uint64_t second = put(A, 81, RTT);
    observe_at(1, A, EPOCH, first, 2 * RTT);
    land(3 * RTT);
    observe_at(2, A, EPOCH, second, 4 * RTT);
    (void)publisher_tick(w, 60 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
}
END_TEST

/* Readers go by versions: a version of ours that we did not give must be gone above. */
START_TEST(forged_versions_are_gone_above)
{
    uint64_t counter = put(A, 80, 0);
    settle(0);
    observe(A, EPOCH, counter + 1000, NS_PER_S);
    (void)publisher_tick(w, NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_uint_gt(bucket->flights[0].record.counter, counter + 1000);
    ck_assert_uint_eq(bucket->flights[0].record.port, 80);
    settle(NS_PER_S);
    counter = bucket_holds(A)->counter;

    struct instance_key key = bucket_key(A);
    struct record record = {.epoch = EPOCH, .counter = counter};
    struct agent_seen seen = {.seq = ++bucket->seq, .record = &record, .bytes = (const uint8_t *)"other", .n = 5};
    publisher_observed(w, &key, &seen, 2 * NS_PER_S);
    (void)publisher_tick(w, 2 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_uint_gt(bucket->flights[0].record.counter, counter);
    settle(2 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

/* Somebody writes over it a thousand times a second. */
START_TEST(putting_right_is_bounded)
{
    (void)put(A, 80, 0);
    settle(0);
    for (int64_t now_ns = 0; now_ns < NS_PER_S; now_ns += NS_PER_MS) {
        observe_alien(A, now_ns);
        (void)publisher_tick(w, now_ns);
        settle(now_ns);
    }
    ck_assert_uint_ge(metric_get(&counted.puts), 45);
    ck_assert_uint_le(metric_get(&counted.puts), 52);
    ck_assert_uint_eq(publisher_stats(w).records, 1);
}
END_TEST

START_TEST(kept_ones_are_left_alone_until_removed)
{
    observe(A, EPOCH - 1, 5, 0);
    struct instance_key key = bucket_key(A);
    publisher_retain(w, &key);
    (void)publisher_tick(w, 100 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(publisher_stats(w).records, 1);
    take_away(A, 100 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    settle(100 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).records, 0);
}
END_TEST

START_TEST(what_others_put_under_our_name_is_bounded)
{
    char text[KEY_CAP];
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "shop.payment.web-1.i%d", i);
        observe(text, 1, 1, 0);
    }
    ck_assert_uint_eq(publisher_stats(w).records, 1000);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/publisher_observed", orphan_is_deleted_at_once, late_echoes_cause_no_traffic,
              echo_of_a_deletion_costs_nothing, what_others_wrote_over_ours_is_put_right_at_once,
              what_others_wrote_where_nothing_is_wanted_is_deleted_at_once, what_crossed_a_put_is_put_right,
              old_echo_during_the_flight_costs_nothing, forged_versions_are_gone_above, putting_right_is_bounded,
              kept_ones_are_left_alone_until_removed, what_others_put_under_our_name_is_bounded)
