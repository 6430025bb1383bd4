/* SPDX-License-Identifier: Apache-2.0 */
/* Names of another region: its own services alone, and what is said as long as it cannot be asked. */
#include "daemon/dns/dns_reverse.h"

#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

#define B ".b.region." ZONE

static struct catalog *other;

/* What the daemon tells the table of a region. */
static void set_region(const char *name, enum table_sync sync, int64_t stale_since_ns, bool own)
{
    char key[80] = "%";
    const uint64_t words[TABLE_REGION_WORDS] = {
        [TABLE_R_SYNC] = sync, [TABLE_R_STALE_SINCE] = (uint64_t)stale_since_ns, [TABLE_R_OWN] = own};
    strcat(key, name);
    struct table_writer *w = catalog_table(catalog);
    ck_assert_int_ge(table_writer_put(w, TABLE_REGION, key, strlen(key), 0, 0, words, TABLE_REGION_WORDS), 0);
    table_writer_bump_serial(w);
}

static void put_other(const char *text, uint16_t port)
{
    struct instance_key key;
    struct record r;
    const struct lease lease = {.epoch = 1, .min_epoch = 1, .ttl_ms = 1000, .region = "b", .zone = "b-1"};
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    record_init(&r);
    r.epoch = r.counter = 1;
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.2.0.1"), 0);
    ck_assert_int_eq(record_add_tag(&r, "canary"), 0);
    ck_assert_int_eq(catalog_set_host(other, key.host, &lease, true, 1), 0);
    ck_assert_int_eq(catalog_put(other, &key, &r), 0);
    catalog_flush(other);
}

/* "shop/payment" here at port 8080, in b at 9090. */
static void begin(enum table_sync sync)
{
    const struct catalog_options o = {.host = "",
                                      .region = "eu",
                                      .zone = "",
                                      .of_region = "b",
                                      .table = catalog_table(catalog),
                                      .hosts_max = 10,
                                      .services_max = 10,
                                      .instances_per_host_max = 10};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &other), 0);
    put("shop.payment.web-1.p1", 8080, NULL);
    flush();
    put_other("shop.payment.web-1.p1", 9090);
    set_region("eu", 0, 0, true);
    set_region("b", sync, sync == TABLE_STALE ? now_ns - NS_PER_S : 0, false);
}

static void end(void)
{
    catalog_free(other);
    teardown();
}

START_TEST(every_form_of_name_is_there_once_more)
{
    begin(TABLE_LIVE);
    const struct reply *r = ask("payment.shop" B, SRV);
    ck_assert_uint_eq(count(r, 0, SRV), 1);
    ck_assert_uint_eq(first(r, 0, SRV)->port, 9090);
    ck_assert_str_eq(first(r, 0, SRV)->target, "0a020001.addr.shop" B);
    ck_assert_uint_eq(count(ask("0a020001.addr.shop" B, A), 0, A), 1);
    ck_assert_uint_eq(count(ask("payment.shop" B, A), 0, A), 1);
    ck_assert_uint_eq(count(ask("_payment._tcp.shop" B, SRV), 0, SRV), 1);
    ck_assert_uint_eq(count(ask("canary.tag.payment.shop" B, SRV), 0, SRV), 1);
    ck_assert_uint_eq(count(ask("b-1.at.payment.shop" B, SRV), 0, SRV), 1);
    ck_assert_uint_eq(count(ask("p1.web-1.id.payment.shop" B, SRV), 0, SRV), 1);
    r = ask("_services._dns-sd._udp.shop" B, PTR);
    ck_assert_str_eq(first(r, 0, PTR)->target, "_payment._tcp.shop" B);
    check_negative(ask("web-1.host" B, A), NOERROR); /* it told of no address */
    check_negative(ask("web-2.host" B, A), NXDOMAIN);
    check_negative(ask("nosuch.shop" B, A), NXDOMAIN);
    check_negative(ask("ns" B, A), NXDOMAIN);
}
END_TEST

START_TEST(nodes_are_there_and_regions_that_are_not_read_are_not)
{
    begin(TABLE_LIVE);
    check_negative(ask("region." ZONE, A), NOERROR);
    check_negative(ask("b.region." ZONE, A), NOERROR);
    check_negative(ask("host" B, A), NOERROR);
    check_negative(ask("shop" B, A), NOERROR);
    check_negative(ask("c.region." ZONE, A), NXDOMAIN);
    check_negative(ask("payment.shop.c.region." ZONE, SRV), NXDOMAIN);
    check_negative(ask("0a020001.addr.shop.c.region." ZONE, A), NXDOMAIN);
    set_sync(TABLE_UNSYNCED); /* which regions are read is known at once */
    check_negative(ask("payment.shop.c.region." ZONE, SRV), NXDOMAIN);
}
END_TEST

START_TEST(the_own_region_has_a_name_as_well)
{
    begin(TABLE_LIVE);
    ck_assert_uint_eq(first(ask("payment.shop.eu.region." ZONE, SRV), 0, SRV)->port, 8080);
    ck_assert_uint_eq(first(ask("payment.shop." ZONE, SRV), 0, SRV)->port, 8080);
}
END_TEST

START_TEST(a_region_is_a_place)
{
    begin(TABLE_LIVE);
    ck_assert_uint_eq(first(ask("b.at.payment.shop." ZONE, SRV), 0, SRV)->port, 9090);
    ck_assert_uint_eq(first(ask("eu.at.payment.shop." ZONE, SRV), 0, SRV)->port, 8080);
    set_region("b", TABLE_STALE, now_ns - NS_PER_S, false);
    ck_assert_int_eq(ask_edns("b.at.payment.shop." ZONE, SRV, 1232)->ede, 3);
    ck_assert_int_eq(ask_edns("eu.at.payment.shop." ZONE, SRV, 1232)->ede, -1);
}
END_TEST

START_TEST(never_heard_is_not_known)
{
    begin(TABLE_UNSYNCED);
    ck_assert_uint_eq(ask("nosuch.shop" B, SRV)->rcode, SERVFAIL);
    ck_assert_int_eq(ask_edns("nosuch.shop" B, SRV, 1232)->ede, 14);
    check_negative(ask("nosuch.shop." ZONE, SRV), NXDOMAIN);   /* of the own region everything is */
    set_region("b", TABLE_UNSYNCED, now_ns - NS_PER_S, false); /* its file has something */
    ck_assert_int_eq(ask_edns("payment.shop" B, SRV, 1232)->ede, 3);
    ck_assert_int_eq(ask_edns("nosuch.shop" B, SRV, 1232)->ede, 14);
}
END_TEST

/* A prepared answer does not outlive the state of its region. */
START_TEST(stale_is_said_as_soon_as_it_is)
{
    begin(TABLE_LIVE);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ask_edns("payment.shop" B, SRV, 1232)->ede, -1);
    set_region("b", TABLE_STALE, now_ns - NS_PER_S, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ask_edns("payment.shop" B, SRV, 1232)->ede, 3);
        ck_assert_int_eq(ask_edns("payment.shop." ZONE, SRV, 1232)->ede, -1);
    }
    set_region("b", TABLE_LIVE, 0, false);
    ck_assert_int_eq(ask_edns("payment.shop" B, SRV, 1232)->ede, -1);
}
END_TEST

/* b answers for the own region: the reply says so, and its targets are b's, as b's own names have them. */
START_TEST(who_answers_for_the_own_region_is_named)
{
    struct table_writer *w;
    uint64_t words[TABLE_FAILOVER_WORDS] = {1};
    begin(TABLE_LIVE);
    w = catalog_table(catalog);
    memcpy(words + TABLE_F_REGION, "b", 1);
    ck_assert_int_eq(catalog_set_away(catalog, "shop/payment", true), 0);
    ck_assert_int_ge(table_writer_put(w, TABLE_FAILOVER, "=shop/payment", 13, 0, 0, words, TABLE_FAILOVER_WORDS), 0);
    ck_assert_int_eq(catalog_set_answering(other, "shop/payment", true), 0);
    table_writer_bump_serial(w);
    for (int i = 0; i < 2; i++) {
        const struct reply *r = ask_edns("payment.shop." ZONE, SRV, 1232);
        ck_assert_int_eq(r->ede, 0);
        ck_assert_str_eq(r->ede_text, "region b");
        ck_assert_uint_eq(first(r, 0, SRV)->port, 9090);
        ck_assert_str_eq(first(r, 0, SRV)->target, "0a020001.addr.shop" B);
    }
    ck_assert_str_eq(first(ask("payment.shop." ZONE, SRV), 0, SRV)->target, "0a020001.addr.shop" B);
    ck_assert_str_eq(ask_edns("payment.shop.eu.region." ZONE, SRV, 1232)->ede_text, "");
    set_region("b", TABLE_STALE, now_ns - NS_PER_S, false);
    ck_assert_int_eq(ask_edns("payment.shop." ZONE, SRV, 1232)->ede, 3);
    ck_assert_str_eq(ask_edns("payment.shop." ZONE, SRV, 1232)->ede_text, "region b");
}
END_TEST

/* An address of another region has the name it has there; one that the own region has as well has the own one's. */
START_TEST(addresses_there_have_names_there)
{
    const struct lease lease = {.epoch = 1,
                                .min_epoch = 1,
                                .ttl_ms = 1000,
                                .region = "b",
                                .addresses = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 2, 0, 9}}};
    begin(TABLE_LIVE);
    ck_assert_int_eq(catalog_set_host(other, "web-9", &lease, true, 1), 0);
    catalog_flush(other);
    const char *why;
    struct dns_tables *tables = fixture_tables();
    ck_assert_int_eq(dns_zone_parse("10.in-addr.arpa", &config.zones.zone[1], &why), 0);
    config.zones.n = 2;
    ck_assert_int_eq(dns_reverse_new(tables, &config.reverse), 0);
    ck_assert_int_eq(dns_reverse_build(config.reverse, now_ns), 0);
    ck_assert_str_eq(first(ask("1.0.2.10.in-addr.arpa", PTR), 0, PTR)->target, "0a020001.addr.shop" B);
    ck_assert_str_eq(first(ask("9.0.2.10.in-addr.arpa", PTR), 0, PTR)->target, "web-9.host" B);
    put_host("web-1", "10.2.0.9", NULL, "eu-1", "eu");
    flush();
    ck_assert_int_eq(dns_reverse_build(config.reverse, now_ns), 0);
    ck_assert_str_eq(first(ask("9.0.2.10.in-addr.arpa", PTR), 0, PTR)->target, "web-1.host." ZONE);
    dns_reverse_free(config.reverse);
}
END_TEST

/* What would have targets longer than a name may be is not there. */
START_TEST(a_name_that_leaves_no_room_for_targets_is_none)
{
    enum { LONG = 63 };
    char name[400], label[LONG + 1];
    begin(TABLE_LIVE);
    memset(label, 'a', LONG);
    label[LONG] = '\0';
    snprintf(name, sizeof name, "x.%s.%.60s.%s.region." ZONE, label, label, label);
    check_negative(ask(name, SRV), NXDOMAIN);
}
END_TEST

UNIT_TESTS_IN(setup, end, "regions", every_form_of_name_is_there_once_more,
              nodes_are_there_and_regions_that_are_not_read_are_not, the_own_region_has_a_name_as_well,
              a_region_is_a_place, never_heard_is_not_known, stale_is_said_as_soon_as_it_is,
              who_answers_for_the_own_region_is_named, addresses_there_have_names_there,
              a_name_that_leaves_no_room_for_targets_is_none)
