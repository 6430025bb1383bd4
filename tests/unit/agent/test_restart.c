/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon finds when it comes back: its own earlier life, orphans, an empty bucket. */
#include "daemon/agent/agent.h"

#include "tests/unit/agent/life.h"

START_TEST(restart_shows_nowhere_until_the_grace_is_over)
{
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
}
END_TEST

/* What is not there at once is gone: no registration of the earlier life is vouched for longer than it takes to know. */
START_TEST(no_grace_at_all)
{
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
}
END_TEST

/* An hour without NATS: the grace is over long before it can be known what was there. */
START_TEST(restart_without_the_bus)
{
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
}
END_TEST

START_TEST(min_epoch_waits_for_everything_to_be_put_again)
{
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
}
END_TEST

START_TEST(two_restarts_within_one_grace)
{
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
}
END_TEST

START_TEST(ttl_and_process_come_back_after_a_restart)
{
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
}
END_TEST

/* First stored, then done: nothing that was acknowledged is missing after a restart, and nothing that was taken back is there. */
START_TEST(what_cannot_be_stored_is_refused)
{
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
}
END_TEST

START_TEST(clock_set_back_and_state_lost)
{
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
}
END_TEST

START_TEST(newer_record_without_a_lease_makes_it_jump_too)
{
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
}
END_TEST

/* --- what is found in the bucket --- */

START_TEST(orphans_are_deleted)
{
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
}
END_TEST

START_TEST(inherited_one_deleted_by_others_is_gone)
{
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    slot_put(bucket->slots, &bucket->n_slots, A, &record)->seq = ++bucket->seq;
    bus_up();
    ck_assert_ptr_nonnull(local_holds(A));
    observe(A, NULL);
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(agent_status(a).registrations, 0);
}
END_TEST

START_TEST(what_appears_after_the_first_snapshot_is_not_inherited)
{
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    bus_up();
    observe(A, &record);
    pass(NS_PER_MS);
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(agent_status(a).inherited, 0);
    ck_assert_ptr_null(bucket_holds(A));
}
END_TEST

/* Nobody else would put it again before it is claimed. */
START_TEST(inherited_one_that_others_wrote_over_is_put_again)
{
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
}
END_TEST

/* Whenever it comes: readers have taken it for newer than anything of ours. */
START_TEST(forged_epoch_is_gone_above_at_any_time)
{
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
}
END_TEST

START_TEST(bucket_made_anew_is_filled_again)
{
    bus_up();
    add("a", 1);
    add("b", 1);
    settle();
    bucket->n_slots = 0;
    observe_all();
    settle();
    ck_assert_ptr_nonnull(bucket_holds(A));
    ck_assert_ptr_nonnull(bucket_holds(B));
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/restart", restart_shows_nowhere_until_the_grace_is_over, no_grace_at_all,
              restart_without_the_bus, min_epoch_waits_for_everything_to_be_put_again, two_restarts_within_one_grace,
              ttl_and_process_come_back_after_a_restart, what_cannot_be_stored_is_refused,
              clock_set_back_and_state_lost, newer_record_without_a_lease_makes_it_jump_too, orphans_are_deleted,
              inherited_one_deleted_by_others_is_gone, what_appears_after_the_first_snapshot_is_not_inherited,
              inherited_one_that_others_wrote_over_is_put_again, forged_epoch_is_gone_above_at_any_time,
              bucket_made_anew_is_filled_again)
