/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have a key, how nameless ones are named, and how long each lasts. */
#include "daemon/agent/registrations.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static struct registrations table, *const regs = &table;

static struct instance_key key_of(const char *instance)
{
    struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-1"};
    strcpy(key.instance, instance);
    return key;
}

static struct record record_of(uint16_t port)
{
    struct record r;
    record_init(&r);
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    return r;
}

static const struct owner nobody = {.kind = OWNER_INHERITED};
static const struct owner config = {.kind = OWNER_STATIC};

static struct owner connection(uint64_t client, uid_t uid)
{
    return (struct owner){.kind = OWNER_CONNECTION, .client = client, .uid = uid};
}

static struct owner ttl(uint64_t client, uid_t uid)
{
    return (struct owner){.kind = OWNER_TTL, .client = client, .uid = uid, .ttl_ns = 5 * NS_PER_S};
}

static struct owner process(uint64_t client, uid_t uid, pid_t pid)
{
    return (struct owner){.kind = OWNER_PID, .client = client, .uid = uid, .pid = pid};
}

static struct registration *set_record(const char *instance, struct owner owner, const struct record *record,
                                       bool *ret_changed)
{
    struct instance_key key = key_of(instance);
    uint8_t body[RECORD_WIRE_MAX];
    struct encoded_record encoded;
    struct registration *reg;
    ck_assert_int_eq(encoded_record_init(&encoded, record, RECORD_WIRE_MAX, body), 0);
    ck_assert_int_eq(registrations_set(regs, &key, &owner, &encoded, 0, &reg, ret_changed), 0);
    return reg;
}

static struct registration *set(const char *instance, struct owner owner, uint16_t port)
{
    struct instance_key key = key_of(instance);
    struct record record = record_of(port);
    bool changed;
    ck_assert_int_eq(registrations_may_claim(regs, &key, &owner), 0);
    return set_record(instance, owner, &record, &changed);
}

static int may(const char *instance, struct owner owner)
{
    struct instance_key key = key_of(instance);
    return registrations_may_claim(regs, &key, &owner);
}

static void setup(void)
{
    table = (struct registrations){.max = 4};
}
static void teardown(void)
{
    registrations_fini(regs);
}

START_TEST(who_may_take_what)
{
    /* Rows: who has it; columns: who wants it. */
    const struct owner has[] = {config, connection(1, 1000), ttl(1, 1000), process(1, 1000, 55), nobody};
    const struct owner wants[] = {config,       connection(1, 1000), connection(2, 1000),  connection(3, 2000),
                                  ttl(2, 1000), ttl(3, 2000),        process(2, 1000, 66), process(3, 2000, 77)};
    const int no = -EEXIST;
    const int expected[5][8] = {
        {0, no, no, no, no, no, no, no}, /* static */
        {no, 0, no, no, no, no, no, no}, /* connection 1 */
        {no, 0, 0, no, 0, no, 0, no},    /* TTL */
        {no, 0, 0, no, 0, no, 0, no},    /* PID */
        {0, 0, 0, 0, 0, 0, 0, 0},        /* inherited */
    };
    for (size_t i = 0; i < 5; i++) {
        struct registration *reg = set("p1", has[i], 80);
        for (size_t k = 0; k < 8; k++)
            ck_assert_msg(may("p1", wants[k]) == expected[i][k], "owner %zu, claim %zu", i, k);
        registrations_remove(regs, reg);
    }
}
END_TEST

START_TEST(limit_holds_for_new_ones_only)
{
    const char *names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        (void)set(names[i], connection(1, 0), 80);
    ck_assert_int_eq(may("e", connection(1, 0)), -ENOSPC);
    ck_assert_int_eq(may("a", connection(1, 0)), 0);
}
END_TEST

START_TEST(same_words_are_no_change_unless_inherited)
{
    struct record record = record_of(80);
    struct owner owner = connection(1, 0);
    bool changed;
    (void)set("p1", nobody, 80);
    record.epoch = 9;
    (void)set_record("p1", owner, &record, &changed);
    ck_assert(changed);
    record.epoch = 10;
    (void)set_record("p1", owner, &record, &changed);
    ck_assert(!changed);
    record.weight = 3;
    (void)set_record("p1", owner, &record, &changed);
    ck_assert(changed);
}
END_TEST

static const char *name_of(struct owner owner, uint16_t port, struct instance_key *key)
{
    struct record record = record_of(port);
    *key = key_of("");
    registrations_name(regs, &owner, &record, key);
    return key->instance;
}

START_TEST(nameless_ones_get_a_name)
{
    struct instance_key key;
    ck_assert_str_eq(name_of(connection(1, 1000), 80, &key), "payment-80");
    (void)set("payment-80", connection(1, 1000), 80);
    ck_assert_str_eq(name_of(connection(1, 1000), 80, &key), "payment-80");
    ck_assert_str_eq(name_of(connection(2, 1000), 80, &key), "payment-80-2");
    (void)set("payment-80-2", connection(2, 1000), 80);
    ck_assert_str_eq(name_of(connection(3, 1000), 80, &key), "payment-80-3");
    (void)set("payment-81", nobody, 81);
    ck_assert_str_eq(name_of(connection(3, 1000), 81, &key), "payment-81");
}
END_TEST

START_TEST(a_long_service_still_gives_a_valid_name)
{
    struct owner owner = connection(1, 0);
    struct record record = record_of(65535);
    struct instance_key key = key_of("");
    memset(key.service, 'a', LABEL_MAX);
    registrations_name(regs, &owner, &record, &key);
    ck_assert(label_valid(key.instance, strlen(key.instance)));
    ck_assert_uint_eq(strlen(key.instance), LABEL_MAX);
    ck_assert_str_eq(key.instance + LABEL_MAX - 6, "-65535");
}
END_TEST

START_TEST(bound_to_connections_and_processes)
{
    struct registration *a = set("a", connection(1, 0), 80), *b = set("b", connection(1, 0), 81);
    struct registration *c = set("c", process(1, 0, 55), 82);
    ck_assert_ptr_eq(registrations_of_pid(regs, 55), c);
    ck_assert_ptr_null(registrations_of_pid(regs, 1));
    /* It is handed over: the connection ends without it. */
    c = set("c", connection(1, 0), 82);
    ck_assert_ptr_null(registrations_of_pid(regs, 55));
    registrations_remove(regs, a);
    registrations_remove(regs, b);
    ck_assert_ptr_eq(registrations_of_client(regs, 1), c);
    registrations_remove(regs, c);
    ck_assert_ptr_null(registrations_of_client(regs, 1));
}
END_TEST

START_TEST(ttl_runs_out_unless_there_is_a_heartbeat)
{
    struct registration *reg = set("p1", ttl(1, 0), 80);
    ck_assert_int_eq(deadlines_next_ns(&regs->deadlines), 5 * NS_PER_S);
    registrations_heartbeat(regs, reg, 3 * NS_PER_S);
    ck_assert_ptr_null(registrations_expired(regs, 5 * NS_PER_S));
    ck_assert_ptr_eq(registrations_expired(regs, 8 * NS_PER_S), reg);
    (void)set("p1", connection(1, 0), 80);
    ck_assert_int_eq(deadlines_next_ns(&regs->deadlines), INT64_MAX);
}
END_TEST

START_TEST(who_may_remove)
{
    struct registration *reg = set("p1", ttl(1, 1000), 80);
    ck_assert(registration_allows(reg, 1, 5));
    ck_assert(registration_allows(reg, 2, 1000));
    ck_assert(registration_allows(reg, 2, 0));
    ck_assert(!registration_allows(reg, 2, 2000));
    registrations_remove(regs, reg);
    ck_assert(!registration_allows(set("p1", config, 80), 1, 0));
}
END_TEST

START_TEST(checks_and_the_owner_both_have_a_say)
{
    struct owner owner = connection(1, 0);
    struct record record = record_of(80);
    bool changed;
    const uint8_t registered[] = {DISCOVER_PASSING, DISCOVER_WARNING, DISCOVER_DRAINING, DISCOVER_MAINTENANCE};
    const uint8_t with_critical[] = {DISCOVER_CRITICAL, DISCOVER_CRITICAL, DISCOVER_DRAINING, DISCOVER_MAINTENANCE};
    for (size_t i = 0; i < 4; i++) {
        record.state = registered[i];
        struct registration *reg = set_record("p1", owner, &record, &changed);
        reg->checked = DISCOVER_PASSING;
        ck_assert_uint_eq(registration_state(reg), registered[i]);
        reg->checked = DISCOVER_CRITICAL;
        ck_assert_uint_eq(registration_state(reg), with_critical[i]);
    }
}
END_TEST

/* For a rolling restart under one name: only who says so, only of the same user, never from the configuration. */
START_TEST(a_name_is_handed_over_on_request)
{
    struct owner heir = connection(2, 1000);
    set("a", connection(1, 1000), 80);
    set("b", config, 80);
    ck_assert_int_eq(may("a", heir), -EEXIST);
    heir.take_over = true;
    ck_assert_int_eq(may("a", heir), 0);
    ck_assert_int_eq(may("b", heir), -EEXIST);
    heir.uid = 1001;
    ck_assert_int_eq(may("a", heir), -EEXIST);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/registrations", who_may_take_what, a_name_is_handed_over_on_request,
              limit_holds_for_new_ones_only, same_words_are_no_change_unless_inherited, nameless_ones_get_a_name,
              a_long_service_still_gives_a_valid_name, bound_to_connections_and_processes,
              ttl_runs_out_unless_there_is_a_heartbeat, who_may_remove, checks_and_the_owner_both_have_a_say)
