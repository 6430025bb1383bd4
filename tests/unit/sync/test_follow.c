/* SPDX-License-Identifier: Apache-2.0 */
/* Each transition of a follower but those of snapshots. */
#include "tests/unit/sync/follow_stage.h"

#include <errno.h>

#include "daemon/sync/holes.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

START_TEST(first_snapshot_starts_at_once)
{
    ck_assert_int_eq(follow_tick(t.f, t.now_ns), INT64_MAX);
    get_live();
    ck_assert(t.synced && t.end == FOLLOW_COMPLETE);
    ck_assert_uint_eq(follow_horizon(t.f), 3);
    ck_assert_int_eq(t.key['a'].value, 'A');
}
END_TEST

START_TEST(empty_bucket_is_live)
{
    connect_bus();
    info(0);
    info(0);
    end(0);
    ck_assert(t.synced);
    live(1, 'a', 'A');
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_int_eq(t.key['a'].value, 'A');
}
END_TEST

START_TEST(next_applies_known_is_ignored)
{
    get_live();
    live(4, 'a', 'X');
    live(5, 'b', 0);
    ck_assert_int_eq(t.key['a'].value, 'X');
    ck_assert_int_eq(t.key['b'].value, 0);
    live(5, 'b', 'B'); /* sent twice by a cluster that changed its leader */
    ck_assert_int_eq(t.key['b'].value, 0);
    ck_assert_uint_eq(metric_get(&t.f->counters.ignored), 1);
    ck_assert_uint_eq(follow_horizon(t.f), 5);
}
END_TEST

/* Who is gone is decided by what was heard behind everything else: repetitions and jumps prove nothing. */
START_TEST(says_when_all_is_known)
{
    ck_assert(!live(1, 'a', 'A')); /* down */
    get_live();
    ck_assert(live(4, 'a', 'X'));
    ck_assert(!live(6, 'b', 'Y'));
    ck_assert(!live(5, 'b', 'X')); /* late: not behind everything else */
    ck_assert(live(7, 'b', 'Z'));
    ck_assert(!live(4, 'a', 'X'));
    ck_assert(!live(2, 'a', 'X')); /* of a bucket made anew, perhaps */
    ck_assert(!live(9, 'c', 'C'));
    pass(201 * NS_PER_MS); /* and 8 is not merely late */
    ck_assert(!live(10, 'c', 'C'));
    info(10);
    entry(4, 'a', 'X');
    info(11);
    end(0);
    ck_assert(live(11, 'c', 'C')); /* completes the snapshot */
    ck_assert_str_eq(follow_state(t.f), "live");
}
END_TEST

START_TEST(jump_makes_a_snapshot)
{
    get_live();
    live(6, 'c', 'C');
    ck_assert_int_eq(t.key['c'].value, 'C'); /* newer than anything: not kept back */
    ck_assert(!follow_is_live(t.f));         /* nobody is gone by what may be in the hole */
    ck_assert_uint_eq(follow_horizon(t.f), 3);
    pass(199 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(2 * NS_PER_MS);
    ck_assert_str_eq(follow_state(t.f), "snapshot");
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert(t.synced); /* for a while */
    info(6);
    entry(4, 'b', 0); /* deleted in what was lost */
    entry(5, 'a', 'X');
    entry(6, 'c', 'C');
    info(6);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_uint_eq(follow_horizon(t.f), 6);
    ck_assert_int_eq(t.key['a'].value, 'X');
    ck_assert_int_eq(t.key['b'].value, 0);
    ck_assert_uint_eq(metric_get(&t.f->counters.gaps), 1);
    ck_assert_uint_eq(t.lost, 2); /* and it is known whose they were; the one that came is none of them */
    ck_assert_uint_eq(metric_get(&t.f->counters.lost), 2);
    ck_assert_int_eq(t.lost_key, 'a');
}
END_TEST

/* A server brings what several clients put at once in an order of its own: that is no loss. */
START_TEST(late_is_not_lost)
{
    get_live();
    live(6, 'c', 'C');
    live(8, 'e', 'E');
    live(5, 'b', 'Y');
    live(4, 'a', 'X');
    ck_assert(!follow_is_live(t.f));
    live(7, 'd', 'D');
    ck_assert(follow_is_live(t.f));
    ck_assert_uint_eq(follow_horizon(t.f), 8);
    ck_assert_int_eq(t.key['a'].value, 'X');
    ck_assert_int_eq(t.key['b'].value, 'Y');
    ck_assert_int_eq(t.key['d'].value, 'D');
    live(5, 'b', 'Y'); /* again: known */
    ck_assert_uint_eq(metric_get(&t.f->counters.late), 3);
    ck_assert_uint_eq(metric_get(&t.f->counters.ignored), 1);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 1);
}
END_TEST

START_TEST(late_does_not_undo_what_came_since)
{
    get_live();
    live(5, 'a', 0);
    live(4, 'a', 'X'); /* older than its deletion */
    ck_assert_int_eq(t.key['a'].value, 0);
    ck_assert(follow_is_live(t.f));
    live(8, 'b', 'Z');
    live(7, 'b', 'Y');
    live(6, 'b', 'X');
    ck_assert_int_eq(t.key['b'].value, 'Z');
    ck_assert_uint_eq(follow_horizon(t.f), 8);
}
END_TEST

/* Each has its own time: one that is filled does not prolong another. */
START_TEST(what_stays_missing_is_lost)
{
    get_live();
    live(5, 'a', 'X');
    pass(150 * NS_PER_MS);
    live(7, 'b', 'Y');
    live(6, 'c', 'C');
    ck_assert_uint_eq(t.resyncs, 1);
    pass(51 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert_uint_eq(metric_get(&t.f->counters.gaps), 1);
}
END_TEST

START_TEST(too_many_holes_are_a_loss)
{
    get_live();
    for (uint64_t seq = 5; seq < 5 + 2 * HOLES_MAX; seq += 2)
        live(seq, 'a', 'X');
    ck_assert_uint_eq(t.resyncs, 1);
    live(5 + 2 * HOLES_MAX, 'a', 'Y');
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert_int_eq(t.key['a'].value, 'Y');
}
END_TEST

START_TEST(jitter_delays_what_a_fleet_does_at_once)
{
    get_live();
    t.random = 200 * NS_PER_MS;
    follow_gap(t.f, t.now_ns);
    ck_assert_str_eq(follow_state(t.f), "waiting");
    pass(199 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(2 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
}
END_TEST

START_TEST(failures_back_off_and_sweep_nothing)
{
    get_live();
    follow_gap(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    int64_t waits[6], start_ns;
    for (int i = 0; i < 6; i++) {
        unsigned before = t.resyncs;
        follow_info(t.f, -ETIMEDOUT, 0, 0, t.now_ns);
        end(-ETIMEDOUT);
        start_ns = t.now_ns;
        while (t.resyncs == before)
            pass(10 * NS_PER_MS);
        waits[i] = t.now_ns - start_ns;
    }
    ck_assert_int_ge(waits[4], 4 * waits[0]);
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert(!t.synced); /* by now */
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(3);
    end(0);
    ck_assert(t.synced);
}
END_TEST

START_TEST(disconnect_aborts_and_reconnect_waits_for_the_old_end)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    entry(1, 'a', 'A');
    follow_disconnected(t.f, t.now_ns);
    ck_assert(!t.synced && t.end == FOLLOW_ABORTED);
    ck_assert_int_eq(t.key['b'].value, 'B');
    connect_bus();
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2); /* one at a time */
    entry(2, 'b', 'Z');              /* of the old one: not listened to */
    ck_assert_int_eq(t.key['b'].value, 'B');
    end(-ENOTCONN);
    ck_assert_uint_eq(t.resyncs, 3);
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(3);
    end(0);
    ck_assert(t.synced);
}
END_TEST

START_TEST(reconnects_after_failures_spread_wider)
{
    get_live();
    t.random = 100 * NS_PER_MS;
    for (int64_t ms = 100; ms <= 3200; ms *= 2) {
        unsigned resyncs = t.resyncs;
        int64_t wait_ns = (ms < 1600 ? ms : 1600) * NS_PER_MS;
        follow_disconnected(t.f, t.now_ns);
        end(-ENOTCONN); /* of the one that was under way */
        connect_bus();
        pass(wait_ns - 1);
        ck_assert_uint_eq(t.resyncs, resyncs);
        pass(1);
        ck_assert_uint_eq(t.resyncs, resyncs + 1);
    }
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(3);
    end(0);
    follow_disconnected(t.f, t.now_ns);
    connect_bus();
    pass(100 * NS_PER_MS);
    ck_assert_str_eq(follow_state(t.f), "snapshot");
}
END_TEST

START_TEST(nothing_is_applied_while_down)
{
    get_live();
    follow_disconnected(t.f, t.now_ns);
    live(4, 'a', 'X');
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert_int_eq(follow_tick(t.f, t.now_ns), INT64_MAX);
}
END_TEST

START_TEST(quiet_bucket_is_asked)
{
    get_live();
    pass(9 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 0);
    pass(2 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 1);
    pass(60 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 1); /* one at a time */
    info(3);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(11 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 2);
}
END_TEST

START_TEST(deaf_feed_is_found)
{
    get_live();
    pass(10 * NS_PER_S);
    info(5);
    pass(900 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 1); /* they may be on their way */
    pass(200 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    info(5);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    entry(5, 'c', 'C');
    info(5);
    end(0);
    ck_assert_uint_eq(t.lost, 1);
    ck_assert_int_eq(t.lost_key, 'c');
}
END_TEST

START_TEST(late_feed_is_not_deaf)
{
    get_live();
    pass(10 * NS_PER_S);
    info(5);
    live(4, 'c', 'C');
    live(5, 'd', 'D');
    pass(5 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 1);
}
END_TEST

START_TEST(failed_check_leads_to_a_snapshot)
{
    get_live();
    pass(10 * NS_PER_S);
    follow_info(t.f, -ENODEV, 0, 0, t.now_ns);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert(t.synced);
    pass(5 * NS_PER_S);
    ck_assert(!t.synced);
}
END_TEST

START_TEST(doubt_from_within_is_heard)
{
    get_live();
    t.doubt_while_applying = true;
    live(4, 'a', 'X');
    ck_assert_uint_eq(t.resyncs, 2);
    ck_assert_int_eq(t.key['a'].value, 'X');
    t.doubt_while_applying = false;
    follow_doubt(t.f, t.now_ns); /* one is running already */
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
}
END_TEST

/* Orders are answered in their order: the first info after both were given is the check's. */
START_TEST(answer_to_a_check_is_not_taken_for_the_snapshots)
{
    get_live();
    pass(10 * NS_PER_S);
    ck_assert_uint_eq(t.checks, 1);
    follow_gap(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    ck_assert_uint_eq(t.resyncs, 2);
    info(2); /* the check's, of no use any more */
    info(5); /* L0 */
    entry(1, 'a', 'A');
    entry(5, 'c', 'C');
    info(5);
    end(0);
    ck_assert_uint_eq(follow_horizon(t.f), 5);
}
END_TEST

UNIT_TESTS_IN(setup, done, "follow", first_snapshot_starts_at_once, empty_bucket_is_live, next_applies_known_is_ignored,
              says_when_all_is_known, jump_makes_a_snapshot, late_is_not_lost, late_does_not_undo_what_came_since,
              what_stays_missing_is_lost, too_many_holes_are_a_loss, jitter_delays_what_a_fleet_does_at_once,
              failures_back_off_and_sweep_nothing, disconnect_aborts_and_reconnect_waits_for_the_old_end,
              reconnects_after_failures_spread_wider, nothing_is_applied_while_down, quiet_bucket_is_asked,
              deaf_feed_is_found, late_feed_is_not_deaf, failed_check_leads_to_a_snapshot, doubt_from_within_is_heard,
              answer_to_a_check_is_not_taken_for_the_snapshots)
