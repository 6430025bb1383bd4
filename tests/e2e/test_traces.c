/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace contexts go with a change to everybody who watches, on every host; spans of what daemons do with it reach a collector
 * that knows nothing of us (protoc decodes what it is sent), also one that is overloaded or away for a while.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discover/discover.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define TRACE   "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT  "00f067aa0ba902b7"
#define SAMPLED "00-" TRACE "-" PARENT "-01"
#define NOT     "00-" TRACE "-" PARENT "-00"

static struct nats nats;
static struct host a, b;
static struct proc collector, watching;
static struct kv kv;
static char settings[256], text[256 * 1024];

/* --- the collector --- */

static const char *in_folder(const char *name)
{
    static char path[300];
    (void)!snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    return path;
}

static void start_collector(int port)
{
    char number[16];
    (void)!snprintf(number, sizeof number, "%d", port);
    const char *const argv[] = {"python3", TRACE_COLLECTOR, number, PROTO_DIR, NULL};
    ck_assert_int_eq(chdir(e2e_folder()), 0);
    proc_start(&collector, "collector", argv, NULL);
    (void)wait_until(10000, access(in_folder("ready"), F_OK) == 0, "no collector");
}

/* How daemons are told of it: spans of all they do. */
static int begin_collecting(const char *more)
{
    int port = port_take();
    (void)!snprintf(settings, sizeof settings, "trace = { endpoint = \"http://127.0.0.1:%d\"; sample = \"1\"; %s };",
                    port, more);
    return port;
}

static void answer(const char *lines)
{
    FILE *file = fopen(in_folder("answers"), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(lines, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static const char *contents(const char *name)
{
    FILE *file = fopen(in_folder(name), "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file)
        (void)fclose(file);
    return text;
}

static const char *text_of(const json_t *span, const char *name)
{
    const char *value = json_string_value(json_object_get(span, name));
    return value ? value : "";
}

static const char *attribute(const json_t *span, const char *name)
{
    return text_of(json_object_get(span, "attributes"), name);
}

/* The n-th span of that name that a host has sent; NULL: there is none. To be given back. */
static json_t *span_of(const char *host, const char *name, int n)
{
    for (char *rest = NULL, *line = strtok_r((char *)contents("spans"), "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *span = json_loads(line, 0, NULL);
        bool found = span && strcmp(text_of(span, "name"), name) == 0 &&
                     strcmp(text_of(json_object_get(span, "resource"), "host.name"), host) == 0;
        if (found && n-- == 0)
            return span;
        json_decref(span);
    }
    return NULL;
}

static json_t *await_span(const char *host, const char *name, int n)
{
    json_t *span = NULL;
    (void)wait_until(10000, (span = span_of(host, name, n)) != NULL, name);
    return span;
}

/* --- records of others --- */

static void put(const char *key, uint16_t port, const char *field, const char *traceparent)
{
    char value[1024];
    const char *const headers[][2] = {{"traceparent", traceparent}, {"tracestate", "rojo=1"}, {NULL, NULL}};
    (void)!snprintf(value, sizeof value, "{\"host\":\"10.0.1.22\",\"port\":%u%s}", port, field);
    (void)kv_put_with(&kv, "SERVICES", key, value, strlen(value), traceparent ? headers : NULL);
}

static bool watched(const char *what)
{
    return strstr(contents("watch.log"), what) != NULL;
}

static void two_hosts(const char *extra)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = extra});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .extra = extra});
    kv_open(&kv, nats.server[0].url);
}

static void watch(const struct host *h)
{
    ctl_start(h, &watching, "watch", "--json", "watch", "shop/legacy", NULL);
    (void)wait_until(5000, watched("shop/legacy"), text);
}

/* By a header or by a field, whether or not spans are sent; one that is none is counted, and its record taken. */
START_TEST(contexts_come_out_at_watches)
{
    two_hosts("");
    watch(&b);
    put("shop.legacy.web-9.l1", 8080, "", SAMPLED);
    (void)wait_until(5000, watched("\"traceparent\": \"" SAMPLED "\""), text);
    ck_assert_msg(watched("\"tracestate\": \"rojo=1\""), "%s", text);
    put("shop.legacy.web-9.l1", 8081, ",\"traceparent\":\"00-" TRACE "-000000000000000a-00\"", NULL);
    (void)wait_until(5000, watched("\"00-" TRACE "-000000000000000a-00\""), text);
    put("shop.legacy.web-9.l1", 8082, "", "00-" TRACE "-0000000000000000-01");
    put("shop.legacy.web-9.l1", 8083, ",\"traceparent\":17", NULL);
    (void)wait_until(5000, watched("\"port\": 8083"), text);
    ck_assert_msg(!watched("-0000000000000000-"), "%s", text);
    ck_assert_int_eq(host_counter(&b, "discoverd_trace_contexts_refused_total{from=\"header\"}"), 1);
    ck_assert_int_eq(host_counter(&b, "discoverd_trace_contexts_refused_total{from=\"json\"}"), 1);
    ck_assert_int_eq(host_counter(&b, "discoverd_feed_refused_total"), 0);
    (void)wait_until(
        5000, strstr(contents("discoverd-b.log"), "the record shop.legacy.web-9.l1: traceparent: ") != NULL, text);
    kv_close(&kv);
}
END_TEST

static void check_visible(const char *host)
{
    json_t *span = await_span(host, "visible", 0);
    ck_assert_str_eq(text_of(span, "trace"), TRACE);
    ck_assert_str_eq(text_of(span, "parent"), PARENT);
    ck_assert_str_eq(text_of(span, "state"), "rojo=1");
    ck_assert_str_eq(text_of(span, "kind"), "SPAN_KIND_CONSUMER");
    ck_assert_str_eq(attribute(span, "discover.service"), "shop/legacy");
    ck_assert_str_eq(attribute(span, "messaging.destination.name"), "$KV.SERVICES.shop.legacy.web-9.l1");
    ck_assert_int_lt(json_integer_value(json_object_get(span, "ns")), 2 * NS_PER_S);
    json_decref(span);
}

/* The snapshots at the start, with what they are part of; and a change on each host, where its writer records it. */
START_TEST(spans_reach_a_collector)
{
    start_collector(begin_collecting(""));
    two_hosts(settings);
    json_t *resync = await_span("b", "resync", 0), *snapshot = await_span("b", "snapshot", 0);
    ck_assert_str_eq(text_of(resync, "parent"), "");
    ck_assert_str_eq(text_of(snapshot, "parent"), text_of(resync, "span"));
    ck_assert_str_eq(text_of(snapshot, "trace"), text_of(resync, "trace"));
    ck_assert_str_eq(attribute(resync, "discover.cause"), "connected");
    json_decref(resync);
    json_decref(snapshot);
    put("shop.legacy.web-9.l1", 8080, "", NOT);
    put("shop.legacy.web-9.l1", 8081, "", NULL);
    put("shop.legacy.web-9.l1", 8082, "", SAMPLED);
    check_visible("a");
    check_visible("b");
    ck_assert_ptr_null(span_of("b", "visible", 1));
    kv_close(&kv);
}
END_TEST

/* The put on the one host, which the change on the other has come from, by way of NATS; all in the trace of whoever asked. */
static void check_crossing(const char *state, int n)
{
    json_t *put = await_span("a", "acknowledged", n), *here = await_span("a", "visible", n),
           *there = await_span("b", "visible", n);
    ck_assert_str_eq(text_of(put, "trace"), TRACE);
    ck_assert_str_eq(text_of(put, "parent"), PARENT);
    ck_assert_str_eq(text_of(put, "state"), state);
    ck_assert_str_eq(text_of(put, "kind"), "SPAN_KIND_PRODUCER");
    ck_assert_str_eq(text_of(put, "error"), "");
    ck_assert_str_eq(attribute(put, "messaging.destination.name"), "$KV.SERVICES.shop.legacy.a.p1");
    for (json_t *const *span = (json_t *const[]){here, there, NULL}; *span; span++) {
        ck_assert_str_eq(text_of(*span, "trace"), TRACE);
        ck_assert_str_eq(text_of(*span, "parent"), text_of(put, "span"));
        ck_assert_str_eq(attribute(*span, "discover.instance"), "p1");
    }
    ck_assert(strcmp(text_of(here, "span"), text_of(there, "span")) != 0);
    char reported[64];
    (void)!snprintf(reported, sizeof reported, "00-" TRACE "-%s-01", text_of(put, "span"));
    (void)wait_until(5000, watched(reported), text);
    json_decref(put);
    json_decref(here);
    json_decref(there);
}

/* What a program registers and an operator drains on one host, seen on another; what has the flag not to be recorded is not. */
START_TEST(a_trace_crosses_two_hosts)
{
    static struct output o;
    struct discover_registration *r;
    start_collector(begin_collecting(""));
    two_hosts(settings);
    watch(&b);
    ck_assert_int_eq(discover_registration_new("shop/legacy", 8080, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "p1"), 0);
    ck_assert_int_eq(discover_set_trace(host_lib(&a), "nonsense", NULL), -EINVAL);
    ck_assert_int_eq(discover_set_trace(host_lib(&a), SAMPLED, "rojo=1"), 0);
    ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
    check_crossing("rojo=1", 0);

    ck_assert_int_eq(discover_set_trace(host_lib(&a), NOT, NULL), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 7), 0);
    ck_assert_int_eq(discover_register(host_lib(&a), r), 0);
    (void)wait_until(5000, watched(NOT), text);

    ck_assert_int_eq(ctl(&a, &o, "drain", "shop/legacy", "--traceparent", "00-1", NULL), 2);
    ck_assert_int_eq(ctl(&a, &o, "drain", "shop/legacy", "--traceparent", SAMPLED, NULL), 0);
    check_crossing("", 1);
    ck_assert_ptr_null(span_of("b", "visible", 2));
    discover_registration_free(r);
    kv_close(&kv);
}
END_TEST

static int64_t spans(struct host *h, const char *result)
{
    char name[80];
    (void)!snprintf(name, sizeof name, "discoverd_trace_spans_total{result=\"%s\"}", result);
    return host_counter(h, name);
}

/* What passes is tried again when the collector says; what is refused is not. */
START_TEST(a_collector_that_is_overloaded)
{
    double refused_at, taken_at;
    int first, taken;
    int port = begin_collecting("");
    nats_start(&nats, 1);
    answer("503 3\n429\n");
    start_collector(port);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = settings});
    json_decref(await_span("a", "resync", 0));
    ck_assert_msg(
        sscanf(contents("requests"), "503 %d %lf 429 %*d %*f 200 %d %lf", &first, &refused_at, &taken, &taken_at) == 4,
        "%s", text);
    ck_assert_int_eq(first, taken);
    ck_assert_msg(taken_at - refused_at >= 3, "after %.3f s", taken_at - refused_at);
    ck_assert_int_ge(host_counter(&a, "discoverd_trace_retries_total"), 2);
    (void)wait_until(5000, spans(&a, "sent") == 4, a.seen);

    answer("400\n");
    nats_server_kill(&nats, 0);
    nats_server_launch(&nats, 0);
    (void)wait_until(20000, spans(&a, "refused") > 0, a.seen);
    /* A thread of its own writes the log. */
    (void)wait_until(5000, strstr(contents("discoverd-a.log"), "it answers with status 400") != NULL, text);
}
END_TEST

/* Nobody waits for it, and what finds no room is dropped and counted. It is found when it comes. */
START_TEST(a_collector_that_is_away)
{
    int port = begin_collecting("queue = 2; give_up = \"2s\";");
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = settings});
    (void)wait_until(10000, spans(&a, "unreachable") > 0, a.seen);
    ck_assert_int_gt(spans(&a, "full"), 0);
    ck_assert_int_eq(spans(&a, "sent"), 0);
    answer("partial 1 one is not wanted\n");
    start_collector(port);
    nats_server_kill(&nats, 0);
    nats_server_launch(&nats, 0);
    (void)wait_until(20000, spans(&a, "refused") == 1, a.seen);
    ck_assert_int_gt(spans(&a, "sent"), 0);
    (void)wait_until(5000, strstr(contents("discoverd-a.log"), "one is not wanted") != NULL, text);
}
END_TEST

int main(void)
{
    const struct e2e_test tests[] = {{"contexts_come_out_at_watches", contexts_come_out_at_watches},
                                     {"spans_reach_a_collector", spans_reach_a_collector},
                                     {"a_trace_crosses_two_hosts", a_trace_crosses_two_hosts},
                                     {"a_collector_that_is_overloaded", a_collector_that_is_overloaded},
                                     {"a_collector_that_is_away", a_collector_that_is_away}};
    if (system("command -v protoc >/dev/null && command -v python3 >/dev/null") != 0) {
        printf("-- skipped: there is no protoc here (protobuf-compiler)\n");
        return 77;
    }
    return e2e_main("traces", tests, sizeof tests / sizeof *tests, 60);
}
