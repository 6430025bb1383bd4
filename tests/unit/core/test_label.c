/* SPDX-License-Identifier: Apache-2.0 */
/* Names and keys. */
#include "libdiscover/core/label.h"

#include <string.h>

#include "tests/support/unit.h"

static const struct {
    const char *text;
    bool valid;
} labels[] = {
    {"a", true},
    {"0", true},
    {"web-1", true},
    {"a--b", true},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true}, /* 63 */
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    {"", false},
    {"-a", false},
    {"a-", false},
    {"A", false},
    {"a_b", false},
    {"a.b", false},
    {"\xc3\xa4", false},
};

START_TEST(test_labels)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        ck_assert_msg(label_valid(labels[i].text, strlen(labels[i].text)) == labels[i].valid, "%s", labels[i].text);
}
END_TEST

static const struct {
    const char *text, *label; /* "": nobody knows */
} nearest[] = {
    {"Web-9", "web-9"}, {"a_b", "a-b"},   {"-a-", "a"},   {"a b__c", "a-b-c"}, {"web-1", "web-1"},       {"", ""},
    {"__", ""},         {"\xc3\xa4", ""}, {"A.B", "a-b"}, {"x\x01y", "x-y"},   {"\xc3\xa4pfel", "pfel"},
};

START_TEST(what_was_meant)
{
    char label[LABEL_CAP], service[SERVICE_CAP], full[LABEL_MAX + 8];
    for (size_t i = 0; i < sizeof nearest / sizeof *nearest; i++) {
        bool any = label_nearest(nearest[i].text, strlen(nearest[i].text), label);
        ck_assert_msg(any == (*nearest[i].label != '\0') && strcmp(label, nearest[i].label) == 0, "%s: %s",
                      nearest[i].text, label);
        ck_assert(!any || label_valid(label, strlen(label)));
    }
    memset(full, 'A', sizeof full);
    ck_assert(label_nearest(full, LABEL_MAX, label) && !label_nearest(full, LABEL_MAX + 1, label));
    ck_assert(service_nearest("Shop/Pay_ment", service));
    ck_assert_str_eq(service, "shop/pay-ment");
    ck_assert(!service_nearest("shop", service) && !service_nearest("a/b/c", service));
    ck_assert(!service_nearest("Host/x", service)); /* reserved */
}
END_TEST

START_TEST(test_service)
{
    char domain[LABEL_CAP], service[LABEL_CAP], text[SERVICE_CAP];
    ck_assert_int_eq(service_parse("shop/payment", domain, service), 0);
    ck_assert_str_eq(domain, "shop");
    ck_assert_str_eq(service, "payment");
    service_format(domain, service, text);
    ck_assert_str_eq(text, "shop/payment");
    const char *bad[] = {"", "shop", "/payment", "shop/", "shop/payment/x", "Shop/payment", "host/x", "region/x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(service_parse(bad[i], domain, service) < 0, "%s", bad[i]);
}
END_TEST

START_TEST(test_service_of_a_region)
{
    char domain[LABEL_CAP], service[LABEL_CAP], region[LABEL_CAP];
    ck_assert_int_eq(service_ref_parse("shop/payment", domain, service, region), 0);
    ck_assert_str_eq(region, "");
    ck_assert_int_eq(service_ref_parse("shop/payment@eu-2", domain, service, region), 0);
    ck_assert_str_eq(domain, "shop");
    ck_assert_str_eq(service, "payment");
    ck_assert_str_eq(region, "eu-2");
    ck_assert_int_lt(service_parse("shop/payment@eu-2", domain, service), 0); /* to register one */
    const char *bad[] = {"shop/payment@",   "@b", "shop@b", "shop/@b", "shop/payment@b@c", "shop/payment@B",
                         "shop/payment@b/c"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(service_ref_parse(bad[i], domain, service, region) < 0, "%s", bad[i]);
}
END_TEST

START_TEST(test_instance_key)
{
    struct instance_key key;
    char text[KEY_CAP];
    const char *good = "shop.payment.web-1.p1";
    ck_assert_int_eq(instance_key_parse(good, strlen(good), &key), 0);
    ck_assert_str_eq(key.domain, "shop");
    ck_assert_str_eq(key.instance, "p1");
    instance_key_format(&key, text);
    ck_assert_str_eq(text, good);
    const char *bad[] = {"", "a.b.c", "a.b.c.d.e", "a..c.d", "a.b.c.", ".b.c.d", "a.b.c.D", "host.b.c.d", "a.b.*.d"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(instance_key_parse(bad[i], strlen(bad[i]), &key) < 0, "%s", bad[i]);
    ck_assert_int_lt(instance_key_parse("a.b.c\0x.d", 9, &key), 0);
}
END_TEST

UNIT_TESTS("label", test_labels, what_was_meant, test_service, test_service_of_a_region, test_instance_key)
