/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that does not run for longer than the TTLs of its registrations, stopped or suspended: heartbeats came in
 * time, into its socket, and nobody is gone.
 */
#include <discover/discover.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define TTL_MS    1000
#define INSTANCES 8

static struct nats nats;
static struct host a, b;
static struct discover *program;

static void add(int i)
{
    struct discover_registration *r;
    char id[16];

    snprintf(id, sizeof id, "p%d", i);
    ck_assert_int_eq(discover_registration_new("shop/pay", (uint16_t)(80 + i), &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, id), 0);
    ck_assert_int_eq(discover_registration_set_ttl(r, TTL_MS), 0);
    ck_assert_int_eq(discover_register(program, r), 0);
    discover_registration_free(r);
}

static void start(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .lease_ttl = "10s"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "10s"});
    ck_assert_int_eq(discover_new(&program), 0);
    ck_assert_int_eq(discover_set_source(program, DISCOVER_SOURCE_DAEMON), 0);
    ck_assert_int_eq(discover_set_socket(program, a.socket), 0);
    ck_assert_int_ge(discover_start(program), 0);
    for (int i = 0; i < INSTANCES; i++)
        add(i);
    (void)wait_until(3000, seen_by_lib(&b, "shop/pay") == INSTANCES, b.seen);
}

/* Nobody answers while the daemon is stopped: they are sent nevertheless. */
static void send_heartbeats(void)
{
    char id[16];

    for (int i = 0; i < INSTANCES; i++) {
        snprintf(id, sizeof id, "p%d", i);
        int error = discover_heartbeat(program, "shop/pay", id);
        ck_assert_msg(error == 0 || error == -ETIMEDOUT, "heartbeat: %s", discover_strerror(error));
    }
}

static bool beats_for(int64_t time_ms)
{
    int64_t until_ns = clock_now_ns() + time_ms * NS_PER_MS;

    while (clock_now_ns() < until_ns) {
        send_heartbeats();
        if (seen_by_lib(&b, "shop/pay") != INSTANCES)
            return false;
    }
    return true;
}

START_TEST(stopped_longer_than_the_ttls)
{
    start();
    ck_assert_int_eq(discover_set_timeout(program, 10), 0);
    ck_assert(beats_for(TTL_MS));
    proc_signal(&a.proc, SIGSTOP);
    ck_assert(beats_for(3 * TTL_MS));
    proc_signal(&a.proc, SIGCONT);
    ck_assert_msg(beats_for(2 * TTL_MS), "%s", b.seen);
    ck_assert_int_eq(host_counter(&a, "discoverd_agent_registrations_lost_total{cause=\"no_heartbeat\"}"), 0);
    /* And who really falls silent goes. */
    (void)wait_until(4 * TTL_MS, seen_by_lib(&b, "shop/pay") == 0, b.seen);
    discover_free(program);
}
END_TEST

E2E_TESTS("pauses", 60, {"stopped_longer_than_the_ttls", stopped_longer_than_the_ttls})
