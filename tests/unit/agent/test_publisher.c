/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever happens to single puts, the bucket comes to hold what is wanted. */
#include "daemon/agent/publisher.h"

#include <stdio.h>

#include "daemon/agent/window.h"
#include "tests/unit/agent/publisher_stage.h"

START_TEST(put_at_once_and_done_when_acknowledged)
{
    uint64_t counter = put(A, 80, 0);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_uint_eq(publisher_stats(w).behind, 1);
    ck_assert_uint_eq(publisher_stats(w).digest, 0);
    land(RTT);
    ck_assert_uint_eq(bucket_holds(A)->counter, counter);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(publisher_stats(w).records, 1);
    ck_assert_uint_eq(publisher_stats(w).digest, digest_of(A, EPOCH, counter));
}
END_TEST

START_TEST(changes_meanwhile_are_one_put)
{
    (void)put(A, 80, 0);
    for (uint16_t port = 81; port < 90; port++)
        (void)put(A, port, 1);
    ck_assert_uint_eq(bucket->n_flights, 1);
    land(RTT);
    ck_assert_uint_eq(bucket_holds(A)->port, 80);
    ck_assert_uint_eq(publisher_stats(w).behind, 1);
    land(2 * RTT);
    ck_assert_uint_eq(bucket_holds(A)->port, 89);
    ck_assert_uint_eq(metric_get(&counted.puts), 2);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(counters_grow_across_keys)
{
    uint64_t a = put(A, 80, 0), b = put(B, 80, 0);
    ck_assert_uint_gt(b, a);
    ck_assert_uint_gt(put(A, 81, 0), b);
}
END_TEST

/* The put that is under way is answered, and not stored. */
static void refuse(int64_t now_ns)
{
    struct flight f = bucket_land();
    bucket->n_slots = 0;
    publisher_answer(w, f.token, -EIO, 0, RTT, now_ns);
}

START_TEST(failed_put_is_put_again_with_growing_pauses)
{
    (void)put(A, 80, 0);
    int64_t now_ns = 0, last_pause = 0;
    for (int i = 0; i < 5; i++) {
        refuse(now_ns);
        ck_assert_uint_eq(bucket->n_flights, 0);
        int64_t pause = publisher_deadline(w) - now_ns;
        ck_assert_int_ge(2 * pause, last_pause);
        ck_assert_int_gt(pause, 100 * NS_PER_MS << i);
        ck_assert_int_le(pause, 250 * NS_PER_MS << i);
        now_ns += pause;
        last_pause = pause;
        (void)publisher_tick(w, now_ns);
    }
    land(now_ns);
    ck_assert_uint_eq(bucket_holds(A)->port, 80);
    ck_assert_uint_eq(metric_get(&counted.errors), 5);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(lost_put_is_put_again)
{
    (void)put(A, 80, 0);
    bucket->n_flights = 0;
    ck_assert_int_eq(publisher_deadline(w), TIMEOUT);
    int64_t next_ns = publisher_tick(w, TIMEOUT);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).in_flight, 0);
    (void)publisher_tick(w, next_ns);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_uint_eq(metric_get(&counted.timeouts), 1);
    settle(next_ns);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(late_answer_for_the_same_value_counts)
{
    (void)put(A, 80, 0);
    struct flight f = bucket_land();
    (void)publisher_tick(w, TIMEOUT);
    publisher_answer(w, f.token, 0, 0, TIMEOUT, TIMEOUT + 1);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(metric_get(&counted.late), 1);
    (void)publisher_tick(w, TIMEOUT + 10 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
}
END_TEST

START_TEST(late_answer_for_an_older_value_does_not)
{
    (void)put(A, 80, 0);
    struct flight first = bucket_land();
    int64_t retry_ns = publisher_tick(w, TIMEOUT);
    (void)put(A, 81, TIMEOUT);
    ck_assert_uint_eq(bucket->n_flights, 0);
    (void)publisher_tick(w, retry_ns);
    ck_assert_uint_eq(bucket->n_flights, 1);
    publisher_answer(w, first.token, 0, 0, TIMEOUT, retry_ns);
    ck_assert_uint_eq(publisher_stats(w).behind, 1);
    land(retry_ns);
    ck_assert_uint_eq(bucket_holds(A)->port, 81);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    publisher_answer(w, first.token, -EIO, 0, TIMEOUT, retry_ns);
    publisher_answer(w, 999999, 0, 0, RTT, retry_ns);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(window_bounds_what_is_in_flight)
{
    char text[KEY_CAP];
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "shop.payment.web-1.i%d", i);
        (void)put(text, 80, 0);
        ck_assert_uint_le(bucket->n_flights, WINDOW_START);
    }
    ck_assert_uint_eq(publisher_stats(w).in_flight, WINDOW_START);
    size_t answered = 0, most = 0;
    for (; bucket->n_flights; answered++) {
        most = bucket->n_flights > most ? bucket->n_flights : most;
        uint64_t token = bucket->flights[0].token;
        memmove(bucket->flights, bucket->flights + 1, --bucket->n_flights * sizeof *bucket->flights);
        publisher_answer(w, token, 0, 0, RTT, (int64_t)answered);
    }
    ck_assert_uint_eq(answered, 500);
    ck_assert_uint_gt(most, WINDOW_START);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(publisher_stats(w).in_flight, 0);
}
END_TEST

START_TEST(bus_that_takes_no_more_is_asked_again)
{
    bucket->refuse = -ENOBUFS;
    (void)put(A, 80, 0);
    (void)put(B, 80, 0);
    int64_t next_ns = publisher_deadline(w);
    ck_assert_int_lt(next_ns, NS_PER_S);
    ck_assert_int_eq(publisher_tick(w, next_ns - 1), next_ns);
    bucket->refuse = 0;
    (void)publisher_tick(w, next_ns);
    ck_assert_uint_eq(bucket->n_flights, 2);
    ck_assert_str_eq(bucket->flights[0].key, A);
}
END_TEST

START_TEST(nothing_is_put_while_the_bus_is_away_and_all_of_it_afterwards)
{
    uint64_t token;
    (void)put(A, 80, 0);
    token = bucket->flights[0].token;
    bucket->n_flights = 0;
    publisher_pause(w);
    (void)put(A, 81, 1);
    (void)put(B, 90, 1);
    (void)publisher_tick(w, 3600 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    publisher_resume(w, 3600 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 2);
    /* The answer to what was put before the bus went away may still come. */
    publisher_answer(w, token, 0, 0, RTT, 3600 * NS_PER_S);
    ck_assert_uint_eq(publisher_stats(w).behind, 2);
    settle(3600 * NS_PER_S);
    ck_assert_uint_eq(bucket_holds(A)->port, 81);
    ck_assert_uint_eq(bucket_holds(B)->port, 90);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(publisher_stats(w).in_flight, 0);
}
END_TEST

START_TEST(put_again_before_the_bucket_expires_it)
{
    uint64_t counter = put(A, 80, 0);
    settle(0);
    int64_t next_ns = publisher_deadline(w);
    ck_assert_int_ge(next_ns, 900 * NS_PER_S);
    ck_assert_int_le(next_ns, 1200 * NS_PER_S);
    (void)publisher_tick(w, next_ns);
    ck_assert_uint_eq(bucket->n_flights, 1);
    /* The same version: no reader needs to look at it again. */
    ck_assert_uint_eq(bucket->flights[0].record.counter, counter);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    settle(next_ns);
    ck_assert_int_gt(publisher_deadline(w), next_ns);
    ck_assert_uint_eq(metric_get(&counted.repeats), 1);
}
END_TEST

START_TEST(removal_is_a_delete_and_then_nothing)
{
    (void)put(A, 80, 0);
    settle(0);
    take_away(A, 1);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    settle(2);
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_uint_eq(publisher_stats(w).records, 0);
    ck_assert_uint_eq(publisher_stats(w).digest, 0);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);
}
END_TEST

START_TEST(removal_while_the_put_is_under_way)
{
    (void)put(A, 80, 0);
    take_away(A, 0);
    ck_assert_uint_eq(bucket->n_flights, 1);
    settle(1);
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_uint_eq(metric_get(&counted.deletes), 1);
    /* One that never left is simply forgotten. */
    publisher_pause(w);
    (void)put(B, 80, 2);
    take_away(B, 2);
    publisher_resume(w, 3);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

/* A lost put may have arrived: it takes a delete to be sure. */
START_TEST(removal_after_a_lost_put)
{
    (void)put(A, 80, 0);
    bucket->n_flights = 0;
    (void)publisher_tick(w, TIMEOUT);
    take_away(A, TIMEOUT);
    (void)publisher_tick(w, TIMEOUT + 10 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert(bucket->flights[0].is_delete);
    settle(TIMEOUT + 10 * NS_PER_S);
    ck_assert_int_eq(publisher_deadline(w), INT64_MAX);
}
END_TEST

START_TEST(registered_again_while_the_delete_is_under_way)
{
    (void)put(A, 80, 0);
    settle(0);
    take_away(A, 1);
    (void)put(A, 81, 1);
    settle(2);
    ck_assert_uint_eq(bucket_holds(A)->port, 81);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(all_is_put_again_into_a_new_bucket)
{
    (void)put(A, 80, 0);
    uint64_t b = put(B, 81, 0);
    settle(0);
    publisher_snapshot_begin(w);
    observe(B, EPOCH, b, 1);
    publisher_snapshot_end(w, 2);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_str_eq(bucket->flights[0].key, A);
    settle(2);
    publisher_snapshot_begin(w);
    publisher_snapshot_end(w, 3);
    ck_assert_uint_eq(bucket->n_flights, 2);
    ck_assert_uint_eq(publisher_stats(w).records, 2); /* vouched for: whoever knows them keeps them */
    settle(3);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
    ck_assert_uint_eq(publisher_stats(w).records, 2);
}
END_TEST

/* Whoever registered while nobody served the bucket does not wait for the end of a long back-off once it is there. */
START_TEST(what_failed_is_put_when_the_bucket_is_read)
{
    int64_t now_ns = 0;
    (void)put(A, 80, 0);
    for (int i = 0; i < 8; i++) {
        refuse(now_ns);
        now_ns = publisher_deadline(w);
        (void)publisher_tick(w, now_ns);
    }
    refuse(now_ns);
    ck_assert_int_gt(publisher_deadline(w) - now_ns, 10 * NS_PER_S);
    ck_assert_uint_eq(bucket->n_flights, 0);
    publisher_snapshot_begin(w);
    publisher_snapshot_end(w, now_ns);
    ck_assert_uint_eq(bucket->n_flights, 1);
    refuse(now_ns); /* it fails all the same: the pause is no shorter */
    ck_assert_int_gt(publisher_deadline(w) - now_ns, 10 * NS_PER_S);
    publisher_snapshot_begin(w);
    publisher_snapshot_end(w, now_ns);
    settle(now_ns);
    ck_assert_uint_eq(publisher_stats(w).behind, 0);
}
END_TEST

START_TEST(acknowledged_during_a_snapshot_is_there)
{
    publisher_snapshot_begin(w);
    (void)put(A, 80, 0);
    settle(0);
    publisher_snapshot_end(w, 1);
    ck_assert_uint_eq(bucket->n_flights, 0);
}
END_TEST

START_TEST(says_when_readers_have_only_an_older_epoch)
{
    observe(A, EPOCH - 1, 5, 0);
    (void)put(A, 80, 0);
    ck_assert(publisher_older_than(w, EPOCH));
    settle(0);
    ck_assert(!publisher_older_than(w, EPOCH));
}
END_TEST

#define WISHES 5

/* What is wanted under each key, and how far things are. */
struct wishes {
    uint16_t port[WISHES]; /* 0: nothing */
    uint64_t x;            /* of the random numbers */
    int64_t now_ns;
    bool paused;
};

static const char *const wished[WISHES] = {A, B, "shop.payment.web-1.c", "shop.stock.web-1.d", "shop.stock.web-1.e"};

static void lose_or_refuse(const struct wishes *s)
{
    if (!bucket->n_flights)
        return;
    uint64_t token = bucket->flights[0].token;
    memmove(bucket->flights, bucket->flights + 1, --bucket->n_flights * sizeof *bucket->flights);
    if (s->x & 1 << 20)
        publisher_answer(w, token, -EIO, 0, RTT, s->now_ns);
}

static void pause_or_resume(struct wishes *s)
{
    s->paused = !s->paused;
    s->paused ? publisher_pause(w) : publisher_resume(w, s->now_ns);
    if (s->paused)
        bucket->n_flights = 0;
}

static void something_happens(struct wishes *s, int step)
{
    s->x ^= s->x << 13, s->x ^= s->x >> 7, s->x ^= s->x << 17;
    size_t k = s->x % WISHES;
    switch (s->x / WISHES % 9) {
    case 0:
    case 1:
        s->port[k] = (uint16_t)(1 + step);
        (void)put(wished[k], s->port[k], s->now_ns);
        break;
    case 2:
        s->port[k] = 0;
        take_away(wished[k], s->now_ns);
        break;
    case 3:
    case 4:
        if (bucket->n_flights)
            land(s->now_ns);
        break;
    case 5: /* it arrives, and the answer is lost */
        if (bucket->n_flights)
            (void)bucket_land();
        break;
    case 6:
        lose_or_refuse(s);
        break;
    case 7:
        s->now_ns += (int64_t)(s->x >> 30) % (3 * NS_PER_S);
        (void)publisher_tick(w, s->now_ns);
        break;
    case 8:
        if (!(s->x >> 40 & 3))
            pause_or_resume(s);
        break;
    }
}

static void quiet_for_long(struct wishes *s)
{
    publisher_resume(w, s->now_ns);
    for (int i = 0; i < 50; i++) {
        settle(s->now_ns);
        s->now_ns += 31 * NS_PER_S;
        (void)publisher_tick(w, s->now_ns);
    }
    settle(s->now_ns);
}

/* Many changes, losses, failures, late answers, pauses and echoes: in the end the bucket holds what is wanted. */
START_TEST(comes_true_whatever_happens)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct wishes s = {.x = seed * UINT64_C(0x9e3779b97f4a7c15)};
        for (int step = 0; step < 400; step++)
            something_happens(&s, step);
        quiet_for_long(&s);
        size_t n = 0;
        for (size_t k = 0; k < WISHES; k++) {
            const struct record *record = bucket_holds(wished[k]);
            n += s.port[k] != 0;
            ck_assert_msg((record ? record->port : 0) == s.port[k], "seed %lu, key %s", (unsigned long)seed, wished[k]);
        }
        ck_assert_uint_eq(publisher_stats(w).behind, 0);
        ck_assert_uint_eq(publisher_stats(w).in_flight, 0);
        ck_assert_uint_eq(publisher_stats(w).records, n);
        teardown();
        setup();
    }
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/publisher", put_at_once_and_done_when_acknowledged, changes_meanwhile_are_one_put,
              counters_grow_across_keys, failed_put_is_put_again_with_growing_pauses, lost_put_is_put_again,
              late_answer_for_the_same_value_counts, late_answer_for_an_older_value_does_not,
              window_bounds_what_is_in_flight, bus_that_takes_no_more_is_asked_again,
              nothing_is_put_while_the_bus_is_away_and_all_of_it_afterwards, put_again_before_the_bucket_expires_it,
              removal_is_a_delete_and_then_nothing, removal_while_the_put_is_under_way, removal_after_a_lost_put,
              registered_again_while_the_delete_is_under_way, all_is_put_again_into_a_new_bucket,
              what_failed_is_put_when_the_bucket_is_read, acknowledged_during_a_snapshot_is_there,
              says_when_readers_have_only_an_older_epoch, comes_true_whatever_happens)
