/* SPDX-License-Identifier: Apache-2.0 */
/* EDNS, sizes, truncation, extended errors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static const char payment[] = "payment.shop." ZONE;

static void with_instances(unsigned n)
{
    put_many("shop.payment", n);
}

/* A query for payment's SRV with these octets as its additional section. */
static const struct reply *ask_with(const void *records, size_t n, unsigned count)
{
    uint8_t query[1024];
    size_t at = build(payment, SRV, query);
    memcpy(query + at, records, n);
    query[11] = (uint8_t)count;
    return ask_raw(query, at + n);
}

START_TEST(test_r32_opt_if_and_only_if_the_query_has_one)
{
    with_instances(3);
    static const char *const names[] = {"payment.shop." ZONE, "nosuch." ZONE, "shop." ZONE, "example.com", ZONE};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert(!ask(names[i], SRV)->opt);
        const struct reply *r = ask_edns(names[i], SRV, 1232);
        ck_assert(r->opt);
        ck_assert_uint_eq(r->payload, 1232);
    }
    static const uint8_t cut[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 9};
    const struct reply *r = ask_with(cut, sizeof cut, 1); /* errors too */
    ck_assert_uint_eq(r->rcode, FORMERR);
    ck_assert(r->opt);
}
END_TEST

START_TEST(test_r32_opt_also_with_other_opcodes_and_without_question)
{
    static const uint8_t query[] = {0x12, 0x34, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
    uint8_t plain[sizeof query];
    const struct reply *r = ask_raw(query, sizeof query);
    ck_assert(r->rcode == NOTIMP && r->opt);
    memcpy(plain, query, sizeof plain);
    plain[2] = 0;
    r = ask_raw(plain, sizeof plain);
    ck_assert(r->rcode == FORMERR && r->opt);
}
END_TEST

START_TEST(test_r33_malformed_opt_is_formerr)
{
    static const uint8_t two[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
    static const uint8_t owned[] = {1, 'x', 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
    static const uint8_t option[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 4, 0, 10, 0, 1};
    static const uint8_t half[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 3, 0, 10, 0};
    with_instances(3);
    ck_assert_uint_eq(ask_with(two, sizeof two, 2)->rcode, FORMERR);
    ck_assert_uint_eq(ask_with(owned, sizeof owned, 1)->rcode, FORMERR);
    ck_assert_uint_eq(ask_with(option, sizeof option, 1)->rcode, FORMERR);
    ck_assert_uint_eq(ask_with(half, sizeof half, 1)->rcode, FORMERR);
}
END_TEST

START_TEST(test_r34_other_versions_are_badvers)
{
    with_instances(3);
    for (unsigned version = 1; version < 256; version += 127) {
        const uint8_t opt[] = {0, 0, 41, 4, 0xd0, 0, (uint8_t)version, 0, 0, 0, 0};
        const struct reply *r = ask_with(opt, sizeof opt, 1);
        ck_assert_uint_eq(r->flags & 15, 0);
        ck_assert_uint_eq(r->rcode, BADVERS);
        ck_assert_uint_eq(r->n_records, 0);
        ck_assert(r->opt); /* of version 0: the reader sees to that */
    }
}
END_TEST

START_TEST(test_r35_unknown_options_and_flags_are_ignored)
{
    static const uint8_t opt[] = {0, 0, 41, 16, 0, 0xff, 0,    0xff, 0xff, 0, 24, 0, 10, 0, 8, 1, 2, 3,
                                  4, 5, 6,  7,  8, 0xff, 0xff, 0,    0,    0, 3,  0, 0,  0, 0, 0, 0};
    with_instances(3);
    const struct reply *r = ask_with(opt, sizeof opt, 1);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert(r->dnssec_ok);
    ck_assert_uint_eq(r->opt_options, 0);
    ck_assert(!ask_edns(payment, SRV, 1232)->dnssec_ok);
}
END_TEST

/* The largest reply to an offer is as large as the smaller of offer and own maximum allows. */
static void check_limit(uint16_t offer, size_t limit)
{
    const struct reply *r = ask_edns(payment, SRV, offer);
    ck_assert_uint_le(r->n, limit);
    ck_assert_uint_gt(r->n, limit - 120); /* whole records: one more would not fit */
}

START_TEST(test_r36_payload)
{
    with_instances(1000);
    check_limit(0, 512);
    check_limit(511, 512);
    check_limit(512, 512);
    check_limit(1232, 1232);
    check_limit(1400, 1400);
    check_limit(4096, 4096);
    check_limit(65535, 16384);
    client.loopback = false;
    check_limit(1231, 1231);
    check_limit(4096, 1232);
}
END_TEST

/* A reply that came whole for one offer does not come for a smaller one, and the other way round. */
START_TEST(test_r36_prepared_answers_keep_to_each_offer)
{
    with_instances(30);
    for (int i = 0; i < 3; i++) {
        ck_assert(!ask_edns(payment, SRV, 4096)->tc);
        const struct reply *r = ask_edns(payment, SRV, 1300);
        ck_assert(r->tc && r->n <= 1300);
        r = ask_edns(payment, SRV, 1500);
        ck_assert(r->tc && r->n > 1300 && r->n <= 1500);
        r = ask_edns(payment, SRV, 600);
        ck_assert(r->tc && r->n <= 600);
        r = ask(payment, SRV);
        ck_assert(r->tc && r->n <= 512);
        ck_assert(!ask_tcp(payment, SRV)->tc);
    }
}
END_TEST

START_TEST(test_r37_cookies_are_ignored)
{
    static const uint8_t cookie[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0,
                                     9, 0, 10, 0, 5,    1, 2, 3, 4, 5}; /* of a wrong length */
    with_instances(3);
    const struct reply *r = ask_with(cookie, sizeof cookie, 1);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert_uint_eq(r->opt_options, 0);
}
END_TEST

/* As many additional records as fit, TC not set; then fewer answers, TC set. */
START_TEST(test_r38_additional_goes_first_and_without_tc)
{
    with_instances(20);
    const struct reply *r = ask_edns(payment, SRV, 4096);
    size_t whole = r->n;
    ck_assert_uint_eq(count(r, 0, SRV), 20);
    ck_assert_uint_eq(count(r, 2, A), 20);
    r = ask_edns(payment, SRV, (uint16_t)(whole - 1));
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(r, 0, SRV), 20);
    ck_assert_uint_eq(count(r, 2, A), 19);
    for (uint16_t offer = (uint16_t)whole; offer >= 512; offer--) {
        r = ask_edns(payment, SRV, offer);
        ck_assert_uint_le(r->n, offer);
        ck_assert_int_eq(r->tc, count(r, 0, SRV) < 20);
        ck_assert(!r->tc || count(r, 2, 0) == 0);
    }
}
END_TEST

START_TEST(test_r38_partial_answers_are_always_the_same)
{
    uint8_t before[512];
    with_instances(60);
    const struct reply *r = ask(payment, SRV);
    ck_assert(r->tc);
    ck_assert_uint_ge(count(r, 0, SRV), 7);
    size_t n = r->n;
    memcpy(before, r->bytes, n);
    for (int i = 0; i < 100; i++) {
        if (i % 10 == 0) { /* made anew, too */
            put("shop.other.web-1.p1", (uint16_t)(1 + i), NULL);
            put("shop.payment.web-1.p1", 1001, &(struct extra){.weight = 1u + (unsigned)i});
            flush();
        }
        r = ask(payment, SRV);
        ck_assert_uint_eq(r->n, n);
        if (i == 0)
            memcpy(before, r->bytes, n);
        for (size_t k = 0; k < r->n_records; k++)
            ck_assert_mem_eq(r->records[k].data + 4, before + (r->records[k].data - r->bytes) + 4,
                             r->records[k].data_bytes - 4);
    }
}
END_TEST

/* Without EDNS addresses are capped by policy, and rotate; with EDNS and over TCP all are there. */
START_TEST(test_p06_plain_address_answers_are_capped_not_truncated)
{
    bool seen[256] = {false};
    size_t different = 0;
    with_instances(60);
    for (int i = 0; i < 2000; i++) { /* one is drawn anew each time */
        const struct reply *r = ask(payment, A);
        ck_assert(!r->tc);
        ck_assert_uint_eq(count(r, 0, A), 20);
        ck_assert_uint_le(r->n, 512);
        for (size_t k = 0; k < 20; k++)
            seen[r->records[k].data[3]] = true;
    }
    for (size_t i = 0; i < 256; i++)
        different += seen[i];
    ck_assert_uint_eq(different, 60);
    ck_assert_uint_eq(count(ask_edns(payment, A, 4096), 0, A), 60);
    ck_assert_uint_eq(count(ask_tcp(payment, A), 0, A), 60);
}
END_TEST

START_TEST(test_p06_ipv6_addresses_are_capped_too)
{
    for (unsigned i = 0; i < 40; i++) {
        char key[64], address[64];
        snprintf(key, sizeof key, "shop.payment.web-1.p%u", i);
        snprintf(address, sizeof address, "2001:db8::%x", i + 1);
        put(key, (uint16_t)(1000 + i), &(struct extra){.ipv6 = address});
    }
    flush();
    const struct reply *r = ask(payment, AAAA);
    ck_assert(!r->tc && r->n <= 512);
    ck_assert_uint_eq(count(r, 0, AAAA), 12);
    ck_assert_uint_eq(count(ask_edns(payment, AAAA, 4096), 0, AAAA), 40);
}
END_TEST

START_TEST(test_r39_extended_errors_only_with_edns)
{
    static const struct {
        enum table_sync sync;
        const char *name;
        int ede;
    } expect[] = {
        {TABLE_UNSYNCED, "nosuch.shop." ZONE, 14}, {TABLE_STALE, "payment.shop." ZONE, 3},
        {TABLE_STALE, "nosuch.shop." ZONE, 19},    {TABLE_LIVE, "example.com", 20},
        {TABLE_LIVE, "payment.shop." ZONE, -1},    {TABLE_LIVE, "nosuch.shop." ZONE, -1},
    };
    with_instances(3);
    for (size_t i = 0; i < sizeof expect / sizeof *expect; i++) {
        set_sync(expect[i].sync);
        ck_assert_int_eq(ask_edns(expect[i].name, SRV, 1232)->ede, expect[i].ede);
        ck_assert_int_eq(ask(expect[i].name, SRV)->ede, -1);
    }
}
END_TEST

START_TEST(test_r44_sizes_of_udp_do_not_hold_for_tcp)
{
    uint8_t query[512];
    with_instances(200);
    const struct reply *r = ask_tcp(payment, SRV);
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(r, 0, SRV), 200);
    ck_assert_uint_eq(count(r, 2, A), 200);
    size_t n = build(payment, SRV, query);
    static const uint8_t opt[] = {0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0};
    memcpy(query + n, opt, sizeof opt);
    query[11] = 1;
    client.tcp = true;
    ck_assert_uint_eq(count(ask_raw(query, n + sizeof opt), 0, SRV), 200);
}
END_TEST

START_TEST(test_r45_what_does_not_fit_into_64k)
{
    with_instances(900);
    const struct reply *r = ask_tcp(payment, SRV);
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(r, 0, SRV), 900);
    ck_assert(count(r, 2, A) > 300 && count(r, 2, A) < 900);
    put_many("shop.payment", 5000);
    r = ask_tcp(payment, SRV);
    ck_assert(r->tc);
    ck_assert_uint_gt(count(r, 0, SRV), 1000);
    ck_assert_uint_gt(r->n, 65535 - 100);
    r = ask_tcp(payment, A);
    ck_assert(r->tc);
    ck_assert_uint_gt(count(r, 0, A), 4000);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns edns", test_r32_opt_if_and_only_if_the_query_has_one,
              test_r32_opt_also_with_other_opcodes_and_without_question, test_r33_malformed_opt_is_formerr,
              test_r34_other_versions_are_badvers, test_r35_unknown_options_and_flags_are_ignored, test_r36_payload,
              test_r36_prepared_answers_keep_to_each_offer, test_r37_cookies_are_ignored,
              test_r38_additional_goes_first_and_without_tc, test_r38_partial_answers_are_always_the_same,
              test_p06_plain_address_answers_are_capped_not_truncated, test_p06_ipv6_addresses_are_capped_too,
              test_r39_extended_errors_only_with_edns, test_r44_sizes_of_udp_do_not_hold_for_tcp,
              test_r45_what_does_not_fit_into_64k)
