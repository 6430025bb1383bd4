/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of answer is read by a decoder that many clients use: c-ares. */
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

/* Programs use these, whatever newer versions of c-ares call them. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void with_shop(void)
{
    put("shop.payment.web-1.p1", 8001,
        &(struct extra){.ipv4 = "10.0.0.1",
                        .ipv6 = "2001:db8::1",
                        .meta_key = "version",
                        .meta_value = "1.4",
                        .weight = 3,
                        .priority = 7});
    put("shop.payment.web-1.p2", 8002,
        &(struct extra){.ipv4 = "10.0.0.2", .priority = 9, .meta_key = "version", .meta_value = "1.4"});
    flush();
}

START_TEST(test_srv)
{
    struct ares_srv_reply *srv;
    with_shop();
    const struct reply *r = ask_edns("_payment._tcp.shop." ZONE, SRV, 1232);
    ck_assert_int_eq(ares_parse_srv_reply(r->bytes, (int)r->n, &srv), ARES_SUCCESS);
    ck_assert_str_eq(srv->host, "0a00000120010db8000000000000000000000001.addr.shop." ZONE);
    ck_assert_uint_eq(srv->port, 8001);
    ck_assert_uint_eq(srv->weight, 768);
    ck_assert_uint_eq(srv->priority, 7);
    ck_assert_uint_eq(srv->next->port, 8002);
    ck_assert_ptr_null(srv->next->next);
    ares_free_data(srv);
}
END_TEST

START_TEST(test_addresses)
{
    struct hostent *host;
    struct ares_addrttl ttls[8];
    int n = 8;
    with_shop();
    const struct reply *r = ask("payment.shop." ZONE, A);
    ck_assert_int_eq(ares_parse_a_reply(r->bytes, (int)r->n, &host, ttls, &n), ARES_SUCCESS);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(ttls[0].ttl, 1);
    ck_assert_uint_eq(ttls[0].ipaddr.s_addr, inet_addr("10.0.0.1")); /* of the better priority */
    ares_free_hostent(host);
    r = ask("payment.shop." ZONE, AAAA);
    ck_assert_int_eq(ares_parse_aaaa_reply(r->bytes, (int)r->n, &host, NULL, NULL), ARES_SUCCESS);
    ck_assert_uint_eq(((uint8_t *)host->h_addr_list[0])[15], 1);
    ares_free_hostent(host);
}
END_TEST

START_TEST(test_text_and_pointers)
{
    struct ares_txt_reply *txt;
    struct hostent *host;
    const struct in_addr any = {0};
    with_shop();
    const struct reply *r = ask("p1@web-1._payment._tcp.shop." ZONE, TXT);
    ck_assert_int_eq(ares_parse_txt_reply(r->bytes, (int)r->n, &txt), ARES_SUCCESS);
    ck_assert_uint_eq(txt->length, 11);
    ck_assert_mem_eq(txt->txt, "version=1.4", 11);
    ares_free_data(txt);
    r = ask("_services._dns-sd._udp.shop." ZONE, PTR);
    ck_assert_int_eq(ares_parse_ptr_reply(r->bytes, (int)r->n, &any, 4, AF_INET, &host), ARES_SUCCESS);
    ck_assert_str_eq(host->h_name, "_payment._tcp.shop." ZONE);
    ares_free_hostent(host);
}
END_TEST

START_TEST(test_apex)
{
    struct ares_soa_reply *soa;
    struct hostent *host;
    with_shop();
    const struct reply *r = ask(ZONE, SOA);
    ck_assert_int_eq(ares_parse_soa_reply(r->bytes, (int)r->n, &soa), ARES_SUCCESS);
    ck_assert_str_eq(soa->nsname, "ns." ZONE);
    ck_assert_str_eq(soa->hostmaster, "hostmaster." ZONE);
    ck_assert_uint_eq(soa->minttl, 1);
    ares_free_data(soa);
    r = ask(ZONE, NS);
    ck_assert_int_eq(ares_parse_ns_reply(r->bytes, (int)r->n, &host), ARES_SUCCESS);
    ck_assert_str_eq(host->h_aliases[0], "ns." ZONE);
    ares_free_hostent(host);
}
END_TEST

START_TEST(test_absence)
{
    struct ares_srv_reply *srv = NULL;
    with_shop();
    const struct reply *r = ask_edns("nosuch.shop." ZONE, SRV, 1232);
    ck_assert_int_ne(ares_parse_srv_reply(r->bytes, (int)r->n, &srv), ARES_EBADRESP);
    r = ask("shop." ZONE, SRV);
    ck_assert_int_ne(ares_parse_srv_reply(r->bytes, (int)r->n, &srv), ARES_EBADRESP);
    ck_assert_ptr_null(srv);
}
END_TEST

START_TEST(test_large_and_truncated)
{
    struct ares_srv_reply *srv;
    size_t n = 0;
    put_many("shop.payment", 1200);
    const struct reply *r = ask_tcp("payment.shop." ZONE, SRV);
    ck_assert_int_eq(ares_parse_srv_reply(r->bytes, (int)r->n, &srv), ARES_SUCCESS);
    for (const struct ares_srv_reply *s = srv; s; s = s->next)
        n++;
    ck_assert_uint_gt(n, 1000);
    ares_free_data(srv);
    r = ask("payment.shop." ZONE, SRV);
    ck_assert_int_eq(ares_parse_srv_reply(r->bytes, (int)r->n, &srv), ARES_SUCCESS);
    ares_free_data(srv);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns decoders", test_srv, test_addresses, test_text_and_pointers, test_apex,
              test_absence, test_large_and_truncated)
