/* SPDX-License-Identifier: Apache-2.0 */
/* When the bus is to be trusted. */
#include "daemon/sync/health.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define OVERDUE (5 * NS_PER_S)

static struct health h;
static unsigned changes;
static enum health_reason reported;

static void on_changed(void *arg, enum health_reason reason)
{
    (void)arg;
    ck_assert_int_ne(reason, reported);
    changes++;
    reported = reason;
}

static void setup(void)
{
    changes = 0;
    reported = HEALTH_DISCONNECTED;
    health_init(&h, OVERDUE, on_changed, NULL);
}

static void get_healthy(int64_t now_ns)
{
    health_set_connected(&h, true, now_ns);
    health_set_synced(&h, true, now_ns);
    health_sent(&h, 1, now_ns);
    health_seen(&h, 1, now_ns + 2 * NS_PER_MS);
    ck_assert_int_eq(reported, HEALTH_OK);
}

START_TEST(takes_connection_sync_and_a_canary)
{
    ck_assert_int_eq(h.reason, HEALTH_DISCONNECTED);
    health_set_connected(&h, true, 0);
    ck_assert_int_eq(reported, HEALTH_UNSYNCED);
    health_set_synced(&h, true, 0);
    ck_assert_int_eq(reported, HEALTH_NO_CANARY);
    health_sent(&h, 1, 0);
    ck_assert_int_eq(reported, HEALTH_NO_CANARY);
    ck_assert_int_eq(health_tick(&h, 0), OVERDUE);
    health_seen(&h, 1, NS_PER_MS);
    ck_assert_int_eq(reported, HEALTH_OK);
    ck_assert_int_eq(h.last_ns, NS_PER_MS);
    ck_assert_int_eq(health_tick(&h, NS_PER_S), INT64_MAX);
}
END_TEST

START_TEST(overdue_canary_and_its_return)
{
    get_healthy(0);
    health_sent(&h, 2, NS_PER_S);
    ck_assert_int_eq(health_tick(&h, NS_PER_S), NS_PER_S + OVERDUE);
    health_sent(&h, 3, 4 * NS_PER_S); /* the oldest counts */
    ck_assert_int_eq(health_tick(&h, NS_PER_S + OVERDUE - 1), NS_PER_S + OVERDUE);
    ck_assert_int_eq(reported, HEALTH_OK);
    ck_assert_int_eq(health_tick(&h, NS_PER_S + OVERDUE), INT64_MAX);
    ck_assert_int_eq(reported, HEALTH_OVERDUE);
    health_seen(&h, 3, 7 * NS_PER_S); /* 2 may have got lost */
    ck_assert_int_eq(reported, HEALTH_OK);
    ck_assert_int_eq(h.last_ns, 3 * NS_PER_S);
}
END_TEST

START_TEST(old_canary_is_a_sign_of_life)
{
    get_healthy(0);
    health_sent(&h, 2, 0);
    health_sent(&h, 3, 4 * NS_PER_S);
    health_seen(&h, 2, 4 * NS_PER_S);
    (void)health_tick(&h, OVERDUE + NS_PER_S);
    ck_assert_int_eq(reported, HEALTH_OK);
    (void)health_tick(&h, 4 * NS_PER_S + OVERDUE);
    ck_assert_int_eq(reported, HEALTH_OVERDUE);
}
END_TEST

START_TEST(repetitions_and_strangers_do_not_count)
{
    get_healthy(0);
    health_sent(&h, 2, NS_PER_S);
    health_seen(&h, 1, 2 * NS_PER_S);
    health_seen(&h, 77, 2 * NS_PER_S);
    (void)health_tick(&h, NS_PER_S + OVERDUE);
    ck_assert_int_eq(reported, HEALTH_OVERDUE);
}
END_TEST

START_TEST(new_connection_needs_its_own_canary)
{
    get_healthy(0);
    health_sent(&h, 2, NS_PER_S);
    health_set_connected(&h, false, 2 * NS_PER_S);
    ck_assert_int_eq(reported, HEALTH_DISCONNECTED);
    ck_assert_int_eq(health_tick(&h, 100 * NS_PER_S), INT64_MAX);
    health_set_connected(&h, true, 100 * NS_PER_S);
    ck_assert_int_eq(reported, HEALTH_NO_CANARY); /* not overdue: what was put before does not count */
    health_sent(&h, 3, 101 * NS_PER_S);
    health_seen(&h, 3, 102 * NS_PER_S);
    ck_assert_int_eq(reported, HEALTH_OK);
}
END_TEST

START_TEST(sync_lost_and_found)
{
    get_healthy(0);
    health_set_synced(&h, false, 0);
    ck_assert_int_eq(reported, HEALTH_UNSYNCED);
    health_set_synced(&h, true, 0);
    ck_assert_int_eq(reported, HEALTH_OK);
}
END_TEST

START_TEST(propagation_is_smoothed)
{
    get_healthy(0);
    int64_t before_ns = h.smoothed_ns;
    health_sent(&h, 2, NS_PER_S);
    health_seen(&h, 2, NS_PER_S + 82 * NS_PER_MS);
    ck_assert_int_eq(h.smoothed_ns, before_ns + 10 * NS_PER_MS);
    ck_assert_int_eq(h.last_ns, 82 * NS_PER_MS);
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "health", takes_connection_sync_and_a_canary, overdue_canary_and_its_return,
              old_canary_is_a_sign_of_life, repetitions_and_strangers_do_not_count, new_connection_needs_its_own_canary,
              sync_lost_and_found, propagation_is_smoothed)
