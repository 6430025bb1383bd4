/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over NATS, through a real catalog: what is answered, with what errors, and how many. */
#include "daemon/registry/rpc/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static struct metrics *metrics;
static struct config *config;
static struct catalog *catalog;
static struct rpc *rpc;
static unsigned answers;
static int last_error;
static char last[70000];
static int64_t now_ns;

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static int document(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n)
{
    (void)arg;
    ck_assert(!is_operator);
    if (strcmp(name, "explain/nothing") == 0)
        return -EINVAL;
    *ret_text = strdup(name);
    *ret_n = strlen(name);
    return *ret_text ? 0 : -ENOMEM;
}

static int answer(void *arg, const char *reply, int error, const char *text, size_t n)
{
    (void)arg;
    ck_assert_str_eq(reply, "_INBOX.x");
    answers++;
    last_error = error;
    snprintf(last, sizeof last, "%.*s", (int)n, text);
    return 0;
}

static void set(const char *key, const char *text)
{
    char why[CONFIG_WHY_CAP];
    ck_assert_int_eq(config_set(config, key, text, why), 0);
}

static void begin(const char *requests)
{
    now_ns = 1000 * NS_PER_S;
    answers = 0;
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(config_defaults(&config), 0);
    set("host", "web-1");
    set("limits.answer_bytes", "2000");
    set("limits.requests", requests);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    table_writer_set_sync(catalog_table(catalog), TABLE_LIVE, 0);
    const struct rpc_reach reach = {
        .metrics = metrics, .config = config, .catalog = catalog, .document = document, .answer = answer};
    ck_assert_int_eq(rpc_new(&reach, &rpc), 0);
}

static void end(void)
{
    rpc_free(rpc);
    catalog_free(catalog);
    config_free(config);
    metrics_free(metrics);
}

static void put(int n)
{
    struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-1"};
    struct record record;
    record_init(&record);
    record.epoch = record.counter = 1;
    record.port = 80;
    ck_assert_int_eq(record_add_address(&record, "10.0.0.1"), 0);
    for (int i = 0; i < n; i++) {
        snprintf(key.instance, sizeof key.instance, "i%d", i);
        ck_assert_int_eq(catalog_put(catalog, &key, &record), 0);
    }
    catalog_flush(catalog);
}

static void ask(const char *subject, const char *body)
{
    rpc_request(rpc, &(struct bus_request){.subject = subject, .reply = "_INBOX.x", .text = body, .n = strlen(body)});
}

/* Until there is nothing more to do at this time. */
static int64_t tick(void)
{
    int64_t next_ns;
    do
        next_ns = rpc_tick(rpc, now_ns);
    while (next_ns <= now_ns);
    return next_ns;
}

static void check(const char *subject, const char *body, int error, const char *text)
{
    unsigned before = answers;
    ask(subject, body);
    now_ns += NS_PER_S;
    (void)tick();
    ck_assert_uint_eq(answers, before + 1);
    ck_assert_msg(last_error == error && strstr(last, text), "%s: %d %s", subject, last_error, last);
}

START_TEST(answers_and_errors)
{
    begin("100");
    put(3);
    check("discover.local.rpc.resolve", "{\"service\":\"shop/payment\"}", 0, "\"instances\":[{");
    check("discover.local.rpc.host.web-1.resolve", "{\"service\":\"shop/none\"}", 404, "no such service");
    check("discover.local.rpc.resolve", "{\"service\":\"payment\"}", 400, "<domain>/<service>");
    check("discover.local.rpc.resolve", "", 400, "<domain>/<service>");
    check("discover.local.rpc.resolve", "[]", 400, "a JSON object");
    check("discover.local.rpc.resolve", "{\"service\"", 400, "a JSON object");
    check("discover.local.rpc.resolve", "{\"service\":\"shop/payment\",\"limit\":-1}", 400, "a JSON object");
    check("discover.local.rpc.host.web-1.status", "", 0, "status");
    check("discover.local.rpc.host.web-1.explain", "{\"name\":\"shop/payment\"}", 0, "explain/shop/payment");
    check("discover.local.rpc.host.web-1.explain", "{\"name\":\"nothing\"}", 400, "not a name");
    check("discover.local.rpc.host.web-1.services", "", 0, "\"services\":[{");
    check("discover.local.rpc.host.web-1.config", "", 404, "no such document");
    check("$SRV.STATS.discoverd.web-1", "", 0, "stats_response");
    table_writer_set_sync(catalog_table(catalog), TABLE_UNSYNCED, 0);
    check("discover.local.rpc.resolve", "{\"service\":\"shop/none\"}", 503, "not synchronised");
    ask("$SRV.PING.other", ""); /* another service's */
    ck_assert_int_eq(tick(), INT64_MAX);
    end();
}
END_TEST

START_TEST(an_answer_that_is_too_long_is_not_made)
{
    begin("100");
    put(2000);
    check("discover.local.rpc.resolve", "{\"service\":\"shop/payment\"}", 413, "more than 2000 bytes");
    check("discover.local.rpc.resolve", "{\"service\":\"shop/payment\",\"limit\":5}", 0, "\"instances\":[{");
    end();
}
END_TEST

START_TEST(no_more_than_may_be)
{
    begin("10");
    set("limits.requests_waiting", "15");
    (void)tick();
    for (int i = 0; i < 20; i++)
        ask("discover.local.rpc.host.web-1.status", "");
    ck_assert_int_eq(tick(), now_ns + NS_PER_S / 10);
    ck_assert_uint_eq(answers, 10);
    ck_assert_uint_eq(metrics_value(metrics, "discoverd_rpc_requests_total{result=\"full\"}"), 5);
    now_ns += 10 * NS_PER_S;
    ck_assert_int_eq(tick(), INT64_MAX);
    ck_assert_uint_eq(answers, 15);
    end();
}
END_TEST

UNIT_TESTS("registry/rpc", answers_and_errors, an_answer_that_is_too_long_is_not_made, no_more_than_may_be)
