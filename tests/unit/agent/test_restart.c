/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon finds when it comes back: its own earlier life, orphans, an empty bucket, another of its name. */
#include "daemon/agent/agent.h"

#include "tests/unit/agent/life.h"

START_TEST(restart_shows_nowhere_until_the_grace_is_over)
{
    setup();
    bus_up();
    add("a", 1);
    add("b", 2);
    settle();
    pass(S(20));
    ck_assert_uint_eq(agent_status(a).min_epoch, WALL);

    restart(WALL + 50000);
    bus_up();
    /* Both are vouched for, here and everywhere. */
    ck_assert_uint_eq(agent_status(a).inherited, 2);
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert_ptr_nonnull(local_holds(B));
    ck_assert_uint_eq(last_lease()->epoch, WALL + 50000);
    ck_assert_uint_eq(last_lease()->min_epoch, WALL);

    /* One is claimed. */
    pass(S(5));
    add("a", 11);
    settle();
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 50000);
    ck_assert_uint_eq(agent_status(a).inherited, 1);
    ck_assert_ptr_nonnull(bucket_holds(B));
    ck_assert_uint_eq(last_lease()->min_epoch, WALL);

    /* The other is not. */
    pass(S(10));
    ck_assert_uint_eq(last_lease()->min_epoch, WALL + 50000);
    ck_assert_ptr_null(local_holds(B));
    ck_assert_ptr_null(bucket_holds(B));
    ck_assert_ptr_nonnull(bucket_holds(A));
    ck_assert_uint_eq(agent_status(a).inherited, 0);
    teardown();
}
END_TEST

/* What is not there at once is gone: no registration of the earlier life is vouched for longer than it takes to know. */
START_TEST(no_grace_at_all)
{
    setup();
    bus_up();
    add("a", 1);
    add("b", 2);
    settle();
    restart_grace_ns = 0;
    restart(WALL + 50000);
    add("a", 11);
    bus_up();
    pass(S(1));
    ck_assert_uint_eq(last_lease()->min_epoch, WALL + 50000);
    ck_assert_ptr_null(local_holds(B));
    ck_assert_ptr_null(bucket_holds(B));
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 50000);
    teardown();
}
END_TEST

/* An hour without NATS: the grace is over long before it can be known what was there. */
START_TEST(restart_without_the_bus)
{
    setup();
    bus_up();
    add("a", 1);
    add("b", 2);
    settle();
    pass(S(20));
    restart(WALL + 50000);
    add("a", 11);
    pass(S(3600));
    agent_connected(a, now_ns);
    agent_hosts_synced(a, now_ns);
    ck_assert_uint_eq(last_lease()->min_epoch, WALL);
    observe_all();
    pass(NS_PER_MS);
    /* Not before the new A is acknowledged. */
    settle();
    pass(S(2));
    ck_assert_uint_eq(last_lease()->min_epoch, WALL + 50000);
    ck_assert_ptr_null(bucket_holds(B));
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 50000);
    teardown();
}
END_TEST

START_TEST(min_epoch_waits_for_everything_to_be_put_again)
{
    setup();
    bus_up();
    add("a", 1);
    settle();
    pass(S(20));
    restart(WALL + 50000);
    bucket->refuse = -ENOBUFS;
    add("a", 11);
    bus_up();
    now_ns += S(30);
    (void)agent_tick(a, now_ns);
    ck_assert_uint_eq(last_lease()->min_epoch, WALL);
    ck_assert_uint_eq(agent_status(a).min_epoch, WALL);
    bucket->refuse = 0;
    pass(S(1));
    ck_assert_uint_eq(agent_status(a).min_epoch, WALL + 50000);
    ck_assert_uint_eq(last_lease()->min_epoch, WALL + 50000);
    teardown();
}
END_TEST

START_TEST(two_restarts_within_one_grace)
{
    setup();
    bus_up();
    add("a", 1);
    settle();
    pass(S(20));
    restart(WALL + 50000);
    bus_up();
    pass(S(2));
    restart(WALL + 60000);
    bus_up();
    ck_assert_uint_eq(last_lease()->min_epoch, WALL);
    ck_assert_uint_eq(agent_status(a).inherited, 1);
    ck_assert_ptr_nonnull(local_holds(A));
    teardown();
}
END_TEST

START_TEST(ttl_and_process_come_back_after_a_restart)
{
    setup();
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    bucket->processes[1].pid = 56;
    bucket->processes[1].start = 99;
    struct registration_request r = request_of("a", 1);
    r.ttl_ns = S(30);
    ck_assert_int_eq(try_register(&r), 0);
    r = request_of("b", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    r = request_of("c", 1);
    r.pid = 56;
    ck_assert_int_eq(try_register(&r), 0);
    add("d", 1);
    pass(NS_PER_S / 10);
    ck_assert_uint_eq(bucket->n_store, 5);
    /* While the daemon is away 56 dies and its pid is used again. */
    bucket->processes[1].start = 5678;
    restart(WALL + 1);
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert_ptr_nonnull(local_holds(B));
    ck_assert_uint_eq(bucket->n_local, 2);
    ck_assert_uint_eq(bucket->n_store, 4);
    ck_assert_int_eq(bucket->processes[0].watchers, 1);
    pass(S(29));
    ck_assert_ptr_nonnull(local_holds(A));
    pass(S(2));
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(bucket->n_store, 2);
    ck_assert_int_eq(registrar_restore(registrar(), (const uint8_t *)"\x0a\x03xyz", 5, now_ns), -EBADMSG);
    teardown();
}
END_TEST

/* First stored, then done: nothing that was acknowledged is missing after a restart, and nothing that was taken back is there. */
START_TEST(what_cannot_be_stored_is_refused)
{
    setup();
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    struct registration_request r = request_of("a", 1), p = request_of("b", 1);
    struct instance_key key = bucket_key(A);
    r.ttl_ns = S(60);
    p.pid = 55;
    bucket->store_result = -ENOSPC;
    ck_assert_int_eq(try_register(&r), -EIO);
    ck_assert_int_eq(try_register(&p), -EIO);
    ck_assert_uint_eq(bucket->n_local, 0);
    ck_assert_int_eq(bucket->processes[0].watchers, 0);
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    add("c", 1); /* nothing of it outlives a restart: it is registered again then */

    bucket->store_result = 0;
    ck_assert_int_eq(try_register(&r), 0);
    bucket->store_result = -ENOSPC;
    r.record.port = 81;
    ck_assert_int_eq(try_register(&r), -EIO);
    ck_assert_uint_eq(local_holds(A)->port, 80);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 1, 1000, now_ns), -EIO);
    ck_assert_ptr_nonnull(local_holds(A));
    restart(WALL + 1); /* what is stored need not be stored again to come back */
    ck_assert_uint_eq(local_holds(A)->port, 80);
    bucket->store_result = 0;
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 1, 1000, now_ns), 0);
    restart(WALL + 2);
    ck_assert_uint_eq(bucket->n_local, 0);
    teardown();
}
END_TEST

START_TEST(clock_set_back_and_state_lost)
{
    setup();
    bus_up();
    add("a", 1);
    settle();
    struct lease earlier = *last_lease();
    agent_free(a);
    bucket->n_local = 0;
    begin_life(WALL - 500, (struct agent_identity){0});
    add("a", 11);
    agent_connected(a, now_ns);
    agent_own_lease_seen(a, &earlier, ++bucket->last_seq, S(4), now_ns);
    agent_hosts_synced(a, now_ns);
    observe_all();
    /* Another node's lease, as far as anyone can tell: it is waited for. */
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_UNKNOWN);
    ck_assert_uint_eq(bucket->n_flights, 0);
    pass(S(7));
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    ck_assert_uint_eq(agent_status(a).epoch, WALL + 1);
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 1);
    ck_assert_uint_eq(local_holds(A)->epoch, WALL + 1);
    teardown();
}
END_TEST

START_TEST(newer_record_without_a_lease_makes_it_jump_too)
{
    setup();
    struct record record = bucket_record(80);
    record.epoch = WALL + 777;
    add("a", 1);
    agent_connected(a, now_ns);
    agent_hosts_synced(a, now_ns);
    settle();
    agent_snapshot_begin(a);
    observe(A, &record);
    agent_synced(a, now_ns);
    pass(NS_PER_MS);
    ck_assert_uint_eq(agent_status(a).epoch, WALL + 778);
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 778);
    ck_assert_uint_eq(last_lease()->epoch, WALL + 778);
    teardown();
}
END_TEST

/* --- what is found in the bucket --- */

START_TEST(orphans_are_deleted)
{
    setup();
    bus_up();
    pass(S(20));
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    slot_put(bucket->slots, &bucket->n_slots, A, &record);
    observe(A, &record);
    observe("shop.payment.web-2.x", &record);
    ck_assert_ptr_null(local_holds(A));
    pass(S(2));
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    teardown();
}
END_TEST

START_TEST(inherited_one_deleted_by_others_is_gone)
{
    setup();
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    slot_put(bucket->slots, &bucket->n_slots, A, &record)->seq = ++bucket->seq;
    bus_up();
    ck_assert_ptr_nonnull(local_holds(A));
    observe(A, NULL);
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    teardown();
}
END_TEST

START_TEST(what_appears_after_the_first_snapshot_is_not_inherited)
{
    setup();
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    bus_up();
    observe(A, &record);
    pass(NS_PER_MS);
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(agent_status(a).inherited, 0);
    ck_assert_ptr_null(bucket_holds(A));
    teardown();
}
END_TEST

/* Nobody else would put it again before it is claimed. */
START_TEST(inherited_one_that_others_wrote_over_is_put_again)
{
    setup();
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    slot_put(bucket->slots, &bucket->n_slots, A, &record)->seq = ++bucket->seq;
    bus_up();
    observe_alien(A);
    pass(NS_PER_MS);
    ck_assert_ptr_nonnull(bucket_holds(A));
    ck_assert_uint_eq(bucket_holds(A)->epoch, agent_status(a).epoch);
    ck_assert_uint_eq(agent_status(a).inherited, 1);
    pass(S(20));
    ck_assert_ptr_null(bucket_holds(A));
    teardown();
}
END_TEST

/* Whenever it comes: readers have taken it for newer than anything of ours. */
START_TEST(forged_epoch_is_gone_above_at_any_time)
{
    setup();
    add("a", 1);
    bus_up();
    pass(S(60));
    struct record record = bucket_record(81);
    record.epoch = agent_status(a).epoch + 5000;
    observe(A, &record);
    pass(S(1));
    ck_assert_uint_eq(agent_status(a).epoch, record.epoch + 1);
    ck_assert_uint_eq(bucket_holds(A)->epoch, record.epoch + 1);
    ck_assert_uint_eq(bucket_holds(A)->port, 80);
    record.epoch = agent_status(a).epoch;
    record.counter = UINT64_MAX;
    observe(A, &record);
    pass(S(1));
    ck_assert_uint_eq(bucket_holds(A)->epoch, record.epoch + 1);
    teardown();
}
END_TEST

START_TEST(bucket_made_anew_is_filled_again)
{
    setup();
    bus_up();
    add("a", 1);
    add("b", 1);
    settle();
    bucket->n_slots = 0;
    observe_all();
    settle();
    ck_assert_ptr_nonnull(bucket_holds(A));
    ck_assert_ptr_nonnull(bucket_holds(B));
    teardown();
}
END_TEST

/* --- others under our name --- */

START_TEST(no_fight_over_a_name)
{
    setup();
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
    teardown();
}
END_TEST

START_TEST(the_one_that_stays_goes_above_the_one_that_goes)
{
    setup();
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
    teardown();
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
    setup();
    add("a", 1);
    (void)find_lease_of_our_node();
    pass(S(1));
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    ck_assert_uint_ne(last_lease()->life, 0);
    ck_assert_uint_ne(last_lease()->life, 77);
    ck_assert_ptr_nonnull(bucket_holds(A));
    teardown();
}
END_TEST

/* A copy of a machine, with its disk, starts beside it: not a word of it is heard but the question. */
START_TEST(a_copy_publishes_nothing)
{
    setup();
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
    teardown();
}
END_TEST

START_TEST(the_original_answers_at_once)
{
    setup();
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
    teardown();
}
END_TEST

/* From whatever source, and at any time: a lease that was put by hand, a record of a life nobody knows of. */
START_TEST(goes_above_whatever_is_seen)
{
    setup();
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
    teardown();
}
END_TEST

/* Its lease has taken the place of ours in the bucket: only we can tell it how high it has to go. */
START_TEST(who_stands_down_tells_its_epoch)
{
    setup();
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
    teardown();
}
END_TEST

/* Everything is put again after each: who makes us jump must not be able to make us do nothing else. */
START_TEST(jumps_are_bounded)
{
    setup();
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
    teardown();
}
END_TEST

UNIT_TESTS("agent/restart", restart_shows_nowhere_until_the_grace_is_over, no_grace_at_all, restart_without_the_bus,
           min_epoch_waits_for_everything_to_be_put_again, two_restarts_within_one_grace,
           ttl_and_process_come_back_after_a_restart, what_cannot_be_stored_is_refused, clock_set_back_and_state_lost,
           newer_record_without_a_lease_makes_it_jump_too, orphans_are_deleted, inherited_one_deleted_by_others_is_gone,
           inherited_one_that_others_wrote_over_is_put_again, what_appears_after_the_first_snapshot_is_not_inherited,
           forged_epoch_is_gone_above_at_any_time, bucket_made_anew_is_filled_again, no_fight_over_a_name,
           the_one_that_stays_goes_above_the_one_that_goes, an_earlier_life_does_not_answer, a_copy_publishes_nothing,
           the_original_answers_at_once, goes_above_whatever_is_seen, who_stands_down_tells_its_epoch,
           jumps_are_bounded)
