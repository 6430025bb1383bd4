/* SPDX-License-Identifier: Apache-2.0 */
/* When the host's lease is put. */
#include "daemon/agent/lease_schedule.h"

#include <errno.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define TTL (9 * NS_PER_S)

START_TEST(every_third_of_the_ttl_a_little_early)
{
    struct lease_beat b;
    lease_beat_init(&b, TTL);
    ck_assert_int_eq(b.next_ns, INT64_MAX);
    for (uint64_t random = 0; random < 5000; random += 13) {
        uint64_t counter = b.counter;
        ck_assert_uint_eq(lease_beat_sent(&b, random, 100 * NS_PER_S), counter + 1);
        ck_assert_int_le(b.next_ns, 103 * NS_PER_S);
        ck_assert_int_ge(b.next_ns, 102 * NS_PER_S + 400 * NS_PER_MS);
    }
}
END_TEST

START_TEST(a_failed_one_is_put_again_soon)
{
    struct lease_beat b;
    lease_beat_init(&b, TTL);
    uint64_t counter = lease_beat_sent(&b, 0, 0);
    lease_beat_answer(&b, counter, -ETIMEDOUT, 0, NS_PER_MS);
    ck_assert_int_le(b.next_ns, NS_PER_S / 2);
    ck_assert(!b.acked);
    counter = lease_beat_sent(&b, 0, NS_PER_S);
    lease_beat_answer(&b, counter, 0, 0, NS_PER_S);
    ck_assert(b.acked);
    ck_assert_int_eq(b.next_ns, 4 * NS_PER_S);
}
END_TEST

START_TEST(a_late_answer_says_nothing_of_the_latest)
{
    struct lease_beat b;
    lease_beat_init(&b, TTL);
    uint64_t old = lease_beat_sent(&b, 0, 0);
    (void)lease_beat_sent(&b, 0, 3 * NS_PER_S);
    int64_t next_ns = b.next_ns;
    lease_beat_answer(&b, old, 0, 0, 3 * NS_PER_S);
    ck_assert(!b.acked);
    lease_beat_answer(&b, old, -EIO, 0, 3 * NS_PER_S);
    ck_assert_int_eq(b.next_ns, next_ns);
}
END_TEST

START_TEST(a_lost_one_is_put_again_at_once_but_not_all_the_time)
{
    struct lease_beat b;
    lease_beat_init(&b, TTL);
    (void)lease_beat_sent(&b, 0, 0);
    lease_beat_lost(&b, NS_PER_S);
    ck_assert_int_eq(b.next_ns, NS_PER_S);
    (void)lease_beat_sent(&b, 0, NS_PER_S);
    lease_beat_lost(&b, NS_PER_S + 1);
    ck_assert_int_eq(b.next_ns, NS_PER_S + 3 * NS_PER_S / 8);
    lease_beat_lost(&b, 3 * NS_PER_S); /* no later than it is due anyway */
    ck_assert_int_eq(b.next_ns, NS_PER_S + 3 * NS_PER_S / 8);
}
END_TEST

START_TEST(the_newest_that_is_stored_is_known)
{
    struct lease_beat b;
    lease_beat_init(&b, TTL);
    uint64_t first = lease_beat_sent(&b, 0, 0), second = lease_beat_sent(&b, 0, 3 * NS_PER_S);
    lease_beat_answer(&b, second, 0, 0, 3 * NS_PER_S);
    lease_beat_answer(&b, first, 0, 0, 3 * NS_PER_S);
    ck_assert_uint_eq(b.stored, second);
    lease_beat_answer(&b, lease_beat_sent(&b, 0, 6 * NS_PER_S), -ETIMEDOUT, 0, 7 * NS_PER_S);
    ck_assert_uint_eq(b.stored, second);
}
END_TEST

START_TEST(stopped_it_stays_so)
{
    struct lease_beat b;
    lease_beat_init(&b, TTL);
    uint64_t counter = lease_beat_sent(&b, 0, 0);
    lease_beat_stop(&b);
    lease_beat_answer(&b, counter, -EIO, 0, 1);
    lease_beat_lost(&b, 1);
    ck_assert_int_eq(b.next_ns, INT64_MAX);
}
END_TEST

UNIT_TESTS("agent/lease", every_third_of_the_ttl_a_little_early, a_failed_one_is_put_again_soon,
           a_late_answer_says_nothing_of_the_latest, a_lost_one_is_put_again_at_once_but_not_all_the_time,
           the_newest_that_is_stored_is_known, stopped_it_stays_so)
