/* SPDX-License-Identifier: Apache-2.0 */
/* The host's address changes, goes and comes: what is registered at it follows, or waits. */
#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/agent/life.h"

#define A "shop.payment.web-1.a"
#define B "shop.payment.web-1.b"

static void move(uint8_t last)
{
    struct addresses addresses = {.families = last ? DISCOVER_HAS_IPV4 : 0};
    if (last)
        memcpy(addresses.ipv4, (uint8_t[]){10, 0, 0, last}, 4);
    agent_set_addresses(a, &addresses, now_ns);
    settle();
    pass(NS_PER_S / 10);
}

static void add_at_host(const char *instance)
{
    struct registration_request r = request_of(instance, 1);
    record_init(&r.record);
    r.record.port = 80;
    r.ttl_ns = 3600 * NS_PER_S; /* stored */
    ck_assert_int_eq(try_register(&r), 0);
}

START_TEST(a_change_is_a_new_lease_and_new_records)
{
    bus_up();
    add_at_host("a");
    add("b", 1);
    settle();
    uint8_t before = bucket_holds(B)->addresses.ipv4[3];
    move(33);
    ck_assert_uint_eq(bucket_holds(A)->addresses.ipv4[3], 33);
    ck_assert_uint_eq(local_holds(A)->addresses.ipv4[3], 33);
    ck_assert_uint_eq(bucket_holds(B)->addresses.ipv4[3], before);
    ck_assert_uint_eq(last_lease()->addresses.ipv4[3], 33);
}
END_TEST

START_TEST(without_an_address_it_waits)
{
    bus_up();
    move(0);
    add_at_host("a");
    add("b", 1);
    settle();
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_ptr_null(local_holds(A));
    ck_assert_ptr_nonnull(bucket_holds(B));
    ck_assert_uint_eq(agent_status(a).waiting, 1);
    move(7);
    ck_assert_uint_eq(bucket_holds(A)->addresses.ipv4[3], 7);
    ck_assert_uint_eq(local_holds(A)->addresses.ipv4[3], 7);
    ck_assert_uint_eq(agent_status(a).waiting, 0);
    move(0);
    ck_assert_ptr_null(bucket_holds(A));
    ck_assert_ptr_null(local_holds(A));
}
END_TEST

/* What is stored says "the host's address", not which one that was. */
START_TEST(a_restart_elsewhere_takes_the_new_address)
{
    bus_up();
    add_at_host("a");
    settle();
    restart(5000);
    move(44);
    bus_up();
    ck_assert_uint_eq(local_holds(A)->addresses.ipv4[3], 44);
    ck_assert_uint_eq(bucket_holds(A)->addresses.ipv4[3], 44);
}
END_TEST

START_TEST(useless_addresses_are_refused)
{
    const char *why = "";
    struct registration_request r = request_of("a", 1);
    memset(r.record.addresses.ipv4, 0, sizeof r.record.addresses.ipv4);
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "unspecified"));
    r.record.addresses.ipv4[0] = 127;
    ck_assert_int_eq(registrar_register(registrar(), &r, now_ns, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "allow_loopback"));
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "host_address", a_change_is_a_new_lease_and_new_records, without_an_address_it_waits,
              a_restart_elsewhere_takes_the_new_address, useless_addresses_are_refused)
