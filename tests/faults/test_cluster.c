/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster of three servers with three replicas: its leader, a follower, all of them in turn are killed, one stands still. */
#include <string.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define AGREE_MS 45000
#define HOLD_MS  7000

static struct nats nats;
static struct observe o;

static void start(void)
{
    nats_start(&nats, 3);
    observe_start(&o, &(struct observe_options){
                          .nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s", .registry = "replicas = 3;"});
}

static size_t leader(const char *stream)
{
    struct kv kv;
    jsStreamInfo *info = NULL;
    size_t found = nats.n;

    kv_open(&kv, nats.server[0].url);
    ck_assert_int_eq(js_GetStreamInfo(&info, kv.js, stream, NULL, NULL), NATS_OK);
    ck_assert_int_eq((int)info->Config->Replicas, 3);
    for (size_t i = 0; i < nats.n; i++)
        if (info->Cluster && info->Cluster->Leader && strcmp(info->Cluster->Leader, nats.server[i].name) == 0)
            found = i;
    jsStreamInfo_Destroy(info);
    kv_close(&kv);
    ck_assert_uint_lt(found, nats.n);
    return found;
}

/* Leads neither of the two streams. */
static size_t follower(void)
{
    size_t services = leader("KV_SERVICES"), hosts = leader("KV_HOSTS"), i = 0;

    while (i == services || i == hosts)
        i++;
    return i;
}

/* Instances come and go on all hosts. */
static void write_for(int64_t time_ms)
{
    int64_t start_ns = clock_now_ns();

    for (size_t i = 0; clock_now_ns() - start_ns < time_ms * NS_PER_MS; i++) {
        size_t goes = observe_register(&o, i % o.n_hosts);
        observe_for(&o, 100);
        if (i % 2)
            observe_deregister(&o, goes);
    }
}

START_TEST(leader_killed)
{
    start();
    nats_server_kill(&nats, leader("KV_SERVICES"));
    write_for(1000);
    observe_end(&o, "R3, leader killed", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(follower_killed)
{
    start();
    nats_server_kill(&nats, follower());
    write_for(1000);
    observe_end(&o, "R3, follower killed", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(all_restarted_in_turn)
{
    start();
    for (size_t i = 0; i < nats.n; i++) {
        nats_server_kill(&nats, i);
        write_for(4000);
        nats_server_launch(&nats, i);
        nats_wait_ready(&nats);
        write_for(2000);
    }
    observe_end(&o, "R3, all three killed and restarted in turn, under writes", AGREE_MS, HOLD_MS);
}
END_TEST

/*
 * Whoever is connected to it hears nothing, and neither does it refuse them. The others hear everything, and give them
 * no longer than their lease.
 */
START_TEST(one_stopped)
{
    start();
    size_t stopped = follower();
    nats_server_pause(&nats, stopped);
    write_for(20000);
    nats_server_resume(&nats, stopped);
    observe_end(&o, "R3, a follower stopped with SIGSTOP for 20 s, under writes, lease 3 s", AGREE_MS, HOLD_MS);
}
END_TEST

E2E_TESTS("faults of a cluster", 150, {"leader_killed", leader_killed}, {"follower_killed", follower_killed},
          {"all_restarted_in_turn", all_restarted_in_turn}, {"one_stopped", one_stopped})
