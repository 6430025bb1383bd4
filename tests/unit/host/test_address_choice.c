/* SPDX-License-Identifier: Apache-2.0 */
/* Which address of a machine is told to others: what stays, what is reached by the right route, what is configured. */
#include "daemon/host/address_choice.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/support/unit.h"

static struct interface_address all[16];
static struct address_choice_input in;
static struct string_list configured;
static char *items[4];

static void begin(void)
{
    memset(all, 0, sizeof all);
    memset(&in, 0, sizeof in);
    configured = (struct string_list){items, 0};
    in.all = all;
    in.configured = &configured;
}

/* An address that is as it should be; what is wrong with it is said afterwards. */
static struct interface_address *add(const char *name, unsigned index, const char *text)
{
    struct interface_address *a = &all[in.n++];
    a->family = strchr(text, ':') ? AF_INET6 : AF_INET;
    ck_assert_int_eq(inet_pton(a->family, text, a->bytes), 1);
    strcpy(a->name, name);
    a->index = index;
    a->up = a->global = true;
    return a;
}

static void configure(const char *text)
{
    items[configured.n++] = (char *)text;
}

static void source(struct address_source *s, const char *text)
{
    s->known = true;
    ck_assert_int_eq(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, s->bytes), 1);
}

static void check(const char *expected, const char *in_why)
{
    struct addresses chosen;
    char text[ADDRESSES_TEXT_CAP], why[ADDRESS_CHOICE_WHY_CAP];
    address_choice(&in, &chosen, why);
    addresses_text(&chosen, text);
    ck_assert_msg(strcmp(text, expected) == 0, "chosen: %s; expected: %s; said: %s", text, expected, why);
    ck_assert_msg(strstr(why, in_why), "said: %s; expected: %s", why, in_why);
}

START_TEST(what_does_not_stay_is_not_taken)
{
    begin();
    struct interface_address *a = add("lo", 1, "127.0.0.1");
    a->loopback = true;
    add("docker0", 2, "172.17.0.1")->up = false;
    add("eth0", 3, "169.254.7.7");
    add("eth0", 3, "10.0.0.5")->global = false;
    add("eth0", 3, "fe80::1")->global = false;
    add("eth0", 3, "2001:db8::dead")->passing = true;
    check("", "none: no interface that is up");
    add("eth0", 3, "2001:db8::5");
    check("2001:db8::5", "eth0");
    add("eth0", 3, "10.0.0.6");
    check("10.0.0.6, 2001:db8::5", "eth0");
}
END_TEST

START_TEST(the_way_to_the_server_comes_before_the_default_route)
{
    begin();
    add("docker0", 2, "172.17.0.1");
    add("eth0", 3, "192.168.1.5");
    add("eth1", 4, "10.0.0.5");
    check("172.17.0.1", "docker0, the first there is");
    source(&in.to_default[0], "192.168.1.5");
    check("192.168.1.5", "eth0, the default route");
    source(&in.to_server[0], "10.0.0.5");
    check("10.0.0.5", "eth1, the way to NATS");
}
END_TEST

/* The families are chosen by themselves: each may have its own way. */
START_TEST(a_temporary_source_stands_for_its_interface)
{
    begin();
    add("eth0", 3, "2001:db8:1::1");
    add("eth1", 4, "2001:db8:2::aaaa")->passing = true;
    add("eth1", 4, "2001:db8:2::1");
    add("eth0", 3, "10.0.0.5");
    source(&in.to_default[1], "2001:db8:2::aaaa");
    check("10.0.0.5, 2001:db8:2::1", "eth1, the default route");
}
END_TEST

START_TEST(configured_by_interface_network_or_as_it_is)
{
    begin();
    add("eth0", 3, "192.168.1.5");
    add("eth1", 4, "10.0.0.5");
    add("eth1", 4, "2001:db8::5");
    source(&in.to_default[0], "192.168.1.5");
    configure("%eth1");
    check("10.0.0.5, 2001:db8::5", "eth1, configured");
    configured.n = 0;
    configure("192.168.0.0/16");
    check("192.168.1.5", "192.168.0.0/16");
    configured.n = 0;
    configure("172.16.0.0/12");
    check("", "none: no interface has what `address` names");
    configure("10.0.0.0/8");
    configure("2001:db8:ffff::1");
    check("10.0.0.5, 2001:db8:ffff::1", "configured");
}
END_TEST

START_TEST(loopback_only_where_it_is_allowed)
{
    begin();
    add("lo", 1, "127.0.0.1")->loopback = true;
    check("", "none");
    in.allow_loopback = true;
    check("127.0.0.1", "allow_loopback");
    add("eth0", 3, "10.0.0.5");
    check("10.0.0.5", "eth0");
    configure("%lo");
    check("127.0.0.1", "lo, configured");
}
END_TEST

UNIT_TESTS("address_choice", what_does_not_stay_is_not_taken, the_way_to_the_server_comes_before_the_default_route,
           a_temporary_source_stands_for_its_interface, configured_by_interface_network_or_as_it_is,
           loopback_only_where_it_is_allowed)
