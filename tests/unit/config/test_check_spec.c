/* SPDX-License-Identifier: Apache-2.0 */
/* The text that says what a check is: what it may say, and that it says the same again. */
#include "daemon/config/check_spec.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

START_TEST(everything_said)
{
    struct check_spec s;
    char why[CONFIG_WHY_CAP], text[CHECK_SPEC_CAP];
    int err = check_spec_parse(
        "  http=https://127.0.0.1:8443/healthz?a=b method=POST headers=\"Accept: text/plain\" "
        "headers=X-Quote:\"\\ body=\"{\\\"deep\\\": \\\"a\\\\b\\\"}\" codes=200 codes=300-399 match=\"\" "
        "redirects=true tls.ca=/ca.pem tls.cert=/c tls.key=/k tls.server_name=shop.example "
        "tls.verify=false interval=1m timeout=500ms fall=4 warn=2 rise=1 initial=critical "
        "start_period=30s deregister_after=1h name=web ",
        &s, why);
    ck_assert_msg(err == 0, "%s", why);
    ck_assert_int_eq(s.type, CHECK_HTTP);
    ck_assert_str_eq(s.http, "https://127.0.0.1:8443/healthz?a=b");
    ck_assert_str_eq(s.headers.items[1], "X-Quote:\"\\");
    ck_assert_str_eq(s.body, "{\"deep\": \"a\\b\"}");
    ck_assert_uint_eq(s.codes.n, 2);
    ck_assert_int_eq(s.interval_ns, 60 * NS_PER_S);
    ck_assert_uint_eq(s.initial, DISCOVER_CRITICAL);
    ck_assert(!s.tls.verify && s.redirects);
    ck_assert_str_eq(check_spec_name(&s), "web");
    ck_assert_int_eq(check_spec_format(&s, text), 0);
    check_spec_fini(&s);
    /* And back: what it says of itself says the same. */
    char again[CHECK_SPEC_CAP];
    ck_assert_int_eq(check_spec_parse(text, &s, why), 0);
    ck_assert_int_eq(check_spec_format(&s, again), 0);
    ck_assert_str_eq(text, again);
    ck_assert_str_eq(s.headers.items[1], "X-Quote:\"\\");
    ck_assert_str_eq(s.body, "{\"deep\": \"a\\b\"}");
    check_spec_fini(&s);
}
END_TEST

static void expect_same(const char *text)
{
    struct check_spec s;
    char why[CONFIG_WHY_CAP], again[CHECK_SPEC_CAP];
    ck_assert_msg(check_spec_parse(text, &s, why) == 0, "%s: %s", text, why);
    ck_assert_int_eq(check_spec_format(&s, again), 0);
    ck_assert_str_eq(text, again);
    check_spec_fini(&s);
}

START_TEST(each_kind)
{
    expect_same("tcp=[::1]:80");
    expect_same("tcp=db.example:5432 interval=10s");
    expect_same("http=http://127.0.0.1/ socket=/run/a.sock");
    expect_same("grpc=127.0.0.1:50051");
    expect_same("grpc=127.0.0.1:50051/shop.Payment tls.on=true");
    expect_same("exec=/bin/sh args=-c args=\"exit 0\" args=-c");
    expect_same("ttl=30s");
    expect_same("unit=payment@1.service");
    expect_same("pid=4711");
    expect_same("pid=/run/payment.pid");
}
END_TEST

START_TEST(what_is_wrong)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "must have one of tcp, http, grpc, exec, ttl, unit and pid"},
        {"interval=1s", "must have one of tcp, http, grpc, exec, ttl, unit and pid"},
        {"tcp=a:1 http=http://a", "must have one of tcp, http, grpc, exec, ttl, unit and pid"},
        {"127.0.0.1:80", "\"127.0.0.1:80\": must be KEY=VALUE such as tcp=127.0.0.1:8080"},
        {"tpc=a:1", "tpc: unknown key; did you mean tcp?"},
        {"colour=red", "colour: unknown key"},
        {"tcp=80", "tcp: \"80\" must be a host and a port such as \"127.0.0.1:8080\""},
        {"tcp=a:1 tcp=a:2", "tcp: is there twice"},
        {"tcp=\"a:1", "tcp: the quotes are not closed"},
        {"tcp=\"a:1\"x", "tcp: a blank must follow the quotes"},
        {"tcp=a:1 interval=1s timeout=2s", "timeout: longer than the interval"},
        {"tcp=a:1 interval=soon", "interval: \"soon\" must be a duration such as \"10s\" or \"500ms\""},
        {"tcp=a:1 interval=1ms", "interval: 1ms is out of range 100ms..1h"},
        {"tcp=a:1 warn=3", "warn: must be less than fall"},
        {"tcp=a:1 method=GET", "method: means nothing for a check of kind tcp"},
        {"ttl=5s fall=2", "fall: means nothing for a check of kind ttl"},
        {"ttl=5ms", "ttl: must be at least 100ms"},
        {"exec=check", "exec: \"check\" must be an absolute path"},
        {"unit=payment", "unit: \"payment\" must be the name of a unit such as \"payment.service\""},
        {"pid=0", "pid: \"0\" must be the number of a process or the absolute path of a file that has it"},
        {"grpc=a:1/", "grpc: \"a:1/\" must be a host and a port, and may name a service, such as "
                      "\"127.0.0.1:50051/shop.Payment\""},
        {"http=http://a codes=2xx", "codes: \"2xx\" must be a code or a range of codes such as \"200-299\""},
        {"http=http://a codes=299-200", "codes: \"299-200\" must be a code or a range of codes such as \"200-299\""},
        {"http=http://a headers=plain", "headers: \"plain\" must be a header such as \"Accept: text/plain\""},
        {"http=http://a method=get", "method: \"get\" must be a method such as \"HEAD\""},
        {"http=http://a tls.ca=/ca", "tls.ca: needs a URL that begins with https://"},
        {"http=https://a tls.cert=/c", "tls.cert: needs tls.key"},
        {"grpc=a:1 tls.ca=/ca", "tls.ca: needs tls.on"},
        {"http=http://a\tb", "http: \"http://a\tb\" must be a URL such as \"http://127.0.0.1:8080/healthz\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct check_spec s;
        char why[CONFIG_WHY_CAP] = "";
        ck_assert_msg(check_spec_parse(rows[i].text, &s, why) == -EINVAL, "%s", rows[i].text);
        ck_assert_str_eq(why, rows[i].why);
    }
}
END_TEST

START_TEST(too_long)
{
    struct check_spec s;
    char why[CONFIG_WHY_CAP], text[CHECK_SPEC_CAP + 10];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(check_spec_parse(text, &s, why), -EINVAL);
    ck_assert_str_eq(why, "longer than 8191 bytes");
    memcpy(text, "tcp=", 4);
    text[CHECK_SPEC_CAP - 1] = '\0';
    ck_assert_int_eq(check_spec_parse(text, &s, why), -EINVAL);
    ck_assert_str_eq(why, "tcp: longer than 1024 bytes");
}
END_TEST

UNIT_TESTS("config/check_spec", everything_said, each_kind, what_is_wrong, too_long)
