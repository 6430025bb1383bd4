/* SPDX-License-Identifier: Apache-2.0 */
/* What real clients stumble over, seen in the octets they get. Each test is named after the pitfall. */
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static const char payment[] = "payment.shop." ZONE;

static void with_instances(unsigned n)
{
    put_many("shop.payment", n);
}

/*
 * HAProxy never asks over TCP. With accepted_payload_size 8192 it gets all at once from loopback; without,
 * the part that fits, not an empty answer with TC.
 */
START_TEST(test_p01_haproxy_gets_all_or_a_part_never_nothing)
{
    with_instances(60);
    const struct reply *r = ask_edns(payment, SRV, 7000);
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(r, 0, SRV), 60);
    ck_assert_uint_eq(count(r, 2, A), 60);
    r = ask_edns(payment, SRV, 512);
    ck_assert(r->tc);
    ck_assert_uint_ge(count(r, 0, SRV), 7);
}
END_TEST

/* An instance that is missing in one answer is down at once: the part is the same in every answer, in every
 * order. */
START_TEST(test_p02_haproxy_does_not_flap_on_partial_answers)
{
    uint16_t ports[60];
    with_instances(60);
    size_t n = ask(payment, SRV)->counts[0];
    for (int i = 0; i < 50; i++) {
        const struct reply *r = ask(payment, SRV);
        ck_assert_uint_eq(r->counts[0], n);
        for (size_t k = 0; k < n; k++) {
            if (i == 0)
                ports[k] = r->records[k].port;
            ck_assert_uint_eq(r->records[k].port, ports[k]);
        }
    }
}
END_TEST

/* Its slots are keyed by target and port: two instances on one host are two records. */
START_TEST(test_p02_two_instances_on_one_host_are_two_records)
{
    put("shop.payment.web-1.a", 8080, &(struct extra){.ipv4 = "10.0.0.1"});
    put("shop.payment.web-1.b", 8081, &(struct extra){.ipv4 = "10.0.0.1"});
    flush();
    const struct reply *r = ask(payment, SRV);
    ck_assert_uint_eq(count(r, 0, SRV), 2);
    ck_assert_str_eq(r->records[0].target, r->records[1].target);
    ck_assert_uint_ne(r->records[0].port, r->records[1].port);
    ck_assert_uint_eq(count(r, 2, A), 1);
}
END_TEST

/* Of a target that has no additional record HAProxy asks on its own: as many have one as fit. */
START_TEST(test_p03_no_target_is_without_its_address_for_want_of_trying)
{
    with_instances(110);
    const struct reply *r = ask_edns(payment, SRV, 16384);
    ck_assert_uint_eq(count(r, 0, SRV), 110);
    ck_assert_uint_eq(count(r, 2, A), 110);
    r = ask_edns(payment, SRV, 7000);
    ck_assert(!r->tc);
    size_t with_address = count(r, 2, A);
    ck_assert(with_address > 0 && with_address < 110);
    ck_assert_uint_gt(r->n, 7000 - 16); /* one more would not fit */
}
END_TEST

/* What is missing is said, and addresses for additional targets go before answers do. */
START_TEST(test_p04_whatever_is_cut_is_cut_with_tc)
{
    with_instances(60);
    for (uint16_t offer = 512; offer < 8000; offer = (uint16_t)(offer + 97)) {
        const struct reply *r = ask_edns(payment, SRV, offer);
        ck_assert_int_eq(r->tc, count(r, 0, SRV) < 60);
        ck_assert(count(r, 2, A) == 0 || count(r, 0, SRV) == 60);
    }
}
END_TEST

/* musl before 1.2.4 has neither TCP nor EDNS. */
START_TEST(test_p05_without_edns_512_octets_hold_addresses)
{
    with_instances(500);
    const struct reply *r = ask(payment, A);
    ck_assert_uint_le(r->n, 512);
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(r, 0, A), 20);
}
END_TEST

/* Resolvers that spell names at random compare the question that comes back. */
START_TEST(test_p09_the_spelling_of_the_question_comes_back)
{
    uint8_t query[512];
    static const char *const names[] = {"pAyMeNt.ShOp.DiScOvEr.InTeRnAl", "PAYMENT.SHOP.DISCOVER.INTERNAL",
                                        "nOSuch.sHop.discover.internal", "exAMple.COM"};
    with_instances(3);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int again = 0; again < 2; again++) { /* from a prepared answer, too */
            size_t n = build(names[i], SRV, query);
            const struct reply *r = ask_raw(query, n);
            ck_assert_mem_eq(r->bytes + 12, query + 12, n - 12);
        }
}
END_TEST

/* Who asked too early waits no longer than five seconds, whatever the TTL of answers. */
START_TEST(test_p10_absence_is_remembered_for_seconds)
{
    with_instances(1);
    config.ttl_s = 3600;
    check_negative(ask("soon.shop." ZONE, SRV), NXDOMAIN);
    const struct record_seen *soa = first(ask("soon.shop." ZONE, SRV), 1, SOA);
    ck_assert_uint_le(soa->ttl, 5);
    ck_assert_uint_le(soa->minimum, 5);
}
END_TEST

/* mongodb+srv takes no target outside the parent of the name it was given, and at most one TXT record there.
 */
START_TEST(test_p12_mongodb_finds_its_targets_below_the_seed)
{
    static const char parent[] = ".shop." ZONE;
    put("shop.mongodb.web-1.a", 27017, &(struct extra){.meta_key = "replicaSet", .meta_value = "rs0"});
    put("shop.mongodb.web-1.b", 27018, &(struct extra){.meta_key = "replicaSet", .meta_value = "rs0"});
    flush();
    const struct reply *r = ask_edns("_mongodb._tcp.shop." ZONE, SRV, 4096);
    ck_assert_uint_eq(count(r, 0, SRV), 2);
    for (size_t i = 0; i < 2; i++) {
        const char *target = r->records[i].target;
        ck_assert_str_eq(target + strlen(target) - strlen(parent), parent);
    }
    ck_assert_uint_le(count(ask("mongodb.shop." ZONE, TXT), 0, TXT), 1);
}
END_TEST

/* The search list makes names of others out of ours: refused, so that the client goes on to the next. */
START_TEST(test_p13_names_made_by_a_search_list_are_refused)
{
    with_instances(1);
    const struct reply *r = ask("payment.shop." ZONE ".corp.example.com", SRV);
    ck_assert_uint_eq(r->rcode, REFUSED);
    ck_assert_uint_eq(r->n_records, 0);
    check_negative(ask("payment.shop." ZONE "." ZONE, SRV), NXDOMAIN);
}
END_TEST

/* c-ares 1.33 and later send a client cookie with each query, as curl on Alpine does: no FORMERR, and none
 * back. */
START_TEST(test_p14_a_client_cookie_harms_nothing)
{
    uint8_t query[512];
    static const uint8_t opt[] = {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    with_instances(3);
    size_t n = build(payment, SRV, query);
    memcpy(query + n, opt, sizeof opt);
    query[11] = 1;
    const struct reply *r = ask_raw(query, n + sizeof opt);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert_uint_eq(count(r, 0, SRV), 3);
    ck_assert(r->opt);
    ck_assert_uint_eq(r->opt_options, 0);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns pitfalls", test_p01_haproxy_gets_all_or_a_part_never_nothing,
              test_p02_haproxy_does_not_flap_on_partial_answers, test_p02_two_instances_on_one_host_are_two_records,
              test_p03_no_target_is_without_its_address_for_want_of_trying, test_p04_whatever_is_cut_is_cut_with_tc,
              test_p05_without_edns_512_octets_hold_addresses, test_p09_the_spelling_of_the_question_comes_back,
              test_p10_absence_is_remembered_for_seconds, test_p12_mongodb_finds_its_targets_below_the_seed,
              test_p13_names_made_by_a_search_list_are_refused, test_p14_a_client_cookie_harms_nothing)
