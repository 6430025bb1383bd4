/* SPDX-License-Identifier: Apache-2.0 */
/* Names that select some instances, hosts, text, and browsing by DNS-SD. */
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static void with_shop(void)
{
    put_host("web-1", "192.0.2.1", "2001:db8::1", "eu-1", "eu");
    put_host("web-2", "192.0.2.2", NULL, "us-1", "us");
    put("shop.payment.web-1.p1", 8001, &(struct extra){.tag = "canary", .meta_key = "version", .meta_value = "1.4"});
    put("shop.payment.web-2.p1", 8002, &(struct extra){.tag = "blue", .meta_key = "version", .meta_value = "1.4"});
    put("shop.payment.web-2.p2", 8003, &(struct extra){.tag = "canary", .meta_key = "version", .meta_value = "1.4"});
    put("shop.search.web-2.s1", 9000, &(struct extra){.protocol = DISCOVER_UDP});
    flush();
}

/* The ports of the SRV records a name has, as bits from 8001 on. */
static unsigned ports(const char *name)
{
    unsigned bits = 0;
    const struct reply *r = ask_edns(name, SRV, 4096);
    ck_assert_uint_eq(r->rcode, NOERROR);
    for (size_t i = 0; i < r->n_records; i++)
        if (r->records[i].type == SRV)
            bits |= 1u << (r->records[i].port - 8001);
    return bits;
}

START_TEST(test_tags)
{
    with_shop();
    ck_assert_uint_eq(ports("canary.tag.payment.shop." ZONE), 5);
    ck_assert_uint_eq(ports("blue.tag.payment.shop." ZONE), 2);
    ck_assert_uint_eq(count(ask("canary.tag.payment.shop." ZONE, A), 0, A), 2);
    check_negative(ask("green.tag.payment.shop." ZONE, SRV), NXDOMAIN);
}
END_TEST

START_TEST(test_places)
{
    with_shop();
    ck_assert_uint_eq(ports("eu.at.payment.shop." ZONE), 1);
    ck_assert_uint_eq(ports("us-1.at.payment.shop." ZONE), 6);
    check_negative(ask("mars.at.payment.shop." ZONE, SRV), NXDOMAIN);
}
END_TEST

START_TEST(test_single_instances)
{
    with_shop();
    ck_assert_uint_eq(ports("p1.web-1.id.payment.shop." ZONE), 1);
    ck_assert_uint_eq(ports("p1.web-2.id.payment.shop." ZONE), 2);
    check_negative(ask("web-2.id.payment.shop." ZONE, SRV), NOERROR);
    check_negative(ask("web-3.id.payment.shop." ZONE, SRV), NXDOMAIN);
    const struct reply *r = ask("p1.web-1.id.payment.shop." ZONE, TXT);
    ck_assert_mem_eq(first(r, 0, TXT)->data, "\13version=1.4", 12);
}
END_TEST

START_TEST(test_hosts)
{
    with_shop();
    ck_assert_str_eq(first(ask("web-1.host." ZONE, A), 0, A)->address, "192.0.2.1");
    ck_assert_str_eq(first(ask("web-1.host." ZONE, AAAA), 0, AAAA)->address, "2001:db8::1");
    check_negative(ask("web-2.host." ZONE, AAAA), NOERROR);
    check_negative(ask("web-3.host." ZONE, A), NXDOMAIN);
    struct lease gone = {.epoch = 1, .ttl_ms = 1000, .addresses.families = DISCOVER_HAS_IPV4};
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &gone, false, now_ns), 0);
    flush();
    check_negative(ask("web-2.host." ZONE, A), NOERROR);
}
END_TEST

/* Services may be called like the words of the naming scheme. */
START_TEST(test_services_with_names_of_ours)
{
    with_shop();
    put("shop.addr.web-1.p1", 8001, NULL);
    put("shop.tag.web-1.p1", 8002, NULL);
    put("shop.host.web-1.p1", 8003, NULL);
    put("ns.ns.web-1.p1", 8004, NULL);
    flush();
    ck_assert_uint_eq(ports("addr.shop." ZONE), 1);
    ck_assert_uint_eq(ports("tag.shop." ZONE), 2);
    ck_assert_uint_eq(ports("host.shop." ZONE), 4);
    ck_assert_uint_eq(ports("ns.ns." ZONE), 8);
    ck_assert_uint_eq(count(ask("0a000001.addr.shop." ZONE, A), 0, A), 1);
    check_negative(ask("tag.tag.shop." ZONE, SRV), NOERROR);
}
END_TEST

START_TEST(test_r51_types_instances_and_their_records)
{
    bool tcp = false, udp = false;
    with_shop();
    const struct reply *r = ask("_services._dns-sd._udp.shop." ZONE, PTR);
    ck_assert_uint_eq(count(r, 0, PTR), 2);
    for (size_t i = 0; i < r->n_records; i++) {
        tcp |= strcmp(r->records[i].target, "_payment._tcp.shop." ZONE) == 0;
        udp |= strcmp(r->records[i].target, "_search._udp.shop." ZONE) == 0;
    }
    ck_assert(tcp && udp);
    r = ask("_search._udp.shop." ZONE, PTR);
    ck_assert_uint_eq(count(r, 0, PTR), 1);
    ck_assert_str_eq(first(r, 0, PTR)->target, "s1@web-2._search._udp.shop." ZONE);
    ck_assert_uint_eq(count(ask("_payment._tcp.shop." ZONE, PTR), 0, PTR), 3);
    r = ask("s1@web-2._search._udp.shop." ZONE, SRV);
    ck_assert_uint_eq(first(r, 0, SRV)->port, 9000);
    ck_assert_uint_eq(count(r, 2, A), 1);
    r = ask("s1@web-2._search._udp.shop." ZONE, TXT);
    ck_assert_uint_eq(first(r, 0, TXT)->data_bytes, 1); /* always there, if only an empty string */
    check_negative(ask("s1@web-2._search._tcp.shop." ZONE, SRV), NXDOMAIN);
    check_negative(ask("s1@web-1._search._udp.shop." ZONE, SRV), NXDOMAIN);
}
END_TEST

START_TEST(test_r51_browse_domain)
{
    with_shop();
    ck_assert_str_eq(first(ask("b._dns-sd._udp.shop." ZONE, PTR), 0, PTR)->target, "shop." ZONE);
    ck_assert_str_eq(first(ask("lb._dns-sd._udp.shop." ZONE, PTR), 0, PTR)->target, "shop." ZONE);
    check_negative(ask("b._dns-sd._udp.shop." ZONE, A), NOERROR);
    check_negative(ask("lb._dns-sd._udp.shop." ZONE, A), NOERROR);
    check_negative(ask("lb._dns-sd._udp.nosuch." ZONE, PTR), NXDOMAIN);
    check_negative(ask("b._dns-sd._udp.nosuch." ZONE, PTR), NXDOMAIN);
    check_negative(ask("_services._dns-sd._udp.nosuch." ZONE, PTR), NXDOMAIN);
}
END_TEST

/* Where "<instance>@<host>" is longer than a label may be, the instance goes by its id. */
START_TEST(test_r51_long_instance_names)
{
    char target[1024];
    put("shop.payment.a-host-with-a-name-of-just-about-thirty-eight-octets.an-instance-with-thirty-octets", 8001, NULL);
    flush();
    strcpy(target, first(ask("_payment._tcp.shop." ZONE, PTR), 0, PTR)->target);
    ck_assert_uint_eq(strcspn(target, "."), 16);
    ck_assert_uint_eq(first(ask(target, SRV), 0, SRV)->port, 8001);
}
END_TEST

/* One record with what all have in common: clients of service names refuse more than one. */
START_TEST(test_r52_text_of_a_service)
{
    with_shop();
    const struct reply *r = ask("payment.shop." ZONE, TXT);
    ck_assert_uint_eq(r->counts[0], 1);
    ck_assert_uint_eq(first(r, 0, TXT)->data_bytes, 12);
    put("shop.payment.web-2.p2", 8003, &(struct extra){.meta_key = "version", .meta_value = "1.5"});
    flush();
    check_negative(ask("payment.shop." ZONE, TXT), NOERROR);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns browse", test_tags, test_places, test_single_instances, test_hosts,
              test_services_with_names_of_ours, test_r51_types_instances_and_their_records, test_r51_browse_domain,
              test_r51_long_instance_names, test_r52_text_of_a_service)
