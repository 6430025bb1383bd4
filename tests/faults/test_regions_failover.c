/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers for a service of region a, which reads b and then c: never nobody, as long as anybody has it. A row each:
 *
 *     | fault | answers without anybody, longest | switches | what it took |
 */
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define SERVICE  "shop/pay"
#define EMPTY_MS 500 /* at most; generous: on a loaded machine the scheduler alone takes some of it */

static struct nats nats[3];
static struct host a, b, c;
static int64_t empty_since_ns, empty_ns, switches; /* of the last: those of the start */

static void start_region(struct nats *n, struct host *h, const char *name, const char *port)
{
    char extra[64];
    struct output o;
    nats_start(n, 1);
    snprintf(extra, sizeof extra, "region = \"%s\";", name);
    host_start(h, &(struct host_options){.name = name, .nats = n->urls, .extra = extra});
    ck_assert_int_eq(ctl(h, &o, "register", SERVICE, "--port", port, "--ttl", "200s", NULL), 0);
}

/* The first instance's port, 0: nobody. Looks at how long that lasts. */
static int answer(void)
{
    struct discover_endpoint e[4];
    size_t n = 0;
    int verdict = discover_resolve(host_lib(&a), SERVICE, e, 4, &n);
    int port = verdict >= 0 && n > 0 ? e[0].port : 0;
    int64_t now_ns = clock_now_ns();
    if (port)
        empty_since_ns = 0;
    else if (!empty_since_ns)
        empty_since_ns = now_ns;
    if (empty_since_ns && now_ns - empty_since_ns > empty_ns)
        empty_ns = now_ns - empty_since_ns;
    snprintf(a.seen, sizeof a.seen, "verdict %d, port %d, empty for %.3f s", verdict, port, (double)empty_ns / 1e9);
    return port;
}

static int put(void)
{
    struct output o;
    return ctl(&a, &o, "register", SERVICE, "--port", "100", "--instance", "i", "--ttl", "200s", NULL);
}

static bool others_are_live(void)
{
    struct discover_endpoint e[4];
    size_t n = 0;
    return discover_resolve(host_lib(&a), SERVICE "@b", e, 4, &n) == DISCOVER_FRESH && n == 1 &&
           discover_resolve(host_lib(&a), SERVICE "@c", e, 4, &n) == DISCOVER_FRESH && n == 1;
}

static int64_t switched(void)
{
    return host_counter(&a, "discoverd_failover_switches_total") - switches;
}

static void start(void)
{
    char extra[512];
    start_region(&nats[1], &b, "b", "200");
    start_region(&nats[2], &c, "c", "300");
    nats_start(&nats[0], 1);
    snprintf(extra, sizeof extra,
             "region = \"a\"; regions = ( { name = \"b\"; nats = { servers = [%s]; }; }, { name = \"c\"; nats = { "
             "servers = [%s]; }; } ); failover = { back_after = \"3s\"; };",
             nats[1].urls, nats[2].urls);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats[0].urls, .extra = extra});
    ck_assert_int_eq(put(), 0);
    wait_until(10000, answer() == 100, a.seen);
    wait_until(10000, others_are_live(), "both are live");
    empty_ns = 0;
    switches = switched();
}

static void row(const char *fault, const char *took)
{
    printf("| %s | none for %.3f s | %lld switches | %s |\n", fault, (double)empty_ns / 1e9, (long long)switched(),
           took);
    ck_assert_int_lt(empty_ns, EMPTY_MS * NS_PER_MS);
}

/* 30 s, 1.5 s each: with 3 s of back_after there is one way out, and none back. */
START_TEST(local_instance_flaps)
{
    struct output o;
    start();
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(ctl(&a, &o, "deregister", SERVICE, "--instance", "i", NULL), 0);
        holds_for(1500, answer() >= 0, a.seen);
        ck_assert_int_eq(put(), 0);
        holds_for(1500, answer() >= 0, a.seen);
    }
    ck_assert_int_eq(answer(), 200);
    ck_assert_int_eq(switched(), 1);
    int64_t back_ns = wait_until(10000, answer() == 100, a.seen);
    char took[64];
    snprintf(took, sizeof took, "back after %.2f s of rest", (double)back_ns / 1e9);
    row("the only own instance goes and comes every 1.5 s, 10 times, back_after 3 s", took);
}
END_TEST

START_TEST(answering_region_lost)
{
    struct output o;
    char took[96];
    start();
    ck_assert_int_eq(ctl(&a, &o, "deregister", SERVICE, "--instance", "i", NULL), 0);
    wait_until(1000, answer() == 200, a.seen);
    nats_server_kill(&nats[1], 0);
    int64_t next_ns = wait_until(10000, answer() == 300, a.seen);
    holds_for(3000, answer() == 300, a.seen);
    nats_server_launch(&nats[1], 0);
    int64_t nearer_ns = wait_until(20000, answer() == 200, a.seen);
    ck_assert_int_gt(nearer_ns, 2900 * NS_PER_MS);
    nats_server_kill(&nats[2], 0); /* the one behind it says nothing about it */
    holds_for(3000, answer() == 200, a.seen);
    snprintf(took, sizeof took, "c answers after %.2f s, b again %.2f s after its return", (double)next_ns / 1e9,
             (double)nearer_ns / 1e9);
    row("NATS of the region that answers killed, another one is left", took);
}
END_TEST

E2E_TESTS("faults and who answers", 120, {"local_instance_flaps", local_instance_flaps},
          {"answering_region_lost", answering_region_lost})
