/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: whole, cut, too long, and wrong. */
#include "daemon/http/request.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static const struct {
    const char *text;
    int status;
    const char *path;
} head_rows[] = {
    {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, "/metrics"},
    {"GET /metrics?a=b HTTP/1.0\n\n", 200, "/metrics"},
    {"HEAD / HTTP/1.1\r\nhost:x:1 \r\nAccept: */*\r\nContent-Length: 0\r\n\r\n", 200, "/"},
    {"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400, ""}, /* no Host */
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\nHOST: x\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\n", 0, ""},
    {"GET / HT", 0, ""},
    {"", 0, ""},
    {"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405, ""},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, ""},
    {"DELETE / HTTP/1.0\r\n\r\n", 405, ""},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, ""},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n\r\n", 200, "/"},
    {"GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417, ""},
    {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, "/"},
    {"GET /v1/services/shop%2fpayment?x=%zz HTTP/1.0\r\n\r\n", 200, "/v1/services/shop/payment"},
    {"GET /%00 HTTP/1.0\r\n\r\n", 400, ""},
    {"GET /%0a HTTP/1.0\r\n\r\n", 400, ""},
    {"GET /%4 HTTP/1.0\r\n\r\n", 400, ""},
    {"GET /% HTTP/1.0\r\n\r\n", 400, ""},
    {"GET / HTTP/2.0\r\n\r\n", 505, ""},
    {"GET /\r\n\r\n", 400, ""},
    {"GET  / HTTP/1.1\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1 x\r\n\r\n", 400, ""},
    {"GET http://x/ HTTP/1.1\r\n\r\n", 400, ""}, /* no Host all the same */
    {"GET http://x/metrics HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, ""},
    {"GET http://x/metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 200, "/metrics"},
    {"GET HTTP://x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "/"},
    {"GET http://x?a HTTP/1.0\r\n\r\n", 200, "/"},
    {"GET http:///metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"GET http://me@x/metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"GET http:/x HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""}, /* not over this connection */
    {"GET metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"GET ?a HTTP/1.1\r\nHost: x\r\n\r\n", 400, ""},
    {"GET /\x01 HTTP/1.1\r\n\r\n", 400, ""},
    {"G(T / HTTP/1.1\r\n\r\n", 400, ""},
    {"\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413, ""},
    {"GET / HTTP/1.1\r\nHost: x\r\ntransfer-encoding: chunked\r\n\r\n", 411, ""},
};

START_TEST(heads)
{
    for (size_t i = 0; i < sizeof head_rows / sizeof *head_rows; i++) {
        struct request r;
        size_t used;
        int status = request_parse(head_rows[i].text, strlen(head_rows[i].text), &r, &used);
        ck_assert_msg(status == head_rows[i].status, "%s: %d", head_rows[i].text, status);
        if (status == 200)
            ck_assert_str_eq(r.path, head_rows[i].path);
    }
}
END_TEST

/* The target's authority goes before the field. */
START_TEST(whom_it_means)
{
    static const struct {
        const char *text, *host, *query;
    } rows[] = {
        {"GET /?q HTTP/1.1\r\nHost: field:1\r\n\r\n", "field:1", "q"},
        {"GET http://target:2/?q HTTP/1.1\r\nHost: field\r\n\r\n", "target:2", "q"},
        {"GET http://[::1]:2?q=http://x/ HTTP/1.1\r\nHost: field\r\n\r\n", "[::1]:2", "q=http://x/"},
        {"GET http://target HTTP/1.0\r\n\r\n", "target", ""},
        {"GET / HTTP/1.0\r\n\r\n", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        size_t used;
        ck_assert_int_eq(request_parse(rows[i].text, strlen(rows[i].text), &r, &used), 200);
        ck_assert_str_eq(r.host, rows[i].host);
        ck_assert_str_eq(r.query, rows[i].query);
    }
}
END_TEST

START_TEST(every_cut_of_a_good_head_needs_more)
{
    static const char text[] = "GET /v1/services/shop/payment HTTP/1.1\r\nHost: x\r\n\r\n";
    struct request r;
    size_t used;
    for (size_t n = 0; n < sizeof text - 1; n++)
        ck_assert_int_eq(request_parse(text, n, &r, &used), 0);
    ck_assert_int_eq(request_parse(text, sizeof text - 1, &r, &used), 200);
    ck_assert(!r.head_only);
    ck_assert(r.chunks);
}
END_TEST

START_TEST(too_long)
{
    static char text[REQUEST_HEAD_MAX + 64];
    struct request r;
    size_t used;
    memset(text, 'a', sizeof text);
    ck_assert_int_eq(request_parse(text, REQUEST_HEAD_MAX, &r, &used), 0);
    ck_assert_int_eq(request_parse(text, REQUEST_HEAD_MAX + 1, &r, &used), 414);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    ck_assert_int_eq(request_parse(text, REQUEST_HEAD_MAX + 1, &r, &used), 431);
    memset(text, 'a', 1000);
    memcpy(text, "GET /", 5);
    memcpy(text + 700, " HTTP/1.1\r\n\r\n", 13);
    ck_assert_int_eq(request_parse(text, 713, &r, &used), 414);
}
END_TEST

/* Whether another request may follow, and where it begins. */
START_TEST(one_after_the_other)
{
    static const struct {
        const char *text;
        bool keep;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: TE , Close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed,,\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char two[512];
        struct request r;
        size_t used;
        snprintf(two, sizeof two, "%sGET /next", rows[i].text);
        ck_assert_int_eq(request_parse(two, strlen(two), &r, &used), 200);
        ck_assert_msg(r.keep == rows[i].keep, "%s", rows[i].text);
        ck_assert_str_eq(two + used, "GET /next");
    }
}
END_TEST

START_TEST(entity_tags)
{
    struct request r = {.none_match = "\"a-1\", W/\"b\""};
    ck_assert(request_has_tag(&r, "a-1"));
    ck_assert(request_has_tag(&r, "b"));
    ck_assert(!request_has_tag(&r, "a"));
    ck_assert(!request_has_tag(&r, "a-12"));
    strcpy(r.none_match, "*");
    ck_assert(request_has_tag(&r, "a"));
    strcpy(r.none_match, "");
    ck_assert(!request_has_tag(&r, "a"));
}
END_TEST

UNIT_TESTS("http/request", heads, whom_it_means, one_after_the_other, entity_tags, every_cut_of_a_good_head_needs_more,
           too_long)
