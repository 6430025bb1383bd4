/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a snapshot complete, what spoils it, and what is done with what it does not have. */
#include "tests/unit/sync/follow_stage.h"

#include <errno.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

START_TEST(live_during_snapshot_wins)
{
    connect_bus();
    info(3);
    live(4, 'a', 'N'); /* before its old value is read */
    live(5, 'b', 0);
    entry(1, 'a', 'O');
    entry(2, 'b', 'O');
    entry(3, 'c', 'C');
    live(6, 'd', 'D');
    info(6);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_uint_eq(follow_horizon(t.f), 6);
    ck_assert_int_eq(t.key['a'].value, 'N');
    ck_assert_int_eq(t.key['b'].value, 0);
    ck_assert_int_eq(t.key['c'].value, 'C');
    ck_assert_int_eq(t.key['d'].value, 'D');
}
END_TEST

/* a's old message was overwritten before it was read; the new one is stored, and still on its way. */
START_TEST(sweep_waits_for_what_is_on_its_way)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    entry(2, 'b', 'B');
    info(4);
    end(0);
    ck_assert_uint_eq(t.ends, 1); /* not yet */
    ck_assert_int_eq(t.key['a'].value, 'A');
    live(4, 'a', 'N');
    ck_assert_uint_eq(t.ends, 2);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_int_eq(t.key['a'].value, 'N');
}
END_TEST

static void read_all(uint64_t last_seq)
{
    info(last_seq);
    info(last_seq);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
}

/* Somebody writes what cannot be read, ten times a second for ten minutes: a snapshot may be able to, but not as often. */
START_TEST(what_cannot_be_read_is_read_by_a_snapshot_now_and_then)
{
    get_live();
    uint64_t seq = 3;
    for (unsigned before = t.resyncs; seq < 6003; before = t.resyncs) {
        (void)live_unreadable(++seq, 'u');
        pass(100 * NS_PER_MS);
        if (t.resyncs > before)
            read_all(seq);
        ck_assert(t.synced);
    }
    ck_assert_uint_ge(t.resyncs, 10);
    ck_assert_uint_le(t.resyncs, 13);
    ck_assert_uint_eq(metric_get(&t.f->counters.gaps), 0);
    unsigned before = t.resyncs;
    pass(120 * NS_PER_S);
    if (t.resyncs > before)
        read_all(seq);
    before = t.resyncs;
    ck_assert_uint_le(before, 14); /* all has been read */
}
END_TEST

START_TEST(what_never_comes_makes_another_snapshot)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    entry(2, 'b', 'B');
    info(4);
    end(0);
    pass(2 * NS_PER_S);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    ck_assert_int_eq(t.key['a'].value, 'A'); /* nothing was swept */
    ck_assert_uint_eq(t.resyncs, 3);
}
END_TEST

/* What comes live while a snapshot is read may have changed places as well. */
START_TEST(late_while_a_snapshot_is_read)
{
    connect_bus();
    live(5, 'a', 'A');
    live(4, 'b', 'B'); /* the run begins with it */
    info(3);
    live(8, 'd', 'D');
    entry(2, 'e', 'E');
    live(7, 'c', 0);
    info(8);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "snapshot"); /* 6 is missing */
    live(6, 'c', 'C');
    ck_assert(follow_is_live(t.f));
    ck_assert_uint_eq(follow_horizon(t.f), 8);
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert_int_eq(t.key['b'].value, 'B');
    ck_assert_int_eq(t.key['c'].value, 0); /* deleted later than it was put */
    ck_assert_int_eq(t.key['e'].value, 'E');
    ck_assert_uint_eq(t.resyncs, 1);
}
END_TEST

/* Behind what the snapshot needs: it is complete, and goes on waiting for that. */
START_TEST(late_is_waited_for_behind_a_snapshot)
{
    connect_bus();
    info(3);
    live(4, 'a', 'A');
    live(6, 'b', 'B');
    info(4);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_uint_eq(follow_horizon(t.f), 4);
    live(5, 'b', 'X');
    ck_assert(follow_is_live(t.f));
    ck_assert_int_eq(t.key['b'].value, 'B');
}
END_TEST

START_TEST(hole_behind_the_snapshot_is_found)
{
    connect_bus();
    info(3);
    live(5, 'a', 'N'); /* 4 got lost */
    entry(1, 'b', 'B');
    info(5);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
}
END_TEST

START_TEST(old_live_messages_do_not_matter_to_a_snapshot)
{
    connect_bus();
    live(2, 'a', 'A'); /* a hole in front of L0 is covered by the snapshot */
    info(4);
    live(4, 'b', 'B');
    entry(2, 'a', 'A');
    entry(3, 'c', 'C');
    entry(4, 'b', 'B');
    info(4);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_uint_eq(follow_horizon(t.f), 4);
}
END_TEST

START_TEST(dropped_feed_during_snapshot_spoils_it)
{
    connect_bus();
    info(3);
    entry(1, 'a', 'A');
    follow_gap(t.f, t.now_ns);
    info(3);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 2);
}
END_TEST

START_TEST(more_changes_than_can_be_noted_spoil_it)
{
    connect_bus();
    info(0);
    for (uint64_t i = 1; i <= 9; i++) /* the limit is 8 keys */
        live(i, (char)('a' + i), 'x');
    info(9);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
}
END_TEST

START_TEST(partial_snapshot_sweeps_nothing)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info(3);
    end(-ETIMEDOUT);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
    ck_assert_int_eq(t.key['a'].value, 'A');
}
END_TEST

START_TEST(recreated_bucket_keeps_what_is_missing)
{
    get_live();
    pass(10 * NS_PER_S);
    info_of(CREATED + 1, 1);
    pass(10 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
    info_of(CREATED + 1, 1);
    t.key['a'].seq = t.key['b'].seq = 0; /* sequences of the old one mean nothing */
    entry(1, 'a', 'N');
    info_of(CREATED + 1, 1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
    ck_assert_int_eq(t.key['a'].value, 'N');
    ck_assert_int_eq(t.key['b'].value, 'B');
    ck_assert_uint_eq(follow_horizon(t.f), 1);
    live(2, 'b', 'M');
    ck_assert_int_eq(t.key['b'].value, 'M');
    pass(31 * NS_PER_S); /* the next one sweeps */
    ck_assert_uint_eq(t.resyncs, 3);
    info_of(CREATED + 1, 2); /* a check's */
    info_of(CREATED + 1, 2);
    entry(2, 'b', 'M');
    info_of(CREATED + 1, 2);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 0);
}
END_TEST

START_TEST(recreated_bucket_is_found_by_its_first_message)
{
    get_live();
    live(1, 'z', 'Z');
    ck_assert_uint_eq(metric_get(&t.f->counters.ignored), 1);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.checks, 1);
    info_of(CREATED + 1, 1);
    pass(10 * NS_PER_MS);
    ck_assert_uint_eq(t.resyncs, 2);
}
END_TEST

START_TEST(recreated_while_failing_is_not_forgotten)
{
    get_live();
    follow_gap(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    info_of(CREATED + 1, 1);
    end(-ETIMEDOUT);
    pass(NS_PER_S);
    info_of(CREATED + 1, 1);
    info_of(CREATED + 1, 1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
}
END_TEST

/* What came live while we asked may still have been of the old one. */
START_TEST(marks_of_the_old_bucket_do_not_count)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    live(4, 'a', 'L');
    info_of(CREATED + 1, 1);
    t.key['b'].seq = 0;
    entry(1, 'b', 'N');
    info_of(CREATED + 1, 1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
    ck_assert(!t.key['a'].marked && t.key['b'].marked);
}
END_TEST

START_TEST(recreated_during_the_snapshot_spoils_it)
{
    connect_bus();
    info(3);
    entry(1, 'a', 'A');
    info_of(CREATED + 1, 3);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_ABORTED);
}
END_TEST

/* A new leader of a cluster may not have applied everything yet. */
START_TEST(one_step_back_is_not_believed)
{
    get_live();
    pass(10 * NS_PER_S);
    info(2);
    ck_assert_uint_eq(t.resyncs, 1);
    pass(NS_PER_S);
    ck_assert_uint_eq(t.checks, 2);
    info(3);
    pass(9 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 1);
}
END_TEST

START_TEST(steps_back_are_believed_in_the_end)
{
    get_live();
    pass(10 * NS_PER_S);
    for (int i = 0; i < 3; i++) {
        info(1);
        pass(NS_PER_S);
    }
    ck_assert_uint_eq(t.resyncs, 2);
    info(1);
    t.key['a'].seq = 0;
    entry(1, 'a', 'O');
    info(1);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_RECREATED);
    ck_assert_int_eq(t.key['b'].value, 'B');
}
END_TEST

/* The answer to a question that was asked before a message came may not know the message. */
START_TEST(info_may_be_older_than_the_feed)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    live(4, 'c', 'C');
    info(3);
    entry(1, 'a', 'A');
    entry(2, 'b', 'B');
    info(4);
    end(0);
    ck_assert_str_eq(follow_state(t.f), "live");
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_uint_eq(follow_horizon(t.f), 4);
    ck_assert_int_eq(t.key['c'].value, 'C');
}
END_TEST

static void snapshot_with_b_alone(void)
{
    info(3);
    entry(2, 'b', 'B');
    info(3);
    end(0);
}

START_TEST(what_is_missing_is_kept_until_it_is_missing_again)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_MISSING);
    ck_assert_int_eq(t.key['a'].value, 'A');
    ck_assert(t.synced);
    pass(5 * NS_PER_S);
    follow_doubt(t.f, t.now_ns); /* too soon */
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_MISSING);
    pass(24 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 3);
    pass(2 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 4); /* by itself */
    info(3);                         /* a check's */
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 0);
}
END_TEST

/* We were stopped while the snapshot was on its way: it does not tell what its owner did meanwhile. */
START_TEST(an_old_snapshot_sweeps_nothing)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_MISSING);
    pass(20 * NS_PER_S);
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    ck_assert_uint_eq(t.resyncs, 3);
    t.now_ns += 20 * NS_PER_S;
    info(3); /* a check's */
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_MISSING);
    ck_assert_int_eq(t.key['a'].value, 'A');
    pass(0);
    ck_assert_uint_eq(t.resyncs, 4); /* by itself */
    snapshot_with_b_alone();
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 0);
}
END_TEST

START_TEST(what_was_missing_may_come_back)
{
    get_live();
    follow_doubt(t.f, t.now_ns);
    follow_tick(t.f, t.now_ns);
    snapshot_with_b_alone();
    live(4, 'a', 'N'); /* its owner noticed */
    pass(30 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 3);
    info(4); /* a check's */
    info(4);
    entry(2, 'b', 'B');
    entry(4, 'a', 'N');
    info(4);
    end(0);
    ck_assert_int_eq(t.end, FOLLOW_COMPLETE);
    ck_assert_int_eq(t.key['a'].value, 'N');
    pass(9 * NS_PER_S);
    ck_assert_uint_eq(t.resyncs, 3);
}
END_TEST

UNIT_TESTS_IN(setup, done, "follow_snapshot", live_during_snapshot_wins, sweep_waits_for_what_is_on_its_way,
              what_cannot_be_read_is_read_by_a_snapshot_now_and_then, what_never_comes_makes_another_snapshot,
              hole_behind_the_snapshot_is_found, late_while_a_snapshot_is_read, late_is_waited_for_behind_a_snapshot,
              old_live_messages_do_not_matter_to_a_snapshot, dropped_feed_during_snapshot_spoils_it,
              more_changes_than_can_be_noted_spoil_it, partial_snapshot_sweeps_nothing,
              recreated_bucket_keeps_what_is_missing, recreated_bucket_is_found_by_its_first_message,
              recreated_while_failing_is_not_forgotten, marks_of_the_old_bucket_do_not_count,
              recreated_during_the_snapshot_spoils_it, one_step_back_is_not_believed,
              steps_back_are_believed_in_the_end, info_may_be_older_than_the_feed,
              what_is_missing_is_kept_until_it_is_missing_again, an_old_snapshot_sweeps_nothing,
              what_was_missing_may_come_back)
