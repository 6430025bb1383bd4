/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of checks, and answers of HTTP servers. */
#include "daemon/check/target.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(targets_that_are_fine)
{
    static const struct {
        enum check_kind kind;
        const char *text, *host;
        uint16_t port;
        const char *path;
    } rows[] = {
        {CHECK_TCP, "127.0.0.1:8080", "127.0.0.1", 8080, ""},
        {CHECK_TCP, "[::1]:80", "::1", 80, ""},
        {CHECK_TCP, "localhost:1", "localhost", 1, ""},
        {CHECK_HTTP, "http://127.0.0.1:8080/healthz", "127.0.0.1", 8080, "/healthz"},
        {CHECK_HTTP, "http://web.example", "web.example", 80, "/"},
        {CHECK_HTTP, "http://web.example?full=1", "web.example", 80, "/?full=1"},
        {CHECK_HTTP, "http://[::1]/a?b#c", "::1", 80, "/a?b"},
        {CHECK_HTTP, "http://[::1]:81", "::1", 81, "/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target t;
        ck_assert_msg(target_parse(rows[i].kind, rows[i].text, &t) == 0, "%s", rows[i].text);
        ck_assert_str_eq(t.host, rows[i].host);
        ck_assert_uint_eq(t.port, rows[i].port);
        ck_assert_str_eq(t.path, rows[i].path);
    }
}
END_TEST

START_TEST(targets_that_are_not)
{
    static const char *tcp[] = {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "[::1]80"};
    static const char *http[] = {"127.0.0.1:80", "https://127.0.0.1/", "http://",         "http:///x",
                                 "http://[::1/", "http://[::1]x/",     "http://a:99999/", "http://a/ HTTP/1.1\r\nX: y",
                                 "http://a/\x80"};
    struct target t;
    for (size_t i = 0; i < sizeof tcp / sizeof *tcp; i++)
        ck_assert_msg(target_parse(CHECK_TCP, tcp[i], &t) == -EINVAL, "%s", tcp[i]);
    for (size_t i = 0; i < sizeof http / sizeof *http; i++)
        ck_assert_msg(target_parse(CHECK_HTTP, http[i], &t) == -EINVAL, "%s", http[i]);
}
END_TEST

START_TEST(request)
{
    struct target t;
    char text[HTTP_REQUEST_CAP];
    ck_assert_int_eq(target_parse(CHECK_HTTP, "http://[::1]:81/x?y", &t), 0);
    ck_assert_uint_eq(target_http_request(&t, text), strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "GET /x?y HTTP/1.0\r\nHost: [::1]:81\r\n"));
    ck_assert_str_eq(text + strlen(text) - 4, "\r\n\r\n");
}
END_TEST

START_TEST(status_lines)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n", 200}, {"HTTP/1.0 404\r\n", 404},
        {"HTTP/1.1 20", 0},           {"", 0},
        {"HTTP/1.1 200", 0},          {"HTTP/1.1 2000", -EBADMSG},
        {"SSH-2.0-Open", -EBADMSG},   {"HTTP/1.1 2x0 ", -EBADMSG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(target_http_status(rows[i].text, strlen(rows[i].text)) == rows[i].status, "%s", rows[i].text);
}
END_TEST

UNIT_TESTS("check/target", targets_that_are_fine, targets_that_are_not, request, status_lines)
