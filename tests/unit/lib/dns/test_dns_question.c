/* SPDX-License-Identifier: Apache-2.0 */
/* Names of services in DNS. */
#include <string.h>

#include "libdiscover/dns/dns_question.h"
#include "tests/support/unit.h"

static int make(const char *text, size_t which, const char *zone, struct dns_question *ret_q)
{
    struct lookup_key key;
    int err = lookup_key_parse(text, &key);
    return err ? err : dns_question_make(&key, which, zone, ret_q);
}

static const struct dns_wire_name *wire(const char *domain_and_service, const char *zone)
{
    static struct dns_question q;
    ck_assert_int_eq(make(domain_and_service, 0, zone, &q), 0);
    return &q.name;
}

START_TEST(a_service_is_asked_for_below_its_domain)
{
    struct dns_question q;
    static const char octets[] = "\7payment\4shop\10discover\10internal";
    ck_assert_int_eq(make("shop/payment", 0, "discover.internal", &q), 0);
    ck_assert_str_eq(q.text, "payment.shop.discover.internal");
    ck_assert_uint_eq(q.name.n, sizeof octets);
    ck_assert_mem_eq(q.name.octets, octets, sizeof octets);
    ck_assert_uint_eq(q.domain_at, 8);
    ck_assert_uint_eq(q.zone_at, 13);
}
END_TEST

START_TEST(what_is_no_service_or_zone_is_refused)
{
    struct dns_question q;
    static const char *const zones[] = {"", ".", "a..b", ".a", "a b", "a\n", "a/b"};
    ck_assert_int_lt(make("shop", 0, "discover.internal", &q), 0);
    ck_assert_int_lt(make("", 0, "discover.internal", &q), 0);
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        ck_assert_msg(!dns_zone_valid(zones[i]), "%s", zones[i]);
    ck_assert(dns_zone_valid("Svc_1.Example.COM."));
}
END_TEST

/* RFC 1035 2.3.4: 63 octets a label, 255 a name. */
START_TEST(names_have_limits)
{
    char zone[300] = "";
    while (strlen(zone) < 253)
        strcat(zone, "a.");
    ck_assert(!dns_zone_valid(zone));
    zone[249] = '\0'; /* "s.d." in front makes 253 */
    ck_assert(dns_zone_valid(zone));
    memset(zone, 'a', 64);
    strcpy(zone + 64, ".example");
    ck_assert(!dns_zone_valid(zone));
    ck_assert(dns_zone_valid(zone + 1));
}
END_TEST

START_TEST(conditions_are_questions)
{
    static const char *const names[] = {"canary.tag.payment.shop.x.org", "eu-1.at.payment.shop.x.org",
                                        "_payment._udp.shop.x.org"};
    static const char *const bad[] = {"shop/payment #",
                                      "shop/payment canary",
                                      "shop/payment  #a",
                                      "shop/payment #A",
                                      "shop/payment !a",
                                      "shop #a",
                                      " #a"};
    struct lookup_key key;
    struct dns_question q;
    ck_assert_int_eq(lookup_key_parse("shop/payment #canary @eu-1 %udp", &key), 0);
    ck_assert_uint_eq(key.n, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(dns_question_make(&key, i, "x.org", &q), 0);
        ck_assert_str_eq(q.text, names[i]);
        ck_assert_mem_eq(q.name.octets + q.domain_at, "\4shop\1x\3org", 12);
        ck_assert_mem_eq(q.name.octets + q.zone_at, "\1x\3org", 7);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(lookup_key_parse(bad[i], &key) < 0, "%s", bad[i]);
}
END_TEST

START_TEST(a_region_stands_behind_the_domain)
{
    struct dns_question q;
    ck_assert_int_eq(make("shop/payment@b", 0, "x.org", &q), 0);
    ck_assert_str_eq(q.text, "payment.shop.b.region.x.org");
    ck_assert_mem_eq(q.name.octets + q.domain_at, "\4shop\1b", 7);
    ck_assert_mem_eq(q.name.octets + q.zone_at, "\1x\3org", 7);
    ck_assert_int_eq(make("shop/payment@b #canary", 0, "x.org", &q), 0);
    ck_assert_str_eq(q.text, "canary.tag.payment.shop.b.region.x.org");
}
END_TEST

START_TEST(a_key_holds_what_a_query_can_ask_for)
{
    char text[LOOKUP_KEY_CAP], label[LABEL_CAP];
    struct lookup_key key;
    memset(label, 'a', LABEL_MAX);
    label[LABEL_MAX] = '\0';
    service_format(label, label, text);
    strcat(strcat(text, "@"), label);
    for (int i = 0; i < LOOKUP_CONDITIONS_MAX; i++)
        ck_assert_int_eq(lookup_key_add(text, LOOKUP_TAG, label), 0);
    ck_assert_int_eq(lookup_key_parse(text, &key), 0);
    ck_assert_uint_eq(key.n, LOOKUP_CONDITIONS_MAX);
    ck_assert_int_lt(lookup_key_add(text, LOOKUP_TAG, "a"), 0);
}
END_TEST

START_TEST(below_means_whole_labels)
{
    struct dns_question q;
    ck_assert_int_eq(make("shop/payment", 0, "example.org", &q), 0);
    ck_assert(dns_is_below(wire("shop/other", "EXAMPLE.org"), &q, q.zone_at));
    ck_assert(dns_is_below(wire("shop/other", "example.org"), &q, q.domain_at));
    ck_assert(!dns_is_below(wire("store/other", "example.org"), &q, q.domain_at));
    ck_assert(!dns_is_below(wire("shop/other", "anexample.org"), &q, q.zone_at));
    ck_assert(!dns_is_below(wire("shop/other", "org"), &q, q.zone_at));
}
END_TEST

START_TEST(names_as_text)
{
    char text[DNS_TEXT_CAP];
    struct dns_wire_name name = {.octets = "\3a.b\0", .n = 5};
    ck_assert_int_eq(dns_name_text(wire("shop/payment", "x_y.org"), text), 0);
    ck_assert_str_eq(text, "payment.shop.x_y.org");
    ck_assert_int_lt(dns_name_text(&name, text), 0);
    name = (struct dns_wire_name){.octets = "\3a\0b\0", .n = 5};
    ck_assert_int_lt(dns_name_text(&name, text), 0);
    name = (struct dns_wire_name){.n = 1};
    ck_assert_int_lt(dns_name_text(&name, text), 0);
}
END_TEST

UNIT_TESTS("DNS questions", a_service_is_asked_for_below_its_domain, what_is_no_service_or_zone_is_refused,
           names_have_limits, conditions_are_questions, a_region_stands_behind_the_domain,
           a_key_holds_what_a_query_can_ask_for, below_means_whole_labels, names_as_text)
