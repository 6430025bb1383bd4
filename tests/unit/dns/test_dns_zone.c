/* SPDX-License-Identifier: Apache-2.0 */
/* What a zone answers besides its services: absence in its kinds, the apex, types that get a special answer. */
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static void with_payment(void)
{
    put("shop.payment.web-1.p1", 8080, &(struct extra){.tag = "canary"});
    flush();
}

static const char payment[] = "payment.shop." ZONE;

START_TEST(test_r13_outside_the_zones_is_refused)
{
    static const char *const names[] = {"",
                                        "com",
                                        "internal",
                                        "example.com",
                                        "payment.shop.discover.internal.com",
                                        "notdiscover.internal",
                                        "xdiscover.internal",
                                        "discover.internals"};
    with_payment();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct reply *r = ask_edns(names[i], A, 1232);
        ck_assert_uint_eq(r->rcode, REFUSED);
        ck_assert(!r->aa && r->opt);
        ck_assert_uint_eq(r->n_records, 0);
        ck_assert_int_eq(r->ede, 20);
    }
}
END_TEST

START_TEST(test_r14_other_classes_are_refused)
{
    static const uint16_t classes[] = {0, 2, 3, 4, 254, 255, 0x4141};
    uint8_t query[512];
    with_payment();
    size_t n = build(payment, SRV, query);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        query[n - 2] = (uint8_t)(classes[i] >> 8);
        query[n - 1] = (uint8_t)classes[i];
        const struct reply *r = ask_raw(query, n);
        ck_assert_uint_eq(r->rcode, REFUSED);
        ck_assert(!r->aa);
        ck_assert_mem_eq(r->bytes + 12, query + 12, n - 12);
    }
    n = build("version.bind", TXT, query);
    query[n - 1] = 3; /* CH */
    ck_assert_uint_eq(ask_raw(query, n)->rcode, REFUSED);
}
END_TEST

START_TEST(test_r15_unknown_names_are_nxdomain_with_soa)
{
    static const char *const names[] = {
        "nosuch.shop." ZONE,         "nosuch." ZONE,
        "a.b.nosuch." ZONE,          "_nosuch._tcp.shop." ZONE,
        "_payment._sctp.shop." ZONE, "x.payment.shop." ZONE,
        "tag.nosuch.shop." ZONE,     "canary.tag.nosuch.shop." ZONE,
        "nosuch.host." ZONE,         "blue.tag.payment.shop." ZONE,
        "a.b.c.d.e.f." ZONE,         "p2.web-1.id.payment.shop." ZONE,
    };
    with_payment();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_negative(ask(names[i], A), NXDOMAIN);
}
END_TEST

START_TEST(test_r16_types_that_are_not_there_are_nodata)
{
    static const uint16_t types[] = {AAAA, NS, SOA, CNAME, PTR, TXT, 13,  15,  43,    46,   47,
                                     48,   64, 65,  99,    249, 250, 257, 666, 65280, 65535};
    with_payment();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        check_negative(ask(payment, types[i]), NOERROR);
}
END_TEST

START_TEST(test_r17_names_above_others_are_nodata)
{
    static const char *const nodes[] = {
        "shop." ZONE,
        "_tcp.shop." ZONE,
        "_udp.shop." ZONE,
        "_dns-sd._udp.shop." ZONE,
        "addr.shop." ZONE,
        "host." ZONE,
        "tag.payment.shop." ZONE,
        "at.payment.shop." ZONE,
        "id.payment.shop." ZONE,
        "web-1.id.payment.shop." ZONE,
    };
    with_payment();
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        check_negative(ask(nodes[i], A), NOERROR);
    drop("shop.payment.web-1.p1");
    flush();
    check_negative(ask("shop." ZONE, A), NXDOMAIN); /* nothing below it any more */
    check_negative(ask("_tcp.shop." ZONE, A), NXDOMAIN);
}
END_TEST

START_TEST(test_r18_known_service_without_usable_instance_is_nodata)
{
    with_payment();
    put("shop.payment.web-1.p1", 8080, &(struct extra){.state = DISCOVER_CRITICAL, .tag = "canary"});
    flush();
    check_negative(ask(payment, SRV), NOERROR);
    check_negative(ask(payment, A), NOERROR);
    check_negative(ask("_payment._tcp.shop." ZONE, SRV), NOERROR);
    check_negative(ask("canary.tag.payment.shop." ZONE, SRV), NOERROR);
    check_negative(ask("p1.web-1.id.payment.shop." ZONE, SRV), NOERROR);
    drop("shop.payment.web-1.p1");
    flush();
    check_negative(ask(payment, SRV), NXDOMAIN);
}
END_TEST

START_TEST(test_r19_apex_has_soa_and_ns_with_address)
{
    with_payment();
    const struct reply *r = ask(ZONE, SOA);
    ck_assert(r->aa && r->rcode == NOERROR);
    ck_assert_str_eq(first(r, 0, SOA)->target, "ns." ZONE);
    r = ask(ZONE, NS);
    ck_assert_str_eq(first(r, 0, NS)->target, "ns." ZONE);
    const struct record_seen *glue = first(r, 2, A);
    ck_assert_str_eq(glue->owner, "ns." ZONE);
    ck_assert_str_eq(glue->address, "127.0.0.1");
    ck_assert_str_eq(first(ask("ns." ZONE, A), 0, A)->address, "127.0.0.1");
    check_negative(ask("ns." ZONE, AAAA), NOERROR);
    check_negative(ask(ZONE, A), NOERROR);
    client.own_address_bytes = 16;
    memset(client.own_address, 0, 16);
    client.own_address[15] = 1;
    ck_assert_str_eq(first(ask("ns." ZONE, AAAA), 0, AAAA)->address, "::1");
}
END_TEST

START_TEST(test_r20_serial_moves_when_the_catalog_does)
{
    with_payment();
    uint32_t before = first(ask(ZONE, SOA), 0, SOA)->serial;
    ck_assert_uint_eq(first(ask("nosuch.shop." ZONE, A), 1, SOA)->serial, before);
    ck_assert_uint_eq(first(ask(payment, TXT), 1, SOA)->serial, before);
    table_writer_bump_serial(catalog_table(catalog));
    ck_assert_uint_eq(first(ask(ZONE, SOA), 0, SOA)->serial, before + 1);
    ck_assert_uint_eq(first(ask("nosuch.shop." ZONE, A), 1, SOA)->serial, before + 1);
    ck_assert_uint_eq(first(ask(payment, TXT), 1, SOA)->serial, before + 1); /* this one was prepared */
}
END_TEST

static uint32_t serial(void)
{
    return first(ask(ZONE, SOA), 0, SOA)->serial;
}

/* Heartbeats and records that are written again change no answer. */
START_TEST(test_r20_serial_stays_while_answers_do)
{
    with_payment();
    put("shop.payment.web-2.p1", 8080, NULL);
    flush();
    uint32_t before = serial();
    for (int i = 0; i < 3; i++) {
        put_host("web-2", "192.0.2.1", NULL, "eu-1", "eu");
        put("shop.payment.web-2.p1", 8080, NULL);
        put("shop.payment.web-1.p1", 8080, &(struct extra){.tag = "canary"});
        flush();
        table_writer_alive(catalog_table(catalog), now_ns + i);
        ck_assert_uint_eq(serial(), before);
    }
    set_sync(TABLE_STALE);
    ck_assert_uint_eq(serial(), before);
}
END_TEST

START_TEST(test_r20_serial_moves_with_each_change_of_an_answer)
{
    const struct extra changes[] = {{.weight = 2},
                                    {.weight = 2, .priority = 1},
                                    {.tag = "blue"},
                                    {.ipv4 = "10.9.9.9"},
                                    {.ipv6 = "2001:db8::9"},
                                    {.state = DISCOVER_CRITICAL},
                                    {.meta_key = "k", .meta_value = "v"}};
    with_payment();
    uint32_t before = serial();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        put("shop.payment.web-1.p1", 8080, &changes[i]);
        flush();
        ck_assert_msg(serial() == before + 1, "change %zu", i);
        before = serial();
    }
    drop("shop.payment.web-1.p1");
    flush();
    ck_assert_uint_eq(serial(), before + 1);
    put_host("web-1", "192.0.2.77", NULL, "eu-1", "eu");
    flush();
    ck_assert_uint_eq(serial(), before + 2);
}
END_TEST

START_TEST(test_r21_one_ttl_for_a_set_and_no_record_twice)
{
    static const uint32_t ttls[] = {0, 1, 3600};
    with_payment();
    put("shop.payment.web-1.p2", 8081, &(struct extra){.ipv4 = "10.9.9.9"});
    put("shop.payment.web-1.p3", 8082, &(struct extra){.ipv4 = "10.9.9.9"});
    flush();
    for (size_t i = 0; i < 3; i++) {
        config.ttl_s = ttls[i];
        put("shop.payment.web-1.p4", (uint16_t)(9000 + i), &(struct extra){.ipv4 = "10.9.9.9"});
        flush();
        const struct reply *r = ask(payment, A);
        ck_assert_uint_eq(count(r, 0, A), 2);
        for (size_t k = 0; k < r->n_records; k++)
            ck_assert_uint_eq(r->records[k].ttl, ttls[i]);
        r = ask_edns(payment, SRV, 4096);
        ck_assert_uint_eq(count(r, 0, SRV), 4);
        ck_assert_uint_eq(count(r, 2, A), 2);
        const struct record_seen *soa = first(ask(payment, TXT), 1, SOA);
        ck_assert_uint_eq(soa->ttl, ttls[i] < 5 ? ttls[i] : 5);
    }
}
END_TEST

START_TEST(test_r22_transfers_are_refused)
{
    static const uint16_t types[] = {251, 252};
    with_payment();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(ask(ZONE, types[i])->rcode, REFUSED);
        ck_assert_uint_eq(ask(payment, types[i])->rcode, REFUSED);
        ck_assert_uint_eq(ask_tcp(ZONE, types[i])->rcode, REFUSED);
        ck_assert(!ask(ZONE, types[i])->aa);
    }
}
END_TEST

START_TEST(test_r23_any_gets_one_set)
{
    with_payment();
    const struct reply *r = ask(payment, ANY);
    ck_assert_uint_eq(r->counts[0], 1);
    ck_assert_uint_eq(count(r, 0, SRV), 1);
    ck_assert_uint_eq(count(ask(ZONE, ANY), 0, SOA), 1);
    ck_assert_uint_eq(ask(ZONE, ANY)->counts[0], 1);
    ck_assert_uint_eq(count(ask("0a000001.addr.shop." ZONE, ANY), 0, A), 1);
    ck_assert_uint_eq(ask("0a000001.addr.shop." ZONE, ANY)->counts[0], 1);
    check_negative(ask("shop." ZONE, ANY), NOERROR);
}
END_TEST

START_TEST(test_r24_no_wildcards_and_no_aliases)
{
    with_payment();
    check_negative(ask("*.shop." ZONE, A), NXDOMAIN);
    check_negative(ask("anything.payment.shop." ZONE, A), NXDOMAIN);
    const struct reply *r = ask(payment, CNAME);
    check_negative(r, NOERROR);
}
END_TEST

START_TEST(test_r53_special_names_are_no_zones)
{
    static const char *const bad[] = {"local",       "printer.local", "localhost", "x.test", "invalid",
                                      "svc.example", "x.onion",       "x.alt",     "arpa",   "home.arpa"};
    static const char *const good[] = {"discover.internal", "svc.example.com", "consul", "10.in-addr.arpa",
                                       "8.b.d.0.1.0.0.2.ip6.arpa"};
    struct dns_zone z;
    const char *why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(dns_zone_parse(bad[i], &z, &why) < 0, "%s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(dns_zone_parse(good[i], &z, &why) == 0, "%s: %s", good[i], why);
}
END_TEST

START_TEST(test_r53_length_of_zones)
{
    char text[200];
    struct dns_zone z;
    const char *why;
    memset(text, 'a', sizeof text);
    text[62] = '.';
    text[125] = '\0'; /* 62 + 62 octets and their lengths, the root: 127 */
    ck_assert_int_eq(dns_zone_parse(text, &z, &why), 0);
    ck_assert_uint_eq(z.bytes, 127);
    text[125] = 'a';
    text[126] = '\0';
    ck_assert_int_lt(dns_zone_parse(text, &z, &why), 0);
}
END_TEST

START_TEST(test_r55_several_zones_and_the_longest_wins)
{
    const char *why;
    with_payment();
    ck_assert_int_eq(dns_zone_parse("svc.example.com", &config.zones.zone[1], &why), 0);
    ck_assert_int_eq(dns_zone_parse("eu.svc.example.com", &config.zones.zone[2], &why), 0);
    config.zones.n = 3;
    const struct reply *r = ask("payment.shop.svc.example.com", SRV);
    ck_assert_str_eq(first(r, 0, SRV)->target, "0a001f90.addr.shop.svc.example.com");
    ck_assert_uint_eq(ask("payment.shop.eu.svc.example.com", SRV)->counts[0], 1);
    ck_assert_uint_eq(ask(payment, SRV)->counts[0], 1);
    ck_assert_str_eq(first(ask("nosuch.eu.svc.example.com", A), 1, SOA)->owner, "eu.svc.example.com");
    ck_assert_str_eq(first(ask("nosuch.svc.example.com", A), 1, SOA)->owner, "svc.example.com");
    ck_assert_uint_eq(ask("payment.shop.example.com", SRV)->rcode, REFUSED);
}
END_TEST

/* The longest name there can be still has a target that is no longer than a name may be. */
START_TEST(test_longest_names_have_targets)
{
    char zone[128], label[64], key[300], name[400];
    const char *why;
    memset(zone, 'z', 125);
    zone[62] = '.';
    zone[125] = '\0';
    memset(label, 'l', 63);
    label[63] = '\0';
    ck_assert_int_eq(dns_zone_parse(zone, &config.zones.zone[0], &why), 0);
    snprintf(key, sizeof key, "%s.s.web-1.p1", label);
    put(key, 1, &(struct extra){.ipv4 = "10.0.0.1", .ipv6 = "2001:db8::1"});
    flush();
    snprintf(name, sizeof name, "s.%s.%s", label, zone);
    const struct reply *r = ask_edns(name, SRV, 4096);
    ck_assert_uint_eq(count(r, 2, A) + count(r, 2, AAAA), 2);
    char target[1024];
    strcpy(target, first(r, 0, SRV)->target);
    ck_assert_str_eq(first(ask(target, AAAA), 0, AAAA)->address, "2001:db8::1");
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns zone", test_r13_outside_the_zones_is_refused, test_r14_other_classes_are_refused,
              test_r15_unknown_names_are_nxdomain_with_soa, test_r16_types_that_are_not_there_are_nodata,
              test_r17_names_above_others_are_nodata, test_r18_known_service_without_usable_instance_is_nodata,
              test_r19_apex_has_soa_and_ns_with_address, test_r20_serial_moves_when_the_catalog_does,
              test_r20_serial_stays_while_answers_do, test_r20_serial_moves_with_each_change_of_an_answer,
              test_r21_one_ttl_for_a_set_and_no_record_twice, test_r22_transfers_are_refused, test_r23_any_gets_one_set,
              test_r24_no_wildcards_and_no_aliases, test_r53_special_names_are_no_zones, test_r53_length_of_zones,
              test_r55_several_zones_and_the_longest_wins, test_longest_names_have_targets)
