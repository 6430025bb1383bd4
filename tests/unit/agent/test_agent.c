/* SPDX-License-Identifier: Apache-2.0 */
/* Whole lives of the write side: start, registration, loss of the bus, restart, rivals, leave. */
#include "daemon/agent/agent.h"

#include <stdio.h>

#include "libdiscover/core/digest.h"
#include "tests/unit/agent/bucket.h"

#define A    "shop.payment.web-1.a"
#define B    "shop.payment.web-1.b"
#define RTT  NS_PER_MS
#define S(n) ((n)*NS_PER_S)
#define WALL 1000000

static struct agent *a;
static int64_t now_ns;

/* A daemon starts with what the store has. */
static void begin_life(int64_t wall_ms, struct agent_identity identity)
{
    struct agent_options options = {.host = "web-1",
                                    .region = "eu",
                                    .zone = "z1",
                                    .version = "1",
                                    .wall_ms = wall_ms,
                                    .identity = identity,
                                    .ipv4 = {10, 0, 0, 9},
                                    .families = DISCOVER_HAS_IPV4,
                                    .instances_max = 20};
    struct agent_ops ops = bucket_ops();
    ck_assert_int_eq(agent_new(&options, &ops, now_ns, &a), 0);
}

static void setup(void)
{
    bucket_new();
    now_ns = S(1000);
    begin_life(WALL, (struct agent_identity){0});
}

static void teardown(void)
{
    agent_free(a);
    bucket_free();
}

static struct agent_identity kept_identity(void)
{
    struct agent_status s = agent_status(a);
    return (struct agent_identity){s.node, s.epoch, s.min_epoch};
}

static struct lease *last_lease(void)
{
    ck_assert_uint_gt(bucket->n_leases, 0);
    return &bucket->leases[bucket->n_leases - 1];
}

static void answer_lease(int err)
{
    agent_published(a, bucket->lease_tokens[bucket->n_leases - 1], err, RTT, now_ns);
}

static void settle(void)
{
    while (bucket->n_flights) {
        struct flight f = bucket_land();
        agent_published(a, f.token, 0, RTT, now_ns);
    }
}

/* Time passes, with all that comes due in it; the bus answers everything. */
static void pass(int64_t ns)
{
    for (int64_t end_ns = now_ns + ns; now_ns < end_ns;) {
        int64_t next_ns = agent_deadline(a);
        now_ns = next_ns < end_ns ? (next_ns > now_ns ? next_ns : now_ns) : end_ns;
        int64_t deadline_ns = agent_tick(a, now_ns);
        ck_assert_msg(deadline_ns > now_ns || bucket->refuse, "a deadline that stays in the past is a busy loop");
        settle();
        if (bucket->n_leases > FLIGHTS_MAX / 2)
            bucket->n_leases = 0;
    }
}

static void observe_all(void)
{
    agent_snapshot_begin(a);
    for (size_t i = 0; i < bucket->n_slots; i++) {
        struct instance_key key = bucket_key(bucket->slots[i].key);
        agent_observed(a, &key, &bucket->slots[i].record, now_ns);
    }
    agent_synced(a, now_ns);
}

/* The bus comes up, both snapshots come. */
static void bus_up(void)
{
    agent_connected(a, now_ns);
    agent_hosts_synced(a, now_ns);
    observe_all();
    settle();
}

static struct agent_request request_of(const char *instance, uint64_t client)
{
    struct agent_request r = {.client = client, .uid = 1000, .domain = "shop", .service = "payment"};
    strcpy(r.instance, instance);
    r.record = bucket_record(80);
    return r;
}

static int try_register(const struct agent_request *r)
{
    char instance[LABEL_CAP];
    const char *why;
    return agent_register(a, r, now_ns, instance, &why);
}

static void add(const char *instance, uint64_t client)
{
    struct agent_request r = request_of(instance, client);
    ck_assert_int_eq(try_register(&r), 0);
}

static void restart(int64_t wall_ms)
{
    struct agent_identity identity = kept_identity();
    agent_free(a);
    bucket->n_flights = bucket->n_local = 0;
    for (size_t i = 0; i < 8; i++)
        bucket->processes[i].watchers = 0;
    begin_life(wall_ms, identity);
    struct stored store[SLOTS_MAX];
    size_t n = bucket->n_store;
    memcpy(store, bucket->store, sizeof store);
    for (size_t i = 0; i < n; i++)
        if (strncmp(store[i].name, "r-", 2) == 0)
            (void)agent_restore(a, store[i].bytes, store[i].n, now_ns);
}

/* --- registering --- */

START_TEST(local_at_once_published_when_the_bus_is_there)
{
    setup();
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
    teardown();
}
END_TEST

START_TEST(goes_with_its_connection)
{
    setup();
    bus_up();
    add("a", 1);
    add("b", 2);
    settle();
    agent_client_gone(a, 1, now_ns);
    ck_assert_ptr_null(local_holds(A));
    settle();
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_ptr_nonnull(bucket_holds(B));
    teardown();
}
END_TEST

START_TEST(no_address_means_the_hosts)
{
    setup();
    struct agent_request r = request_of("a", 1);
    record_init(&r.record);
    r.record.port = 80;
    ck_assert_int_eq(try_register(&r), 0);
    ck_assert_uint_eq(local_holds(A)->families, DISCOVER_HAS_IPV4);
    ck_assert_uint_eq(local_holds(A)->ipv4[3], 9);
    teardown();
}
END_TEST

START_TEST(refusals)
{
    setup();
    const char *why = NULL;
    char instance[LABEL_CAP];
    struct agent_request r = request_of("a", 1);
    strcpy(r.domain, "host");
    ck_assert_int_eq(agent_register(a, &r, now_ns, instance, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "domain"));
    r = request_of("Not-A-Name", 1);
    ck_assert_int_eq(agent_register(a, &r, now_ns, instance, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "instance"));
    r = request_of("a", 1);
    r.record.port = 0;
    ck_assert_int_eq(agent_register(a, &r, now_ns, instance, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "port"));
    r = request_of("a", 1);
    r.ttl_ns = 1;
    ck_assert_int_eq(agent_register(a, &r, now_ns, instance, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "ttl"));
    r = request_of("a", 1);
    r.pid = 77;
    ck_assert_int_eq(agent_register(a, &r, now_ns, instance, &why), -ESRCH);
    ck_assert_uint_eq(agent_status(a).registrations, 0);
    add("a", 1);
    r = request_of("a", 2);
    ck_assert_int_eq(try_register(&r), -EEXIST);
    for (int i = 1; i < 20; i++) {
        r = request_of("", 1);
        snprintf(r.instance, sizeof r.instance, "i%d", i);
        ck_assert_int_eq(try_register(&r), 0);
    }
    r = request_of("one-too-many", 1);
    ck_assert_int_eq(try_register(&r), -ENOSPC);
    teardown();
}
END_TEST

START_TEST(deregistering_needs_the_right)
{
    setup();
    add("a", 1);
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(agent_deregister(a, &key, 2, 2000, now_ns), -EPERM);
    ck_assert_int_eq(agent_deregister(a, &key, 1, 1000, now_ns), 0);
    ck_assert_int_eq(agent_deregister(a, &key, 1, 1000, now_ns), -ENOENT);
    ck_assert_uint_eq(bucket->n_local, 0);
    teardown();
}
END_TEST

START_TEST(ttl_needs_heartbeats)
{
    setup();
    bus_up();
    struct agent_request r = request_of("a", 1);
    struct instance_key key = bucket_key(A);
    r.ttl_ns = S(5);
    ck_assert_int_eq(try_register(&r), 0);
    agent_client_gone(a, 1, now_ns);
    pass(S(4));
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert_int_eq(agent_heartbeat(a, &key, 2, 1000, now_ns), 0);
    ck_assert_int_eq(agent_heartbeat(a, &key, 2, 2000, now_ns), -EPERM);
    pass(S(4));
    ck_assert_ptr_nonnull(local_holds(A));
    pass(S(2));
    ck_assert_ptr_null(local_holds(A));
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_int_eq(agent_heartbeat(a, &key, 1, 1000, now_ns), -ENOENT);
    add("b", 3);
    key = bucket_key(B);
    ck_assert_int_eq(agent_heartbeat(a, &key, 3, 1000, now_ns), -EINVAL);
    teardown();
}
END_TEST

START_TEST(lives_as_long_as_a_process)
{
    setup();
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    struct agent_request r = request_of("a", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    strcpy(r.instance, "b");
    ck_assert_int_eq(try_register(&r), 0);
    ck_assert_int_eq(bucket->processes[0].watchers, 1);
    agent_client_gone(a, 1, now_ns);
    ck_assert_uint_eq(bucket->n_local, 2);
    agent_pid_gone(a, 55, now_ns);
    ck_assert_uint_eq(bucket->n_local, 0);
    ck_assert_int_eq(bucket->processes[0].watchers, 0);
    teardown();
}
END_TEST

START_TEST(takeover_by_the_same_user)
{
    setup();
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    struct agent_request r = request_of("a", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    ck_assert_uint_eq(bucket->n_store, 2);
    r = request_of("a", 2);
    r.uid = 2000;
    ck_assert_int_eq(try_register(&r), -EEXIST);
    add("a", 2);
    ck_assert_int_eq(bucket->processes[0].watchers, 0);
    ck_assert_uint_eq(bucket->n_store, 1);
    agent_pid_gone(a, 55, now_ns);
    ck_assert_ptr_nonnull(local_holds(A));
    agent_client_gone(a, 2, now_ns);
    ck_assert_ptr_null(local_holds(A));
    teardown();
}
END_TEST

START_TEST(checks_change_the_state_only_when_it_changes)
{
    setup();
    bus_up();
    add("a", 1);
    settle();
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(agent_set_state(a, &key, DISCOVER_PASSING, now_ns), 0);
    ck_assert_uint_eq(bucket->n_flights, 0);
    ck_assert_int_eq(agent_set_state(a, &key, DISCOVER_CRITICAL, now_ns), 0);
    ck_assert_uint_eq(local_holds(A)->state, DISCOVER_CRITICAL);
    settle();
    ck_assert_uint_eq(bucket_holds(A)->state, DISCOVER_CRITICAL);
    key = bucket_key(B);
    ck_assert_int_eq(agent_set_state(a, &key, DISCOVER_PASSING, now_ns), -ENOENT);
    teardown();
}
END_TEST

START_TEST(configuration_is_followed)
{
    setup();
    bus_up();
    struct agent_service list[3] = {{.domain = "shop", .service = "payment", .instance = "a"},
                                    {.domain = "shop", .service = "payment"},
                                    {.domain = "shop", .service = "payment"}};
    for (size_t i = 0; i < 3; i++)
        list[i].record = bucket_record(80);
    agent_set_static(a, list, 3, now_ns);
    settle();
    ck_assert_str_eq(list[1].instance, "payment-80");
    ck_assert_str_eq(list[2].instance, "payment-80-2");
    ck_assert_uint_eq(bucket->n_slots, 3);

    /* A reload: one as before, one changed, one gone. Only what changed is put. */
    list[1].instance[0] = '\0';
    list[0].record.weight = 9;
    agent_set_static(a, list, 2, now_ns);
    ck_assert_uint_eq(bucket->n_flights, 2);
    settle();
    ck_assert_str_eq(list[1].instance, "payment-80");
    ck_assert_uint_eq(bucket_holds(A)->weight, 9);
    ck_assert_uint_eq(bucket->n_slots, 2);

    /* The configuration does not take what a client holds, and clients not what it holds. */
    add("b", 1);
    strcpy(list[1].instance, "b");
    agent_set_static(a, list, 2, now_ns);
    ck_assert_int_eq(list[1].ret_result, -EEXIST);
    struct agent_request r = request_of("a", 1);
    ck_assert_int_eq(try_register(&r), -EEXIST);
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(agent_deregister(a, &key, 1, 0, now_ns), -EPERM);
    teardown();
}
END_TEST

/* --- the lease --- */

START_TEST(lease_says_what_the_bucket_holds)
{
    setup();
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
    teardown();
}
END_TEST

START_TEST(lease_at_once_after_a_reconnect)
{
    setup();
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
    teardown();
}
END_TEST

START_TEST(failed_lease_is_put_again_soon)
{
    setup();
    bus_up();
    size_t before = bucket->n_leases;
    answer_lease(-EIO);
    pass(NS_PER_S / 2);
    ck_assert_uint_gt(bucket->n_leases, before);
    teardown();
}
END_TEST

/* --- restarts --- */

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
    struct agent_request r = request_of("a", 1);
    r.ttl_ns = S(30);
    ck_assert_int_eq(try_register(&r), 0);
    r = request_of("b", 1);
    r.pid = 55;
    ck_assert_int_eq(try_register(&r), 0);
    r = request_of("c", 1);
    r.pid = 56;
    ck_assert_int_eq(try_register(&r), 0);
    add("d", 1);
    ck_assert_uint_eq(bucket->n_store, 4);
    /* While the daemon is away 56 dies and its pid is used again. */
    bucket->processes[1].start = 5678;
    restart(WALL + 1);
    ck_assert_ptr_nonnull(local_holds(A));
    ck_assert_ptr_nonnull(local_holds(B));
    ck_assert_uint_eq(bucket->n_local, 2);
    ck_assert_uint_eq(bucket->n_store, 3);
    ck_assert_int_eq(bucket->processes[0].watchers, 1);
    pass(S(29));
    ck_assert_ptr_nonnull(local_holds(A));
    pass(S(2));
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(bucket->n_store, 2);
    ck_assert_int_eq(agent_restore(a, (const uint8_t *)"\x0a\x03xyz", 5, now_ns), -EBADMSG);
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
    agent_own_lease_seen(a, &earlier, S(4), now_ns);
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
    struct instance_key key = bucket_key(A);
    struct record record = bucket_record(80);
    record.epoch = WALL + 777;
    add("a", 1);
    agent_connected(a, now_ns);
    agent_hosts_synced(a, now_ns);
    settle();
    agent_snapshot_begin(a);
    agent_observed(a, &key, &record, now_ns);
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
    struct instance_key key = bucket_key(A), foreign = bucket_key("shop.payment.web-2.x");
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    slot_put(bucket->slots, &bucket->n_slots, A, &record);
    agent_observed(a, &key, &record, now_ns);
    agent_observed(a, &foreign, &record, now_ns);
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
    struct instance_key key = bucket_key(A);
    struct record record = bucket_record(80);
    record.epoch = WALL - 1;
    bus_up();
    agent_observed(a, &key, &record, now_ns);
    ck_assert_ptr_nonnull(local_holds(A));
    agent_observed(a, &key, NULL, now_ns);
    ck_assert_ptr_null(local_holds(A));
    ck_assert_uint_eq(agent_status(a).registrations, 0);
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

/* --- rivals --- */

START_TEST(no_fight_over_a_name)
{
    setup();
    struct lease other = {.node = 7, .epoch = WALL - 9, .counter = 5, .ttl_ms = 10000};
    add("a", 1);
    agent_connected(a, now_ns);
    agent_own_lease_seen(a, &other, S(1), now_ns);
    agent_hosts_synced(a, now_ns);
    other.counter++;
    agent_own_lease_seen(a, &other, 0, now_ns);
    ck_assert_uint_eq(bucket->rivals, 1);
    ck_assert(bucket->stand_down);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_RIVAL);
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
    agent_own_lease_seen(a, &other, 0, now_ns);
    ck_assert_uint_eq(bucket->rivals, 1);
    ck_assert(!bucket->stand_down);
    ck_assert_int_eq(agent_status(a).name, AGENT_NAME_OURS);
    pass(NS_PER_MS);
    ck_assert_uint_eq(last_lease()->epoch, WALL + 101);
    ck_assert_uint_eq(bucket_holds(A)->epoch, WALL + 101);
    teardown();
}
END_TEST

/* --- leaving --- */

START_TEST(good_bye_first_then_the_records)
{
    setup();
    bus_up();
    add("a", 1);
    struct agent_request r = request_of("b", 1);
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
    ck_assert_uint_eq(bucket->n_store, 2);
    size_t leases = bucket->n_leases;
    pass(S(30));
    ck_assert_uint_eq(bucket->n_leases, leases);
    teardown();
}
END_TEST

START_TEST(leaving_does_not_wait_for_a_lost_good_bye)
{
    setup();
    bus_up();
    add("a", 1);
    settle();
    agent_leave(a, now_ns);
    answer_lease(-EIO);
    pass(S(2));
    ck_assert(agent_left(a));
    ck_assert_uint_eq(bucket->n_slots, 0);
    teardown();
}
END_TEST

START_TEST(leaving_without_the_bus_is_done_at_once)
{
    setup();
    add("a", 1);
    agent_leave(a, now_ns);
    ck_assert(agent_left(a));
    teardown();
}
END_TEST

static void show(void *arg, const struct metric *metric, uint64_t value)
{
    uint64_t *seen = arg;
    if (strcmp(metric->name, "discoverd_agent_acks_total") == 0)
        seen[0] = value;
    if (strcmp(metric->name, "discoverd_agent_conflicts_total") == 0)
        seen[1] = value;
}

START_TEST(counters_show_what_happened)
{
    struct metrics *m;
    setup();
    ck_assert_int_eq(metrics_new(&m), 0);
    ck_assert_int_eq(agent_add_metrics(a, m), 0);
    bus_up();
    add("a", 1);
    settle();
    struct agent_request r = request_of("a", 2);
    ck_assert_int_eq(try_register(&r), -EEXIST);
    uint64_t seen[2] = {0};
    metrics_each(m, show, seen);
    ck_assert_uint_eq(seen[0], 1);
    ck_assert_uint_eq(seen[1], 1);
    metrics_free(m);
    teardown();
}
END_TEST

UNIT_TESTS("agent/agent", local_at_once_published_when_the_bus_is_there, goes_with_its_connection,
           no_address_means_the_hosts, refusals, deregistering_needs_the_right, ttl_needs_heartbeats,
           lives_as_long_as_a_process, takeover_by_the_same_user, checks_change_the_state_only_when_it_changes,
           configuration_is_followed, lease_says_what_the_bucket_holds, lease_at_once_after_a_reconnect,
           failed_lease_is_put_again_soon, restart_shows_nowhere_until_the_grace_is_over, restart_without_the_bus,
           min_epoch_waits_for_everything_to_be_put_again, two_restarts_within_one_grace,
           ttl_and_process_come_back_after_a_restart, clock_set_back_and_state_lost,
           newer_record_without_a_lease_makes_it_jump_too, orphans_are_deleted,
           inherited_one_deleted_by_others_is_gone, bucket_made_anew_is_filled_again, no_fight_over_a_name,
           the_one_that_stays_goes_above_the_one_that_goes, good_bye_first_then_the_records,
           leaving_does_not_wait_for_a_lost_good_bye, leaving_without_the_bus_is_done_at_once,
           counters_show_what_happened)
