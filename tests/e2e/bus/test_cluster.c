/* SPDX-License-Identifier: Apache-2.0 */
/* The bus against a cluster of three whose servers die: puts and feeds go on through the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/bus/station.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define WAIT_MS 30000

static struct nats nats;
static struct station a, b;

static void start_both(void)
{
    nats_start(&nats, 3);
    struct bus_options options = station_options(&nats, "a");
    station_start(&a, &options);
    /* The cluster may have to find itself first. */
    wait_until(WAIT_MS, station_synced(&a, BUS_SERVICES), station_seen(&a));
    options = station_options(&nats, "b");
    station_start(&b, &options);
    wait_until(WAIT_MS, station_synced(&b, BUS_SERVICES), station_seen(&b));
}

static void stop_both(void)
{
    station_stop(&a);
    station_stop(&b);
}

static size_t connected_to(const struct station *s)
{
    for (size_t i = 0; i < nats.n; i++)
        if (strstr(s->server, nats.server[i].url))
            return i;
    ck_abort_msg("connected to %s", s->server);
}

static size_t leader(void)
{
    size_t found = nats.n;
    for (size_t i = 0; i < nats.n && found == nats.n; i++) {
        struct kv kv;
        jsStreamInfo *si = NULL;
        if (!proc_running(&nats.server[i].proc))
            continue;
        kv_open(&kv, nats.server[i].url);
        if (js_GetStreamInfo(&si, kv.js, "KV_SERVICES", NULL, NULL) == NATS_OK && si->Cluster && si->Cluster->Leader)
            for (size_t k = 0; k < nats.n; k++)
                if (strcmp(si->Cluster->Leader, nats.server[k].name) == 0)
                    found = k;
        jsStreamInfo_Destroy(si);
        kv_close(&kv);
    }
    ck_assert_uint_lt(found, nats.n);
    return found;
}

/* Puts until one is acknowledged. */
static bool stored(struct station *s, const char *key)
{
    unsigned before = s->done;
    ck_assert_int_eq(bus_put(s->bus, BUS_SERVICES, key, "x", 1, UINT64_MAX, NULL), 0);
    wait_until(WAIT_MS, station_pump(s) && s->done > before, station_seen(s));
    return s->last_err == 0;
}

START_TEST(test_leader_is_killed)
{
    enum { KEYS = 500 };
    char key[64];
    start_both();
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "shop.payment.a.p%u", i);
        ck_assert_int_eq(bus_put(a.bus, BUS_SERVICES, key, "x", 1, i, NULL), 0);
    }
    wait_until(WAIT_MS, station_pump(&a) && a.done_ok == KEYS, station_seen(&a));
    nats_server_kill(&nats, leader());
    int64_t took_ns = wait_until(WAIT_MS, stored(&a, "shop.payment.a.next"), station_seen(&a));
    measured("leader killed: stored again after", took_ns);
    ck_assert_uint_eq(a.done_twice, 0);
    wait_until(WAIT_MS, station_synced(&b, BUS_SERVICES), station_seen(&b));
    ck_assert_uint_eq(b.bucket[BUS_SERVICES].entries, KEYS + 1);
    unsigned live = b.bucket[BUS_SERVICES].live;
    ck_assert(stored(&a, "shop.payment.a.next"));
    wait_until(WAIT_MS, station_pump(&b) && b.bucket[BUS_SERVICES].live > live, station_seen(&b));
    stop_both();
}
END_TEST

/* Only one server is configured: the others are learned from it. */
START_TEST(test_goes_to_a_server_it_learned_of)
{
    nats_start(&nats, 3);
    struct bus_options options = station_options(&nats, "a");
    options.n_servers = 1;
    station_start(&a, &options);
    wait_until(WAIT_MS, station_synced(&a, BUS_SERVICES), station_seen(&a));
    ck_assert_uint_eq(connected_to(&a), 0);
    nats_server_kill(&nats, 0);
    int64_t took_ns = wait_until(WAIT_MS, station_pump(&a) && a.connects == 2, station_seen(&a));
    measured("server killed: connected to another after", took_ns);
    ck_assert_uint_ne(connected_to(&a), 0);
    wait_until(WAIT_MS, stored(&a, "shop.payment.a.p1"), station_seen(&a));
    station_stop(&a);
}
END_TEST

/* Told once; it serves on for as long as it can. (With another one there: test_lame_duck.c.) */
START_TEST(test_lame_duck_without_another_server)
{
    nats_init(&nats, 1);
    nats.extra = "lame_duck_duration: \"30s\", lame_duck_grace_period: \"3s\"\n";
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    struct bus_options options = station_options(&nats, "a");
    station_start(&a, &options);
    wait_until(WAIT_MS, station_synced(&a, BUS_SERVICES), station_seen(&a));
    nats_server_lame_duck(&nats, 0);
    wait_until(WAIT_MS, station_pump(&a) && strstr(a.problem, "about to stop, and there is no other"),
               station_seen(&a));
    ck_assert_uint_eq(a.disconnects, 0);
    wait_until(WAIT_MS, station_pump(&a) && a.disconnects == 1, station_seen(&a));
    ck_assert_uint_eq(a.moves, 0);
    station_stop(&a);
}
END_TEST

/* As when machines are switched on: whoever makes the buckets is there before the last server is. */
START_TEST(test_init_waits_for_the_last_server)
{
    struct host host;
    struct proc init;
    struct output o;
    nats_init(&nats, 3);
    host_init(&host, &(struct host_options){.nats = nats.urls, .registry = "replicas = 3;"});
    const char *argv[] = {e2e_binary("discoverd"), "--init", "-c", host.config, NULL};
    nats_server_launch(&nats, 0);
    nats_server_launch(&nats, 1);
    proc_start(&init, "init", argv, NULL);
    wait_until(WAIT_MS, shell(&o, "grep -q 'trying again' %s/init.log", e2e_folder()) == 0, "it does not say so");
    nats_server_launch(&nats, 2);
    ck_assert_int_eq(proc_wait(&init, WAIT_MS), 0);
    ck_assert_int_eq(shell(&o, "grep -c 'is there, with 0 keys' %s/init.log | grep -qx 2", e2e_folder()), 0);
}
END_TEST

E2E_TESTS("bus cluster", 120, {"init_waits_for_the_last_server", test_init_waits_for_the_last_server},
          {"leader_is_killed", test_leader_is_killed},
          {"goes_to_a_server_it_learned_of", test_goes_to_a_server_it_learned_of},
          {"lame_duck_without_another_server", test_lame_duck_without_another_server})
