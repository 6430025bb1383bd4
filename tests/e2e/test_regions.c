/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another region, read over a link that is cut in every way there is: nothing goes, it is stale within two thirds of a lease,
 * and fresh soon after. What it says is never mixed with what the own region says.
 */
#include <discover/discover.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define TTL_MS 3000 /* of host.h */

static struct two_regions regions;
static struct host a, b, b2;

static int put(struct host *h, const char *service, const char *instance, const char *port)
{
    static struct output o;
    return ctl(h, &o, "register", service, "--port", port, "--instance", instance, "--ttl", "120s", NULL);
}

static void on_change(void *arg, const struct discover_change *change)
{
    *(size_t *)arg = change->n;
}

/* What is watched of the own region by its name, and comes by itself. */
static void watch_own_region(void)
{
    size_t n = 99;
    struct discover_watch *w;
    ck_assert_int_eq(discover_watch(host_lib(&a), "shop/payment@a", on_change, &n, &w), 0);
    wait_until(2000, discover_dispatch(host_lib(&a)) == 0 && n == 1, "not notified what is there");
    ck_assert_int_eq(put(&a, "shop/payment", "p2", "2002"), 0);
    wait_until(2000, discover_dispatch(host_lib(&a)) == 0 && n == 2, "not notified of a change");
    discover_unwatch(w);
    ck_assert_int_eq(ctl(&a, &(struct output){0}, "deregister", "shop/payment", "--instance", "p2", NULL), 0);
}

static bool page_has(const char *path, const char *one, const char *other)
{
    static struct output o;
    ck_assert_int_eq(shell(&o, "curl -sw ' %%{http_code}' 'http://127.0.0.1:%d%s'", a.http_port, path), 0);
    bool has = strstr(o.out, one) && (!other || !strstr(o.out, other));
    if (!has)
        printf("%s: %s\n", path, o.out);
    return has;
}

/* What the other region has, in lists: of a host of this one. */
static void list_region_b(void)
{
    struct output o;
    ck_assert_int_eq(ctl(&a, &o, "list", "--region", "b", NULL), 0);
    ck_assert_str_eq(o.out, "shop/payment  1/1\n");
    ck_assert_int_eq(ctl(&a, &o, "list", "--region", "b", "--tag", "canary", NULL), 0);
    ck_assert_str_eq(o.out, "");
    ck_assert_int_eq(ctl(&a, &o, "hosts", "--region", "b", NULL), 0);
    ck_assert_msg(strstr(o.out, "b1  alive") && strstr(o.out, "b2  alive") && !strstr(o.out, "a1"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "hosts", "--region", "a", NULL), 0); /* the own one */
    ck_assert_msg(strstr(o.out, "a1  alive") && !strstr(o.out, "b1"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "--json", "list", "--region", "b", NULL), 0);
    ck_assert_msg(strstr(o.out, "\"sync\": \"live\"") && strstr(o.out, "\"usable\": 1"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "list", "--region", "c", NULL), 3);
    ck_assert_msg(strstr(o.err, "c: that region is not read here"), "%s", o.err);
    ck_assert_int_eq(ctl(&a, &o, "list", "--region", "B", NULL), 2);
    ck_assert(page_has("/v1/http_sd?region=b", ":1002\"", ":2001\""));
    ck_assert(page_has("/v1/http_sd?region=b", "\"__meta_discoverd_region\":\"b\"", NULL));
    ck_assert(page_has("/v1/http_sd?region=b&domain=stock", "[]", ":1002"));
    ck_assert(page_has("/v1/http_sd?region=a", ":2001\"", ":1002\""));
    ck_assert(page_has("/v1/http_sd?region=c", "that region is not read here\n 404", NULL));
}

/* Two hosts in b, one in a; each serves "shop/payment". */
static void start(void)
{
    two_regions_start(&regions);
    two_regions_host_b(&regions, &b, "b1");
    two_regions_host_b(&regions, &b2, "b2");
    two_regions_host_a(&regions, &a, "a1");
    ck_assert_int_eq(put(&b, "shop/payment", "p1", "1001"), 0);
    ck_assert_int_eq(put(&b2, "shop/payment", "p1", "1002"), 0);
    ck_assert_int_eq(put(&a, "shop/payment", "p1", "2001"), 0);
}

/* Usable instances of a service as a's library says; its verdict, when there are some. */
static int verdict;

static int seen(const char *service)
{
    struct discover_endpoint e[8];
    size_t n = 0;
    verdict = discover_resolve(host_lib(&a), service, e, 8, &n);
    snprintf(a.seen, sizeof a.seen, "%d usable, verdict %d", (int)n, verdict);
    return verdict < 0 ? verdict : (int)n;
}

static bool is(const char *service, int n, int wanted)
{
    return seen(service) == n && (n <= 0 || verdict == wanted);
}

START_TEST(a_region_is_read_and_kept_apart)
{
    struct discover_endpoint e[8];
    size_t n;
    start();
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
    wait_until(5000, is("shop/payment", 1, DISCOVER_FRESH), a.seen); /* b has answered for it until then */
    ck_assert_int_eq(discover_resolve(host_lib(&a), "shop/payment", e, 8, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(e[0].port, 2001);
    ck_assert_msg(is("shop/payment@a", 1, DISCOVER_FRESH), "%s", a.seen); /* the own region by its name */
    watch_own_region();
    wait_until(1000, is("shop/payment@a", 1, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(seen("shop/nobody@b"), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(seen("shop/payment@c"), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(ctl(&b, &(struct output){0}, "deregister", "shop/payment", NULL), 0);
    wait_until(1000, is("shop/payment@b", 1, DISCOVER_FRESH), a.seen);
    ck_assert_msg(is("shop/payment", 1, DISCOVER_FRESH), "%s", a.seen);
    struct output o;
    ck_assert_int_eq(shell(&o, "dig +short @127.0.0.1 -p %d SRV payment.shop.b.region.discover.internal", a.dns_port),
                     0);
    ck_assert_msg(strstr(o.out, " 1002 ") && !strstr(o.out, " 2001 "), "%s", o.out);
    ck_assert_msg(strstr(o.out, ".addr.shop.b.region.discover.internal."), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/payment", "--region", "b", NULL), 0);
    ck_assert_msg(strstr(o.out, ":1002 ") && !strstr(o.out, ":2001 "), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/payment@c", NULL), 3);
    ck_assert_int_eq(ctl(&a, &o, "regions", NULL), 0);
    ck_assert_msg(strstr(o.out, "b                live         2 hosts, 1 service, 1/1 instance"), "%s", o.out);
    ck_assert_int_eq(shell(&o, "curl -s http://127.0.0.1:%d/v1/regions", a.http_port), 0);
    ck_assert_msg(strstr(o.out, "\"state\":\"live\""), "%s", o.out);
    ck_assert_int_eq(shell(&o, "curl -s 'http://127.0.0.1:%d/v1/instances?region=b'", a.http_port), 0);
    ck_assert_msg(strstr(o.out, "\"sync\":\"live\"") && strstr(o.out, "\"port\":1002") && !strstr(o.out, "2001"), "%s",
                  o.out);
    ck_assert_int_eq(shell(&o, "curl -sw '%%{http_code}' 'http://127.0.0.1:%d/v1/hosts?region=c'", a.http_port), 0);
    ck_assert_str_eq(o.out, "that region is not read here\n404");
    list_region_b();
    ck_assert_int_eq(shell(&o, "curl -s http://127.0.0.1:%d/metrics", a.http_port), 0);
    ck_assert_msg(strstr(o.out, "discoverd_region_live{region=\"b\"} 1"), "%s", o.out);
    /* Nothing of a is in b. */
    struct kv kv;
    kv_open(&kv, regions.b.server[0].url);
    ck_assert_int_eq(kv_count(&kv, "HOSTS"), 2);
    kv_close(&kv);
}
END_TEST

/* Cut for more than a lease's time; a host dies meanwhile, one stays. */
static void cut(enum cable_state how)
{
    start();
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH) && is("shop/payment", 1, DISCOVER_FRESH), a.seen);
    cable_set(&regions.link, how);
    int64_t stale_ns = wait_until(TTL_MS * 2 / 3, is("shop/payment@b", 2, DISCOVER_STALE), a.seen);
    host_kill(&b2);
    holds_for(TTL_MS + 1500, is("shop/payment@b", 2, DISCOVER_STALE) && is("shop/payment", 1, DISCOVER_FRESH), a.seen);
    cable_set(&regions.link, CABLE_WHOLE);
    int64_t fresh_ns = wait_until(5000, (seen("shop/payment@b") >= 1 && verdict == DISCOVER_FRESH), a.seen);
    int64_t gone_ns = wait_until(TTL_MS + 2000, is("shop/payment@b", 1, DISCOVER_FRESH), a.seen);
    holds_for(TTL_MS, is("shop/payment@b", 1, DISCOVER_FRESH), a.seen);
    printf("stale after %.2f s, fresh %.2f s after the mend, the dead gone %.2f s later\n", (double)stale_ns / 1e9,
           (double)fresh_ns / 1e9, (double)gone_ns / 1e9);
}

START_TEST(link_reset)
{
    cut(CABLE_RESET);
}
END_TEST

START_TEST(link_black_hole)
{
    cut(CABLE_HOLE);
}
END_TEST

START_TEST(link_silent_and_late)
{
    cut(CABLE_KEEP);
}
END_TEST

/* The only host there is dies: its silence is told from a cut link. */
START_TEST(the_only_host_dies)
{
    two_regions_start(&regions);
    two_regions_host_b(&regions, &b, "b1");
    two_regions_host_a(&regions, &a, "a1");
    ck_assert_int_eq(put(&b, "shop/payment", "p1", "1001"), 0);
    wait_until(5000, is("shop/payment@b", 1, DISCOVER_FRESH), a.seen);
    holds_for(2 * TTL_MS, is("shop/payment@b", 1, DISCOVER_FRESH), a.seen);
    host_kill(&b);
    wait_until(TTL_MS + 1000, seen("shop/payment@b") == DISCOVER_E_NONE, a.seen);
}
END_TEST

/* Region b and the daemon of a go; what was known of b is served, stale, and fresh when b is back. */
START_TEST(started_while_the_region_is_lost)
{
    start();
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
    nats_server_kill(&regions.b, 0);
    wait_until(TTL_MS, is("shop/payment@b", 2, DISCOVER_STALE), a.seen);
    host_stop(&a);
    host_run(&a);
    wait_until(1000, is("shop/payment@b", 2, DISCOVER_STALE), a.seen);
    holds_for(TTL_MS + 1000, is("shop/payment@b", 2, DISCOVER_STALE), a.seen);
    nats_server_launch(&regions.b, 0);
    wait_until(15000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
    holds_for(TTL_MS + 1000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
}
END_TEST

/* Never heard is not empty. */
START_TEST(a_region_never_heard_is_not_known)
{
    two_regions_start(&regions);
    cable_set(&regions.link, CABLE_RESET);
    two_regions_host_a(&regions, &a, "a1");
    holds_for(1000, seen("shop/payment@b") == DISCOVER_E_UNSYNCED, a.seen);
}
END_TEST

/* Its bucket is made anew: nothing goes, and what is new comes. */
START_TEST(the_stream_is_made_anew)
{
    struct kv kv;
    start();
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
    kv_open(&kv, regions.b.server[0].url);
    json_decref(kv_api(&kv, "DELETE", "HOSTS", "", "success"));
    kv_close(&kv);
    holds_for(2 * TTL_MS, seen("shop/payment@b") == 2, a.seen);
    wait_until(20000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(put(&b, "shop/payment", "p2", "1003"), 0);
    wait_until(2000, is("shop/payment@b", 3, DISCOVER_FRESH), a.seen);
}
END_TEST

/* How a's DNS answers for a service of the own region: the ports of its SRV records. */
static bool dns_says(const char *wanted)
{
    static struct output o;
    ck_assert_int_eq(
        shell(&o,
              "dig +short @127.0.0.1 -p %d SRV payment.shop.discover.internal | cut -d' ' -f3 | sort | tr '\\n' ' '",
              a.dns_port),
        0);
    snprintf(a.seen, sizeof a.seen, "%.200s", o.out);
    return strcmp(o.out, wanted) == 0;
}

/* The last instance of a goes: b answers, everywhere; it comes back, and a answers again, later. */
START_TEST(the_other_region_answers)
{
    start();
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(ctl(&a, &(struct output){0}, "deregister", "shop/payment", NULL), 0);
    wait_until(1000, is("shop/payment", 2, DISCOVER_FRESH), a.seen);
    ck_assert_msg(dns_says("1001 1002 "), "%s", a.seen);
    struct output o;
    ck_assert_int_eq(shell(&o, "dig @127.0.0.1 -p %d SRV payment.shop.discover.internal", a.dns_port), 0);
    ck_assert_msg(strstr(o.out, "EDE: 0 (Other): (region b)"), "%s", o.out);
    ck_assert_msg(strstr(o.out, ".addr.shop.b.region.discover.internal."), "%s", o.out);
    ck_assert_int_eq(seen("shop/payment@a"), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(ctl(&a, &o, "explain", "shop/payment", NULL), 0);
    static const char *const texts[] = {
        "shop/payment: 2 of 2 instances are served by region b\n",
        "           a  the own one, live, 0 of 0 instances usable\n      why      it has none, and "
        "answers from 1 usable one on",
        "  answers  b  live, 2 of 2 instances usable\n      why      2 of its 2 instances are usable, and it has "
        "answered for ",
        "region: it is passing, and its host b1 is alive in region b, which answers for the service at present",
        "pick  1. priority 0, in another region: 2 instances, weight 2"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(strstr(o.out, texts[i]), "%s is not in\n%s", texts[i], o.out);
    ck_assert_int_eq(ctl(&a, &o, "explain", "b1", NULL), 0);
    ck_assert_msg(strstr(o.out, "b1: 1 instance, in region b; alive"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "explain", NULL), 0);
    ck_assert_msg(strstr(o.out, "shop/payment                             b, for "), "%s", o.out);
    ck_assert_int_eq(ctl(&b, &(struct output){0}, "deregister", "shop/payment", NULL), 0);
    wait_until(1000, is("shop/payment", 1, DISCOVER_FRESH), a.seen);
    cable_set(&regions.link, CABLE_RESET);
    wait_until(TTL_MS, is("shop/payment", 1, DISCOVER_STALE), a.seen); /* as true as it is of b */
    cable_set(&regions.link, CABLE_WHOLE);
    wait_until(5000, is("shop/payment", 1, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(put(&a, "shop/payment", "p1", "2001"), 0);
    wait_until(1000, is("shop/payment@a", 1, DISCOVER_FRESH), a.seen);
    ck_assert_msg(dns_says("1002 "), "%s", a.seen); /* not yet: back_after */
    wait_until(5000, dns_says("2001 "), a.seen);
    ck_assert_msg(is("shop/payment@a", 1, DISCOVER_FRESH), "%s", a.seen);
    ck_assert_msg(is("shop/payment@b", 1, DISCOVER_FRESH), "%s", a.seen);
}
END_TEST

/* What b keeps to itself is no answer for a, and is what a has of b. */
START_TEST(what_is_not_exported_is_asked_for_by_name)
{
    two_regions_start(&regions);
    two_regions_host_b(&regions, &b, "b1");
    two_regions_host_a(&regions, &a, "a1");
    ck_assert_int_eq(put(&b, "shop/payment", "p1", "1001"), 0);
    ck_assert_int_eq(ctl(&b, &(struct output){0}, "register", "shop/payment", "--port", "1002", "--instance", "p2",
                         "--ttl", "120s", "--not-exported", NULL),
                     0);
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH) && is("shop/payment", 1, DISCOVER_FRESH), a.seen);
    ck_assert_msg(dns_says("1001 "), "%s", a.seen);
    ck_assert_int_eq(ctl(&b, &(struct output){0}, "deregister", "shop/payment", "--instance", "p1", NULL), 0);
    wait_until(2000, seen("shop/payment") == DISCOVER_E_UNKNOWN, a.seen);
    ck_assert_msg(is("shop/payment@b", 1, DISCOVER_FRESH), "%s", a.seen);
}
END_TEST

/* An operator sends a service away while all is well, and takes it home; over a restart, too, and into a region that is lost. */
START_TEST(an_operator_says_who_answers)
{
    struct output o;
    start();
    wait_until(5000, is("shop/payment@b", 2, DISCOVER_FRESH) && is("shop/payment", 1, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/payment", "c", NULL), 3);
    ck_assert_msg(strstr(o.err, "not read here"), "%s", o.err);
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/payment", "auto", NULL), 3);
    ck_assert_msg(strstr(o.err, "nobody had said"), "%s", o.err);
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/payment", "b", NULL), 0);
    wait_until(1000, is("shop/payment", 2, DISCOVER_FRESH), a.seen);
    ck_assert_msg(dns_says("1001 1002 "), "%s", a.seen);
    host_stop(&a);
    host_run(&a);
    wait_until(5000, is("shop/payment", 2, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(ctl(&a, &o, "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "failover       shop/payment: region b answers, for "), "%s", o.out);
    ck_assert_msg(strstr(o.out, "; set to b by user "), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "list", NULL), 0);
    ck_assert_msg(strstr(o.out, "2/2, region b answers\n"), "%s", o.out);
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/payment", "off", NULL), 0);
    wait_until(1000, dns_says("2001 "), a.seen);
    ck_assert_int_eq(ctl(&a, &o, "deregister", "shop/payment", NULL), 0);
    holds_for(1000, seen("shop/payment") == DISCOVER_E_UNKNOWN, a.seen); /* whatever it lacks */
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/payment", "auto", NULL), 0);
    wait_until(1000, is("shop/payment", 2, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(shell(&o, "curl -s http://127.0.0.1:%d/v1/regions", a.http_port), 0);
    ck_assert_msg(strstr(o.out, "\"failovers\":[{\"service\":\"shop/payment\",\"at\":\"b\""), "%s", o.out);
    ck_assert_msg(strstr(o.out, "\"forced\":false"), "%s", o.out);
    /* What is sent where nobody is has nobody. */
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/nothing", "b", NULL), 0);
    ck_assert_msg(strstr(o.err, "no usable instance"), "%s", o.err);
    ck_assert_int_eq(put(&a, "shop/nothing", "p1", "2002"), 0);
    holds_for(500, seen("shop/nothing") == DISCOVER_E_UNKNOWN && is("shop/nothing@a", 1, DISCOVER_FRESH), a.seen);
    ck_assert_int_eq(ctl(&a, &o, "failover", "shop/nothing", "auto", NULL), 0);
    wait_until(1000, is("shop/nothing", 1, DISCOVER_FRESH), a.seen);
}
END_TEST

E2E_TESTS("regions", 60, {"a_region_is_read_and_kept_apart", a_region_is_read_and_kept_apart},
          {"link_reset", link_reset}, {"link_black_hole", link_black_hole},
          {"link_silent_and_late", link_silent_and_late}, {"the_only_host_dies", the_only_host_dies},
          {"started_while_the_region_is_lost", started_while_the_region_is_lost},
          {"a_region_never_heard_is_not_known", a_region_never_heard_is_not_known},
          {"the_stream_is_made_anew", the_stream_is_made_anew}, {"the_other_region_answers", the_other_region_answers},
          {"what_is_not_exported_is_asked_for_by_name", what_is_not_exported_is_asked_for_by_name},
          {"an_operator_says_who_answers", an_operator_says_who_answers})
