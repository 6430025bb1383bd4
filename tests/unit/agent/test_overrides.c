/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator says counts over what programs say: for what is there and what will come, over restarts,
 * until undone. */
#include <errno.h>

#include "tests/unit/agent/life.h"

static struct override of(const char *domain, const char *service, const char *instance, enum discover_state state)
{
    struct override o = {.state = (uint8_t)state};
    strcpy(o.key.domain, domain);
    strcpy(o.key.service, service);
    strcpy(o.key.instance, instance);
    return o;
}

static int set_override(const char *service, const char *instance, enum discover_state state, bool on)
{
    struct override o = of(*service ? "shop" : "", service, instance, state);
    int err = registrar_override(registrar(), &o, on, now_ns);
    settle();
    return err;
}

static void expect(const char *key, enum discover_state state)
{
    ck_assert_ptr_nonnull(local_holds(key));
    ck_assert_int_eq(local_holds(key)->state, state);
    ck_assert_ptr_nonnull(bucket_holds(key));
    ck_assert_int_eq(bucket_holds(key)->state, state);
}

START_TEST(the_narrowest_counts)
{
    const struct instance_key pay = {"shop", "payment", "web-1", "a"}, other = {"shop", "payment", "web-1", "b"},
                              cart = {"shop", "cart", "web-1", "a"};
    struct overrides o;
    o = (struct overrides){.max = 3, .next_end_ns = INT64_MAX};
    struct override host = of("", "", "", DISCOVER_DRAINING), service = of("shop", "payment", "", DISCOVER_MAINTENANCE),
                    one = of("shop", "payment", "a", DISCOVER_DRAINING), more = of("shop", "x", "", DISCOVER_DRAINING);
    ck_assert_int_eq(overrides_state(&o, &pay), 0);
    ck_assert_int_eq(overrides_set(&o, &one), 0);
    ck_assert_int_eq(overrides_set(&o, &service), 0);
    ck_assert_int_eq(overrides_state(&o, &cart), 0);
    ck_assert_int_eq(overrides_set(&o, &host), 0);
    ck_assert_int_eq(overrides_set(&o, &host), 0);
    ck_assert_int_eq(overrides_set(&o, &more), -ENOSPC);
    ck_assert_int_eq(overrides_state(&o, &pay), DISCOVER_DRAINING);
    ck_assert_int_eq(overrides_state(&o, &other), DISCOVER_MAINTENANCE);
    ck_assert_int_eq(overrides_state(&o, &cart), DISCOVER_DRAINING);
    service.state = DISCOVER_DRAINING;
    ck_assert_int_eq(overrides_end(&o, &service), -ENOENT);
    service.state = DISCOVER_MAINTENANCE;
    ck_assert_int_eq(overrides_end(&o, &service), 0);
    ck_assert_int_eq(overrides_end(&o, &service), -ENOENT);
    ck_assert_int_eq(overrides_state(&o, &other), DISCOVER_DRAINING);
    overrides_fini(&o);
}
END_TEST

START_TEST(what_is_there_and_what_will_come)
{
    bus_up();
    add("a", 1);
    settle();
    expect(A, DISCOVER_PASSING);
    ck_assert_int_eq(set_override("payment", "", DISCOVER_DRAINING, true), 0);
    expect(A, DISCOVER_DRAINING);
    add("b", 1);
    add("a", 1); /* registers again, as passing */
    settle();
    expect(A, DISCOVER_DRAINING);
    expect(B, DISCOVER_DRAINING);
    struct instance_key key = bucket_key(A);
    ck_assert_int_eq(registrar_set_state(registrar(), &key, DISCOVER_CRITICAL, now_ns), 0);
    ck_assert_int_eq(set_override("payment", "b", DISCOVER_MAINTENANCE, true), 0);
    expect(B, DISCOVER_MAINTENANCE);
    ck_assert_int_eq(set_override("payment", "", DISCOVER_DRAINING, false), 0);
    expect(A, DISCOVER_CRITICAL); /* what checks have found meanwhile */
    expect(B, DISCOVER_MAINTENANCE);
    ck_assert_int_eq(set_override("payment", "b", DISCOVER_DRAINING, false), -ENOENT);
    ck_assert_int_eq(set_override("payment", "b", DISCOVER_MAINTENANCE, false), 0);
    expect(B, DISCOVER_PASSING);
}
END_TEST

START_TEST(kept_over_a_restart_until_taken_back)
{
    bus_up();
    add("a", 1);
    ck_assert_int_eq(set_override("", "", DISCOVER_DRAINING, true), 0);
    expect(A, DISCOVER_DRAINING);
    restart(WALL + 1);
    ck_assert_uint_eq(agent_overrides(a)->n, 1);
    add("a", 11);
    bus_up();
    expect(A, DISCOVER_DRAINING);
    ck_assert_int_eq(set_override("", "", DISCOVER_DRAINING, false), 0);
    expect(A, DISCOVER_PASSING);
    restart(WALL + 2);
    ck_assert_uint_eq(agent_overrides(a)->n, 0);
}
END_TEST

static int drain_for(uint32_t grace_ms, enum discover_state state)
{
    struct override o = of("shop", "payment", "", state);
    o.grace_ms = grace_ms;
    o.set_ms = WALL;
    int err = registrar_override(registrar(), &o, true, now_ns);
    settle();
    return err;
}

START_TEST(draining_ends_with_its_grace)
{
    bus_up();
    add("a", 1);
    ck_assert_int_eq(drain_for(10000, DISCOVER_DRAINING), 0);
    expect(A, DISCOVER_DRAINING);
    pass(S(9));
    expect(A, DISCOVER_DRAINING);
    ck_assert_uint_eq(bucket->graces_over, 0);
    pass(S(2));
    expect(A, DISCOVER_MAINTENANCE);
    ck_assert_uint_eq(bucket->graces_over, 1);
    add("b", 1);
    settle();
    expect(B, DISCOVER_MAINTENANCE);
    ck_assert_int_eq(set_override("payment", "", DISCOVER_MAINTENANCE, false), -ENOENT); /* not in these words */
    ck_assert_int_eq(set_override("payment", "", DISCOVER_DRAINING, false), 0);
    expect(A, DISCOVER_PASSING);
    ck_assert_int_eq(drain_for(10000, DISCOVER_MAINTENANCE), 0);
    expect(A, DISCOVER_DRAINING);
    ck_assert_int_eq(set_override("payment", "", DISCOVER_MAINTENANCE, true), 0); /* now, then */
    expect(A, DISCOVER_MAINTENANCE);
    pass(S(20));
    ck_assert_uint_eq(bucket->graces_over, 1);
}
END_TEST

/* A grace goes on while no daemon runs, and is never longer than it was. */
START_TEST(the_grace_goes_on_over_a_restart)
{
    bus_up();
    add("a", 1);
    ck_assert_int_eq(drain_for(10000, DISCOVER_DRAINING), 0);
    restart(WALL + 8000);
    add("a", 11);
    bus_up();
    expect(A, DISCOVER_DRAINING);
    pass(S(3));
    expect(A, DISCOVER_MAINTENANCE);
    restart(WALL + 20000);
    add("a", 12);
    bus_up();
    expect(A, DISCOVER_MAINTENANCE);
    restart(WALL - 1000000); /* the clock was set */
    add("a", 13);
    bus_up();
    expect(A, DISCOVER_DRAINING);
    pass(S(11));
    expect(A, DISCOVER_MAINTENANCE);
}
END_TEST

/* First stored, then done: else it would be gone after a restart, though somebody relies on it. */
START_TEST(what_cannot_be_stored_is_not_done)
{
    bus_up();
    add("a", 1);
    bucket->store_result = -ENOSPC;
    ck_assert_int_eq(set_override("", "", DISCOVER_DRAINING, true), -EIO);
    expect(A, DISCOVER_PASSING);
    ck_assert_uint_eq(agent_overrides(a)->n, 0);
    bucket->store_result = 0;
    ck_assert_int_eq(set_override("", "", DISCOVER_DRAINING, true), 0);
    bucket->store_result = -EROFS;
    ck_assert_int_eq(set_override("", "", DISCOVER_MAINTENANCE, true), -EIO);
    ck_assert_int_eq(set_override("", "", DISCOVER_DRAINING, false), -EIO);
    expect(A, DISCOVER_DRAINING);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    struct override o = of("shop", "payment", "", DISCOVER_PASSING), half = of("shop", "", "", DISCOVER_DRAINING),
                    lost = of("", "", "a", DISCOVER_DRAINING);
    ck_assert_int_eq(registrar_override(registrar(), &o, true, now_ns), -EINVAL);
    ck_assert_int_eq(registrar_override(registrar(), &half, true, now_ns), -EINVAL);
    ck_assert_int_eq(registrar_override(registrar(), &lost, true, now_ns), -EINVAL);
    ck_assert_int_eq(registrar_restore_override(registrar(), (const uint8_t *)"\x0a\x03xyz", 5, now_ns), -EBADMSG);
    ck_assert_int_eq(registrar_restore_override(registrar(), (const uint8_t *)"\xff", 1, now_ns), -EBADMSG);
    ck_assert_uint_eq(agent_overrides(a)->n, 0);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "overrides", the_narrowest_counts, what_is_there_and_what_will_come,
              kept_over_a_restart_until_taken_back, draining_ends_with_its_grace, the_grace_goes_on_over_a_restart,
              what_cannot_be_stored_is_not_done, nonsense_is_refused)
