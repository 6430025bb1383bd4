/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two under one name: a copy of a host, for two seconds or for good, and a host that comes back from a partition in
 * which another one has taken its name. And a host that forgot who it was.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/faults/net.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/wait.h"

#define AGREE_MS   30000
#define HOLD_MS    7000 /* more than three leases of 2 s */
#define MEETING_MS 1000 /* more than a put that is under way takes */

static struct nats nats;
static struct observe o;
static struct host other; /* under the name of one that is observed */
static struct net net;
static char far[64];

static void start(void)
{
    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5});
    observe_change(&o);
}

static void prepare_other(const char *url, const char *name)
{
    host_init(&other, &(struct host_options){.name = "other",
                                             .host = name,
                                             .nats = url,
                                             .lease_ttl = "2s",
                                             .services = "{ name = \"shop/s0\"; instance = \"i0\"; port = 999; }"});
}

/* A machine that was cloned with its disk, or restored from a backup while it runs. */
static void start_copy_of_first(void)
{
    struct output out;

    prepare_other(nats.urls, "h0");
    ck_assert_int_eq(shell(&out, "cp -a %s/. %s/", o.at[0].host.state_dir, other.state_dir), 0);
    host_launch(&other);
    host_wait_up(&other);
}

START_TEST(copy_for_two_seconds)
{
    start();
    start_copy_of_first();
    observe_for(&o, 2000);
    host_kill(&other);
    observe_end(&o, "a copy of a host, with its state, lives for 2 s", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(copy_that_stays)
{
    start();
    start_copy_of_first();
    observe_for(&o, 2000);
    observe_change(&o);
    observe_end(&o, "a copy of a host, with its state, that stays", AGREE_MS, HOLD_MS);
    host_kill(&other);
}
END_TEST

/* The copy stands down, and is back before the original is, whose lease ran out while there was nobody to renew it to. */
START_TEST(copy_over_an_outage)
{
    start();
    start_copy_of_first();
    host_wait_live(&other);
    (void)wait_until(10000, host_counter(&other, "discoverd_agent_name_conflicts_total") >= 1, other.seen);
    nats_server_kill(&nats, 0);
    observe_for(&o, 6000);
    proc_signal(&o.at[0].host.proc, SIGSTOP);
    nats_server_launch(&nats, 0);
    host_wait_live(&other);
    observe_for(&o, 500);
    proc_signal(&o.at[0].host.proc, SIGCONT);
    observe_over(&o);
    observe_end(&o, "a copy that is back from an outage of 6 s before its original, lease 2 s", AGREE_MS, HOLD_MS);
    ck_assert_int_eq(host_counter(&other, "discoverd_agent_name_is_ours"), 0);
    host_kill(&other);
}
END_TEST

static void launch(struct observe *at, size_t i)
{
    if (i == 3)
        net_enter_far(&net);
    host_launch(&at->at[i].host);
    if (i == 3)
        net_leave_far(&net);
}

static void start_with_far_one(void)
{
    char everywhere[64];

    net_start(&net);
    nats_init(&nats, 1);
    snprintf(everywhere, sizeof everywhere, "listen: 0.0.0.0:%d", nats.server[0].port);
    nats.extra = everywhere;
    nats_server_launch(&nats, 0);
    nats_wait_ready(&nats);
    snprintf(far, sizeof far, "\"nats://" NET_NEAR ":%d\"", nats.server[0].port);
    observe_start(&o, &(struct observe_options){.nats = far, .n_hosts = 4, .each = 5, .launch = launch});
}

static bool has_let_go_of_what_it_found(void)
{
    return host_counter(&other, "discoverd_agent_inherited") == 0 &&
           host_counter(&other, "discoverd_agent_unacknowledged") == 0;
}

/*
 * The one that had the name first keeps it, and the other one, whose epoch is higher, stands down. It takes what it
 * found under the name for its own, and takes it away when its grace is over: not while the two meet, when either order
 * of the two is right. They have met when what both wrote until then has reached everybody.
 */
START_TEST(conflict_after_a_partition)
{
    if (!net_possible()) {
        printf("-- skipped: partitions need root and iproute2\n");
        return;
    }
    start_with_far_one();
    observe_excuse(&o, 3, 0x7);
    net_cut();
    (void)wait_until(20000, observe_count(&o, 0, 3) == 0, observe_text(&o));
    prepare_other(far, "h3");
    host_launch(&other);
    (void)wait_until(20000, host_counter(&other, "discoverd_agent_name_is_ours") == 1, other.seen);
    (void)wait_until(20000, has_let_go_of_what_it_found(), other.seen);
    net_heal();
    observe_over(&o);
    (void)wait_until(AGREE_MS, host_counter(&other, "discoverd_agent_name_is_ours") == 0, other.seen);
    ck_assert_msg(observe_agreement(&o, AGREE_MS, MEETING_MS) >= 0, "%s", observe_text(&o));
    observe_excuse(&o, 3, 0);
    observe_end(&o, "name taken by another during a partition, lease 2 s", AGREE_MS, HOLD_MS);
    ck_assert_int_eq(host_counter(&other, "discoverd_agent_name_is_ours"), 0);
    host_kill(&other);
}
END_TEST

E2E_TESTS("faults of names", 120, {"copy_for_two_seconds", copy_for_two_seconds}, {"copy_that_stays", copy_that_stays},
          {"copy_over_an_outage", copy_over_an_outage}, {"conflict_after_a_partition", conflict_after_a_partition})
