/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mirrors of another region's buckets: snapshots come from them and not over the link; a host that starts while that region is
 * lost knows what they know, stale; one whose origin was made anew is not read until it is made anew itself.
 */
#include <discover/discover.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define TTL_MS 3000 /* of host.h */

static struct two_regions regions = {.mirror = "KV_%s_b"};
static struct host a, a2, b, b2;
static struct output o;

static int put(struct host *h, const char *service, const char *instance, const char *port)
{
    return ctl(h, &o, "register", service, "--port", port, "--instance", instance, "--ttl", "120s", NULL);
}

static bool sees(struct host *h, int n, int wanted)
{
    struct discover_endpoint e[8];
    size_t seen = 0;
    int verdict = discover_resolve(host_lib(h), "shop/payment@b", e, 8, &seen);
    snprintf(h->seen, sizeof h->seen, "%d usable, verdict %d", (int)seen, verdict);
    return verdict == wanted && (int)seen == n;
}

/* Two hosts in b, one in a, which makes the mirrors; and they have everything. */
static void start(void)
{
    two_regions_start(&regions);
    two_regions_host_b(&regions, &b, "b1");
    two_regions_host_b(&regions, &b2, "b2");
    two_regions_host_a(&regions, &a, "a1");
    ck_assert_int_eq(put(&b, "shop/payment", "p1", "1001"), 0);
    ck_assert_int_eq(put(&b2, "shop/payment", "p1", "1002"), 0);
    wait_until(5000, sees(&a, 2, DISCOVER_FRESH), a.seen);
}

static bool mirrored(void)
{
    struct kv kv;
    kv_open(&kv, regions.a.server[0].url);
    int64_t services = kv_count(&kv, "SERVICES_b"), hosts = kv_count(&kv, "HOSTS_b");
    snprintf(a.seen, sizeof a.seen, "%lld services, %lld hosts in the mirrors", (long long)services, (long long)hosts);
    kv_close(&kv);
    return services == 2 && hosts == 2;
}

static bool says(struct host *h, const char *wanted)
{
    ck_assert_int_eq(ctl(h, &o, "regions", NULL), 0);
    snprintf(h->seen, sizeof h->seen, "%.200s", o.out);
    return strstr(o.out, wanted) != NULL;
}

static int read_from_mirror(const struct host *h)
{
    ck_assert_int_eq(
        shell(&o,
              "curl -s http://127.0.0.1:%d/metrics | sed -n 's/^discoverd_region_mirror_snapshots{region=\"b\"} //p'",
              h->http_port),
        0);
    return atoi(o.out);
}

START_TEST(snapshots_come_from_the_mirror)
{
    start();
    wait_until(15000, mirrored(), a.seen);
    two_regions_host_a(&regions, &a2, "a2");
    wait_until(5000, sees(&a2, 2, DISCOVER_FRESH), a2.seen);
    wait_until(2000, says(&a2, ", mirror valid"), a2.seen);
    ck_assert_int_eq(read_from_mirror(&a2), 2); /* of both buckets */
    ck_assert_int_eq(read_from_mirror(&a), 0);
    /* What comes after that comes live, and what had run out there does not come back. */
    ck_assert_int_eq(ctl(&b2, &o, "deregister", "shop/payment", NULL), 0);
    wait_until(2000, sees(&a2, 1, DISCOVER_FRESH), a2.seen);
    host_kill(&b);
    wait_until(TTL_MS + 2000, sees(&a2, 0, DISCOVER_E_NONE), a2.seen);
    host_stop(&a2);
    host_run(&a2);
    wait_until(5000, sees(&a2, 0, DISCOVER_E_NONE), a2.seen);
    holds_for(TTL_MS, sees(&a2, 0, DISCOVER_E_NONE), a2.seen);
}
END_TEST

START_TEST(a_new_host_while_the_region_is_lost)
{
    start();
    wait_until(15000, mirrored(), a.seen);
    nats_server_kill(&regions.b, 0);
    wait_until(2 * TTL_MS, sees(&a, 2, DISCOVER_STALE), a.seen);
    two_regions_host_a(&regions, &a2, "a2");
    wait_until(5000, sees(&a2, 2, DISCOVER_STALE), a2.seen);
    ck_assert_msg(says(&a2, "stale"), "%s", a2.seen);
    holds_for(TTL_MS + 1000, sees(&a2, 2, DISCOVER_STALE), a2.seen);
    nats_server_launch(&regions.b, 0);
    wait_until(15000, sees(&a2, 2, DISCOVER_FRESH), a2.seen);
    holds_for(TTL_MS + 1000, sees(&a2, 2, DISCOVER_FRESH), a2.seen);
}
END_TEST

static int init_a(void)
{
    return shell(&o, "%s -c %s --init", e2e_binary("discoverd"), a.config);
}

START_TEST(a_mirror_of_another_life_is_not_read)
{
    struct kv kv;
    start();
    wait_until(15000, mirrored(), a.seen);
    ck_assert_msg(init_a() == 0 && strstr(o.out, "mirror KV_SERVICES_b of region b is there"), "%s%s", o.out, o.err);
    kv_open(&kv, regions.b.server[0].url);
    json_decref(kv_api(&kv, "DELETE", "SERVICES", "", "success"));
    kv_close(&kv);
    ck_assert_int_eq(put(&b, "shop/payment", "p2", "1003"), 0);
    wait_until(20000, sees(&a, 3, DISCOVER_FRESH), a.seen);
    two_regions_host_a(&regions, &a2, "a2");
    wait_until(5000, sees(&a2, 3, DISCOVER_FRESH), a2.seen);
    wait_until(2000, says(&a2, ", mirror of another life"), a2.seen);
    ck_assert_int_eq(read_from_mirror(&a2), 1); /* HOSTS is what it was */
    ck_assert_msg(init_a() == 0, "%s", o.err);
    ck_assert_msg(strstr(o.out, "mirror KV_SERVICES_b of region b was of another life of its bucket: made it anew"),
                  "%s", o.out);
    ck_assert_msg(strstr(o.out, "mirror KV_HOSTS_b of region b is there"), "%s", o.out);
    host_stop(&a2);
    host_run(&a2);
    wait_until(15000, sees(&a2, 3, DISCOVER_FRESH) && says(&a2, ", mirror valid"), a2.seen);
}
END_TEST

E2E_TESTS("mirrors", 60, {"snapshots_come_from_the_mirror", snapshots_come_from_the_mirror},
          {"a_new_host_while_the_region_is_lost", a_new_host_while_the_region_is_lost},
          {"a_mirror_of_another_life_is_not_read", a_mirror_of_another_life_is_not_read})
