/* SPDX-License-Identifier: Apache-2.0 */
/* What concerns all registrations of a host that has many: so many of them follow at a time. */
#include "tests/support/unit.h"
#include "tests/unit/agent/life.h"

enum { MANY = 20, AT_ONCE = 8 };

static void name_of(char name[static 8], int i)
{
    snprintf(name, 8, "i%d", i);
}

static void register_many(void)
{
    char name[8];
    bus_up();
    for (int i = 0; i < MANY; i++) {
        name_of(name, i);
        add(name, 1);
    }
    settle();
}

/* Tick by tick, until nothing is left to be put. */
static void go_on(void)
{
    for (int ticks = 0; bucket->n_flights > 0 || !registrar_round_is_over(registrar()); ticks++) {
        ck_assert_uint_le(bucket->n_flights, AT_ONCE);
        ck_assert_int_lt(ticks, MANY);
        settle();
        (void)agent_tick(a, now_ns);
    }
}

static void check_all(bool (*is_right)(const struct record *record))
{
    char key[KEY_CAP];
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "shop.payment.web-1.i%d", i);
        ck_assert_ptr_nonnull(bucket_holds(key));
        ck_assert_ptr_nonnull(local_holds(key));
        ck_assert(is_right(bucket_holds(key)) && is_right(local_holds(key)));
    }
}

static uint64_t epoch;

static bool has_epoch(const struct record *record)
{
    return record->epoch == epoch;
}

START_TEST(an_epoch)
{
    register_many();
    epoch = agent_status(a).epoch + 1;
    registrar_set_epoch(registrar(), epoch, now_ns);
    ck_assert(!registrar_round_is_over(registrar()));
    ck_assert_int_le(registrar_deadline(registrar()), now_ns); /* it does not wait for anything */
    go_on();
    check_all(has_epoch);
}
END_TEST

static bool is_draining(const struct record *record)
{
    return record->state == DISCOVER_DRAINING;
}

static bool is_passing(const struct record *record)
{
    return record->state == DISCOVER_PASSING;
}

START_TEST(a_state_of_the_host)
{
    const struct override host = {.state = DISCOVER_DRAINING};
    register_many();
    ck_assert_int_eq(registrar_override(registrar(), &host, true, now_ns), 0);
    go_on();
    check_all(is_draining);
    ck_assert_int_eq(registrar_override(registrar(), &host, false, now_ns), 0);
    go_on();
    check_all(is_passing);
}
END_TEST

/* What changes its mind before all have heard of it: the last word counts. */
START_TEST(another_one_before_it_is_over)
{
    const struct override host = {.state = DISCOVER_DRAINING};
    register_many();
    ck_assert_int_eq(registrar_override(registrar(), &host, true, now_ns), 0);
    ck_assert_int_eq(registrar_override(registrar(), &host, false, now_ns), 0);
    settle();
    go_on();
    check_all(is_passing);
}
END_TEST

static bool is_there(const struct record *record)
{
    const uint8_t at[] = {10, 0, 0, 77};
    return memcmp(record->addresses.ipv4, at, sizeof at) == 0;
}

START_TEST(an_address)
{
    struct registration_request r;
    char name[8];
    bus_up();
    for (int i = 0; i < MANY; i++) {
        name_of(name, i);
        r = request_of(name, 1);
        record_set_at_host(&r.record);
        r.record.port = 80;
        ck_assert_int_eq(try_register(&r), 0);
    }
    settle();
    agent_set_addresses(a, &(struct addresses){.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 77}}, now_ns);
    go_on();
    check_all(is_there);
}
END_TEST

START_TEST(a_process_that_held_many)
{
    char name[8];
    bus_up();
    bucket->processes[0].pid = 55;
    bucket->processes[0].start = 1234;
    for (int i = 0; i < MANY; i++) {
        struct registration_request r = request_of("", 1);
        name_of(name, i);
        strcpy(r.key.instance, name);
        r.pid = 55;
        ck_assert_int_eq(try_register(&r), 0);
    }
    settle();
    registrar_pid_gone(registrar(), 55, now_ns);
    ck_assert_uint_eq(bucket->n_local, MANY - AT_ONCE);
    for (size_t before; (before = bucket->n_local) > 0;) {
        ck_assert_int_le(registrar_deadline(registrar()), now_ns);
        (void)agent_tick(a, now_ns);
        ck_assert_uint_le(before - bucket->n_local, AT_ONCE);
    }
    ck_assert_int_eq(bucket->processes[0].watchers, 0);
}
END_TEST

/* Nobody claims what the life before left. */
START_TEST(what_was_inherited)
{
    register_many();
    restart(WALL + 1000);
    bus_up();
    ck_assert_uint_eq(bucket->n_local, MANY);
    now_ns += restart_grace_ns + S(1);
    for (size_t before; (before = bucket->n_local) > 0;) {
        (void)agent_tick(a, now_ns);
        ck_assert_uint_le(before - bucket->n_local, AT_ONCE);
        settle();
    }
    go_on();
    for (int i = 0; i < 2 * MANY; i++) /* and the names that were kept for their users */
        (void)agent_tick(a, now_ns);
    ck_assert(registrar_round_is_over(registrar()));
}
END_TEST

/* The one that would be next is no more. */
START_TEST(some_go_meanwhile)
{
    register_many();
    epoch = agent_status(a).epoch + 1;
    registrar_set_epoch(registrar(), epoch, now_ns);
    registrar_client_gone(registrar(), 1, now_ns);
    settle();
    for (int i = 0; i < MANY; i++) {
        (void)agent_tick(a, now_ns);
        settle();
    }
    ck_assert(registrar_round_is_over(registrar()));
    ck_assert_uint_eq(bucket->n_local, 0);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/registrar_round", an_epoch, a_state_of_the_host, another_one_before_it_is_over,
              an_address, a_process_that_held_many, what_was_inherited, some_go_meanwhile)
