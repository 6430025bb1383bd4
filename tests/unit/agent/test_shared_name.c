/* SPDX-License-Identifier: Apache-2.0 */
/* An agent whose name others use, or have used: what it publishes, and above which epochs it goes. */
#include "daemon/agent/agent.h"

#include "tests/unit/agent/life.h"

/* --- others under our name --- */

START_TEST(no_fight_over_a_name)
{
    struct lease other = {.node = 7, .epoch = WALL - 9, .counter = 5, .ttl_ms = 10000};
    add("a", 1);
    agent_connected(a, now_ns);
    agent_own_lease_seen(a, &other, ++bucket->last_seq, S(1), now_ns);
    agent_hosts_synced(a, now_ns);
    pass(S(3));
    other.counter++;
    agent_own_lease_seen(a, &other, ++bucket->last_seq, 0, now_ns);
    ck_assert_uint_eq(bucket->name_conflicts, 1);
    ck_assert(bucket->stand_down);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_CONFLICT);
    pass(S(9));
    ck_assert_uint_eq(bucket->n_leases, 0);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_ptr_nonnull(local_holds(A));
    /* It dies. */
    pass(S(2));
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    ck_assert_uint_gt(bucket->n_leases, 0);
    ck_assert_ptr_nonnull(bucket_holds(A));
}
END_TEST

START_TEST(the_one_that_stays_goes_above_the_one_that_goes)
{
    bus_up();
    add("a", 1);
    settle();
    struct lease other = {.node = UINT64_MAX, .epoch = WALL + 100, .counter = 1, .ttl_ms = 10000};
    agent_own_lease_seen(a, &other, ++bucket->last_seq, 0, now_ns);
    pass(S(3));
    other.counter++;
    agent_own_lease_seen(a, &other, ++bucket->last_seq, 0, now_ns);
    ck_assert_uint_eq(bucket->name_conflicts, 1);
    ck_assert(!bucket->stand_down);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    pass(NS_PER_MS);
    ck_assert_uint_eq(last_lease()->epoch, WALL + 101);
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 101);
}
END_TEST

/* A lease that the bucket had from somebody with our node: it is asked for, and changes nothing for any reader. */
static struct lease find_lease_of_our_node(void)
{
    struct lease found = {.node = agent_status(a).node, .life = 77, .epoch = WALL - 9, .counter = 5, .ttl_ms = 10000};
    agent_connected(a, now_ns);
    agent_own_lease_seen(a, &found, ++bucket->last_seq, S(1), now_ns);
    agent_hosts_synced(a, now_ns);
    ck_assert_uint_eq(bucket->n_questions, 1);
    ck_assert_uint_eq(bucket->question.epoch, found.epoch);
    ck_assert_uint_eq(bucket->question.counter, found.counter);
    ck_assert_uint_eq(bucket->question.life, 77);
    ck_assert_uint_eq(bucket->n_leases, 0);
    agent_own_lease_seen(a, &bucket->question, ++bucket->last_seq, 0, now_ns);
    return found;
}

START_TEST(an_earlier_life_does_not_answer)
{
    add("a", 1);
    (void)find_lease_of_our_node();
    pass(S(1));
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    ck_assert_uint_ne(last_lease()->life, 0);
    ck_assert_uint_ne(last_lease()->life, 77);
    ck_assert_ptr_nonnull(bucket_holds(A));
}
END_TEST

/* Connects, and finds a lease of which nobody answers for. */
static void find_unanswered(const struct lease *lease)
{
    agent_connected(a, now_ns);
    agent_own_lease_seen(a, lease, ++bucket->last_seq, S(2), now_ns);
    agent_hosts_synced(a, now_ns);
    agent_own_lease_seen(a, &bucket->question, ++bucket->last_seq, 0, now_ns);
    pass(S(1));
}

/* Nor may it be: then whoever has the name may be about to connect again. */
START_TEST(an_earlier_life_was_on_this_machine)
{
    bus_up();
    ck_assert_uint_eq(kept_identity().life, last_lease()->life);
    struct lease last = *last_lease();
    restart(WALL + 1);
    find_unanswered(&last);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    last = *last_lease();
    boot++;
    restart(WALL + 2);
    find_unanswered(&last);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_UNKNOWN);
    pass(S(4));
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    ck_assert_uint_eq(kept_identity().boot, boot);
    agent_leave(a, now_ns); /* nobody has to be told from the next life */
    ck_assert_uint_eq(kept_identity().boot, 0);
}
END_TEST

/* It was held up on its way. Nobody else is there: no alarm, but an answer; a copy of this machine asks as another life. */
START_TEST(the_question_of_an_earlier_life_comes_late)
{
    (void)find_lease_of_our_node();
    struct lease late = bucket->question, copy;
    ck_assert_uint_eq(kept_identity().asker, late.asked_by);
    restart(WALL + 1);
    bus_up();
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    agent_own_lease_seen(a, &late, ++bucket->last_seq, 0, now_ns);
    pass(S(1));
    ck_assert_uint_eq(bucket->name_conflicts, 0);
    ck_assert_uint_eq(last_lease()->answers, late.asked_by);
    copy = late;
    copy.asked_by = 99;
    agent_own_lease_seen(a, &copy, ++bucket->last_seq, 0, now_ns);
    ck_assert_uint_eq(bucket->name_conflicts, 1);
}
END_TEST

/* A copy of a machine, with its disk, starts beside it: not a word of it is heard but the question. */
START_TEST(a_copy_publishes_nothing)
{
    add("a", 1);
    struct lease original = find_lease_of_our_node();
    original.counter++;
    original.answers = bucket->question.asked_by;
    agent_own_lease_seen(a, &original, ++bucket->last_seq, 0, now_ns);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_CONFLICT);
    ck_assert(bucket->stand_down);
    for (int i = 0; i < 10; i++) {
        pass(S(3));
        original.counter++;
        agent_own_lease_seen(a, &original, ++bucket->last_seq, 0, now_ns);
    }
    ck_assert_uint_eq(bucket->n_leases, 0);
    ck_assert_uint_eq(bucket->n_flights + bucket->n_slots, 0);

    /* The original dies: what it had is not vouched for, and its epoch is not fallen behind. */
    pass(S(11));
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    ck_assert_uint_eq(last_lease()->min_epoch, last_lease()->epoch);
    ck_assert_uint_gt(last_lease()->epoch, original.epoch);
    ck_assert_ptr_nonnull(bucket_holds(A));
}
END_TEST

START_TEST(the_original_answers_at_once)
{
    bus_up();
    answer_lease(0);
    pass(S(1));
    struct lease question = *last_lease();
    question.asked_by = 99;
    size_t leases = bucket->n_leases;
    agent_own_lease_seen(a, &question, ++bucket->last_seq, 0, now_ns);
    pass(NS_PER_MS);
    ck_assert_uint_eq(bucket->n_leases, leases + 1);
    ck_assert_uint_eq(last_lease()->answers, 99);
    ck_assert_uint_eq(last_lease()->epoch, question.epoch);
    ck_assert_uint_eq(bucket->name_conflicts, 1);
    ck_assert(!bucket->stand_down);

    /* However often it is asked, it does not become a flood. */
    for (int i = 0; i < 1000; i++) {
        question.asked_by++;
        agent_own_lease_seen(a, &question, ++bucket->last_seq, 0, now_ns);
        pass(NS_PER_MS);
    }
    ck_assert_uint_le(bucket->n_leases, leases + 12);
}
END_TEST

/* From whatever source, and at any time: a lease that was put by hand, a record of a life nobody knows of. */
START_TEST(goes_above_whatever_is_seen)
{
    bus_up();
    add("a", 1);
    settle();
    pass(S(60));
    struct lease stray = {.node = 1, .life = 5, .epoch = WALL + 100000, .counter = 1, .ttl_ms = 3600000};
    agent_own_lease_seen(a, &stray, ++bucket->last_seq, 0, now_ns);
    pass(NS_PER_MS);
    ck_assert_uint_eq(last_lease()->epoch, WALL + 100001);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);

    struct record record = bucket_record(81);
    record.epoch = WALL + 200000;
    pass(S(1));
    observe(A, &record);
    pass(S(1));
    ck_assert_uint_eq(last_lease()->epoch, WALL + 200001);
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 200001);
}
END_TEST

/* Its lease has taken the place of ours in the bucket: only we can tell it how high it has to go. */
START_TEST(who_stands_down_tells_its_epoch)
{
    bus_up();
    add("a", 1);
    settle();
    struct lease own = *last_lease();
    agent_own_lease_seen(a, &own, 100, 0, now_ns);
    struct lease first = {.node = 7, .life = 5, .claim = 9, .epoch = WALL - 9, .counter = 5, .ttl_ms = 10000};
    agent_own_lease_seen(a, &first, 101, 0, now_ns);
    pass(S(4));
    size_t leases = bucket->n_leases;
    first.counter++;
    agent_own_lease_seen(a, &first, 102, 0, now_ns);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_CONFLICT);
    ck_assert_uint_eq(bucket->n_leases, leases + 1);
    ck_assert_uint_eq(last_lease()->answers, 5);
    ck_assert_uint_eq(last_lease()->epoch, WALL);
    pass(S(5));
    ck_assert_uint_eq(bucket->n_leases, leases + 1);
}
END_TEST

/* Everything is put again after each: who makes us jump must not be able to make us do nothing else. */
START_TEST(jumps_are_bounded)
{
    bus_up();
    add("a", 1);
    settle();
    size_t leases = bucket->n_leases;
    struct lease stray = {.node = 1, .life = 5, .epoch = WALL + 100, .counter = 1, .ttl_ms = 10000};
    for (int i = 0; i < 1000; i++) {
        stray.epoch += 2;
        agent_own_lease_seen(a, &stray, ++bucket->last_seq, 0, now_ns);
        pass(NS_PER_MS);
    }
    pass(S(1));
    ck_assert_uint_le(bucket->n_leases, leases + 14);
    ck_assert_uint_gt(last_lease()->epoch, stray.epoch);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/shared name", no_fight_over_a_name,
              the_one_that_stays_goes_above_the_one_that_goes, an_earlier_life_does_not_answer,
              an_earlier_life_was_on_this_machine, the_question_of_an_earlier_life_comes_late, a_copy_publishes_nothing,
              the_original_answers_at_once, goes_above_whatever_is_seen, who_stands_down_tells_its_epoch,
              jumps_are_bounded)
