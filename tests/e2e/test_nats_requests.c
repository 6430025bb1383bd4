/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked over NATS: by its tools for micro services, for a service, of one host; that it is what HTTP says; and that
 * who asks can neither choose what is overwritten by the answer nor keep the daemon busy.
 */
#include <jansson.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/raw_nats.h"
#include "tests/support/registry_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define WAIT_MS 20000 /* when something does not come at all */

static struct nats nats;
static struct host a, b;
static struct kv client;
static struct output o;
static char answer[70000], error[256];

/* The answer's length, or -1 with the error in its headers, or "nobody". */
static int ask(const char *subject, const char *body)
{
    natsMsg *msg = NULL;
    const char *text = NULL;
    natsStatus s = natsConnection_RequestString(&msg, client.nc, subject, body, WAIT_MS);
    snprintf(error, sizeof error, "%s", s == NATS_OK ? "" : "nobody");
    answer[0] = '\0';
    if (s != NATS_OK)
        return -1;
    if (natsMsgHeader_Get(msg, "Nats-Service-Error-Code", &text) == NATS_OK) {
        size_t n = (size_t)snprintf(error, sizeof error, "%s ", text);
        if (natsMsgHeader_Get(msg, "Nats-Service-Error", &text) == NATS_OK)
            snprintf(error + n, sizeof error - n, "%s", text);
    }
    int n = natsMsg_GetDataLength(msg);
    snprintf(answer, sizeof answer, "%.*s", n, natsMsg_GetData(msg));
    natsMsg_Destroy(msg);
    return *error ? -1 : n;
}

/* What it says, to be given back. */
static json_t *asked(const char *subject, const char *body)
{
    ck_assert_msg(ask(subject, body) >= 0, "%s: %s", subject, error);
    json_t *document = json_loads(answer, 0, NULL);
    ck_assert_msg(document, "%s: %s", subject, answer);
    return document;
}

static void keep_for_schema(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.json", e2e_folder(), name);
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs(answer, file) >= 0 && fclose(file) == 0);
}

/* All at once: what takes the longest is that Python starts. */
static void check_schemas(const char *names)
{
    ck_assert_msg(shell(&o,
                        "python3 -c 'import json, jsonschema, sys\n"
                        "for name in sys.argv[3:]:\n"
                        " jsonschema.validate(json.load(open(f\"{sys.argv[1]}/{name}.json\")),"
                        " json.load(open(f\"{sys.argv[2]}/{name}.schema.json\")))' %s %s/daemon/http/schema %s",
                        e2e_folder(), SOURCE_DIR, names) == 0,
                  "%s", o.err);
}

static void check_error(const char *subject, const char *body, const char *expected)
{
    ck_assert_int_eq(ask(subject, body), -1);
    ck_assert_msg(strncmp(error, expected, strlen(expected)) == 0, "%s: %s", subject, error);
}

static void begin(const char *extra)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = extra});
    kv_open(&client, nats.server[0].url);
    ck_assert_int_eq(
        ctl(&a, &o, "register", "shop/payment", "--port", "8080", "--instance", "p1", "--ttl", "600s", NULL), 0);
}

static int count(const struct raw_nats *raw, const char *text)
{
    int n = 0;
    for (size_t i = 0; i < raw->n_messages; i++)
        n += strstr(raw->messages[i].value, text) != NULL;
    return n;
}

START_TEST(as_a_micro_service)
{
    static struct raw_nats raw;
    begin(NULL);
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    raw_open(&raw, nats.server[0].port, "", "");
    (void)raw_subscribe(&raw, "_INBOX.x.>");
    raw_publish(&raw, "$SRV.PING", "_INBOX.x.1", NULL, "", 0);
    raw_publish(&raw, "$SRV.PING.discoverd", "_INBOX.x.2", NULL, "", 0);
    raw_publish(&raw, "$SRV.PING.discoverd.b", "_INBOX.x.3", NULL, "", 0);
    raw_publish(&raw, "$SRV.PING.other", "_INBOX.x.4", NULL, "", 0);
    raw_publish(&raw, "$SRV.PING.discoverd.a.more", "_INBOX.x.5", NULL, "", 0);
    (void)wait_until(WAIT_MS, raw_pump(&raw) && raw.n_messages == 5, "");
    ck_assert_int_eq(count(&raw, "io.nats.micro.v1.ping_response"), 5);
    ck_assert_int_eq(count(&raw, "\"id\":\"a\""), 2);
    ck_assert_int_eq(count(&raw, "\"id\":\"b\""), 3);
    json_t *info = asked("$SRV.INFO.discoverd.a", "");
    ck_assert_str_eq(json_string_value(json_object_get(info, "type")), "io.nats.micro.v1.info_response");
    size_t i;
    json_t *endpoint;
    json_array_foreach(json_object_get(info, "endpoints"), i, endpoint) /* each is there */
    {
        (void)ask(json_string_value(json_object_get(endpoint, "subject")), "{\"service\": \"shop/payment\"}");
        ck_assert_str_eq(error, "");
    }
    ck_assert_uint_ge(json_array_size(json_object_get(info, "endpoints")), 7);
    json_decref(info);
    check_error("discover.local.rpc.host.a.resolve", "{\"service\": \"shop/none\"}", "404 no such service");
    json_t *stats = asked("$SRV.STATS.discoverd.a", "");
    ck_assert_str_eq(json_string_value(json_object_get(stats, "type")), "io.nats.micro.v1.stats_response");
    ck_assert(json_is_string(json_object_get(stats, "started")));
    json_array_foreach(json_object_get(stats, "endpoints"), i, endpoint)
    {
        if (strcmp(json_string_value(json_object_get(endpoint, "name")), "host-resolve") != 0)
            continue;
        ck_assert_int_eq(json_integer_value(json_object_get(endpoint, "num_requests")), 2);
        ck_assert_int_eq(json_integer_value(json_object_get(endpoint, "num_errors")), 1);
        ck_assert_str_eq(json_string_value(json_object_get(endpoint, "last_error")), "404:no such service");
        ck_assert_int_gt(json_integer_value(json_object_get(endpoint, "processing_time")), 0);
    }
    json_decref(stats);
    raw_close(&raw);
    kv_close(&client);
}
END_TEST

START_TEST(a_service_from_any_and_documents_of_one)
{
    static struct raw_nats raw;
    begin("limits = { answer_bytes = 2000; };");
    host_start(&b,
               &(struct host_options){.name = "b", .nats = nats.urls, .extra = "limits = { answer_bytes = 2000; };"});
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/payment", 1), b.seen);
    json_t *found = asked("discover.local.rpc.resolve", "{\"service\": \"shop/payment\"}");
    ck_assert_uint_eq(json_array_size(json_object_get(found, "instances")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(found, "sync")), "live");
    json_decref(found);
    keep_for_schema("service");
    raw_open(&raw, nats.server[0].port, "", "");
    (void)raw_subscribe(&raw, "_INBOX.x.>");
    raw_publish(&raw, "discover.local.rpc.resolve", "_INBOX.x.1", NULL, "{\"service\": \"shop/payment\"}", 27);
    (void)wait_until(WAIT_MS, raw_pump(&raw) && raw.n_messages > 0, "");
    holds_for(200, raw_pump(&raw) && raw.n_messages == 1, ""); /* one of the two */
    raw_close(&raw);
    json_decref(asked("discover.local.rpc.host.b.explain", "{\"name\": \"shop/payment/a/p1\"}"));
    ck_assert_msg(strstr(answer, "\"known\":true"), "%s", answer);
    keep_for_schema("explain");
    json_decref(asked("discover.local.rpc.host.b.hosts", ""));
    keep_for_schema("hosts");
    json_decref(asked("discover.local.rpc.host.b.services", "{}"));
    keep_for_schema("services");
    check_schemas("service explain hosts services");
    check_error("discover.local.rpc.resolve", "{\"service\": \"shop\"}", "400 \"service\" must be");
    check_error("discover.local.rpc.resolve", "nonsense", "400 a request is a JSON object");
    check_error("discover.local.rpc.host.b.config", "", "404 there is no such document");
    check_error("discover.local.rpc.host.c.status", "", "nobody");
    ck_assert_int_eq(shell(&o,
                           "for i in $(seq 20); do %s -s %s register shop/many --port $i --instance i$i --ttl 600s "
                           ">/dev/null || exit 1; done",
                           e2e_binary("discoverctl"), a.socket),
                     0);
    (void)wait_until(WAIT_MS, seen_by_all(&b, "shop/many", 20), b.seen);
    check_error("discover.local.rpc.resolve", "{\"service\": \"shop/many\"}",
                "413 the answer has more than 2000 bytes");
    found = asked("discover.local.rpc.resolve", "{\"service\": \"shop/many\", \"limit\": 3}");
    ck_assert_uint_eq(json_array_size(json_object_get(found, "instances")), 3);
    json_decref(found);
    kv_close(&client);
}
END_TEST

/* No permission is in the way here: the daemon itself has to refuse. */
START_TEST(an_answer_goes_to_inboxes_alone)
{
    static const char *const replies[] = {"$KV.SERVICES.shop.payment.a.p1",
                                          "$KV.HOSTS.a",
                                          "$KV.HOSTS.b",
                                          "$JS.API.STREAM.DELETE.KV_HOSTS",
                                          "$JS.API.STREAM.PURGE.KV_SERVICES",
                                          "discover.local.hosts.b",
                                          "discover.local.event.a._._.host-lost",
                                          "discover.local.rpc.host.a.status",
                                          "$SRV.PING",
                                          "_INBOX.a.0123456789abcdef.put.1",
                                          "x"};
    static struct raw_nats raw;
    char before[2048], after[2048];
    begin(NULL);
    raw_open(&raw, nats.server[0].port, "", "");
    (void)wait_until(WAIT_MS, kv_get(&client, "SERVICES", "shop.payment.a.p1", before, sizeof before) > 0, "");
    int n = kv_get(&client, "SERVICES", "shop.payment.a.p1", before, sizeof before);
    int64_t published = host_counter(&a, "discoverd_bus_published_total{result=\"written\"}");
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        raw_publish(&raw, "discover.local.rpc.host.a.status", replies[i], NULL, "", 0);
        raw_publish(&raw, "discover.local.rpc.resolve", replies[i], NULL, "{\"service\":\"shop/payment\"}", 26);
        raw_publish(&raw, "$SRV.PING", replies[i], NULL, "", 0);
    }
    raw_publish(&raw, "discover.local.rpc.host.a.status", NULL, NULL, "", 0);
    (void)wait_until(WAIT_MS,
                     host_counter(&a, "discoverd_bus_requests_refused_total{reason=\"no_inbox\"}") >=
                         (int64_t)(3 * sizeof replies / sizeof *replies + 1),
                     "");
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_requests_total"), 0);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_published_total{result=\"written\"}"), published);
    ck_assert_int_eq(kv_get(&client, "SERVICES", "shop.payment.a.p1", after, sizeof after), n);
    ck_assert_mem_eq(before, after, (size_t)n);
    ck_assert_int_eq(kv_count(&client, "HOSTS"), 1);
    raw_close(&raw);
    kv_close(&client);
}
END_TEST

/* What it costs is bounded, whoever asks however often: the rest is not answered, and counted. */
START_TEST(a_flood_of_requests)
{
    static struct raw_nats raw;
    static char large[8192];
    begin("limits = { requests = 20; requests_waiting = 10; };");
    raw_open(&raw, nats.server[0].port, "", "");
    (void)raw_subscribe(&raw, "_INBOX.x.>");
    memset(large, ' ', sizeof large);
    raw_publish(&raw, "discover.local.rpc.host.a.explain", "_INBOX.x.1", NULL, large, sizeof large);
    for (int i = 0; i < 2000; i++)
        raw_publish(&raw, "discover.local.rpc.host.a.explain", "_INBOX.x.1", NULL, "", 0);
    ck_assert(raw_flush(&raw));
    (void)wait_until(WAIT_MS,
                     host_counter(&a, "discoverd_rpc_requests_total{result=\"full\"}") +
                             host_counter(&a, "discoverd_bus_requests_refused_total{reason=\"full\"}") +
                             host_counter(&a, "discoverd_rpc_requests_total{result=\"answered\"}") ==
                         2000,
                     "");
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_requests_refused_total{reason=\"too_large\"}"), 1);
    (void)wait_until(WAIT_MS, raw_pump(&raw) && raw.n_messages >= 5, "");
    holds_for(300, raw_pump(&raw) && raw.n_messages < 100, "");
    ck_assert_int_eq(ctl(&a, &o, "status", "--check", NULL), 0);
    (void)wait_until(WAIT_MS, ask("discover.local.rpc.host.a.status", "") > 0, error); /* it has not to be made anew */
    raw_close(&raw);
    kv_close(&client);
}
END_TEST

/* As registry.conf has it: operators ask, other hosts cannot. */
START_TEST(under_the_accounts_of_the_example)
{
    static struct registry_server r;
    static struct raw_nats host;
    char url[128];
    registry_server_start(&r);
    registry_server_host(&r, &a, "web-1");
    raw_open(&host, r.nats.server[0].port, "web-2", "web-2-secret");
    (void)raw_subscribe(&host, "discover.local.rpc.>");
    (void)raw_subscribe(&host, "$SRV.>");
    ck_assert(raw_flush(&host));
    snprintf(url, sizeof url, "nats://ops:ops-secret@127.0.0.1:%d", r.nats.server[0].port);
    kv_open(&client, url);
    (void)wait_until(WAIT_MS, ask("discover.local.rpc.host.web-1.status", "") > 0, error);
    keep_for_schema("status");
    check_schemas("status");
    json_decref(asked("$SRV.INFO.discoverd.web-1", ""));
    check_error("discover.local.rpc.host.web-2.status", "", "nobody"); /* there is none now */
    kv_close(&client);
    ck_assert(raw_flush(&host));
    for (size_t i = 0; i < host.n_messages; i++) /* what is asked of itself, and nothing of another */
        ck_assert_msg(strstr(host.messages[i].subject, "web-2"), "%s", host.messages[i].subject);
    host.n_messages = 0;
    (void)raw_subscribe(&host, "_INBOX.web-2.>");
    raw_publish(&host, "discover.local.rpc.host.web-1.status", "_INBOX.web-2.x", NULL, "", 0);
    raw_publish(&host, "$SRV.PING", "_INBOX.web-2.x", NULL, "", 0);
    raw_publish(&host, "$SRV.PING.discoverd.web-1", "_INBOX.web-2.x", NULL, "", 0);
    ck_assert(raw_flush(&host));
    for (size_t i = 0; i < host.n_messages; i++)
        ck_assert_msg(host.messages[i].n == 0, "%s", host.messages[i].value);
    ck_assert_int_eq(host_counter(&a, "discoverd_bus_denials_total"), 0);
    raw_close(&host);
}
END_TEST

/* From anywhere, with an operator's credentials and no daemon. */
START_TEST(with_discoverctl)
{
    static struct registry_server r;
    static struct output http;
    struct proc follower;
    char file[512];
    registry_server_start(&r);
    registry_server_host(&r, &a, "web-1");
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/payment", "--port", "80", "--instance", "p1", "--address",
                         "10.0.0.1", "--ttl", "600s", NULL),
                     0);
    snprintf(file, sizeof file, "%s/operator.conf", e2e_folder());
    ck_assert_int_eq(shell(&o,
                           "umask 077; cd %s && echo ops-secret >ops.password && "
                           "echo 'nats = { servers = [%s]; user = \"ops\"; password_file = \"%s/ops.password\"; };' "
                           ">operator.conf",
                           e2e_folder(), r.nats.urls, e2e_folder()),
                     0);
    const char *const explain[] = {
        e2e_binary("discoverctl"), "-N", file, "-H", "web-1", "explain", "shop/payment", NULL};
    (void)wait_until(WAIT_MS, run(&o, explain) == 0, o.err);
    ck_assert_int_eq(ctl(&a, &http, "explain", "shop/payment", NULL), 0);
    ck_assert_msg(strncmp(o.out, http.out, 60) == 0, "%s\n%s", o.out, http.out);
    ck_assert_int_eq(shell(&o, "DISCOVER_NATS=%s %s -H web-1 resolve shop/payment", file, e2e_binary("discoverctl")),
                     0);
    ck_assert_str_eq(o.out, "10.0.0.1:80 1 passing web-1/p1\n");
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 resolve shop/none", e2e_binary("discoverctl"), file), 3);
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-9 status", e2e_binary("discoverctl"), file), 4);
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 drain", e2e_binary("discoverctl"), file), 2);
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 status", e2e_binary("discoverctl"), file), 0);
    ck_assert_msg(strncmp(o.out, "healthy: ", 9) == 0 && strstr(o.out, "\ndaemon         "), "%s", o.out);
    ck_assert_int_eq(shell(&o, "%s -N %s --json -H web-1 status", e2e_binary("discoverctl"), file), 0);
    ck_assert_msg(strstr(o.out, "\"host\": \"web-1\""), "%s", o.out);
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 list", e2e_binary("discoverctl"), file), 0);
    ck_assert_str_eq(o.out, "shop/payment  1/1\n");
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/apple", "--port", "82", "--ttl", "600s", NULL), 0);
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 list", e2e_binary("discoverctl"), file), 0);
    ck_assert_str_eq(o.out, "shop/apple    1/1\nshop/payment  1/1\n"); /* by name, whatever came first */
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 hosts", e2e_binary("discoverctl"), file), 0);
    ck_assert_msg(strncmp(o.out, "web-1  alive  2 instances,", 26) == 0, "%s", o.out);
    ck_assert_int_eq(shell(&o, "%s -N %s -H web-1 regions", e2e_binary("discoverctl"), file), 0);
    ck_assert_msg(strstr(o.out, " this host's own: live\n"), "%s", o.out);
    proc_start(&follower, "follower",
               (const char *const[]){e2e_binary("discoverctl"), "-N", file, "events", "--type", "instance-down",
                                     "--host", "web-1", "--count", "1", NULL},
               NULL);
    /* It is told again until it is heard: when it listens is not known. */
    (void)wait_until(
        WAIT_MS,
        ctl(&a, &o, "register", "shop/gone", "--port", "81", "--instance", "g", "--ttl", "600s", NULL) == 0 &&
            ctl(&a, &o, "deregister", "shop/gone", "--instance", "g", NULL) == 0 && !proc_running(&follower),
        o.err);
    ck_assert_int_eq(shell(&o, "grep -q ' instance-down shop/gone web-1/g passing' %s/follower.log", e2e_folder()), 0);
}
END_TEST

E2E_TESTS("requests over NATS", 120, {"as_a_micro_service", as_a_micro_service},
          {"a_service_from_any_and_documents_of_one", a_service_from_any_and_documents_of_one},
          {"an_answer_goes_to_inboxes_alone", an_answer_goes_to_inboxes_alone},
          {"a_flood_of_requests", a_flood_of_requests},
          {"under_the_accounts_of_the_example", under_the_accounts_of_the_example},
          {"with_discoverctl", with_discoverctl})
