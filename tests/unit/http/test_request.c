/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests: whole, cut, too long, and wrong. */
#include "daemon/http/request.h"

#include <string.h>

#include "tests/support/unit.h"

START_TEST(heads)
{
    static const struct {
        const char *text;
        int status;
        const char *path;
    } rows[] = {
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
        {"POST / HTTP/1.1\r\n\r\n", 405, ""},
        {"DELETE / HTTP/1.1\r\n\r\n", 405, ""},
        {"GET / HTTP/2.0\r\n\r\n", 505, ""},
        {"GET /\r\n\r\n", 400, ""},
        {"GET  / HTTP/1.1\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1 x\r\n\r\n", 400, ""},
        {"GET http://x/ HTTP/1.1\r\n\r\n", 400, ""},
        {"GET /\x01 HTTP/1.1\r\n\r\n", 400, ""},
        {"G(T / HTTP/1.1\r\n\r\n", 400, ""},
        {"\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400, ""},
        {"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413, ""},
        {"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 413, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request r;
        int status = request_parse(rows[i].text, strlen(rows[i].text), &r);
        ck_assert_msg(status == rows[i].status, "%s: %d", rows[i].text, status);
        if (status == 200)
            ck_assert_str_eq(r.path, rows[i].path);
    }
}
END_TEST

START_TEST(every_cut_of_a_good_head_needs_more)
{
    static const char text[] = "GET /v1/services/shop/payment HTTP/1.1\r\nHost: x\r\n\r\n";
    struct request r;
    for (size_t n = 0; n < sizeof text - 1; n++)
        ck_assert_int_eq(request_parse(text, n, &r), 0);
    ck_assert_int_eq(request_parse(text, sizeof text - 1, &r), 200);
    ck_assert(!r.head_only);
    ck_assert(r.chunks);
}
END_TEST

START_TEST(too_long)
{
    static char text[REQUEST_HEAD_MAX + 64];
    struct request r;
    memset(text, 'a', sizeof text);
    ck_assert_int_eq(request_parse(text, REQUEST_HEAD_MAX, &r), 0);
    ck_assert_int_eq(request_parse(text, REQUEST_HEAD_MAX + 1, &r), 414);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    ck_assert_int_eq(request_parse(text, REQUEST_HEAD_MAX + 1, &r), 431);
    memset(text, 'a', 1000);
    memcpy(text, "GET /", 5);
    memcpy(text + 700, " HTTP/1.1\r\n\r\n", 13);
    ck_assert_int_eq(request_parse(text, 713, &r), 414);
}
END_TEST

UNIT_TESTS("http/request", heads, every_cut_of_a_good_head_needs_more, too_long)
