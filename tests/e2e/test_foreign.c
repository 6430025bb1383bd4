/* SPDX-License-Identifier: Apache-2.0 */
/* A service registered with one put of JSON, by any NATS client and without a library of ours: it is found on every
 * host for as long as its own ttl, and is gone with a delete. */
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
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

E2E_TESTS("foreign writers", 60, {"lives_for_its_ttl_after_each_put", lives_for_its_ttl_after_each_put},
          {"under_the_short_key", under_the_short_key})
