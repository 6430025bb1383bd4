/* SPDX-License-Identifier: Apache-2.0 */
/* What links and regions do to one another: none of the other region's hosts may be missing for it (region_eye.h). */
#include <string.h>

#include "tests/faults/region_eye.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

static struct two_regions regions;
static struct host a, b[EYE_HOSTS];

static void start(size_t n_hosts)
{
    two_regions_start(&regions);
    two_regions_host_a(&regions, &a, "a1");
    for (size_t i = 0; i < n_hosts; i++)
        region_eye_host(&b[i], i, regions.b.urls, NULL);
    region_eye_start(&a, n_hosts);
}

static void die(size_t host)
{
    region_eye_dies(host);
    host_kill(&b[host]);
}

static void cut(enum cable_state how, const char *fault)
{
    start(EYE_HOSTS);
    cable_set(&regions.link, how);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    die(0);
    die(1);
    holds_for(10000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    cable_set(&regions.link, CABLE_WHOLE);
    region_eye_end(fault, stale_ns);
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
    start(EYE_HOSTS);
    for (int i = 0; i < 12; i++) {
        cable_set(&regions.link, i % 2 ? CABLE_RESET : CABLE_HOLE);
        holds_for(200 + 250 * (i % 6), region_eye_clean(), region_eye_text());
        cable_set(&regions.link, CABLE_WHOLE);
        holds_for(1500, region_eye_clean(), region_eye_text());
    }
    region_eye_end("link between regions cut 12 times, for 0.2 to 1.5 s, lease 3 s", 0);
}
END_TEST

START_TEST(region_lost)
{
    start(EYE_HOSTS);
    nats_server_kill(&regions.b, 0);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    holds_for(10000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.b, 0);
    region_eye_end("NATS of the other region killed, back after 10 s", stale_ns);
}
END_TEST

/* Its daemon and the NATS of a, while b is lost. */
START_TEST(restarted_without_it)
{
    start(EYE_HOSTS);
    nats_server_kill(&regions.b, 0);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    holds_for(2000, region_eye_reported(DISCOVER_STALE),
              region_eye_text()); /* what is known of it is on disk by then */
    host_kill(&a);
    nats_server_kill(&regions.a, 0);
    nats_server_launch(&regions.a, 0);
    host_run(&a);
    wait_until(5000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    holds_for(EYE_TTL_MS + 2000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.b, 0);
    region_eye_end("region lost, daemon and NATS of the own one restarted meanwhile", stale_ns);
}
END_TEST

/*
 * Its own daemons make it anew a second after the first put that nobody takes; somebody who looks meanwhile calls the region stale.
 * That a host died is learned from the new bucket alone.
 */
static void bucket_deleted(const char *name, const char *fault)
{
    struct kv kv;
    start(EYE_HOSTS);
    kv_open(&kv, regions.b.server[0].url);
    json_decref(kv_api(&kv, "DELETE", name, "", "success"));
    kv_close(&kv);
    die(0);
    int64_t gone_ns = wait_until(EYE_TTL_MS + 7000, region_eye_agrees(), region_eye_text());
    printf("gone after %.2f s\n", (double)gone_ns / 1e9);
    region_eye_end(fault, 0);
}

START_TEST(leases_deleted)
{
    bucket_deleted("HOSTS", "bucket HOSTS of the other region deleted, 1 of 6 hosts dies");
}
END_TEST

START_TEST(records_deleted)
{
    bucket_deleted("SERVICES", "bucket SERVICES of the other region deleted, 1 of 6 hosts dies");
}
END_TEST

/* It cannot be purged (deny_purge); this is as good. */
START_TEST(files_lost)
{
    start(EYE_HOSTS);
    nats_server_kill(&regions.b, 0);
    nats_server_wipe(&regions.b, 0);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.b, 0);
    region_eye_end("NATS of the other region killed, its files lost", stale_ns);
}
END_TEST

/* Its silence is told from that of a link. */
START_TEST(only_host_dies)
{
    start(1);
    holds_for(2 * EYE_TTL_MS, region_eye_reported(DISCOVER_FRESH), region_eye_text());
    die(0);
    int64_t gone_ns = wait_until(EYE_TTL_MS + 1000, region_eye_agrees(), region_eye_text());
    printf("gone after %.2f s\n", (double)gone_ns / 1e9);
    region_eye_end("only host of the other region dies, lease 3 s", 0);
}
END_TEST

START_TEST(both_lost)
{
    start(EYE_HOSTS);
    nats_server_kill(&regions.a, 0);
    nats_server_kill(&regions.b, 0);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    die(0);
    holds_for(8000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.a, 0);
    holds_for(3000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.b, 0);
    region_eye_end("NATS of both regions killed, back after 8 and 11 s, 1 of 6 hosts dies", stale_ns);
}
END_TEST

START_TEST(own_bus_lost)
{
    start(EYE_HOSTS);
    nats_server_kill(&regions.a, 0);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    holds_for(10000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.a, 0);
    region_eye_end("NATS of the own region killed, back after 10 s", stale_ns);
}
END_TEST

E2E_TESTS("faults between regions", 120, {"link_reset", link_reset}, {"link_hole", link_hole}, {"link_late", link_late},
          {"link_flaps", link_flaps}, {"region_lost", region_lost}, {"restarted_without_it", restarted_without_it},
          {"leases_deleted", leases_deleted}, {"records_deleted", records_deleted}, {"files_lost", files_lost},
          {"only_host_dies", only_host_dies}, {"both_lost", both_lost}, {"own_bus_lost", own_bus_lost})
