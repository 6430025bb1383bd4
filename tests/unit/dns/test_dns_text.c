/* SPDX-License-Identifier: Apache-2.0 */
/* Replies as dig prints them; and any bytes at all do no harm. */
#include "daemon/dns/dns_text.h"

#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static char lines[64][DNS_TEXT_CAP];
static unsigned n_lines;

static void take(void *arg, const char *line)
{
    (void)arg;
    if (n_lines < 64)
        strcpy(lines[n_lines++], line);
}

static struct dns_text_head take_reply(const struct reply *r, unsigned max)
{
    struct dns_text_head head = {0};
    n_lines = 0;
    ck_assert_int_eq(dns_text_answers(r->bytes, r->n, max, take, NULL, &head), 0);
    return head;
}

static bool has_line(const char *line)
{
    for (unsigned i = 0; i < n_lines; i++)
        if (strcmp(lines[i], line) == 0)
            return true;
    return false;
}

START_TEST(each_type)
{
    const struct reply *r;
    put("shop.payment.web-1.p1", 8080,
        &(struct extra){.ipv4 = "10.0.0.1", .ipv6 = "2001:db8::1", .meta_key = "version", .meta_value = "1.4 \"x\""});
    flush();
    r = ask("payment.shop." ZONE, DNS_TYPE_SRV);
    struct dns_text_head head = take_reply(r, 10);
    ck_assert_str_eq(dns_rcode_text(head.rcode), "NOERROR");
    ck_assert_uint_eq(head.answers, 1);
    ck_assert(!head.truncated);
    ck_assert_msg(has_line("payment.shop.discover.internal. 1 IN SRV 0 256 8080 "
                           "0a00000120010db8000000000000000000000001.addr.shop.discover.internal."),
                  "%s", lines[0]);
    r = ask("payment.shop." ZONE, DNS_TYPE_A);
    (void)take_reply(r, 10);
    ck_assert_msg(has_line("payment.shop.discover.internal. 1 IN A 10.0.0.1"), "%s", lines[0]);
    r = ask("payment.shop." ZONE, DNS_TYPE_AAAA);
    (void)take_reply(r, 10);
    ck_assert_msg(has_line("payment.shop.discover.internal. 1 IN AAAA 2001:db8::1"), "%s", lines[0]);
    r = ask("p1.web-1.id.payment.shop." ZONE, DNS_TYPE_TXT);
    (void)take_reply(r, 10);
    ck_assert_msg(n_lines > 0 && strstr(lines[0], " IN TXT \""), "%s", lines[0]);
}
END_TEST

START_TEST(no_more_than_wanted)
{
    const struct reply *r;
    put_many("shop.many", 20);
    flush();
    r = ask("many.shop." ZONE, DNS_TYPE_A);
    struct dns_text_head head = take_reply(r, 3);
    ck_assert_uint_eq(n_lines, 3);
    ck_assert_uint_gt(head.answers, 3);
    r = ask("none.shop." ZONE, DNS_TYPE_A);
    head = take_reply(r, 3);
    ck_assert_str_eq(dns_rcode_text(head.rcode), "NXDOMAIN");
    ck_assert_uint_eq(n_lines, 0);
}
END_TEST

/* Cut anywhere, or with any octet changed. */
START_TEST(any_bytes)
{
    const struct reply *r;
    struct dns_text_head head;
    put_many("shop.many", 5);
    flush();
    r = ask("many.shop." ZONE, DNS_TYPE_SRV);
    static uint8_t bytes[65535];
    size_t n = r->n;
    memcpy(bytes, r->bytes, n);
    for (size_t cut = 0; cut < n; cut++) {
        n_lines = 0;
        (void)dns_text_answers(bytes, cut, 64, take, NULL, &head);
    }
    for (size_t i = 0; i < n; i++)
        for (unsigned value = 0; value < 256; value += 15) {
            uint8_t was = bytes[i];
            bytes[i] = (uint8_t)value;
            n_lines = 0;
            (void)dns_text_answers(bytes, n, 64, take, NULL, &head);
            bytes[i] = was;
        }
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns/text", each_type, no_more_than_wanted, any_bytes)
