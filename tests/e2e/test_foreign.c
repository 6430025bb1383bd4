/* SPDX-License-Identifier: Apache-2.0 */
/* A service registered with one put of JSON, by any NATS client and without a library of ours: it is found on every
 * host for as long as its own ttl, and is gone with a delete. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/registry_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define TTL_MS 4000

static struct nats nats;
static struct host a, b;
static struct kv kv;

static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    kv_open(&kv, nats.server[0].url);
}

static int64_t put(const char *key)
{
    static const char value[] = "\n {\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":4}";

    (void)kv_put(&kv, "SERVICES", key, value, strlen(value));
    return clock_now_ns();
}

static void found_everywhere(const char *service, int n)
{
    (void)wait_until(1000, seen_by_all(&a, service, n), a.seen);
    (void)wait_until(1000, seen_by_all(&b, service, n), b.seen);
}

START_TEST(lives_for_its_ttl_after_each_put)
{
    struct output o;

    two_hosts();
    (void)put("shop.legacy.web-9.l1");
    found_everywhere("shop/legacy", 1);
    ck_assert_int_eq(ctl(&b, &o, "resolve", "shop/legacy", NULL), 0);
    ck_assert_str_eq(o.out, "10.0.1.22:8080 1 passing web-9/l1\n");

    holds_for(TTL_MS / 4, seen_by_dns(&b, "shop/legacy") == 1, b.seen);
    int64_t put_ns = put("shop.legacy.web-9.l1");
    holds_for(TTL_MS * 3 / 4, seen_by_dns(&b, "shop/legacy") == 1, b.seen);
    (void)wait_until(TTL_MS, seen_by_dns(&b, "shop/legacy") == 0, b.seen);
    measured("a JSON record with a ttl of 4 s, gone after its last put", clock_now_ns() - put_ns);
    found_everywhere("shop/legacy", 0);
    kv_close(&kv);
}
END_TEST

START_TEST(under_the_short_key)
{
    two_hosts();
    (void)put("services/legacy/l1");
    found_everywhere("default/legacy", 1);
    kv_delete(&kv, "SERVICES", "services/legacy/l1");
    found_everywhere("default/legacy", 0);
    kv_close(&kv);
}
END_TEST

/* As "nats kv put --ttl" writes it. The server says nothing when the time is over, so each host counts it. */
START_TEST(what_the_server_drops_early_is_gone_everywhere)
{
    static const char value[] = "{\"host\":\"10.0.1.22\",\"port\":8080,\"ttl\":600}";
    static const char *const headers[][2] = {{"Nats-TTL", "2s"}, {NULL, NULL}};
    const char *program = registry_server_program("sid");
    char bytes[1024];
    struct output o;
    if (!program)
        return;
    setenv("NATS_SERVER", program, 1);
    two_hosts();
    (void)kv_put_with(&kv, "SERVICES", "shop.legacy.web-9.l1", value, strlen(value), headers);
    found_everywhere("shop/legacy", 1);
    (void)wait_until(8000, seen_by_all(&a, "shop/legacy", 0) && seen_by_all(&b, "shop/legacy", 0), b.seen);
    /* A host's own record, which somebody puts again so: the host wants it to stay. */
    ck_assert_int_eq(ctl(&a, &o, "register", "shop/pay", "--port", "1", "--instance", "p1", "--ttl", "1m", NULL), 0);
    found_everywhere("shop/pay", 1);
    int n = kv_get(&kv, "SERVICES", "shop.pay.a.p1", bytes, sizeof bytes);
    ck_assert_int_gt(n, 0);
    (void)kv_put_with(&kv, "SERVICES", "shop.pay.a.p1", bytes, (size_t)n, headers);
    holds_for(5000, kv_get(&kv, "SERVICES", "shop.pay.a.p1", bytes, sizeof bytes) > 0, "the record");
    kv_close(&kv);
}
END_TEST

E2E_TESTS("foreign writers", 60, {"lives_for_its_ttl_after_each_put", lives_for_its_ttl_after_each_put},
          {"under_the_short_key", under_the_short_key},
          {"what_the_server_drops_early_is_gone_everywhere", what_the_server_drops_early_is_gone_everywhere})
