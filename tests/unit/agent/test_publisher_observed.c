/* SPDX-License-Identifier: Apache-2.0 */
/* What is observed under our keys: our own echoes, early and late, and what is not ours. */
#include "daemon/agent/publisher.h"

#include <stdio.h>

#include "tests/unit/agent/publisher_stage.h"

START_TEST(orphan_is_deleted_after_a_pause)
{
    setup();
    observe(A, EPOCH - 1, 5, 0);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).records, 1);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(A, EPOCH - 1, 5));
    (void)publisher_tick(w, publisher_deadline(w));
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    settle(2 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).orphans, 1);
    ck_assert_uint_eq(publisher_stats(w).digest, 0);
    teardown();
}
END_TEST

/* The live feed lags behind the acknowledgements: echoes of what was are no orphans. */
START_TEST(late_echoes_cause_no_traffic)
{
    setup();
    uint64_t first = put(A, 80, 0);
    settle(0);
    take_away(A, 0);
    settle(0);
    observe(A, EPOCH, first, 1);
    observe(A, 0, 0, 2);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);

    uint64_t older = put(B, 80, 3);
    settle(3);
    uint64_t newer = put(B, 81, 3);
    settle(3);
    observe(B, EPOCH, older, 4);
    observe(B, EPOCH, newer, 5);
    (void)publisher_tick(w, 10 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(B, EPOCH, newer));
    teardown();
}
END_TEST

START_TEST(strange_value_in_the_bucket_is_replaced)
{
    setup();
    uint64_t older = put(A, 80, 0);
    settle(0);
    (void)put(A, 81, 0);
    settle(0);
    observe(A, EPOCH, older, 1);
    (void)publisher_tick(w, 2 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_uint_eq(bucket->flights[0].record.port, 81);
    settle(2 * NS_PER_S);
    /* Deleted behind our back. */
    observe(A, 0, 0, 3 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).behind, 1);
    (void)publisher_tick(w, 5 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    teardown();
}
END_TEST

/* The acknowledgement and the live feed come on different ways: an old put that the server stored behind ours may be
 * seen before ours is acknowledged. */
START_TEST(strange_value_seen_during_the_flight_is_replaced)
{
    setup();
    uint64_t counter = put(A, 80, 0);
    observe(A, EPOCH - 1, 7, RTT);
    land(2 * RTT);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    (void)publisher_tick(w, NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    (void)publisher_tick(w, 2 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    land(2 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(A, EPOCH, counter));

    take_away(A, 3 * NS_PER_S);
    observe(A, EPOCH - 1, 8, 3 * NS_PER_S);
    land(3 * NS_PER_S);
    (void)publisher_tick(w, 5 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    land(5 * NS_PER_S);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);
    teardown();
}
END_TEST

START_TEST(old_echo_during_the_flight_costs_nothing)
{
    setup();
    uint64_t first = put(A, 80, 0);
    land(RTT);
    uint64_t second = put(A, 81, RTT);
    observe(A, EPOCH, first, 2 * RTT);
    land(3 * RTT);
    observe(A, EPOCH, second, 4 * RTT);
    (void)publisher_tick(w, 60 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    teardown();
}
END_TEST

START_TEST(kept_ones_are_left_alone_until_removed)
{
    setup();
    observe(A, EPOCH - 1, 5, 0);
    struct instance_key key = bucket_key(A);
    publisher_keep(w, &key);
    (void)publisher_tick(w, 100 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(publisher_stats(w).records, 1);
    take_away(A, 100 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    settle(100 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).records, 0);
    teardown();
}
END_TEST

START_TEST(what_others_put_under_our_name_is_bounded)
{
    setup();
    char text[KEY_CAP];
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "shop.payment.web-1.i%d", i);
        observe(text, 1, 1, 0);
    }
    ck_assert_uint_eq(publisher_stats(w).records, 1000);
    teardown();
}
END_TEST

UNIT_TESTS("agent/publisher_observed", orphan_is_deleted_after_a_pause, late_echoes_cause_no_traffic,
           strange_value_in_the_bucket_is_replaced, strange_value_seen_during_the_flight_is_replaced,
           old_echo_during_the_flight_costs_nothing, kept_ones_are_left_alone_until_removed,
           what_others_put_under_our_name_is_bounded)
