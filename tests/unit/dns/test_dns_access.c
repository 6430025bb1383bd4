/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask, and how much. */
#include "daemon/dns/dns_access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_rate.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

#define ADDRESS_CAP (INET6_ADDRSTRLEN + sizeof "[]:65535")

static union dns_peer peer(const char *text)
{
    union dns_peer p;
    ck_assert_int_eq(dns_peer_parse(text, &p), 0);
    return p;
}

static void format(const union dns_peer *peer, char ret_text[static ADDRESS_CAP])
{
    char address[INET6_ADDRSTRLEN];
    const uint8_t *bytes;
    bool v6 = dns_peer_address(peer, &bytes) == 16;
    ck_assert_ptr_nonnull(inet_ntop(v6 ? AF_INET6 : AF_INET, bytes, address, sizeof address));
    snprintf(ret_text, ADDRESS_CAP, v6 ? "[%s]:%u" : "%s:%u", address, (unsigned)dns_peer_port(peer));
}

START_TEST(test_addresses_and_their_texts)
{
    static const char *const good[] = {"127.0.0.1:53", "[::1]:0", "[2001:db8::1]:65535", "0.0.0.0:8053"};
    static const char *const bad[] = {"",
                                      ":",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "::1:53",
                                      "[::1]",
                                      "[127.0.0.1]:53",
                                      "[::1:53",
                                      "localhost:53",
                                      "127.0.0.1:53x",
                                      "127.0.0.1 :53"};
    union dns_peer p;
    char text[ADDRESS_CAP];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(dns_peer_parse(good[i], &p), 0);
        format(&p, text);
        ck_assert_str_eq(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(dns_peer_parse(bad[i], &p) < 0, "%s", bad[i]);
}
END_TEST

START_TEST(test_loopback_and_wildcard)
{
    union dns_peer p = peer("127.9.9.9:1");
    ck_assert(dns_peer_is_loopback(&p) && !dns_peer_is_wildcard(&p));
    p = peer("[::1]:1");
    ck_assert(dns_peer_is_loopback(&p) && !dns_peer_is_wildcard(&p));
    p = peer("[::ffff:127.0.0.1]:1"); /* as a socket for both families tells it */
    ck_assert(dns_peer_is_loopback(&p));
    p = peer("[::ffff:10.0.0.1]:1");
    ck_assert(!dns_peer_is_loopback(&p));
    p = peer("128.0.0.1:1");
    ck_assert(!dns_peer_is_loopback(&p));
    p = peer("0.0.0.0:1");
    ck_assert(dns_peer_is_wildcard(&p));
    p = peer("[::]:1");
    ck_assert(dns_peer_is_wildcard(&p));
}
END_TEST

START_TEST(test_r46_access_list)
{
    struct dns_access access = {.n = 3};
    ck_assert_int_eq(network_parse("10.0.0.0/9", &access.networks[0]), 0);
    ck_assert_int_eq(network_parse("192.0.2.7", &access.networks[1]), 0);
    ck_assert_int_eq(network_parse("2001:db8::/33", &access.networks[2]), 0);
    static const struct {
        const char *peer;
        bool allowed;
    } expect[] = {
        {"10.127.255.255:1", true},     {"10.128.0.0:1", false},         {"192.0.2.7:1", true}, {"192.0.2.6:1", false},
        {"[2001:db8:7fff::1]:1", true}, {"[2001:db8:8000::1]:1", false}, {"127.0.0.1:1", true}, {"[::1]:1", true},
        {"[a00::]:1", false},           {"[::ffff:10.1.1.1]:1", true},
    };
    for (size_t i = 0; i < sizeof expect / sizeof *expect; i++) {
        union dns_peer p = peer(expect[i].peer);
        ck_assert_msg(dns_access_allows(&access, &p) == expect[i].allowed, "%s", expect[i].peer);
    }
    union dns_peer p = peer("203.0.113.1:1");
    ck_assert(!dns_access_allows(&access, &p));
    access.n = 0;
    ck_assert(dns_access_allows(&access, &p));
    ck_assert_int_lt(network_parse("10.0.0.0/", &access.networks[0]), 0);
    ck_assert_int_lt(network_parse("2001:db8::/129", &access.networks[0]), 0);
    ck_assert_int_eq(network_parse("0.0.0.0/0", &access.networks[0]), 0);
    access.n = 1;
    ck_assert(dns_access_allows(&access, &p));
}
END_TEST

START_TEST(test_r46_denied_clients_are_refused)
{
    put_many("shop.payment", 1);
    client.loopback = false;
    client.denied = true;
    const struct reply *r = ask_edns("payment.shop." ZONE, SRV, 1232);
    ck_assert_uint_eq(r->rcode, REFUSED);
    ck_assert_int_eq(r->ede, 18);
    ck_assert_uint_eq(r->n_records, 0);
    ck_assert_uint_eq(metric_get(&counters.denied), 1);
}
END_TEST

START_TEST(test_r47_rate_of_a_network)
{
    static const uint8_t a[] = {192, 0, 2, 1}, same_24[] = {192, 0, 2, 200}, other[] = {192, 0, 3, 1};
    struct dns_rate *rate = calloc(1, sizeof *rate);
    int64_t at_ns = 5 * NS_PER_S;
    size_t replies = 0, slips = 0, drops = 0;
    rate->rate = 10;
    for (int i = 0; i < 30; i++) {
        enum dns_rate_verdict v = dns_rate_take(rate, i % 2 ? a : same_24, 4, at_ns);
        replies += v == DNS_RATE_REPLY;
        slips += v == DNS_RATE_SLIP;
        drops += v == DNS_RATE_DROP;
    }
    ck_assert_uint_eq(replies, 10);
    ck_assert_uint_eq(slips, 10);
    ck_assert_uint_eq(drops, 10);
    ck_assert_int_eq(dns_rate_take(rate, other, 4, at_ns), DNS_RATE_REPLY);
    at_ns += NS_PER_S / 10; /* one more */
    ck_assert_int_eq(dns_rate_take(rate, a, 4, at_ns), DNS_RATE_REPLY);
    ck_assert_int_ne(dns_rate_take(rate, a, 4, at_ns), DNS_RATE_REPLY);
    at_ns += 10 * NS_PER_S; /* but no more than a second's worth is saved up */
    for (replies = 0; dns_rate_take(rate, a, 4, at_ns) == DNS_RATE_REPLY;)
        replies++;
    ck_assert_uint_eq(replies, 10);
    rate->rate = 0;
    ck_assert_int_eq(dns_rate_take(rate, a, 4, at_ns), DNS_RATE_REPLY);
    free(rate);
}
END_TEST

START_TEST(test_r47_over_the_limit_clients_are_sent_to_tcp)
{
    put_many("shop.payment", 3);
    client.slip = true;
    const struct reply *r = ask("payment.shop." ZONE, SRV);
    ck_assert(r->tc && r->rcode == NOERROR);
    ck_assert_uint_eq(r->n_records, 0);
    ck_assert_uint_eq(r->n, r->question_at_end); /* as large as the query: nothing is amplified */
}
END_TEST

START_TEST(test_r47_refusals_amplify_nothing)
{
    uint8_t query[512];
    size_t n = build("example.com", A, query);
    ck_assert_uint_eq(ask_raw(query, n)->n, n);
    n = build("payment.shop." ZONE, 252, query);
    ck_assert_uint_eq(ask_raw(query, n)->n, n);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns access", test_addresses_and_their_texts, test_loopback_and_wildcard,
              test_r46_access_list, test_r46_denied_clients_are_refused, test_r47_rate_of_a_network,
              test_r47_over_the_limit_clients_are_sent_to_tcp, test_r47_refusals_amplify_nothing)
