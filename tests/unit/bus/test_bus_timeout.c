/* SPDX-License-Identifier: Apache-2.0 */
/* A server that hangs is left in time; one that is overloaded is given more of it. */
#include "daemon/bus/bus_timeout.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define TTL (4 * NS_PER_S)

static struct bus_timeout start(void)
{
    struct bus_timeout p;
    bus_timeout_init(&p, TTL);
    bus_timeout_set_servers(&p, 3);
    ck_assert_int_eq(bus_timeout_connect_ns(&p), NS_PER_S);
    ck_assert_int_eq(bus_timeout_ping_ns(&p), NS_PER_S / 2);
    return p;
}

START_TEST(two_hanging_servers_cost_less_than_a_lease)
{
    for (int64_t ttl_ns = 100 * NS_PER_MS; ttl_ns < 100 * NS_PER_S; ttl_ns += 100 * NS_PER_MS) {
        struct bus_timeout p;
        bus_timeout_init(&p, ttl_ns);
        bus_timeout_set_servers(&p, 3);
        ck_assert_int_gt(bus_timeout_ping_ns(&p), 0);
        ck_assert_int_lt(3 * bus_timeout_ping_ns(&p) + 2 * bus_timeout_connect_ns(&p), ttl_ns);
        ck_assert_int_lt(2 * bus_timeout_connect_ns(&p) + bus_timeout_pause_ns(&p), ttl_ns);
        ck_assert_int_le(bus_timeout_connect_ns(&p), 2 * NS_PER_S);
    }
}
END_TEST

START_TEST(grows_when_all_servers_are_slow)
{
    struct bus_timeout p = start();
    bus_timeout_failed(&p, 3, 2 * NS_PER_S); /* two hang, the third is down: refuses */
    ck_assert_int_eq(bus_timeout_connect_ns(&p), NS_PER_S);
    bus_timeout_failed(&p, 3, 3 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_connect_ns(&p), 2 * NS_PER_S);
    for (int i = 0; i < 100; i++)
        bus_timeout_failed(&p, 3, 60 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_connect_ns(&p), 2 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_ping_ns(&p), 8 * NS_PER_S);
}
END_TEST

START_TEST(grows_when_connections_do_not_hold)
{
    struct bus_timeout p = start();
    bus_timeout_lost(&p, false, 2 * NS_PER_S); /* it was killed */
    ck_assert_int_eq(bus_timeout_ping_ns(&p), NS_PER_S / 2);
    bus_timeout_lost(&p, true, 2 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_ping_ns(&p), NS_PER_S);
    bus_timeout_lost(&p, true, 8 * TTL); /* neither short nor long */
    ck_assert_int_eq(bus_timeout_ping_ns(&p), NS_PER_S);
    bus_timeout_lost(&p, true, 20 * TTL);
    ck_assert_int_eq(bus_timeout_ping_ns(&p), NS_PER_S / 2);
}
END_TEST

START_TEST(nothing_is_gained_by_leaving_the_only_one)
{
    struct bus_timeout p;
    bus_timeout_init(&p, TTL);
    ck_assert_int_eq(bus_timeout_connect_ns(&p), 2 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_ping_ns(&p), 2 * NS_PER_S);
    bus_timeout_lost(&p, true, NS_PER_S);
    ck_assert_int_eq(bus_timeout_connect_ns(&p), 2 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_ping_ns(&p), 4 * NS_PER_S);
    ck_assert_int_eq(bus_timeout_pause_ns(&p), 4 * NS_PER_S);
}
END_TEST

UNIT_TESTS("bus_timeout", two_hanging_servers_cost_less_than_a_lease, grows_when_all_servers_are_slow,
           grows_when_connections_do_not_hold, nothing_is_gained_by_leaving_the_only_one)
