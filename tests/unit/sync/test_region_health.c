/* SPDX-License-Identifier: Apache-2.0 */
/* When another region is live and when it is stale: by what it answers, never by its silence. */
#include "daemon/sync/region_health.h"

#include <errno.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define TTL  (9 * NS_PER_S)
#define BEAT (TTL / 3)

static struct region_health h;
static unsigned asked, changes;
static bool followed;

static void ask(void *arg)
{
    (void)arg;
    asked++;
}

static void reachable(void *arg, bool is_reachable)
{
    (void)arg;
    followed = is_reachable;
}

static void changed(void *arg, enum region_state state)
{
    (void)arg, (void)state;
    changes++;
}

static int64_t s(double seconds)
{
    return (int64_t)(seconds * 1e9);
}

static void begin(void)
{
    static const struct region_health_ops ops = {ask, reachable, changed};
    asked = changes = 0;
    followed = false;
    region_health_init(&h, &ops, NULL, TTL);
}

/* Connected, heard and read at 100 s. */
static void begin_live(void)
{
    begin();
    region_health_set_connected(&h, true, s(100));
    (void)region_health_tick(&h, s(100));
    region_health_answered(&h, 0, s(100));
    region_health_set_synced(&h, true);
    ck_assert_int_eq(h.state, REGION_LIVE);
    asked = 0;
}

START_TEST(nothing_is_known_before_it_was_read_once)
{
    begin();
    ck_assert_int_eq(region_health_tick(&h, s(100)), INT64_MAX);
    region_health_set_connected(&h, true, s(100));
    (void)region_health_tick(&h, s(100));
    ck_assert_uint_eq(asked, 1);
    ck_assert(!followed);
    region_health_answered(&h, 0, s(100));
    ck_assert(followed);
    ck_assert_int_eq(h.state, REGION_NEVER);
    region_health_set_synced(&h, true);
    ck_assert_int_eq(h.state, REGION_LIVE);
}
END_TEST

START_TEST(what_the_last_life_left_is_stale)
{
    begin();
    region_health_remember(&h);
    ck_assert_int_eq(h.state, REGION_STALE);
    region_health_set_connected(&h, true, s(100));
    region_health_heard(&h, s(100));
    ck_assert_int_eq(h.state, REGION_CATCHING_UP);
}
END_TEST

START_TEST(silence_is_asked_about_and_no_more_than_that_while_it_is_answered)
{
    begin_live();
    ck_assert_int_eq(region_health_tick(&h, s(101)), s(100) + BEAT);
    (void)region_health_tick(&h, s(100) + BEAT);
    ck_assert_uint_eq(asked, 1);
    (void)region_health_tick(&h, s(103.1));
    ck_assert_uint_eq(asked, 1); /* one is out */
    region_health_answered(&h, 0, s(103.2));
    ck_assert_int_eq(region_health_tick(&h, s(103.2)), s(103.2) + BEAT);
    ck_assert_int_eq(h.state, REGION_LIVE);
    ck_assert_uint_eq(changes, 1);
}
END_TEST

START_TEST(no_answer_is_stale_before_a_lease_can_run_out)
{
    begin_live();
    int64_t now = s(100);
    while (h.state == REGION_LIVE)
        now = region_health_tick(&h, now);
    ck_assert_int_eq(h.state, REGION_STALE);
    ck_assert(!followed);
    /* A host that was heard a beat before the last one has two beats left then. */
    ck_assert_int_lt(now, s(100) + TTL - BEAT);
}
END_TEST

START_TEST(a_time_out_is_asked_again_and_a_refusal_is_enough)
{
    begin_live();
    (void)region_health_tick(&h, s(103));
    region_health_answered(&h, -ETIMEDOUT, s(104));
    (void)region_health_tick(&h, s(104));
    ck_assert_uint_eq(asked, 2);
    ck_assert_int_eq(h.state, REGION_LIVE);
    region_health_answered(&h, -ENODEV, s(104.1));
    ck_assert_int_eq(h.state, REGION_STALE);
}
END_TEST

START_TEST(it_is_asked_until_it_is_back_and_live_only_when_it_was_read)
{
    begin_live();
    region_health_answered(&h, -ENODEV, s(101));
    region_health_set_synced(&h, false);
    for (int i = 0; i < 40; i++) {
        (void)region_health_tick(&h, s(101 + i * 0.25));
        region_health_answered(&h, -ENODEV, s(101 + i * 0.25));
    }
    ck_assert_uint_ge(asked, 9);
    ck_assert_uint_le(asked, 15);
    region_health_heard(&h, s(111)); /* the feed was first */
    ck_assert(followed);
    ck_assert_int_eq(h.state, REGION_CATCHING_UP);
    region_health_set_synced(&h, true);
    ck_assert_int_eq(h.state, REGION_LIVE);
}
END_TEST

START_TEST(a_pause_of_ours_is_no_silence_of_the_region)
{
    begin_live();
    region_health_stalled(&h, s(60));
    (void)region_health_tick(&h, s(161));
    ck_assert_uint_eq(asked, 0);
    ck_assert_int_eq(h.state, REGION_LIVE);
}
END_TEST

START_TEST(leases_of_a_short_ttl_are_asked_about_sooner_but_not_as_often_as_anybody_likes)
{
    begin_live();
    region_health_lease(&h, s(3));
    ck_assert_int_eq(region_health_tick(&h, s(100)), s(101));
    region_health_lease(&h, 1);
    ck_assert_int_gt(region_health_tick(&h, s(100)), s(100.2));
    region_health_lease(&h, s(60));
    ck_assert_int_lt(region_health_tick(&h, s(100)), s(101));
}
END_TEST

START_TEST(our_own_nats_away_is_stale_at_once)
{
    begin_live();
    region_health_set_connected(&h, false, s(101));
    ck_assert_int_eq(h.state, REGION_STALE);
    ck_assert(!followed);
    ck_assert_int_eq(region_health_tick(&h, s(102)), INT64_MAX);
    region_health_set_connected(&h, true, s(103));
    (void)region_health_tick(&h, s(103));
    ck_assert_uint_eq(asked, 1);
}
END_TEST

UNIT_TESTS("region health", nothing_is_known_before_it_was_read_once, what_the_last_life_left_is_stale,
           silence_is_asked_about_and_no_more_than_that_while_it_is_answered,
           no_answer_is_stale_before_a_lease_can_run_out, a_time_out_is_asked_again_and_a_refusal_is_enough,
           it_is_asked_until_it_is_back_and_live_only_when_it_was_read, a_pause_of_ours_is_no_silence_of_the_region,
           leases_of_a_short_ttl_are_asked_about_sooner_but_not_as_often_as_anybody_likes,
           our_own_nats_away_is_stale_at_once)
