/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/life.h"

struct agent *a;
int64_t now_ns;
int64_t restart_grace_ns;
uint64_t boot = 5;
size_t record_max;

struct registrar *registrar(void)
{
    return agent_registrar(a);
}

void begin_life(int64_t wall_ms, struct agent_identity identity)
{
    struct agent_options options = {.host = "web-1",
                                    .region = "eu",
                                    .zone = "z1",
                                    .version = "1",
                                    .wall_ms = wall_ms,
                                    .boot = boot,
                                    .identity = identity,
                                    .restart_grace_ns = restart_grace_ns,
                                    .addresses = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 9}},
                                    .instances_max = 20,
                                    .record_max = record_max};
    struct agent_ops ops = bucket_ops();
    options = agent_complete(options);
    ck_assert_int_eq(agent_new(&options, &ops, now_ns, &a), 0);
}

void setup(void)
{
    bucket_new();
    now_ns = S(1000);
    restart_grace_ns = S(15);
    begin_life(WALL, (struct agent_identity){0});
}

void teardown(void)
{
    agent_free(a);
    bucket_free();
}

struct agent_identity kept_identity(void)
{
    struct agent_identity identity;
    const struct stored *s = stored_of(bucket, STORED_IDENTITY);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(stored_identity_decode(s->bytes, s->n, &identity), 0);
    return identity;
}

struct lease *last_lease(void)
{
    ck_assert_uint_gt(bucket->n_leases, 0);
    return &bucket->leases[bucket->n_leases - 1];
}

void answer_lease(int err)
{
    agent_published(a, bucket->lease_tokens[bucket->n_leases - 1], err, 0, RTT, now_ns);
}

void settle(void)
{
    while (bucket->n_flights) {
        struct flight f = bucket_land();
        agent_published(a, f.token, 0, f.seq, RTT, now_ns);
    }
}

void pass(int64_t ns)
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

void observe(const char *text, const struct record *record)
{
    struct instance_key key = bucket_key(text);
    agent_observed(a, &key, &(struct agent_seen){.seq = ++bucket->seq, .record = record}, now_ns);
}

void observe_alien(const char *text)
{
    struct instance_key key = bucket_key(text);
    slot_remove(bucket->slots, &bucket->n_slots, text);
    agent_observed(a, &key, &(struct agent_seen){.seq = ++bucket->seq, .alien = true}, now_ns);
}

void observe_all(void)
{
    agent_snapshot_begin(a);
    for (size_t i = 0; i < bucket->n_slots; i++) {
        struct instance_key key = bucket_key(bucket->slots[i].key);
        const struct slot *slot = &bucket->slots[i];
        agent_observed(a, &key, &(struct agent_seen){.seq = slot->seq, .record = &slot->record}, now_ns);
    }
    agent_synced(a, now_ns);
}

void bus_up(void)
{
    agent_connected(a, now_ns);
    agent_hosts_synced(a, now_ns);
    observe_all();
    settle();
}

struct registration_request request_of(const char *instance, uint64_t client)
{
    struct registration_request r = {.client = client, .uid = 1000, .key = {.domain = "shop", .service = "payment"}};
    strcpy(r.key.instance, instance);
    r.record = bucket_record(80);
    return r;
}

int try_register(struct registration_request *r)
{
    const char *why;
    return registrar_register(registrar(), r, now_ns, &why);
}

void add(const char *instance, uint64_t client)
{
    struct registration_request r = request_of(instance, client);
    ck_assert_int_eq(try_register(&r), 0);
}

void restart(int64_t wall_ms)
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
        if (strncmp(store[i].name, STORED_NAME, 2) == 0)
            ck_assert_int_eq(registrar_restore_name(registrar(), store[i].bytes, store[i].n), 0);
    for (size_t i = 0; i < n; i++)
        if (strncmp(store[i].name, STORED_OVERRIDE, 2) == 0)
            ck_assert_int_eq(registrar_restore_override(registrar(), store[i].bytes, store[i].n, now_ns), 0);
    for (size_t i = 0; i < n; i++)
        if (strncmp(store[i].name, STORED_REGISTRATION, 2) == 0)
            (void)registrar_restore(registrar(), store[i].bytes, store[i].n, now_ns);
}
