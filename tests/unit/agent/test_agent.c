/* SPDX-License-Identifier: Apache-2.0 */
/* The write side from the outside: registering, the lease, leaving. */
#include "daemon/agent/agent.h"

#include <stdio.h>

#include "libdiscover/core/digest.h"
#include "tests/unit/agent/life.h"

/* --- registering --- */

START_TEST(local_at_once_published_when_the_bus_is_there)
{
    add("a", 1);
    ck_assert_uint_eq(local_holds(A)->port, 80);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_uint_eq(agent_status(a).unacknowledged, 1);
    agent_connected(a, now_ns);
    ck_assert_uint_eq(bucket->n_leases, 0);
    agent_hosts_synced(a, now_ns);
    ck_assert_uint_eq(bucket->n_leases, 1);
    settle();
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL);
    ck_assert_uint_eq(bucket_holds(A)->counter, local_holds(A)->counter);
    ck_assert_uint_eq(agent_status(a).unacknowledged, 0);
}
END_TEST

START_TEST(goes_with_its_connection)
{
    bus_up();
    add("a", 1);
    add("b", 2);
    settle();
    registrar_client_gone(registrar(), 1, now_ns);
    ck_assert_ptr_null(local_holds(A));
    settle();
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_ptr_nonnull(bucket_holds(B));
}
END_TEST

START_TEST(no_address_means_the_hosts)
{
    struct registration_request r = request_of("a", 1);
    record_init(&r.record);
    r.record.port = 80;
    ck_assert_int_eq(try_register(&r), 0);
    ck_assert_uint_eq(local_holds(A)->addresses.families, DISCOVER_HAS_IPV4);
    ck_assert_uint_eq(local_holds(A)->addresses.ipv4[3], 9);
}
END_TEST

START_TEST(refusals)
{
    const char *why = NULL;
    struct registration_request r = request_of("a", 1);
    strcpy(r.key.domain, "host");
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "domain"));
    r = request_of("Not-A-Name", 1);
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "instance"));
    r = request_of("a", 1);
    r.record.port = 0;
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "port"));
    r = request_of("a", 1);
    r.ttl_ns = 1;
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "ttl"));
    r = request_of("a", 1);
    r.pid = 77;
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -ESRCH);
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    add("a", 1);
    r = request_of("a", 2);
    ck_assert_int_eq(try_register(&r), -EEXIST);
    for (int i = 1; i < 20; i++) {
        r = request_of("", 1);
        snprintf(r.key.instance, sizeof r.key.instance, "i%d", i);
        ck_assert_int_eq(try_register(&r), 0);
    }
    r = request_of("one-too-many", 1);
    ck_assert_int_eq(try_register(&r), -ENOSPC);
}
END_TEST

START_TEST(deregistering_needs_the_right)
{
    add("a", 1);
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 2, 2000, now_ns), -EPERM);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 1, 1000, now_ns), 0);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 1, 1000, now_ns), -ENOENT);
    ck_assert_uint_eq(bucket->n_local, 0);
}
END_TEST

START_TEST(ttl_needs_heartbeats)
{
    bus_up();
    struct registration_request r = request_of("a", 1);
    struct instance_key key = bucket_key(A);
    r.ttl_ns = S(5);
    ck_assert_int_eq(try_register(&r), 0);
    registrar_client_gone(registrar(), 1, now_ns);
    pass(S(4));
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert_int_eq(registrar_heartbeat(registrar(), &key, 2, 1000, now_ns), 0);
    ck_assert_int_eq(registrar_heartbeat(registrar(), &key, 2, 2000, now_ns), -EPERM);
    pass(S(4));
    ck_assert_ptr_nonnull(local_holds(A));
    pass(S(2));
    ck_assert_ptr_null(local_holds(A));
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_int_eq(registrar_heartbeat(registrar(), &key, 1, 1000, now_ns), -ENOENT);
    add("b", 3);
    key = bucket_key(B);
    ck_assert_int_eq(registrar_heartbeat(registrar(), &key, 3, 1000, now_ns), -EINVAL);
}
END_TEST

/* A heartbeat that came in time may still wait to be read. */
START_TEST(ttl_waits_for_what_is_not_read)
{
    bus_up();
    struct registration_request r = request_of("a", 1);
    struct instance_key key = bucket_key(A);
    r.ttl_ns = S(5);
    ck_assert_int_eq(try_register(&r), 0);
    int64_t end_ns = now_ns + S(5);
    agent_read_until(a, now_ns);
    pass(S(6));
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert(agent_waits_for_input(a));
    agent_read_until(a, end_ns - 1);
    pass(1);
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert_int_eq(registrar_heartbeat(registrar(), &key, 1, 1000, now_ns), 0);
    ck_assert(!agent_waits_for_input(a));
    pass(S(6));
    agent_read_until(a, now_ns);
    pass(1);
    ck_assert_ptr_null(local_holds(A));
}
END_TEST

START_TEST(time_in_which_nothing_ran_is_nobodys_fault)
{
    bus_up();
    struct registration_request r = request_of("a", 1);
    r.ttl_ns = S(5);
    ck_assert_int_eq(try_register(&r), 0);
    now_ns += S(60);
    registrar_stalled(registrar(), now_ns);
    (void)agent_tick(a, now_ns);
    ck_assert_ptr_nonnull(local_holds(A));
    pass(S(4));
    ck_assert_ptr_nonnull(local_holds(A));
    pass(S(2));
    ck_assert_ptr_null(local_holds(A));
}
END_TEST

START_TEST(lives_as_long_as_a_process)
{
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    struct registration_request r = request_of("a", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    strcpy(r.key.instance, "b");
    ck_assert_int_eq(try_register(&r), 0);
    ck_assert_int_eq(bucket->processes[0].watchers, 1);
    registrar_client_gone(registrar(), 1, now_ns);
    ck_assert_uint_eq(bucket->n_local, 2);
    registrar_pid_gone(registrar(), 55, now_ns);
    ck_assert_uint_eq(bucket->n_local, 0);
    ck_assert_int_eq(bucket->processes[0].watchers, 0);
}
END_TEST

/* Other hosts wait for the one, and nobody for the other. */
START_TEST(a_death_goes_to_the_bus_before_the_disk)
{
    bus_up();
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    struct registration_request r = request_of("a", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    settle();
    size_t stored = bucket->n_store;
    registrar_pid_gone(registrar(), 55, now_ns);
    ck_assert_uint_eq(bucket->n_flights, 1);
    ck_assert_uint_eq(bucket->flights_before_forget, 1);
    ck_assert_uint_eq(bucket->n_store, stored - 1);
}
END_TEST

static void make_large(struct record *record)
{
    char value[RECORD_META_VAL_CAP];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    ck_assert_int_eq(record_set_meta(record, "a", value), 0);
    ck_assert_int_eq(record_set_meta(record, "b", value), 0);
}

/* The bus would never take it, and everything else would wait behind it. */
START_TEST(a_record_over_the_limit_is_refused_and_holds_up_nothing)
{
    record_max = 512;
    restart(WALL);
    bus_up();
    add("a", 1);
    settle();
    struct registration_request r = request_of("a", 1);
    make_large(&r.record);
    ck_assert_int_eq(try_register(&r), -EMSGSIZE);
    strcpy(r.key.instance, "b");
    ck_assert_int_eq(try_register(&r), -EMSGSIZE);
    add("c", 1);
    settle();
    ck_assert_ptr_nonnull(bucket_holds("shop.payment.web-1.c"));
    ck_assert_uint_eq(bucket_holds(A)->n_meta, 0);
    ck_assert_uint_eq(agent_status(a).unacknowledged, 0);
    record_max = 0;
}
END_TEST

START_TEST(takeover_by_the_same_user)
{
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    struct registration_request r = request_of("a", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    ck_assert_uint_eq(bucket->n_store, 2);
    r = request_of("a", 2);
    r.uid = 2000;
    ck_assert_int_eq(try_register(&r), -EEXIST);
    add("a", 2);
    ck_assert_int_eq(bucket->processes[0].watchers, 0);
    pass(NS_PER_S / 10);
    ck_assert_uint_eq(bucket->n_store, 2);
    registrar_pid_gone(registrar(), 55, now_ns);
    ck_assert_ptr_nonnull(local_holds(A));
    registrar_client_gone(registrar(), 2, now_ns);
    ck_assert_ptr_null(local_holds(A));
}
END_TEST

START_TEST(checks_change_the_state_only_when_it_changes)
{
    bus_up();
    add("a", 1);
    settle();
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(registrar_set_state(registrar(), &key, DISCOVER_PASSING, now_ns), 0);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_int_eq(registrar_set_state(registrar(), &key, DISCOVER_CRITICAL, now_ns), 0);
    ck_assert_uint_eq(local_holds(A)->state, DISCOVER_CRITICAL);
    settle();
    ck_assert_uint_eq(bucket_holds(A)->state, DISCOVER_CRITICAL);
    key = bucket_key(B);
    ck_assert_int_eq(registrar_set_state(registrar(), &key, DISCOVER_PASSING, now_ns), -ENOENT);
}
END_TEST

/* As many at a time as are no burden to the others, and the rest as soon as they had their turn. */
START_TEST(a_client_that_held_many_ends_in_pieces)
{
    enum { MANY = 20 };
    char name[LABEL_CAP];
    bus_up();
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "i%u", i);
        add(name, 1);
    }
    settle();
    registrar_client_gone(registrar(), 1, now_ns);
    ck_assert_uint_lt(agent_status(a).registrations, MANY);
    for (uint32_t left; (left = agent_status(a).registrations) > 0;) {
        ck_assert_int_le(agent_deadline(a), now_ns);
        (void)agent_tick(a, now_ns);
        ck_assert_uint_lt(agent_status(a).registrations, left);
        ck_assert_uint_le(left - agent_status(a).registrations, MANY / 2);
    }
    ck_assert_int_gt(agent_deadline(a), now_ns);
}
END_TEST

static void set_static(struct static_service *services, size_t n)
{
    registrar_static_begin(registrar());
    for (size_t i = 0; i < n; i++)
        registrar_static_set(registrar(), &services[i], now_ns);
    while (!registrar_static_end(registrar(), now_ns)) {
    }
}

START_TEST(configuration_is_followed)
{
    bus_up();
    struct static_service list[3] = {{.key = {.domain = "shop", .service = "payment", .instance = "a"}},
                                     {.key = {.domain = "shop", .service = "payment"}},
                                     {.key = {.domain = "shop", .service = "payment"}}};
    for (size_t i = 0; i < 3; i++)
        list[i].record = bucket_record(80);
    set_static(list, 3);
    settle();
    ck_assert_str_eq(list[1].key.instance, "payment-80");
    ck_assert_str_eq(list[2].key.instance, "payment-80-2");
    ck_assert_uint_eq(bucket->n_slots, 3);

    /* A reload: one as before, one changed, one gone. Only what changed is put. */
    list[1].key.instance[0] = '\0';
    list[0].record.weight = 9;
    set_static(list, 2);
    ck_assert_uint_eq(bucket->n_flights, 2);
    settle();
    ck_assert_str_eq(list[1].key.instance, "payment-80");
    ck_assert_uint_eq(bucket_holds(A)->weight, 9);
    ck_assert_uint_eq(bucket->n_slots, 2);

    /* The configuration does not take what a client holds, and clients not what it holds. */
    add("b", 1);
    strcpy(list[1].key.instance, "b");
    set_static(list, 2);
    ck_assert_int_eq(list[1].ret_result, -EEXIST);
    struct registration_request r = request_of("a", 1);
    ck_assert_int_eq(try_register(&r), -EEXIST);
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 1, 0, now_ns), -EPERM);
}
END_TEST

/* --- the lease --- */

START_TEST(lease_says_what_the_bucket_holds)
{
    bus_up();
    answer_lease(0);
    add("a", 1);
    settle();
    pass(S(4));
    struct lease *l = last_lease();
    struct instance_key key = bucket_key(A);
    ck_assert_uint_eq(l->records, 1);
    ck_assert_uint_eq(l->digest, record_digest(&key, WALL, bucket_holds(A)->counter));
    ck_assert_uint_eq(l->epoch, WALL);
    ck_assert_uint_eq(l->ttl_ms, 10000);
    ck_assert_str_eq(l->zone, "z1");
    ck_assert(!l->leaving);
    size_t before = bucket->n_leases;
    pass(S(100));
    ck_assert_uint_ge(bucket->n_leases - before, 29);
    ck_assert_uint_le(bucket->n_leases - before, 38);
}
END_TEST

START_TEST(lease_at_once_after_a_reconnect)
{
    bus_up();
    add("a", 1);
    settle();
    size_t before = bucket->n_leases;
    agent_disconnected(a, now_ns);
    pass(S(3600));
    ck_assert_uint_eq(bucket->n_leases, before);
    ck_assert_ptr_nonnull(local_holds(A));
    add("b", 1);
    ck_assert_uint_eq(bucket->n_flights, 0);
    agent_connected(a, now_ns);
    ck_assert_uint_eq(bucket->n_leases, before + 1);
    settle();
    ck_assert_ptr_nonnull(bucket_holds(B));
}
END_TEST

START_TEST(failed_lease_is_put_again_soon)
{
    bus_up();
    size_t before = bucket->n_leases;
    answer_lease(-EIO);
    pass(NS_PER_S / 2);
    ck_assert_uint_gt(bucket->n_leases, before);
}
END_TEST

/* --- leaving --- */

START_TEST(good_bye_first_then_the_records)
{
    bus_up();
    add("a", 1);
    struct registration_request r = request_of("b", 1);
    r.ttl_ns = S(60);
    ck_assert_int_eq(try_register(&r), 0);
    settle();
    ck_assert(!agent_left(a));
    agent_leave(a, now_ns);
    ck_assert(last_lease()->leaving);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert(!agent_left(a));
    r = request_of("c", 1);
    ck_assert_int_eq(try_register(&r), -ESHUTDOWN);
    answer_lease(0);
    ck_assert_uint_eq(bucket->n_flights, 2);
    ck_assert(!agent_left(a));
    settle();
    ck_assert(agent_left(a));
    ck_assert_uint_eq(bucket->n_slots, 0);
    /* What outlives connections comes back with the next life. */
    pass(NS_PER_S / 10);
    ck_assert_uint_eq(bucket->n_store, 3);
    size_t leases = bucket->n_leases;
    pass(S(30));
    ck_assert_uint_eq(bucket->n_leases, leases);
}
END_TEST

START_TEST(leaving_does_not_wait_for_a_lost_good_bye)
{
    bus_up();
    add("a", 1);
    settle();
    agent_leave(a, now_ns);
    answer_lease(-EIO);
    pass(S(2));
    ck_assert(agent_left(a));
    ck_assert_uint_eq(bucket->n_slots, 0);
}
END_TEST

/* A life that has not been heard yet: what others believe in is the one before. */
START_TEST(leaving_waits_until_the_name_is_known)
{
    add("a", 1);
    agent_connected(a, now_ns);
    agent_leave(a, now_ns);
    ck_assert(!agent_left(a));
    ck_assert_uint_eq(bucket->n_leases, 0);
    agent_hosts_synced(a, now_ns);
    observe_all();
    ck_assert_uint_gt(bucket->n_leases, 0);
    ck_assert(last_lease()->leaving);
    answer_lease(0);
    pass(NS_PER_S);
    ck_assert(agent_left(a));
}
END_TEST

START_TEST(leaving_without_the_bus_is_done_at_once)
{
    add("a", 1);
    agent_leave(a, now_ns);
    ck_assert(agent_left(a));
    struct registration_request r = request_of("b", 1);
    ck_assert_int_eq(try_register(&r), -ESHUTDOWN);
}
END_TEST

static void show(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    uint64_t *seen = arg;
    if (strcmp(metric->name, "discoverd_agent_write_results_total{result=\"stored\"}") == 0)
        seen[0] = value;
    if (strcmp(metric->name, "discoverd_agent_registrations_refused_total{reason=\"conflict\"}") == 0)
        seen[1] = value;
}

START_TEST(counters_show_what_happened)
{
    struct metrics *m;
    ck_assert_int_eq(metrics_new(&m), 0);
    ck_assert_int_eq(agent_add_metrics(a, m), 0);
    bus_up();
    add("a", 1);
    settle();
    struct registration_request r = request_of("a", 2);
    ck_assert_int_eq(try_register(&r), -EEXIST);
    agent_tick(a, now_ns);
    uint64_t seen[2] = {0};
    metrics_each(m, show, seen);
    ck_assert_uint_eq(seen[0], 1);
    ck_assert_uint_eq(seen[1], 1);
    metrics_free(m);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/agent", local_at_once_published_when_the_bus_is_there, goes_with_its_connection,
              no_address_means_the_hosts, refusals, deregistering_needs_the_right, ttl_needs_heartbeats,
              ttl_waits_for_what_is_not_read, time_in_which_nothing_ran_is_nobodys_fault, lives_as_long_as_a_process,
              a_death_goes_to_the_bus_before_the_disk, a_record_over_the_limit_is_refused_and_holds_up_nothing,
              takeover_by_the_same_user, checks_change_the_state_only_when_it_changes, configuration_is_followed,
              a_client_that_held_many_ends_in_pieces, lease_says_what_the_bucket_holds, lease_at_once_after_a_reconnect,
              failed_lease_is_put_again_soon, good_bye_first_then_the_records,
              leaving_does_not_wait_for_a_lost_good_bye, leaving_waits_until_the_name_is_known,
              leaving_without_the_bus_is_done_at_once, counters_show_what_happened)
