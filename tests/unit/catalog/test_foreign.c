/* SPDX-License-Identifier: Apache-2.0 */
/* JSON records of foreign writers: what they mean, and how each mistake is reported. */
#include "daemon/catalog/foreign.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static struct foreign_extras extras;

static int decode(const char *text, struct record *r, int64_t *ttl_ns, char *why)
{
    int err = foreign_decode((const uint8_t *)text, strlen(text), 42, r, &extras, why);
    if (!err)
        *ttl_ns = extras.ttl_ns;
    return err;
}

START_TEST(test_smallest)
{
    struct record r;
    int64_t ttl_ns;
    char why[FOREIGN_WHY_CAP] = "";
    ck_assert_msg(decode("{\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":15}", &r, &ttl_ns, why) == 0, "%s", why);
    ck_assert_int_eq(ttl_ns, INT64_C(15000000000));
    ck_assert_uint_eq(r.port, 8080);
    ck_assert_uint_eq(r.addresses.families, DISCOVER_HAS_IPV4);
    ck_assert_uint_eq(r.counter, 42);
    ck_assert_uint_eq(r.state, DISCOVER_PASSING);
    ck_assert_int_eq(decode(" \r\n\t{\"host\":\"db.example.com\",\"port\":1}\n", &r, &ttl_ns, why), 0);
    ck_assert_int_eq(ttl_ns, INT64_C(30000000000));
    ck_assert_str_eq(r.hostname, "db.example.com");
}
END_TEST

START_TEST(test_what_is_meant)
{
    static const char *const meant[] = {"{", "{}", " {", " \t\r\n{\"port\":1}"}, *const not [] = {"", " ", "[{", "x{",
                                                                                                  "\x08{"};
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++)
        ck_assert_msg(foreign_is((const uint8_t *)meant[i], strlen(meant[i])), "%s", meant[i]);
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        ck_assert_msg(!foreign_is((const uint8_t *)not [i], strlen(not [i])), "%s", not [i]);
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    struct record own;
    record_init(&own);
    own.epoch = 123; /* "{" */
    own.port = 1;
    ck_assert_int_eq(record_encode(&own, bytes, &n), 0);
    ck_assert(!foreign_is(bytes, n));
}
END_TEST

START_TEST(test_everything)
{
    struct record r;
    int64_t ttl_ns;
    char why[FOREIGN_WHY_CAP] = "";
    const char *text = "{\"address\":[\"10.0.0.1\",\"2001:db8::1\"],\"port\":53,\"proto\":\"udp\",\"weight\":9,"
                       "\"priority\":2,\"state\":\"draining\",\"tags\":[\"a\",\"b\"],\"meta\":{\"v\":\"1\"},"
                       "\"exported\":false,\"something\":[\"new\"]}";
    ck_assert_msg(decode(text, &r, &ttl_ns, why) == 0, "%s", why);
    ck_assert_uint_eq(r.addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_uint_eq(r.protocol, DISCOVER_UDP);
    ck_assert_uint_eq(r.state, DISCOVER_DRAINING);
    ck_assert_uint_eq(r.weight, 9);
    ck_assert_uint_eq(r.priority, 2);
    ck_assert_uint_eq(r.n_tags, 2);
    ck_assert_uint_eq(r.unexported, 1);
    ck_assert_str_eq(r.meta[0].value, "1");
}
END_TEST

static const struct {
    const char *text, *why;
} refusals[] = {
    {"{", "not JSON"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"tags\":[\"\xff\"]}", "not JSON: unable to decode byte 0xff"},
    {"{\"host\":\"10.0.0.1\"}", "port: must be 1..65535"},
    {"{\"host\":\"10.0.0.1\",\"port\":\"80\"}", "port: must be a number 1..65535"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"exported\":\"no\"}", "exported: must be true or false"},
    {"{\"host\":\"10.0.0.1\",\"port\":70000}", "port: must be a number 1..65535"},
    {"{\"port\":80}", "address: neither"},
    {"{\"host\":\"10.0.0.256\",\"port\":80}", "host: neither an address such as"},
    {"{\"host\":\"0.0.0.0\",\"port\":80}", "host: an unspecified address"},
    {"{\"host\":\"::ffff:10.1.2.3\",\"port\":80}", "host: an IPv4-mapped address"},
    {"{\"host\":\"224.0.0.1\",\"port\":80}", "host: a multicast address"},
    {"{\"host\":7,\"port\":80}", "host: must be a text"},
    {"{\"host\":\"not a host\",\"port\":80}", "host: neither an address such as"},
    {"{\"host\":\"10.0.0.1\",\"address\":[\"10.0.0.2\"],\"port\":80}", "two addresses of one family"},
    {"{\"address\":\"10.0.0.2\",\"port\":80}", "address: must be a list"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"ttl\":0}", "ttl: must be a number 1..86400"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"ttl\":1.5}", "ttl: must be a number"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"proto\":\"sctp\"}", "proto: not one of"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"state\":1}", "state: not one of"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"state\":\"\"}", "state: not one of"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"tags\":[\"A\\tB\"]}", "tags: a tag is"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"meta\":{\"k\":1}}", "meta: each must be a text"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"meta\":{\"a b\":\"1\"}}", "meta.a b: its key must be printable ASCII"},
    {"{\"host\":\"10.0.0.1\",\"port\":80,\"weight\":0}", "weight: must be a number 1..65535"},
    {"{\"host\":\"10.0.0.1\",\"host\":\"10.0.0.2\",\"port\":80}", "not JSON: duplicate object key"},
};

START_TEST(test_refusals_name_the_field)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct record r;
        int64_t ttl_ns;
        char why[FOREIGN_WHY_CAP] = "";
        ck_assert_msg(decode(refusals[i].text, &r, &ttl_ns, why) < 0, "%s", refusals[i].text);
        ck_assert_msg(strstr(why, refusals[i].why) != NULL, "%s: the reason is \"%s\"", refusals[i].text, why);
    }
}
END_TEST

/* Whatever it is, the record is taken; what is cut can be no context. */
START_TEST(test_trace_context)
{
    static char text[4096], longer[1024];
    struct record r;
    int64_t ttl_ns;
    char why[FOREIGN_WHY_CAP] = "";
    ck_assert_int_eq(decode("{\"host\":\"10.0.0.1\",\"port\":1}", &r, &ttl_ns, why), 0);
    ck_assert(!*extras.traceparent && !*extras.tracestate);
    ck_assert_int_eq(
        decode("{\"host\":\"10.0.0.1\",\"port\":1,\"traceparent\":\"00-a\",\"tracestate\":7}", &r, &ttl_ns, why), 0);
    ck_assert_str_eq(extras.traceparent, "00-a");
    ck_assert_str_eq(extras.tracestate, "?");
    memset(longer, 'a', sizeof longer - 1);
    snprintf(text, sizeof text, "{\"host\":\"10.0.0.1\",\"port\":1,\"traceparent\":\"%s\",\"tracestate\":\"%s\"}",
             longer, longer);
    ck_assert_int_eq(decode(text, &r, &ttl_ns, why), 0);
    ck_assert_uint_gt(strlen(extras.traceparent), TRACE_PARENT_CAP);
    ck_assert_uint_eq(strlen(extras.tracestate), TRACE_STATE_CAP);
}
END_TEST

START_TEST(test_keys)
{
    struct instance_key key;
    ck_assert_int_eq(foreign_key_parse("services/payment/p1", 19, &key), 0);
    ck_assert_str_eq(key.domain, "default");
    ck_assert_str_eq(key.service, "payment");
    ck_assert_str_eq(key.host, "external");
    ck_assert_str_eq(key.instance, "p1");
    const char *bad[] = {
        "services/payment", "services//p1", "services/payment/", "services/a/b/c", "service/a/b", "services/A/b", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(foreign_key_parse(bad[i], strlen(bad[i]), &key) < 0, "%s", bad[i]);
}
END_TEST

UNIT_TESTS("foreign", test_smallest, test_what_is_meant, test_everything, test_refusals_name_the_field,
           test_trace_context, test_keys)
