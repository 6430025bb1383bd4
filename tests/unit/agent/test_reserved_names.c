/* SPDX-License-Identifier: Apache-2.0 */
/* Names after a restart: whose they were. */
#include "daemon/agent/agent.h"

#include "tests/unit/agent/life.h"

/* From the very start, before anything was heard of NATS, until the grace is over. */
START_TEST(a_name_is_kept_for_who_had_it)
{
    bus_up();
    add("a", 1);
    struct registration_request other = request_of("a", 12), mine = request_of("a", 13), root = request_of("a", 14);
    struct instance_key key = bucket_key(A);
    const char *why;
    other.uid = 2000;
    root.uid = 0;
    settle();
    restart(WALL + 1);
    ck_assert_int_eq(try_register(&other), -EEXIST);
    bus_up(); /* what it left in the bucket is inherited */
    ck_assert_int_eq(try_register(&other), -EEXIST);
    other.ttl_ns = S(60);
    ck_assert_int_eq(try_register(&other), -EEXIST);
    ck_assert_int_eq(registrar_deregister(registrar(), &key, 12, 2000, now_ns), -EPERM);
    ck_assert_int_eq(try_register(&mine), 0);
    restart(WALL + 2);
    ck_assert_int_eq(try_register(&root), 0);

    /* Whoever names none gets another. */
    registrar_client_gone(registrar(), 14, now_ns);
    struct registration_request nameless = request_of("", 15);
    ck_assert_int_eq(registrar_register(registrar(), &nameless, now_ns, &why), 0);
    ck_assert_str_eq(nameless.key.instance, "payment-80");
    restart(WALL + 3);
    nameless.uid = 2000;
    nameless.client = 16;
    nameless.key.instance[0] = '\0';
    ck_assert_int_eq(registrar_register(registrar(), &nameless, now_ns, &why), 0);
    ck_assert_str_eq(nameless.key.instance, "payment-80-2");

    add("a", 17);
    restart(WALL + 4);
    bus_up();
    pass(S(16)); /* nobody came: it is anybody's */
    other.ttl_ns = 0;
    ck_assert_int_eq(try_register(&other), 0);
    pass(S(1));
    ck_assert_uint_eq(bucket->n_store, 2); /* the identity, and whose name that is now */
    registrar_client_gone(registrar(), 12, now_ns);
    ck_assert_uint_eq(bucket->n_store, 1);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "agent/reserved names", a_name_is_kept_for_who_had_it)
