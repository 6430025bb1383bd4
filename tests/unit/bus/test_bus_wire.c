/* SPDX-License-Identifier: Apache-2.0 */
/* JetStream's texts, whole and broken. */
#include "daemon/bus/bus_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

START_TEST(delivery_short)
{
    struct wire_delivery d;
    ck_assert_int_eq(wire_delivery("$JS.ACK.KV_HOSTS.cons1.1.17.3.1700000000000000001.42", &d), 0);
    ck_assert_uint_eq(d.consumer_len, 5);
    ck_assert_int_eq(memcmp(d.consumer, "cons1", 5), 0);
    ck_assert_uint_eq(d.seq, 17);
    ck_assert_uint_eq(d.nth, 3);
    ck_assert_int_eq(d.time_ns, INT64_C(1700000000000000001));
    ck_assert_uint_eq(d.pending, 42);
}
END_TEST

START_TEST(delivery_with_domain)
{
    struct wire_delivery d;
    ck_assert_int_eq(wire_delivery("$JS.ACK.hub.ACCHASH.KV_HOSTS.cons1.1.17.3.5.0", &d), 0);
    ck_assert_uint_eq(d.seq, 17);
    ck_assert_int_eq(memcmp(d.consumer, "cons1", 5), 0);
    ck_assert_int_eq(wire_delivery("$JS.ACK._.ACCHASH.KV_HOSTS.cons1.1.17.3.5.9.random", &d), 0);
    ck_assert_uint_eq(d.pending, 9);
}
END_TEST

START_TEST(delivery_broken)
{
    static const char *const broken[] = {
        NULL,
        "",
        "$JS.ACK.",
        "$JS.ACK.KV_HOSTS",
        "$JS.FC.KV_HOSTS.c.1.2.3.4.5",
        "$JS.ACK.KV_HOSTS.c.1.2.3.4",
        "$JS.ACK.a.KV_HOSTS.c.1.2.3.4.5",
        "$JS.ACK.KV_HOSTS.c.1.x.3.4.5",
        "$JS.ACK.KV_HOSTS.c.1.2.-3.4.5",
        "$JS.ACK.KV_HOSTS.c.1.2.3.99999999999999999999.5",
        "$JS.ACK.KV_HOSTS.c.1.2.3.18446744073709551615.5",
        "$JS.ACK.KV_HOSTS.c.1.2.3.4.",
        "$JS.ACK.1.2.3.4.5.6.7.8.9.10.11.12.13",
    };
    struct wire_delivery d;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        ck_assert_msg(wire_delivery(broken[i], &d) == -EINVAL, "%s", broken[i]);
}
END_TEST

START_TEST(times_to_live)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"1", NS_PER_S},           {"15s", 15 * NS_PER_S},  {"1500ms", 1500 * NS_PER_MS},
                {"1m", 60 * NS_PER_S},     {"2h", 7200 * NS_PER_S}, {"1h30m5s", 5405 * NS_PER_S},
                {"99999999999", INT64_MAX}};
    static const char *const bad[] = {NULL, "",     "never", "0",   "0s",  "-5",  "5x",
                                      "s",  "1.5h", "5s ",   "5s7", " 5s", "5 s", "99999999999h"};
    int64_t ns = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(wire_ttl(good[i].text, &ns) && ns == good[i].ns, "%s: %lld", good[i].text, (long long)ns);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!wire_ttl(bad[i], &ns), "%s", bad[i]);
}
END_TEST

static int ack(const char *json, uint64_t *ret_seq, char ret_reason[static BUS_REASON_CAP])
{
    return wire_put_ack(json, strlen(json), ret_seq, ret_reason);
}

START_TEST(put_acks)
{
    char reason[BUS_REASON_CAP] = "";
    uint64_t seq = 0;
    ck_assert_int_eq(ack("{\"stream\":\"KV_HOSTS\",\"domain\":\"hub\",\"seq\":77}", &seq, reason), 0);
    ck_assert_uint_eq(seq, 77);
    ck_assert_int_eq(ack("{\"type\":\"x\",\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last "
                         "sequence: 4\"},\"stream\":\"KV_HOSTS\",\"seq\":0}",
                         &seq, reason),
                     -EIO);
    ck_assert_str_eq(reason, "wrong last sequence: 4 (error 10071)");
    ck_assert_uint_eq(seq, 77);
    static const char *const broken[] = {"", "{", "[]", "7", "{}", "{\"seq\":\"7\"}", "{\"seq\":-7}", "{\"seq\":0}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        ck_assert_msg(ack(broken[i], &seq, reason) == -EBADMSG, "%s", broken[i]);
}
END_TEST

START_TEST(refusals_of_puts)
{
    static const struct {
        int code, err;
        const char *text;
    } all[] = {
        {10059, -ENOENT, "stream not found"},
        {10058, -EEXIST, "stream name already in use"},
        {10039, -ENODEV, "JetStream not enabled for account"},
        {10076, -ENODEV, "JetStream not enabled"},
        {10005, -ENODEV, "no suitable peers for placement"},
        {10008, -ENODEV, "JetStream system temporarily unavailable"},
        {10077, -ENOSPC, "maximum bytes exceeded"},
        {10077, -ENOSPC, "maximum messages exceeded"},
        {10077, -ENOSPC, "write /x: no space left on device"},
        {10077, -EIO, "store is closed"},
        {10023, -ENOSPC, "insufficient resources"},
        {10047, -ENOSPC, "insufficient storage resources available"},
        {10109, -EROFS, "invalid operation on sealed stream"},
        {10054, -EMSGSIZE, "message size exceeds maximum allowed"},
        {10002, -EDQUOT, "resource limits exceeded for account"},
        {10999, -EIO, "whatever comes next"},
        {0, -EIO, ""},
    };
    char reason[BUS_REASON_CAP], json[256];
    uint64_t seq = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(json, sizeof json, "{\"error\":{\"err_code\":%d,\"description\":\"%s\"},\"seq\":0}", all[i].code,
                 all[i].text);
        ck_assert_msg(ack(json, &seq, reason) == all[i].err, "%s: %s", json, reason);
        ck_assert_msg(strstr(reason, all[i].text), "%s", reason);
    }
    ck_assert_int_eq(ack("{\"error\":{}}", &seq, reason), -EIO);
    ck_assert_str_eq(reason, "refused without a description (error 0)");
}
END_TEST

START_TEST(times)
{
    static const char *const bad[] = {
        NULL,
        "",
        "2026-11-28",
        "2026-11-28T22:24:36",
        "2026-11-28T22:24:36+01:00",
        "2026-11-28T22:24:36.5",
        "0001-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
    };
    int64_t time_ns = 0;
    ck_assert(wire_time("1970-01-02T00:00:01.000000007Z", &time_ns));
    ck_assert_int_eq(time_ns, 86401 * NS_PER_S + 7);
    ck_assert(wire_time("2026-11-28T22:24:36Z", &time_ns));
    ck_assert_int_eq(time_ns, INT64_C(1795904676) * NS_PER_S);
    ck_assert(wire_time("2026-11-28T22:24:36.25Z", &time_ns));
    ck_assert_int_eq(time_ns, INT64_C(1795904676) * NS_PER_S + NS_PER_S / 4);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!wire_time(bad[i], &time_ns), "%s", bad[i]);
}
END_TEST

START_TEST(denials)
{
    char subject[32];
    bool cut = true;
    ck_assert(wire_denied_put("Permissions Violation for Publish to \"$KV.HOSTS.b\"", subject, sizeof subject, &cut));
    ck_assert_str_eq(subject, "$KV.HOSTS.b");
    ck_assert(!cut);
    ck_assert(wire_denied_put("Permissions Violation for Publish to \"$KV.HOSTS.lo", subject, sizeof subject, &cut));
    ck_assert_str_eq(subject, "$KV.HOSTS.lo");
    ck_assert(cut);
    ck_assert(!wire_denied_put("Permissions Violation for Subscription to \"x\"", subject, sizeof subject, &cut));
    ck_assert(!wire_denied_put("Permissions Violation for Publish to \"\"", subject, sizeof subject, &cut));
    ck_assert(!wire_denied_put("Permissions Violation for Publish to \"0123456789012345678901234567890123456789\"",
                               subject, sizeof subject, &cut));
}
END_TEST

START_TEST(keys)
{
    char longest[BUS_KEY_MAX + 2];
    static const char *const good[] = {"a", "shop.payment.web-1.p1", "A_B=c/d", "1"};
    static const char *const bad[] = {"", ".", ".a", "a.", "a..b", "a b", "a.*", ">", "a\n", "\xc3\xa4", "a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(wire_key_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!wire_key_valid(bad[i]), "%s", bad[i]);
    memset(longest, 'a', sizeof longest);
    longest[BUS_KEY_MAX + 1] = '\0';
    ck_assert(!wire_key_valid(longest));
    longest[BUS_KEY_MAX] = '\0';
    ck_assert(wire_key_valid(longest));
}
END_TEST

START_TEST(numbers)
{
    uint64_t n = 5;
    ck_assert(wire_number("18446744073709551615", 10, &n) && n == UINT64_MAX);
    ck_assert(wire_number("100000002", 16, &n) && n == UINT64_C(0x100000002));
    static const char *const bad[] = {NULL, "", "-1", "+1", " 1", "1 ", "18446744073709551616", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert(!wire_number(bad[i], 10, &n));
}
END_TEST

START_TEST(the_server_that_was_lost_comes_last)
{
    static const char *const all[] = {"nats://10.0.0.1:4222", "nats://me:secret@10.0.0.2:4222", "10.0.0.3:4222"};
    unsigned first[3] = {0};
    for (uint64_t random = 0; random < 300; random++) {
        const char *urls[] = {all[0], all[1], all[2]};
        wire_order_servers(urls, 3, "nats://10.0.0.2:4222", random * UINT64_C(0x9e3779b97f4a7c15));
        ck_assert_ptr_eq(urls[2], all[1]);
        ck_assert(urls[0] == all[0] ? urls[1] == all[2] : urls[0] == all[2] && urls[1] == all[0]);
        wire_order_servers(urls, 3, "", random * UINT64_C(0x9e3779b97f4a7c15));
        for (size_t i = 0; i < 3; i++)
            first[i] += urls[0] == all[i];
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_gt(first[i], 50); /* none is preferred */
}
END_TEST

/* An answer must not become a value, a request or an event of ours. */
START_TEST(inboxes)
{
    static const char *const good[] = {"_INBOX.abc.1",        "_INBOX.web-2.x",  "_R_.abc",
                                       "_GR_.c1.s1._INBOX.x", "_INBOX.web-10.x", "_GR_.c1.s1._R_.x"};
    static const char *const bad[] = {"",
                                      "_INBOX",
                                      "_INBOX.",
                                      "_INBOX.web-1.x",
                                      "_GR_.c1.s1._INBOX.web-1.x",
                                      "_INBOXx.a",
                                      "_R_",
                                      "$KV.HOSTS.web-1",
                                      "$JS.API.STREAM.DELETE.KV_HOSTS",
                                      "_GR_.c1.s1.$KV.HOSTS.web-1",
                                      "_GR_._INBOX.x",
                                      "_INBOX.a.*",
                                      "_INBOX.>",
                                      "_INBOX.a b",
                                      "_INBOX.a\r\nPUB",
                                      "_INBOX..a",
                                      "discover.local.hosts.web-1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(wire_inbox_valid(good[i], "web-1"), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!wire_inbox_valid(bad[i], "web-1"), "%s", bad[i]);
    ck_assert(!wire_inbox_valid(NULL, "web-1"));
}
END_TEST

UNIT_TESTS("bus_wire", delivery_short, delivery_with_domain, delivery_broken, put_acks, refusals_of_puts, times,
           times_to_live, denials, keys, numbers, inboxes, the_server_that_was_lost_comes_last)
