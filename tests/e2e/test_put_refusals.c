/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATS is there and does not store what a host puts: everyone is told that, and why, in log, status, metrics and
 * readiness, once; and it ends when it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define WAIT_MS 20000

static struct nats nats;
static struct host a, b;
static struct proc held;
static char answer[256 * 1024];

static bool page_has(struct host *h, const char *path, const char *text)
{
    int status = http_get(h->http_port, path, answer, sizeof answer);
    snprintf(h->seen, sizeof h->seen, "%s: %d %.900s", path, status, status > 0 ? answer : "");
    return status > 0 && strstr(answer, text);
}

static bool ready_is(struct host *h, int status, const char *text)
{
    int got = http_get(h->http_port, "/readyz", answer, sizeof answer);
    snprintf(h->seen, sizeof h->seen, "/readyz: %d %.900s", got, got > 0 ? answer : "");
    return got == status && strstr(answer, text);
}

static bool status_has(struct host *h, const char *text)
{
    struct output o;
    int code = ctl(h, &o, "status", NULL);
    snprintf(h->seen, sizeof h->seen, "status: %d %.900s", code, o.out);
    return code == 0 && strstr(o.out, text);
}

/* How many lines of the host's log have the text. */
static int logged(const struct host *h, const char *text)
{
    char path[600], line[2048];
    int n = 0;
    snprintf(path, sizeof path, "%s/%s.log", e2e_folder(), h->proc.name);
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in))
        n += strstr(line, text) != NULL;
    fclose(in);
    return n;
}

/* Both hosts live, over a registry of their own. */
static void start_two(const char *registry)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .registry = registry});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .registry = registry});
}

static void hold(struct host *h, const char *service)
{
    char name[80];
    snprintf(name, sizeof name, "held-%s", h->name);
    ctl_start(h, &held, name, "register", service, "--port", "80", "--address", "10.0.0.1", NULL);
}

START_TEST(sealed)
{
    struct kv kv;
    struct output o;
    start_two("");
    kv_open(&kv, nats.server[0].url);
    kv_edit_stream(&kv, "SERVICES", "{\"sealed\": true}");
    hold(&a, "shop/payment");
    (void)wait_until(WAIT_MS, status_has(&a, "sealed"), a.seen);
    ck_assert_msg(status_has(&a, "not stored     bucket SERVICES, 1 keys of this host"), "%s", a.seen);
    ck_assert_msg(status_has(&a, "read-only: reading is live, writing is refused"), "%s", a.seen);
    ck_assert_msg(page_has(&a, "/v1/status", "\"read-only\""), "%s", a.seen);
    ck_assert_msg(ready_is(&a, 503, "sealed"), "%s", a.seen);
    ck_assert_msg(page_has(&a, "/metrics", "discoverd_bucket_refused_keys{bucket=\"SERVICES\"} 1\n"), "%s", a.seen);
    ck_assert_msg(page_has(&a, "/metrics", "discoverd_sync{state=\"live\"} 0\n"), "%s", a.seen);
    ck_assert_int_gt(host_counter(&a, "discoverd_puts_refused_total{reason=\"sealed\"}"), 0);
    /* It is served here, and whoever registers is told. */
    ck_assert_msg(seen_by_all(&a, "shop/payment", 1), "%s", a.seen);
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/other", "--port", "81", "--ttl", "60s", NULL), 0);
    ck_assert_msg(strstr(o.err, "sealed"), "%s", o.err);
    /* Others are live: nothing of theirs is refused. */
    ck_assert_msg(ready_is(&b, 200, "live"), "%s", b.seen);
    int64_t refused = host_counter(&a, "discoverd_puts_refused_total{reason=\"sealed\"}");
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_puts_refused_total{reason=\"sealed\"}") >= refused + 3,
                     "no retries");
    (void)wait_until(5000, logged(&a, "does not store what this host puts") == 1, "not once in the log");
    kv_close(&kv);
}
END_TEST

static bool fill(struct kv *kv, size_t length)
{
    static char value[4096];
    static unsigned n;
    char key[64];
    snprintf(key, sizeof key, "$KV.SERVICES.fill.er.x.i%u", n++);
    return js_Publish(NULL, kv->js, key, value, (int)length, NULL, NULL) == NATS_OK;
}

START_TEST(full)
{
    struct kv kv;
    start_two("services_max_bytes = 65536;");
    hold(&a, "shop/payment");
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/payment", 1), b.seen);
    kv_open(&kv, nats.server[0].url);
    for (size_t length = 4096; length > 0; length /= 2)
        while (fill(&kv, length))
            ;
    hold(&b, "shop/late");
    (void)wait_until(WAIT_MS, ready_is(&b, 503, "it is full"), b.seen);
    ck_assert_msg(status_has(&b, "not stored     bucket SERVICES"), "%s", b.seen);
    ck_assert_int_gt(host_counter(&b, "discoverd_puts_refused_total{reason=\"full\"}"), 0);
    /* The other host is reported as well, though nothing of its own is refused; and nobody has gone. */
    (void)wait_until(2 * WAIT_MS, page_has(&a, "/metrics", "discoverd_bucket_full{bucket=\"SERVICES\"} 1\n"), a.seen);
    ck_assert_msg(status_has(&a, "full           bucket SERVICES"), "%s", a.seen);
    (void)wait_until(5000, logged(&a, "bucket SERVICES is full") == 1, "not once in the log");
    ck_assert_msg(ready_is(&a, 200, "live"), "%s", a.seen);
    ck_assert_msg(seen_by_all(&b, "shop/payment", 1), "%s", b.seen);
    /* Room is made: what was refused gets in by itself, and is not spoken of any more. */
    kv_edit_stream(&kv, "SERVICES", "{\"max_bytes\": 1000000}");
    (void)wait_until(2 * WAIT_MS, seen_by_all(&a, "shop/late", 1), a.seen);
    (void)wait_until(WAIT_MS, ready_is(&b, 200, "live"), b.seen);
    (void)wait_until(5000, logged(&b, "bucket SERVICES stores what this host puts again") == 1, "not once in the log");
    kv_close(&kv);
}
END_TEST

START_TEST(not_permitted)
{
    nats_init(&nats, 1);
    nats.extra = "authorization { users = [ { user: w, password: w, permissions: { publish: { deny: "
                 "[\"$KV.SERVICES.>\"] } } }, { user: all, password: all } ] }\nno_auth_user: all\n";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    char bus[600], path[300];
    host_init(&a, &(struct host_options){.nats = nats.urls});
    snprintf(path, sizeof path, "%s/password", a.folder);
    snprintf(bus, sizeof bus, "user = \"w\"; password_file = \"%s\";", path);
    host_init(&b, &(struct host_options){.name = "b", .nats = nats.urls, .bus = bus});
    FILE *out = fopen(path, "w");
    ck_assert(out && fputs("w\n", out) >= 0 && fclose(out) == 0 && chmod(path, 0600) == 0);
    host_run(&b);
    hold(&b, "shop/payment");
    (void)wait_until(WAIT_MS, ready_is(&b, 503, "this host may not write there"), b.seen);
    ck_assert_int_gt(host_counter(&b, "discoverd_puts_refused_total{reason=\"denied\"}"), 0);
}
END_TEST

START_TEST(no_such_bucket)
{
    nats_start(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls, .registry = "create = false;"});
    host_run_offline(&a);
    (void)wait_until(WAIT_MS, status_has(&a, "registry.create is off"), a.seen);
    ck_assert_msg(status_has(&a, "not read       bucket SERVICES"), "%s", a.seen);
    ck_assert_msg(status_has(&a, "not read       bucket HOSTS"), "%s", a.seen);
    ck_assert_msg(ready_is(&a, 503, "unsynced"), "%s", a.seen);
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_resyncs_total") >= 8, "no retries");
    (void)wait_until(5000, logged(&a, "bucket SERVICES cannot be read") == 1, "not once in the log");
    (void)wait_until(5000, logged(&a, "bucket HOSTS cannot be read") == 1, "not once in the log");
}
END_TEST

/*
 * A bucket that is deleted is made anew, and not while the server may still remove what was in it: that would take the new one's
 * files along. Meanwhile hosts go on putting.
 */
START_TEST(deleted_bucket)
{
    struct kv kv;
    start_two("");
    kv_open(&kv, nats.server[0].url);
    hold(&a, "shop/payment");
    (void)wait_until(WAIT_MS, seen_by_dns(&b, "shop/payment") == 1, b.seen);
    ck_assert_int_eq(js_DeleteStream(kv.js, "KV_SERVICES", NULL, NULL), NATS_OK);
    int64_t deleted_ns = clock_now_ns();
    hold(&b, "shop/basket");
    (void)wait_until(WAIT_MS, kv_count(&kv, "SERVICES") >= 0, "not made anew");
    ck_assert_int_ge(clock_now_ns() - deleted_ns, NS_PER_S);
    (void)wait_until(WAIT_MS, kv_count(&kv, "SERVICES") == 2, "not put again");
    (void)wait_until(WAIT_MS, seen_by_dns(&a, "shop/basket") == 1 && seen_by_dns(&b, "shop/payment") == 1, b.seen);
    kv_close(&kv);
}
END_TEST

START_TEST(no_jetstream)
{
    char config[300];
    static struct proc server;
    nats_init(&nats, 1);
    snprintf(config, sizeof config, "%d", nats.server[0].port);
    const char *program = getenv("NATS_SERVER") ? getenv("NATS_SERVER") : "nats-server";
    proc_start(&server, "nats-without", (const char *const[]){program, "-a", "127.0.0.1", "-p", config, NULL}, NULL);
    host_init(&a, &(struct host_options){.nats = nats.urls});
    host_run_offline(&a);
    (void)wait_until(WAIT_MS, status_has(&a, "JetStream does not answer: it is switched off"), a.seen);
    (void)wait_until(WAIT_MS, host_counter(&a, "discoverd_resyncs_total") >= 8, "no retries");
    (void)wait_until(5000, logged(&a, "bucket SERVICES cannot be read: JetStream does not answer") == 1,
                     "not once in the log");
    ck_assert_msg(page_has(&a, "/metrics", "discoverd_bucket_unreadable{bucket=\"SERVICES\"} 1\n"), "%s", a.seen);
}
END_TEST

START_TEST(dangerous_bucket)
{
    struct kv kv;
    struct output o;
    nats_start(&nats, 1);
    kv_open(&kv, nats.server[0].url);
    json_decref(kv_api(&kv, "CREATE", "SERVICES",
                       "{\"name\": \"KV_SERVICES\", \"subjects\": [\"$KV.SERVICES.>\"], \"allow_rollup_hdrs\": true, "
                       "\"retention\": \"limits\", \"storage\": \"file\", \"discard\": \"new\", \"num_replicas\": 1}",
                       "config"));
    host_init(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    host_run_offline(&b);
    (void)wait_until(WAIT_MS, status_has(&b, "allow_rollup_hdrs is on"), b.seen);
    (void)wait_until(5000, logged(&b, "bucket SERVICES is not used") == 1, "not once in the log");
    const char *argv[] = {e2e_binary("discoverd"), "--init", "-c", b.config, NULL};
    ck_assert_int_eq(run(&o, argv), 1);
    ck_assert_msg(strstr(o.err, "allow_rollup_hdrs is on"), "%s", o.err);
    kv_close(&kv);
}
END_TEST

START_TEST(settings_are_named)
{
    struct kv kv;
    struct output o;
    start_two("");
    kv_open(&kv, nats.server[0].url);
    kv_edit_stream(&kv, "SERVICES", "{\"max_bytes\": -1, \"max_msg_size\": -1}");
    const char *argv[] = {e2e_binary("discoverd"), "--init", "-c", b.config, NULL};
    ck_assert_msg(run(&o, argv) == 0, "%s", o.err);
    ck_assert_msg(strstr(o.err, "bucket SERVICES: max_bytes is not set"), "%s", o.err);
    host_kill(&b);
    host_run(&b);
    ck_assert_msg(status_has(&b, "settings       bucket SERVICES: max_bytes is not set"), "%s", b.seen);
    ck_assert_msg(status_has(&b, "max_msg_size is not set"), "%s", b.seen);
    (void)wait_until(5000, logged(&b, "bucket SERVICES: max_bytes is not set") == 1, "not once in the log");
    ck_assert_msg(page_has(&b, "/metrics", "discoverd_bucket_wrong_settings{bucket=\"SERVICES\"} 2\n"), "%s", b.seen);
    ck_assert_msg(page_has(&b, "/v1/status", "max_bytes is not set"), "%s", b.seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("puts that are refused", 90, {"sealed", sealed}, {"full", full}, {"not_permitted", not_permitted},
          {"no_such_bucket", no_such_bucket}, {"deleted_bucket", deleted_bucket}, {"no_jetstream", no_jetstream},
          {"dangerous_bucket", dangerous_bucket}, {"settings_are_named", settings_are_named})
