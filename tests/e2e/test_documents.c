/* SPDX-License-Identifier: Apache-2.0 */
/* A document is one document, whether HTTP or discoverctl prints it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "discover/discover.h"
#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/http.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats nats;
static struct host a, b;

/* A list comes in chunks: each its length in hex, a line end, the bytes, a line end. */
static char *without_chunks(char *body)
{
    char *to = body, *at = body;
    size_t n;
    if (*body == '{')
        return body;
    while ((n = strtoul(at, &at, 16)) > 0) {
        memmove(to, at + 2, n);
        to += n;
        at += 2 + n + 2;
    }
    *to = '\0';
    return body;
}

static json_t *by_http(const char *path)
{
    static char answer[256 * 1024];
    json_error_t error;
    ck_assert_int_eq(http_get(b.http_port, path, answer, sizeof answer), 200);
    char *body = strstr(answer, "\r\n\r\n");
    ck_assert_msg(body, "%s", answer);
    json_t *document = json_loads(without_chunks(body + 4), 0, &error);
    ck_assert_msg(document, "%s: %s", error.text, answer);
    return document;
}

static json_t *by_ctl(const char *command, const char *argument)
{
    static struct output o;
    json_error_t error;
    ck_assert_int_eq(ctl(&b, &o, "--json", command, argument, NULL), 0);
    json_t *document = json_loads(o.out, 0, &error);
    ck_assert_msg(document, "%s: %s", error.text, o.out);
    return document;
}

/* What moves from one moment to the next. */
static void still(json_t *document)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(document, "counters"), name, value)(void) json_integer_set(value, 0);
    (void)json_object_del(document, "uptime_ms");
    for (size_t i = 0; i < json_array_size(json_object_get(document, "overrides")); i++)
        (void)json_object_set_new(json_array_get(json_object_get(document, "overrides"), i), "age_ms", json_integer(0));
    json_object_foreach(json_array_get(json_object_get(document, "buckets"), 1), name,
                        value) if (json_is_integer(value))(void) json_integer_set(value, 0);
}

/* A list of all that there is has no order. */
static bool has_all_of(json_t *list, json_t *other)
{
    size_t i, k;
    json_t *value, *found;
    json_array_foreach(other, i, value)
    {
        bool has = false;
        json_array_foreach(list, k, found) has = has || json_equal(found, value);
        if (!has)
            return false;
    }
    return json_array_size(list) == json_array_size(other);
}

static bool is_equal(json_t *one, json_t *other)
{
    const char *name;
    json_t *value;
    json_object_foreach(one, name, value)
    {
        json_t *its = json_object_get(other, name);
        if (json_is_array(value) ? !has_all_of(value, its) : !json_equal(value, its))
            return false;
    }
    return json_object_size(one) == json_object_size(other);
}

static bool is_same(json_t *one, json_t *other)
{
    still(one);
    still(other);
    bool same = is_equal(one, other);
    char *text = json_dumps(one, JSON_SORT_KEYS), *other_text = json_dumps(other, JSON_SORT_KEYS);
    snprintf(b.seen, sizeof b.seen, "HTTP: %.480s\ndiscoverctl: %.480s", text, other_text);
    free(text);
    free(other_text);
    json_decref(one);
    json_decref(other);
    return same;
}

static void start_two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.nats = nats.urls,
                                          .services = "{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; "
                                                      "address = [\"10.1.2.3\", \"2001:db8::1\"]; tags = [\"canary\"]; "
                                                      "meta = { version = \"1.4\"; }; priority = 2; weight = 7; }, "
                                                      "{ name = \"shop/db\"; port = 5432; address = [\"127.0.0.9\"]; "
                                                      "proto = \"udp\"; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(20000, seen_by_dns(&b, "shop/payment") == 1 && seen_by_dns(&b, "shop/db") == 1, b.seen);
}

START_TEST(http_and_discoverctl_print_the_same)
{
    static const struct {
        const char *path, *command, *argument;
    } documents[] = {
        {"/v1/status", "status", NULL},
        {"/v1/services", "list", NULL},
        {"/v1/hosts", "hosts", NULL},
        {"/v1/services/shop/payment", "resolve", "shop/payment"},
        {"/v1/services/shop/db", "resolve", "shop/db"},
    };
    static struct output o;
    start_two_hosts();
    ck_assert_int_eq(ctl(&b, &o, "drain", NULL), 0);
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        (void)wait_until(
            20000, is_same(by_http(documents[i].path), by_ctl(documents[i].command, documents[i].argument)), b.seen);
}
END_TEST

/* For people and for monitoring: 0 ok, 1 warning, 2 critical. */
START_TEST(the_condition_of_a_daemon)
{
    static struct output o;
    start_two_hosts();
    (void)wait_until(3000, ctl(&b, &o, "status", "--check", NULL) == 0, o.out);
    ck_assert_msg(strncmp(o.out, "DISCOVERD OK - synchronised", 27) == 0, "%s", o.out);
    ck_assert_int_eq(ctl(&b, &o, "status", NULL), 0);
    ck_assert_msg(strncmp(o.out, "healthy: synchronised with NATS", 31) == 0, "%s", o.out);
    nats_server_kill(&nats, 0);
    (void)wait_until(5000, ctl(&b, &o, "status", "--check", NULL) == 1, o.out);
    ck_assert_int_eq(ctl(&b, &o, "status", NULL), 0);
    ck_assert_msg(strncmp(o.out, "warning: NATS is not connected, so answers are those of", 54) == 0, "%s", o.out);
    host_kill(&b);
    ck_assert_int_eq(ctl(&b, &o, "status", "--check", NULL), 2);
    ck_assert_msg(strstr(o.out, "CRITICAL - no daemon answers"), "%s", o.out);
}
END_TEST

/* As other registries have them, through every door; those that are labels, and only those, have names in DNS. */
START_TEST(tags_are_free_text)
{
    static struct output o;
    static struct proc holder;
    struct dnsq_reply reply;
    struct discover_query *q;
    struct discover_endpoint e;
    struct kv kv;
    size_t n;
    static const char record[] =
        "{\"host\":\"10.9.9.9\",\"port\":80,\"ttl\":60,\"tags\":[\"traefik.enable=true\",\"blue\"]}";

    nats_start(&nats, 1);
    host_start(&a,
               &(struct host_options){.nats = nats.urls,
                                      .services = "{ name = \"shop/by-config\"; port = 1; address = [\"10.1.2.3\"]; "
                                                  "tags = [\"traefik.enable=true\", \"blue\"]; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    kv_open(&kv, nats.server[0].url);
    ctl_start(&a, &holder, "holder", "register", "shop/by-ctl", "--port", "2", "--address", "10.1.2.4", "--tag",
              "traefik.enable=true", "--tag", "blue", NULL);
    (void)kv_put(&kv, "SERVICES", "shop.by-put.web-9.x", record, strlen(record));
    static const char *const services[] = {"shop/by-config", "shop/by-ctl", "shop/by-put"};
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        char name[128];
        (void)wait_until(3000, ctl(&b, &o, "resolve", services[i], "--tag", "traefik.enable=true", NULL) == 0, o.err);
        ck_assert_int_eq(ctl(&b, &o, "resolve", services[i], "--tag", "traefik.enable=false", NULL), 3);
        ck_assert_int_eq(discover_query_new(services[i], &q), 0);
        ck_assert_int_eq(discover_query_add_tag(q, "traefik.enable=true"), 0);
        ck_assert_int_eq(discover_query_run(host_lib(&b), q, NULL, &e, 1, &n), 0);
        ck_assert_uint_eq(n, 1);
        discover_query_free(q);
        snprintf(name, sizeof name, "blue.tag.%s.shop.discover.internal", services[i] + strlen("shop/"));
        ck_assert_int_eq(dnsq_udp(b.dns_port, name, DNSQ_SRV, &reply), 0);
        ck_assert_int_eq(reply.n_answers, 1);
        snprintf(name, sizeof name, "traefik.enable=true.tag.%s.shop.discover.internal", services[i] + strlen("shop/"));
        ck_assert_int_eq(dnsq_udp(b.dns_port, name, DNSQ_SRV, &reply), 0);
        ck_assert_int_eq(reply.n_answers, 0);
    }
    static char answer[64 * 1024];
    ck_assert_int_eq(http_get(b.http_port, "/v1/http_sd", answer, sizeof answer), 200);
    ck_assert_msg(strstr(answer, "\"__meta_discoverd_tags\":\",blue,traefik.enable=true,\""), "%s", answer);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("documents", 30, {"http_and_discoverctl_print_the_same", http_and_discoverctl_print_the_same},
          {"tags_are_free_text", tags_are_free_text}, {"the_condition_of_a_daemon", the_condition_of_a_daemon})
