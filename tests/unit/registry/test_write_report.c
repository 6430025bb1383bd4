/* SPDX-License-Identifier: Apache-2.0 */
/* What is reported of those who write: what is refused stands until it is put right, who floods is named. */
#include "daemon/registry/write_report.h"

#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define KEY "shop.payment.web-2.a"

static struct config *config;
static struct metrics *metrics;
static struct write_report report;

static void begin(void)
{
    ck_assert_int_eq(config_defaults(&config), 0);
    config->limits.host_changes = 10;
    ck_assert_int_eq(metrics_new(&metrics), 0);
    static const char *const buckets[BUS_BUCKETS] = {"SERVICES", "HOSTS"};
    ck_assert_int_eq(write_report_init(&report, config, buckets, metrics), 0);
}

static void end(void)
{
    metrics_free(metrics);
    config_free(config);
}

static Discover__V1__Status status_now(void)
{
    Discover__V1__Status s = DISCOVER__V1__STATUS__INIT;
    write_report_status(&report, clock_now_ns(), &s);
    return s;
}

static struct kv_message message(const char *key)
{
    return (struct kv_message){.kind = KV_PUT, .key = key, .key_len = strlen(key), .seq = 1};
}

START_TEST(a_refused_value_is_reported_until_it_is_put_right)
{
    struct kv_message m = message(KEY);
    begin();
    write_report_refused(&report, BUS_SERVICES, &m, "no record");
    m.seq++;
    write_report_refused(&report, BUS_SERVICES, &m, "no record");
    Discover__V1__Status s = status_now();
    ck_assert_uint_eq(s.n_refused, 1);
    ck_assert_uint_eq(s.refused[0]->count, 2);
    ck_assert_str_eq(s.refused[0]->bucket, config->registry.services_bucket);
    ck_assert_str_eq(s.refused[0]->key, KEY);
    ck_assert_str_eq(s.refused[0]->reason, "no record");
    write_report_accepted(&report, BUS_SERVICES, KEY, strlen(KEY));
    ck_assert_uint_eq(status_now().n_refused, 0);
    end();
}
END_TEST

START_TEST(what_a_limit_refuses_is_reported_as_one_line_for_the_host)
{
    begin();
    for (int i = 0; i < 5; i++) {
        char key[64];
        snprintf(key, sizeof key, "shop.payment.web-2.i%d", i);
        struct kv_message m = message(key);
        write_report_limited(&report, "web-2", NULL, &m, "too many");
    }
    Discover__V1__Status s = status_now();
    ck_assert_uint_eq(s.n_refused, 1);
    ck_assert_str_eq(s.refused[0]->key, "*.*.web-2.*");
    write_report_within_limits(&report, "web-2");
    ck_assert_uint_eq(status_now().n_refused, 0);
    end();
}
END_TEST

START_TEST(a_host_that_floods_is_named_until_it_stops)
{
    struct kv_message m = message(KEY);
    int64_t now_ns = clock_now_ns();
    begin();
    for (int s = 0; s < 120; s++) {
        for (int i = 0; i < 30; i++)
            write_report_heard(&report, BUS_SERVICES, &m);
        write_report_second(&report, now_ns += NS_PER_S);
    }
    Discover__V1__Status s = status_now();
    ck_assert_uint_ge(s.n_top_writers, 1);
    ck_assert_str_eq(s.top_writers[0]->host, "web-2");
    ck_assert(s.top_writers[0]->floods);
    for (int i = 0; i < 300; i++)
        write_report_second(&report, now_ns += NS_PER_S);
    s = status_now();
    ck_assert(s.n_top_writers == 0 || !s.top_writers[0]->floods);
    end();
}
END_TEST

UNIT_TESTS("write_report", a_refused_value_is_reported_until_it_is_put_right,
           what_a_limit_refuses_is_reported_as_one_line_for_the_host, a_host_that_floods_is_named_until_it_stops)
