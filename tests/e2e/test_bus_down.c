/* SPDX-License-Identifier: Apache-2.0 */
/* NATS away: no answer changes for as long as it is away, what happens meanwhile arrives afterwards; and a daemon that
 * never reached it says that it cannot know. */
#include <discover/discover.h>
#include <string.h>

#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define LEASE_MS 2000

static struct nats nats;
static struct host a, b;

static void start_host(struct host *h, const char *name, const char *service)
{
    char services[128];

    snprintf(services, sizeof services, "{ name = \"%s\"; instance = \"i1\"; port = 1; }", service);
    host_start(h, &(struct host_options){.name = name, .nats = nats.urls, .lease_ttl = "2s", .services = services});
}

static bool both_see_both(void)
{
    return seen_by_dns(&a, "shop/on-a") == 1 && seen_by_dns(&a, "shop/on-b") == 1 &&
           seen_by_dns(&b, "shop/on-a") == 1 && seen_by_dns(&b, "shop/on-b") == 1 &&
           seen_by_lib(&a, "shop/on-b") == 1 && seen_by_lib(&b, "shop/on-a") == 1;
}

static char both_seen[sizeof a.seen + sizeof b.seen + 2];

static const char *seen_on_both(void)
{
    snprintf(both_seen, sizeof both_seen, "%s; %s", a.seen, b.seen);
    return both_seen;
}

static bool is_stale(struct host *h)
{
    struct discover_endpoint endpoint;
    size_t n;

    return discover_resolve(host_lib(h), "shop/on-a", &endpoint, 1, &n) == DISCOVER_STALE;
}

/* An answer from before says that it is, through every interface. */
static void says_stale(struct host *h)
{
    static struct output o;
    struct dnsq_reply reply;

    ck_assert_msg(is_stale(h), "libdiscover: %s", h->seen);
    ck_assert_int_eq(dnsq_udp(h->dns_port, "on-a.shop.discover.internal", DNSQ_SRV, &reply), 0);
    ck_assert_int_eq(reply.ede, 3);
    ck_assert_int_eq(ctl(h, &o, "--json", "status", NULL), 0);
    ck_assert_msg(strstr(o.out, "\"stale\""), "%s", o.out);
    ck_assert_int_eq(ctl(h, &o, "resolve", "shop/on-a", NULL), 0);
    ck_assert_msg(strstr(o.err, "stale"), "resolve says nothing of it: %s", o.err);
}

START_TEST(killed_for_longer_than_a_lease)
{
    struct proc holder;

    nats_start(&nats, 1);
    start_host(&a, "a", "shop/on-a");
    start_host(&b, "b", "shop/on-b");
    (void)wait_until(3000, both_see_both(), seen_on_both());

    nats_server_kill(&nats, 0);
    holds_for(3 * LEASE_MS, both_see_both(), seen_on_both());
    says_stale(&a);
    says_stale(&b);

    ctl_start(&a, &holder, "holder", "register", "shop/meanwhile", "--port", "3", NULL);
    (void)wait_until(2000, seen_by_all(&a, "shop/meanwhile", 1), a.seen);
    nats_server_launch(&nats, 0);
    int64_t took_ns = wait_until(30000, seen_by_all(&b, "shop/meanwhile", 1), b.seen);
    measured("nats-server back, a change made meanwhile on the other host", took_ns);
    holds_for(2 * LEASE_MS, both_see_both(), seen_on_both());
    (void)wait_until(10000, !is_stale(&a) && !is_stale(&b), seen_on_both());
}
END_TEST

/* DNS: SERVFAIL, with the reason where the query has EDNS. Never NXDOMAIN. */
static void cannot_know_by_dns(struct host *h, const char *name)
{
    struct dnsq_reply reply;

    ck_assert_int_eq(dnsq_udp(h->dns_port, name, DNSQ_SRV, &reply), 0);
    ck_assert_int_eq(reply.rcode, DNSQ_SERVFAIL);
    ck_assert_int_eq(reply.ede, 14);
}

START_TEST(not_running_at_start)
{
    struct output o;

    nats_init(&nats, 1);
    host_init(&a, &(struct host_options){.nats = nats.urls,
                                         .services = "{ name = \"shop/on-a\"; instance = \"i1\"; port = 1; }"});
    host_run_offline(&a);
    (void)wait_until(2000, seen_by_all(&a, "shop/on-a", 1), a.seen);
    holds_for(1000, seen_by_dns(&a, "shop/elsewhere") == CANNOT_KNOW, a.seen);
    ck_assert_msg(seen_by_all(&a, "shop/elsewhere", CANNOT_KNOW), "%s", a.seen);
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/elsewhere", NULL), 4);
    cannot_know_by_dns(&a, "elsewhere.shop.discover.internal");

    nats_server_launch(&nats, 0);
    host_wait_live(&a);
    ck_assert_int_eq(ctl(&a, &o, "resolve", "shop/elsewhere", NULL), 3);
    ck_assert_msg(seen_by_all(&a, "shop/on-a", 1), "%s", a.seen);
}
END_TEST

/* What is kept in the state directory is served, as stale, until the registry can be asked. */
START_TEST(restarted_meanwhile)
{
    nats_start(&nats, 1);
    start_host(&a, "a", "shop/on-a");
    start_host(&b, "b", "shop/on-b");
    (void)wait_until(3000, both_see_both(), seen_on_both());
    host_stop(&b);
    nats_server_kill(&nats, 0);
    host_launch(&b);
    host_wait_up(&b);
    (void)wait_until(2000, seen_by_all(&b, "shop/on-a", 1) && seen_by_all(&b, "shop/on-b", 1), b.seen);
    holds_for(2 * LEASE_MS, seen_by_dns(&b, "shop/on-a") == 1, b.seen);
    says_stale(&b);
    ck_assert_msg(seen_by_all(&b, "shop/elsewhere", CANNOT_KNOW), "%s", b.seen);
    nats_server_launch(&nats, 0);
    (void)wait_until(30000, both_see_both() && !is_stale(&b), seen_on_both());
}
END_TEST

START_TEST(stopped_and_continued)
{
    nats_start(&nats, 1);
    start_host(&a, "a", "shop/on-a");
    start_host(&b, "b", "shop/on-b");
    (void)wait_until(3000, both_see_both(), seen_on_both());
    nats_server_pause(&nats, 0);
    holds_for(3 * LEASE_MS, both_see_both(), seen_on_both());
    nats_server_resume(&nats, 0);
    holds_for(3 * LEASE_MS, both_see_both(), seen_on_both());
}
END_TEST

E2E_TESTS("bus down", 120, {"killed_for_longer_than_a_lease", killed_for_longer_than_a_lease},
          {"not_running_at_start", not_running_at_start}, {"restarted_meanwhile", restarted_meanwhile},
          {"stopped_and_continued", stopped_and_continued})
