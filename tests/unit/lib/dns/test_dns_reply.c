/* SPDX-License-Identifier: Apache-2.0 */
/* What DNS answers say, and which of them are believed. */
#include <errno.h>

#include "discover/discover.h"
#include "libdiscover/dns/dns_reply.h"
#include "tests/unit/lib/dns/dns_script.h"
#include "tests/support/unit.h"

#define NAME "payment.shop.discover.internal"

static struct dns_script script;
static struct dns_answer answer;

static void begin(enum dns_rcode rcode)
{
    script_begin(&script, NAME, DNS_TYPE_SRV, rcode);
}

static int read_bytes(size_t n, bool heard)
{
    const struct lookup_key key = {.service = "shop/payment"};
    struct dns_question q;
    ck_assert_int_eq(dns_question_make(&key, 0, "discover.internal", &q), 0);
    return dns_answer_read(&q, heard, script.bytes, n, &answer);
}

static enum dns_outcome outcome(bool heard)
{
    ck_assert_int_eq(read_bytes(script_bytes(&script), heard), 0);
    enum dns_outcome it = answer.outcome;
    dns_answer_fini(&answer);
    return it;
}

static void read_found(void)
{
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), 0);
    ck_assert_int_eq(answer.outcome, DNS_FOUND);
    ck_assert(answer.from_zone);
}

START_TEST(targets_are_read)
{
    begin(DNS_NOERROR);
    script_srv(&script, "PAYMENT.shop.Discover.internal", 30, 1, 256, 8080, "db.example.org");
    script_srv(&script, NAME, 20, 2, 65535, 8081, "DB2.example.org");
    script_srv(&script, "other.shop.discover.internal", 1, 2, 1, 8082, "x.example.org"); /* not asked for */
    script_a(&script, SECTION_ADDITIONAL, "db.EXAMPLE.org", 10, "10.1.2.3");
    script_aaaa(&script, SECTION_ADDITIONAL, "db.example.org", 60, "2001:db8::3");
    script_a(&script, SECTION_ADDITIONAL, "db3.example.org", 5, "10.1.2.4");
    read_found();
    ck_assert_uint_eq(answer.n_targets, 2);
    ck_assert_uint_eq(answer.ttl_s, 10);
    ck_assert(!answer.stale);
    const struct dns_srv_target *t = answer.targets;
    ck_assert_uint_eq(t[0].addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_mem_eq(t[0].addresses.ipv4, "\12\1\2\3", 4);
    ck_assert_uint_eq(t[0].addresses.ipv6[15], 3);
    ck_assert_uint_eq(t[0].weight, 256);
    ck_assert_uint_eq(t[1].addresses.families, 0);
    ck_assert_uint_eq(t[1].port, 8081);
    ck_assert_uint_eq(t[1].priority, 2);
    dns_answer_fini(&answer);
}
END_TEST

START_TEST(addresses_stand_in_the_targets_names)
{
    begin(DNS_NOERROR);
    script_srv(&script, NAME, 1, 0, 1, 1, "0a010203.addr.shop.discover.internal");
    script_srv(&script, NAME, 1, 0, 1, 2, "20010db8000000000000000000000009.addr.shop.discover.internal");
    script_srv(&script, NAME, 1, 0, 1, 3, "0A01020320010db8000000000000000000000009.addr.shop.discover.internal");
    script_srv(&script, NAME, 1, 0, 1, 4, "0a010203.addr.other.discover.internal"); /* from here on: nobody's promise */
    script_srv(&script, NAME, 1, 0, 1, 5, "0a01020g.addr.shop.discover.internal");
    script_srv(&script, NAME, 1, 0, 1, 6, "0a0102.addr.shop.discover.internal");
    read_found();
    const struct dns_srv_target *t = answer.targets;
    ck_assert_uint_eq(answer.n_targets, 6);
    ck_assert_uint_eq(t[0].addresses.families, DISCOVER_HAS_IPV4);
    ck_assert_mem_eq(t[0].addresses.ipv4, "\12\1\2\3", 4);
    ck_assert_uint_eq(t[1].addresses.families, DISCOVER_HAS_IPV6);
    ck_assert_uint_eq(t[1].addresses.ipv6[15], 9);
    ck_assert_uint_eq(t[2].addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_mem_eq(t[2].addresses.ipv4, "\12\1\2\3", 4);
    ck_assert_uint_eq(t[2].addresses.ipv6[0], 0x20);
    for (size_t i = 3; i < 6; i++)
        ck_assert_uint_eq(t[i].addresses.families, 0);
    dns_answer_fini(&answer);
}
END_TEST

/* The root's denial of a zone it has never heard of is not ours to believe; a cache may leave the SOA out. */
START_TEST(a_denial_needs_the_zone_behind_it)
{
    static const enum dns_rcode rcodes[] = {DNS_NXDOMAIN, DNS_NOERROR};
    static const enum dns_outcome believed[] = {DNS_UNKNOWN, DNS_NONE};
    for (int i = 0; i < 2; i++) {
        begin(rcodes[i]);
        ck_assert_int_eq(outcome(false), DNS_FAILED);
        ck_assert_int_eq(outcome(true), believed[i]);
        script_soa(&script, ".", 86400, 86400);
        ck_assert_int_eq(outcome(false), DNS_FAILED);
        ck_assert_int_eq(outcome(true), DNS_FAILED);
        begin(rcodes[i]);
        script_soa(&script, "internal", 5, 5);
        ck_assert_int_eq(outcome(true), DNS_FAILED);
        begin(rcodes[i]);
        script_soa(&script, "Discover.Internal", 5, 5);
        ck_assert_int_eq(outcome(false), believed[i]);
    }
}
END_TEST

/* RFC 2308 5. */
START_TEST(a_denial_holds_for_the_lesser_of_ttl_and_minimum)
{
    begin(DNS_NXDOMAIN);
    script_soa(&script, "discover.internal", 9, 7);
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), 0);
    ck_assert_uint_eq(answer.ttl_s, 7);
    dns_answer_fini(&answer);
}
END_TEST

START_TEST(a_server_that_cannot_say_says_nothing)
{
    static const enum dns_rcode rcodes[] = {DNS_SERVFAIL, DNS_REFUSED, DNS_NOTIMP, DNS_FORMERR};
    for (size_t i = 0; i < sizeof rcodes / sizeof *rcodes; i++) {
        begin(rcodes[i]);
        script_soa(&script, "discover.internal", 5, 5);
        ck_assert_int_eq(outcome(true), DNS_FAILED);
    }
    begin(DNS_NOERROR); /* BADVERS is 16: its lower half is 0 (RFC 6891 6.1.3) */
    script_soa(&script, "discover.internal", 5, 5);
    script_opt(&script, 1, -1);
    ck_assert_int_eq(outcome(true), DNS_FAILED);
}
END_TEST

START_TEST(stale_answers_are_known_as_such)
{
    static const int codes[] = {3, 19};
    for (int i = 0; i < 2; i++) {
        begin(DNS_NOERROR);
        script_srv(&script, NAME, 1, 0, 1, 1, "0a010203.addr.shop.discover.internal");
        script_opt(&script, 0, codes[i]);
        read_found();
        ck_assert(answer.stale);
        dns_answer_fini(&answer);
    }
    begin(DNS_NOERROR);
    script_srv(&script, NAME, 1, 0, 1, 1, "0a010203.addr.shop.discover.internal");
    script_opt(&script, 0, 4);
    read_found();
    ck_assert(!answer.stale);
    dns_answer_fini(&answer);
}
END_TEST

/* RFC 2782: not a failure to find any, but a decision. */
START_TEST(target_root_means_none)
{
    begin(DNS_NOERROR);
    script_srv(&script, NAME, 30, 0, 0, 0, ".");
    ck_assert_int_eq(outcome(false), DNS_NONE);
}
END_TEST

/* RFC 2181 8. */
START_TEST(a_ttl_with_its_highest_bit_is_zero)
{
    begin(DNS_NOERROR);
    script_srv(&script, NAME, UINT32_C(0x80000001), 0, 1, 1, "0a010203.addr.shop.discover.internal");
    read_found();
    ck_assert_uint_eq(answer.ttl_s, 0);
    dns_answer_fini(&answer);
}
END_TEST

START_TEST(what_is_cut_or_answers_something_else_is_an_error)
{
    begin(DNS_NOERROR);
    script_srv(&script, NAME, 1, 0, 1, 1, "db.example.org");
    script_a(&script, SECTION_ADDITIONAL, "db.example.org", 1, "10.0.0.1");
    for (size_t n = 0; n < script_bytes(&script); n++)
        ck_assert_int_eq(read_bytes(n, false), -EBADMSG);
    script.bytes[2] = 0; /* a query */
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), -EBADMSG);
    script_begin(&script, "other.shop.discover.internal", DNS_TYPE_SRV, DNS_NOERROR);
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), -EBADMSG);
}
END_TEST

static void srv_with_target(const char *octets, size_t n)
{
    begin(DNS_NOERROR);
    script_srv(&script, NAME, 1, 0, 1, 1, "");
    dns_rewind(&script.out, script.out.at - 1);
    dns_put(&script.out, octets, n);
    uint8_t *length = script.out.at - n - 8;
    dns_store16(length, (uint16_t)(n + 6));
}

/* RFC 9267 2: pointers forward, to themselves or in circles; the two reserved kinds of labels; RFC 1035 3.1. */
START_TEST(names_that_never_end_are_errors)
{
    static const char *const targets[] = {"\300\377", "\301\0", "\100", "\200", "\377\377"};
    char loop[2] = {'\300', 0};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        srv_with_target(targets[i], 2);
        ck_assert_int_eq(read_bytes(script_bytes(&script), false), -EBADMSG);
    }
    srv_with_target(loop, 2);
    script.out.at[-1] = (uint8_t)(script_bytes(&script) - 2);
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), -EBADMSG);
    srv_with_target("\300\14", 2); /* back to the question: compressed, which receivers must take (RFC 3597 4) */
    read_found();
    ck_assert_uint_eq(answer.targets[0].name.n, sizeof NAME + 1);
    dns_answer_fini(&answer);
    char many[300];
    memset(many, 1, sizeof many);
    srv_with_target(many, sizeof many);
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), -EBADMSG);
}
END_TEST

static struct dns_answer of_ports(uint16_t first, uint16_t last, uint32_t ttl_s)
{
    begin(DNS_NOERROR);
    for (uint16_t port = first; port <= last; port++)
        script_srv(&script, NAME, ttl_s, 0, 1, port, "db.example.org");
    ck_assert_int_eq(read_bytes(script_bytes(&script), false), 0);
    return answer;
}

START_TEST(two_conditions_are_met_by_what_meets_both)
{
    struct dns_answer a = of_ports(1, 4, 9), b = of_ports(3, 6, 5), c = of_ports(7, 8, 9);
    dns_answer_intersect(&a, &b);
    ck_assert_int_eq(a.outcome, DNS_FOUND);
    ck_assert_uint_eq(a.n_targets, 2);
    ck_assert_uint_eq(a.targets[0].port, 3);
    ck_assert_uint_eq(a.ttl_s, 5);
    dns_answer_intersect(&a, &c);
    ck_assert_int_eq(a.outcome, DNS_NONE);
    c.outcome = DNS_UNKNOWN;
    dns_answer_intersect(&b, &c);
    ck_assert_int_eq(b.outcome, DNS_UNKNOWN);
    dns_answer_fini(&a);
    dns_answer_fini(&b);
    dns_answer_fini(&c);
}
END_TEST

START_TEST(addresses_of_a_target)
{
    struct dns_srv_target t = {0};
    uint32_t ttl_s = 100;
    script_begin(&script, "db.example.org", DNS_TYPE_A, DNS_NOERROR);
    script_a(&script, SECTION_ANSWER, "real.example.org", 50, "10.0.0.1");
    script_a(&script, SECTION_ANSWER, "real.example.org", 40, "10.0.0.2");
    ck_assert_int_eq(dns_answer_read_address(script.bytes, script_bytes(&script), &t, &ttl_s), 0);
    ck_assert_uint_eq(t.addresses.families, DISCOVER_HAS_IPV4);
    ck_assert_mem_eq(t.addresses.ipv4, "\12\0\0\1", 4);
    ck_assert_uint_eq(ttl_s, 50);
    script_begin(&script, "db.example.org", DNS_TYPE_AAAA, DNS_NOERROR);
    ck_assert_int_eq(dns_answer_read_address(script.bytes, script_bytes(&script), &t, &ttl_s), 0);
    ck_assert_uint_eq(t.addresses.families, DISCOVER_HAS_IPV4);
    script_begin(&script, "db.example.org", DNS_TYPE_AAAA, DNS_SERVFAIL);
    ck_assert_int_eq(dns_answer_read_address(script.bytes, script_bytes(&script), &t, &ttl_s), -EAGAIN);
    ck_assert_int_eq(dns_answer_read_address(script.bytes, 20, &t, &ttl_s), -EBADMSG);
}
END_TEST

UNIT_TESTS("DNS answers", targets_are_read, addresses_stand_in_the_targets_names, a_denial_needs_the_zone_behind_it,
           a_denial_holds_for_the_lesser_of_ttl_and_minimum, a_server_that_cannot_say_says_nothing,
           stale_answers_are_known_as_such, target_root_means_none, a_ttl_with_its_highest_bit_is_zero,
           what_is_cut_or_answers_something_else_is_an_error, names_that_never_end_are_errors,
           two_conditions_are_met_by_what_meets_both, addresses_of_a_target)
