/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What links and regions do to one another. A thread looks all the time at what a daemon of region a answers of b's service,
 * and knows which of b's hosts live: none of these may ever be missing, whatever happens to the link or to b, and none that
 * is dead may be told as fresh for longer than its lease after b can be asked again. A row of the table each:
 *
 *     | fault | false removals | answers that were fresh and had a dead one | stale after | fresh again after its end |
 */
#include <discover/discover.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define HOSTS     6
#define TTL_MS    3000 /* of host.h */
#define SERVICE   "shop/all@b"
#define PORT_BASE 100 /* of host i: that plus i */

static struct two_regions regions;
static struct host a, b[HOSTS];

static struct {
    pthread_t thread;
    struct discover *eye;
    atomic_bool stop;
    atomic_uint alive;       /* hosts of b, a bit each */
    atomic_uint seen;        /* in the last answer */
    atomic_int verdict;      /* of it */
    atomic_uint removals;    /* hosts that were alive and left an answer */
    atomic_llong dead_by_ns; /* from then on nobody dead may be fresh; 0: not yet */
    atomic_uint wrong;       /* answers that were fresh and had one */
    unsigned missing;        /* while it is: so that it counts once */
} look;

static unsigned ask(int *ret_verdict)
{
    struct discover_endpoint e[HOSTS];
    size_t n = 0;
    unsigned seen = 0;
    *ret_verdict = discover_resolve(look.eye, SERVICE, e, HOSTS, &n);
    for (size_t i = 0; *ret_verdict >= 0 && i < n && i < HOSTS; i++)
        seen |= 1u << (e[i].port - PORT_BASE);
    return seen;
}

static void look_once(void)
{
    int verdict;
    unsigned seen = ask(&verdict), alive = atomic_load(&look.alive), missing = alive & ~seen;
    int64_t dead_by_ns = atomic_load(&look.dead_by_ns);
    if (verdict == DISCOVER_E_UNSYNCED || verdict == DISCOVER_E_BUSY)
        return; /* a daemon that is being started */
    atomic_fetch_add(&look.removals, (unsigned)__builtin_popcount(missing & ~look.missing));
    look.missing = missing;
    if (dead_by_ns && clock_now_ns() > dead_by_ns && verdict == DISCOVER_FRESH && (seen & ~alive))
        atomic_fetch_add(&look.wrong, 1);
    atomic_store(&look.seen, seen);
    atomic_store(&look.verdict, verdict);
}

static void *look_on(void *arg)
{
    (void)arg;
    while (!atomic_load(&look.stop)) {
        (void)!discover_dispatch(look.eye);
        look_once();
        wait_step();
    }
    return NULL;
}

static const char *text(void)
{
    static char line[128];
    snprintf(line, sizeof line, "hosts 0x%x of 0x%x, verdict %d", atomic_load(&look.seen), atomic_load(&look.alive),
             atomic_load(&look.verdict));
    return line;
}

static bool told(int verdict)
{
    return atomic_load(&look.verdict) == verdict && (atomic_load(&look.alive) & ~atomic_load(&look.seen)) == 0;
}

static bool agrees(void)
{
    return told(DISCOVER_FRESH) && atomic_load(&look.seen) == atomic_load(&look.alive);
}

static void start(size_t n_hosts)
{
    char name[8], services[128];
    two_regions_start(&regions);
    two_regions_host_a(&regions, &a, "a1");
    for (size_t i = 0; i < n_hosts; i++) {
        snprintf(name, sizeof name, "b%zu", i);
        snprintf(services, sizeof services, "{ name = \"shop/all\"; port = %zu; address = [\"10.2.0.%zu\"]; }",
                 PORT_BASE + i, i + 1);
        host_start(&b[i],
                   &(struct host_options){
                       .name = name, .nats = regions.b.urls, .extra = "region = \"b\";", .services = strdup(services)});
    }
    ck_assert_int_eq(discover_new(&look.eye), 0);
    ck_assert_int_eq(discover_set_socket(look.eye, a.socket), 0);
    ck_assert_int_eq(discover_start(look.eye), 0);
    int verdict;
    unsigned all = (1u << n_hosts) - 1;
    wait_until(20000, discover_dispatch(look.eye) >= 0 && ask(&verdict) == all && verdict == DISCOVER_FRESH,
               "all of b");
    atomic_store(&look.alive, all);
    ck_assert_int_eq(pthread_create(&look.thread, NULL, look_on, NULL), 0);
    wait_until(5000, agrees(), text());
}

static void die(size_t host)
{
    atomic_fetch_and(&look.alive, ~(1u << host));
    host_kill(&b[host]);
}

/* Until all is well again, and for another lease's time; then the row. */
static void end(const char *fault, int64_t stale_ns)
{
    int64_t over_ns = clock_now_ns();
    int64_t fresh_ns = wait_until(20000, told(DISCOVER_FRESH), text());
    atomic_store(&look.dead_by_ns, over_ns + fresh_ns + (TTL_MS + 2000) * NS_PER_MS);
    wait_until(TTL_MS + 2000, agrees(), text());
    holds_for(TTL_MS + 2500, told(DISCOVER_FRESH), text());
    atomic_store(&look.stop, true);
    pthread_join(look.thread, NULL);
    printf("| %s | %u | %u | stale after %.2f s | %.2f s |\n", fault, atomic_load(&look.removals),
           atomic_load(&look.wrong), (double)stale_ns / 1e9, (double)fresh_ns / 1e9);
    ck_assert_uint_eq(atomic_load(&look.removals), 0);
    ck_assert_uint_eq(atomic_load(&look.wrong), 0);
    discover_free(look.eye);
}

static void cut(enum cable_state how, const char *fault)
{
    start(HOSTS);
    cable_set(&regions.link, how);
    int64_t stale_ns = wait_until(TTL_MS, told(DISCOVER_STALE), text());
    die(0);
    die(1);
    holds_for(10000, told(DISCOVER_STALE), text());
    cable_set(&regions.link, CABLE_WHOLE);
    end(fault, stale_ns);
}

START_TEST(link_reset)
{
    cut(CABLE_RESET, "link between regions reset for 10 s, 2 of 6 hosts die, lease 3 s");
}
END_TEST

START_TEST(link_hole)
{
    cut(CABLE_HOLE, "link between regions a black hole for 10 s, 2 of 6 hosts die, lease 3 s");
}
END_TEST

START_TEST(link_late)
{
    cut(CABLE_KEEP, "link between regions silent for 10 s, all of it late, 2 of 6 hosts die, lease 3 s");
}
END_TEST

/* Each time for less than it takes to be noticed, or just about. */
START_TEST(link_flaps)
{
    start(HOSTS);
    for (int i = 0; i < 12; i++) {
        cable_set(&regions.link, i % 2 ? CABLE_RESET : CABLE_HOLE);
        holds_for(200 + 250 * (i % 6), atomic_load(&look.removals) == 0, text());
        cable_set(&regions.link, CABLE_WHOLE);
        holds_for(1500, atomic_load(&look.removals) == 0, text());
    }
    end("link between regions cut 12 times, for 0.2 to 1.5 s, lease 3 s", 0);
}
END_TEST

START_TEST(region_lost)
{
    start(HOSTS);
    nats_server_kill(&regions.b, 0);
    int64_t stale_ns = wait_until(TTL_MS, told(DISCOVER_STALE), text());
    holds_for(10000, told(DISCOVER_STALE), text());
    nats_server_launch(&regions.b, 0);
    end("NATS of the other region killed, back after 10 s", stale_ns);
}
END_TEST

/* Its daemon and the NATS of a, while b is lost. */
START_TEST(restarted_without_it)
{
    start(HOSTS);
    nats_server_kill(&regions.b, 0);
    int64_t stale_ns = wait_until(TTL_MS, told(DISCOVER_STALE), text());
    holds_for(2000, told(DISCOVER_STALE), text()); /* what is known of it is on disk by then */
    host_kill(&a);
    nats_server_kill(&regions.a, 0);
    nats_server_launch(&regions.a, 0);
    host_run(&a);
    wait_until(5000, told(DISCOVER_STALE), text());
    holds_for(TTL_MS + 2000, told(DISCOVER_STALE), text());
    nats_server_launch(&regions.b, 0);
    end("region lost, daemon and NATS of the own one restarted meanwhile", stale_ns);
}
END_TEST

static void bucket(const char *name, const char *what, bool is_noticed, const char *fault)
{
    int64_t stale_ns = 0;
    struct kv kv;
    start(HOSTS);
    kv_open(&kv, regions.b.server[0].url);
    json_decref(kv_api(&kv, what, name, "", "success"));
    kv_close(&kv);
    if (is_noticed)
        stale_ns = wait_until(10000, told(DISCOVER_STALE), text());
    end(fault, stale_ns);
}

START_TEST(leases_deleted)
{
    bucket("HOSTS", "DELETE", true, "bucket HOSTS of the other region deleted");
}
END_TEST

START_TEST(records_deleted)
{
    bucket("SERVICES", "DELETE", false, "bucket SERVICES of the other region deleted");
}
END_TEST

START_TEST(own_bus_lost)
{
    start(HOSTS);
    nats_server_kill(&regions.a, 0);
    int64_t stale_ns = wait_until(TTL_MS, told(DISCOVER_STALE), text());
    holds_for(10000, told(DISCOVER_STALE), text());
    nats_server_launch(&regions.a, 0);
    end("NATS of the own region killed, back after 10 s", stale_ns);
}
END_TEST

E2E_TESTS("faults between regions", 120, {"link_reset", link_reset}, {"link_hole", link_hole}, {"link_late", link_late},
          {"link_flaps", link_flaps}, {"region_lost", region_lost}, {"restarted_without_it", restarted_without_it},
          {"leases_deleted", leases_deleted}, {"records_deleted", records_deleted}, {"own_bus_lost", own_bus_lost})
