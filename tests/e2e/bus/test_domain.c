/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leaf node with a JetStream domain of its own: a daemon there that is told the hub's domain uses the hub's
 * buckets, as one beside the hub does.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

static struct nats hub, leaf;
static struct host near, far;

static void start(void)
{
    static char listen[128], remote[128];
    int port = port_take();
    snprintf(listen, sizeof listen, "leafnodes { listen: \"127.0.0.1:%d\" }", port);
    snprintf(remote, sizeof remote, "leafnodes { reconnect: 1, remotes: [{ url: \"nats-leaf://127.0.0.1:%d\" }] }",
             port);
    nats_init(&hub, 1);
    hub.domain = "hub";
    hub.extra = listen;
    nats_server_launch(&hub, 0);
    nats_wait_ready(&hub);
    nats_init(&leaf, 1);
    leaf.domain = "leaf";
    leaf.extra = remote;
    nats_server_launch(&leaf, 0);
    nats_wait_ready(&leaf);
    host_start(&near, &(struct host_options){.name = "near", .nats = hub.urls});
    host_start(&far, &(struct host_options){.name = "far", .nats = leaf.urls, .bus = "js_domain = \"hub\";"});
}

static void registered_on(struct host *from, struct host *to, const char *service)
{
    static struct output o;
    ck_assert_msg(ctl(from, &o, "register", service, "--port", "80", "--ttl", "60s", NULL) == 0, "%s", o.err);
    wait_until(5000, seen_by_all(to, service, 1) && seen_by_all(from, service, 1), to->seen);
}

START_TEST(leaf_uses_the_buckets_of_the_hub)
{
    struct kv kv;
    start();
    registered_on(&far, &near, "shop/from-leaf");
    registered_on(&near, &far, "shop/from-hub");
    kv_open(&kv, leaf.server[0].url); /* in its own domain */
    ck_assert_int_eq(kv_count(&kv, "SERVICES"), -1);
    kv_close(&kv);
    kv_open(&kv, hub.server[0].url);
    ck_assert_int_eq(kv_count(&kv, "SERVICES"), 2);
    kv_close(&kv);
    ck_assert_int_eq(ctl(&far, &(struct output){0}, "deregister", "shop/from-leaf", NULL), 0);
    wait_until(5000, seen_by_all(&near, "shop/from-leaf", 0), near.seen);
    host_leave(&near); /* and that it says good-bye */
    wait_until(5000, seen_by_all(&far, "shop/from-hub", 0), far.seen);
}
END_TEST

static bool stale(struct host *h)
{
    static struct output o;
    return ctl(h, &o, "status", NULL) == 0 && strstr(o.out, "stale");
}

/* The daemon stays connected to its leaf all the time: it notices by its lease, which does not come back. */
START_TEST(hub_goes_and_comes_back)
{
    start();
    registered_on(&near, &far, "shop/from-hub");
    nats_server_kill(&hub, 0);
    wait_until(10000, stale(&far), far.seen);
    holds_for(4000, seen_by_dns(&far, "shop/from-hub") == 1, far.seen); /* longer than its lease */
    ck_assert_int_eq(host_counter(&far, "discoverd_bus_disconnects_total"), 0);
    nats_server_launch(&hub, 0);
    host_wait_live(&far);
    host_wait_live(&near);
    registered_on(&far, &near, "shop/from-leaf");
}
END_TEST

E2E_TESTS("JetStream domain", 120, {"leaf_uses_the_buckets_of_the_hub", leaf_uses_the_buckets_of_the_hub},
          {"hub_goes_and_comes_back", hub_goes_and_comes_back})
