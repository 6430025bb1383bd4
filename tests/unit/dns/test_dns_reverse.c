/* SPDX-License-Identifier: Apache-2.0 */
/* PTR: names of addresses, in the ranges that are served. */
#include "daemon/dns/dns_reverse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/live.h"

#define V6 "8.b.d.0.1.0.0.2.ip6.arpa"

static struct dns_tables *tables;

static void with_ranges(void)
{
    const char *why;
    tables = fixture_tables();
    ck_assert_int_eq(dns_zone_parse("10.in-addr.arpa", &config.zones.zone[1], &why), 0);
    ck_assert_int_eq(dns_zone_parse(V6, &config.zones.zone[2], &why), 0);
    config.zones.n = 3;
    ck_assert_int_eq(dns_reverse_new(tables, &config.reverse), 0);
    put_host("web-1", "10.0.0.1", "2001:db8::1", "eu-1", "eu");
    put_host("web-2", "192.0.2.2", NULL, "eu-1", "eu");
    put("shop.payment.web-1.p1", 8001, &(struct extra){.ipv4 = "10.0.0.1"});
    put("shop.payment.web-2.p1", 8002, &(struct extra){.ipv4 = "10.0.7.2", .ipv6 = "2001:db8::7"});
    put("shop.payment.web-2.p2", 8003, &(struct extra){.ipv4 = "10.0.9.9", .state = DISCOVER_CRITICAL});
    flush();
    ck_assert_int_eq(dns_reverse_build(config.reverse, now_ns), 0);
}

static void end(void)
{
    dns_reverse_free(config.reverse);
}

static void check_ptr(const char *name, const char *target)
{
    const struct reply *r = ask(name, PTR);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert(r->aa);
    ck_assert_str_eq(first(r, 0, PTR)->target, target);
}

static void check_absent(const struct reply *r, uint16_t rcode, const char *apex)
{
    ck_assert_uint_eq(r->rcode, rcode);
    ck_assert_uint_eq(r->counts[0], 0);
    ck_assert_str_eq(first(r, 1, SOA)->owner, apex);
}

START_TEST(test_r50_addresses_have_names)
{
    with_ranges();
    check_ptr("1.0.0.10.in-addr.arpa", "web-1.host." ZONE); /* a host's before an instance's */
    check_ptr("2.7.0.10.in-addr.arpa", "0a000702.addr.shop." ZONE);
    check_ptr("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." V6, "web-1.host." ZONE);
    check_ptr("7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." V6,
              "20010db8000000000000000000000007.addr.shop." ZONE);
    ck_assert_str_eq(first(ask("0a000702.addr.shop." ZONE, A), 0, A)->address, "10.0.7.2"); /* and back */
    end();
}
END_TEST

START_TEST(test_r50_absence_and_nodes)
{
    static const char range[] = "10.in-addr.arpa";
    with_ranges();
    check_absent(ask("0.10.in-addr.arpa", PTR), NOERROR, range);
    check_absent(ask("7.0.10.in-addr.arpa", PTR), NOERROR, range);
    check_absent(ask("0.0.0." V6, PTR), NOERROR, V6);
    check_absent(ask("1.0.0.10.in-addr.arpa", A), NOERROR, range);
    check_absent(ask("8.0.10.in-addr.arpa", PTR), NXDOMAIN, range);
    check_absent(ask("9.9.0.10.in-addr.arpa", PTR), NXDOMAIN, range); /* not usable */
    check_absent(ask("1." V6, PTR), NXDOMAIN, V6);
    static const char *const malformed[] = {"256.0.0.10", "01.0.0.10", "1.1.0.0.10", "x.10", "1000.10", "-1.10"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.in-addr.arpa", malformed[i]);
        check_absent(ask(name, PTR), NXDOMAIN, range);
    }
    check_absent(ask("10." V6, PTR), NXDOMAIN, V6);
    end();
}
END_TEST

START_TEST(test_r50_other_ranges_are_refused)
{
    with_ranges();
    ck_assert_uint_eq(ask("2.2.0.192.in-addr.arpa", PTR)->rcode, REFUSED);
    ck_assert_uint_eq(ask("in-addr.arpa", PTR)->rcode, REFUSED);
    ck_assert_uint_eq(ask("1.0.0.110.in-addr.arpa", PTR)->rcode, REFUSED);
    end();
}
END_TEST

START_TEST(test_r50_apex)
{
    with_ranges();
    ck_assert_uint_eq(count(ask("10.in-addr.arpa", SOA), 0, SOA), 1);
    const struct reply *r = ask("10.in-addr.arpa", NS);
    ck_assert_str_eq(first(r, 0, NS)->target, "ns.10.in-addr.arpa");
    ck_assert_uint_eq(count(r, 2, A), 1);
    ck_assert_str_eq(first(ask("ns.10.in-addr.arpa", A), 0, A)->address, "127.0.0.1");
    end();
}
END_TEST

START_TEST(test_r50_cannot_know_yet)
{
    with_ranges();
    struct dns_reverse *built = config.reverse;
    ck_assert_int_eq(dns_reverse_new(tables, &config.reverse), 0);
    ck_assert_uint_eq(ask("1.0.0.10.in-addr.arpa", PTR)->rcode, SERVFAIL);
    dns_reverse_free(config.reverse);
    config.reverse = built;
    set_sync(TABLE_UNSYNCED);
    check_ptr("1.0.0.10.in-addr.arpa", "web-1.host." ZONE);
    ck_assert_uint_eq(ask("2.0.0.10.in-addr.arpa", PTR)->rcode, SERVFAIL);
    end();
}
END_TEST

START_TEST(test_what_may_be_old_is_not_reported)
{
    with_ranges();
    put("shop.payment.web-1.p9", 8009, &(struct extra){.ipv4 = "10.0.0.9"});
    flush();
    now_ns += NS_PER_S;
    check_absent(ask("9.0.0.10.in-addr.arpa", PTR), NXDOMAIN, "10.in-addr.arpa"); /* a second behind */
    now_ns += 1;
    ck_assert_uint_eq(ask("9.0.0.10.in-addr.arpa", PTR)->rcode, SERVFAIL);
    ck_assert_uint_eq(ask("1.0.0.10.in-addr.arpa", PTR)->rcode, SERVFAIL); /* perhaps it has gone */
    ck_assert_int_eq(dns_reverse_build(config.reverse, now_ns), 0);
    check_ptr("9.0.0.10.in-addr.arpa", "0a000009.addr.shop." ZONE);
    now_ns += 3600 * NS_PER_S;
    check_ptr("9.0.0.10.in-addr.arpa", "0a000009.addr.shop." ZONE); /* nothing has changed */
    end();
}
END_TEST

/* Through the whole responder: its thread reads the table when that has changed; nobody is denied for longer. */
START_TEST(test_the_index_follows_the_table)
{
    static char *items[] = {(char *)ZONE, (char *)"10.in-addr.arpa"};
    static const struct string_list zones = {items, 2};
    put("shop.payment.web-1.p1", 8001, &(struct extra){.ipv4 = "10.0.0.5"});
    flush();
    live_options();
    options.zones = &zones;
    live_start();
    while (live_ask("5.0.0.10.in-addr.arpa", PTR)->rcode != NOERROR)
        continue;
    put("shop.payment.web-1.p2", 8002, &(struct extra){.ipv4 = "10.0.0.6"});
    flush();
    int64_t put_ns = clock_now_ns(), asked_ns = put_ns;
    for (uint16_t rcode = NXDOMAIN; rcode != NOERROR; rcode = live_ask("6.0.0.10.in-addr.arpa", PTR)->rcode) {
        ck_assert(rcode != NXDOMAIN || asked_ns - put_ns <= DNS_REVERSE_BEHIND_NS);
        asked_ns = clock_now_ns();
    }
    live_stop();
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns reverse", test_r50_addresses_have_names, test_r50_absence_and_nodes,
              test_r50_other_ranges_are_refused, test_r50_apex, test_r50_cannot_know_yet,
              test_what_may_be_old_is_not_reported, test_the_index_follows_the_table)
