/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers of another region do to those who read it: one of three is killed, it leads, or it holds the leaf node. Own
 * servers without JetStream; somebody who may read b, and has b's server put into b's feed what is not of it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/faults/region_eye.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define PINGS "ping_interval: \"1s\"\nping_max: 2\n"

static struct nats nats_a, nats_b;
static struct two_regions regions; /* of one server each */
static struct host a, b[EYE_HOSTS];
static char remotes[512];

/* Three servers in b, each of which the one of a could be the leaf node of. */
static void start_servers(void)
{
    nats_init(&nats_b, 3);
    nats_b.domain = "b";
    nats_b.leafs = true;
    nats_b.extra = PINGS;
    for (size_t i = 0; i < 3; i++)
        nats_server_launch(&nats_b, i);
    nats_wait_ready(&nats_b);
    const struct nats_server *s = nats_b.server;
    snprintf(remotes, sizeof remotes,
             PINGS
             "leafnodes { reconnect: 1, remotes: [{ urls: [\"nats-leaf://127.0.0.1:%d\", \"nats-leaf://127.0.0.1:%d\", "
             "\"nats-leaf://127.0.0.1:%d\"] }] }",
             s[0].leaf_port, s[1].leaf_port, s[2].leaf_port);
    nats_init(&nats_a, 1);
    nats_a.domain = "a";
    nats_a.extra = remotes;
    nats_server_launch(&nats_a, 0);
    nats_wait_ready(&nats_a);
}

static void start(void)
{
    start_servers();
    host_start(&a,
               &(struct host_options){.name = "a1",
                                      .nats = nats_a.urls,
                                      .extra = "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; } );"});
    for (size_t i = 0; i < 4; i++)
        region_eye_host(&b[i], i, nats_b.urls, "replicas = 3;");
    region_eye_start(&a, 4);
}

/* A server that is up. */
static const char *some_url(size_t but)
{
    return nats_b.server[but == 0 ? 1 : 0].url;
}

static size_t leader(const char *bucket)
{
    struct kv kv;
    kv_open(&kv, some_url(nats_b.n));
    json_t *cluster = kv_api(&kv, "INFO", bucket, "", "cluster");
    const char *name = json_string_value(json_object_get(cluster, "leader"));
    size_t i = 0;
    while (i < nats_b.n && (!name || strcmp(nats_b.server[i].name, name) != 0))
        i++;
    json_decref(cluster);
    kv_close(&kv);
    ck_assert_uint_lt(i, nats_b.n);
    return i;
}

static size_t leaf_holder(void)
{
    static struct output o;
    size_t i = 0;
    while (i < nats_b.n &&
           shell(&o, "ss -Htn state established '( dport = :%d )' | grep -q .", nats_b.server[i].leaf_port) != 0)
        i++;
    ck_assert_uint_lt(i, nats_b.n);
    return i;
}

static void killed(size_t server, const char *fault)
{
    nats_server_kill(&nats_b, server);
    holds_for(12000, region_eye_clean(), region_eye_text());
    nats_server_launch(&nats_b, server);
    region_eye_end(fault, 0);
}

START_TEST(leaf_server_killed)
{
    start();
    killed(leaf_holder(), "server of the other region killed that holds the leaf node, R3, lease 3 s");
}
END_TEST

START_TEST(leader_killed)
{
    start();
    killed(leader("HOSTS"), "server of the other region killed that leads its leases, R3, lease 3 s");
}
END_TEST

/* Nothing of the own region can be kept; the other one is read as ever. */
START_TEST(own_without_jetstream)
{
    two_regions_start(&regions);
    nats_server_kill(&regions.a, 0);
    regions.a.no_jetstream = true;
    nats_server_launch(&regions.a, 0);
    for (size_t i = 0; i < 2; i++)
        region_eye_host(&b[i], i, regions.b.urls, NULL);
    host_init(&a,
              &(struct host_options){.name = "a1",
                                     .nats = regions.a.urls,
                                     .extra = "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; } );"});
    host_run_offline(&a);
    region_eye_start(&a, 2);
    region_eye_dies(0);
    host_kill(&b[0]);
    wait_until(EYE_TTL_MS + 1000, region_eye_agrees(), region_eye_text());
    region_eye_end("NATS of the own region without JetStream, 1 of 2 hosts dies", 0);
}
END_TEST

/* The right to make a consumer is the right to say where the server delivers to. */
START_TEST(consumers_deliver_into_the_feed)
{
    static const char *const streams[] = {"SERVICES", "HOSTS"};
    struct kv kv;
    char subject[128], body[512];
    two_regions_start(&regions);
    two_regions_host_a(&regions, &a, "a1");
    for (size_t i = 0; i < 3; i++)
        region_eye_host(&b[i], i, regions.b.urls, NULL);
    region_eye_start(&a, 3);
    kv_open(&kv, regions.a.server[0].url);
    for (int n = 0; n < 20; n++) {
        const char *from = streams[n % 2], *to = n % 4 < 2 ? "hosts.b0" : "services.shop.all.b1.i";
        natsMsg *answer = NULL;
        snprintf(subject, sizeof subject, "$JS.b.API.CONSUMER.CREATE.KV_%s", from);
        snprintf(body, sizeof body,
                 "{\"stream_name\":\"KV_%s\",\"config\":{\"deliver_policy\":\"all\",\"ack_policy\":\"none\","
                 "\"deliver_subject\":\"discover.b.%s\"}}",
                 from, to);
        ck_assert_int_eq(natsConnection_RequestString(&answer, kv.nc, subject, body, 5000), NATS_OK);
        natsMsg_Destroy(answer);
    }
    kv_close(&kv);
    holds_for(2 * EYE_TTL_MS, region_eye_clean() && region_eye_agrees(), region_eye_text());
    region_eye_end("consumers that deliver into the other region's feed", 0);
}
END_TEST

E2E_TESTS("faults of other regions' servers", 120, {"leaf_server_killed", leaf_server_killed},
          {"leader_killed", leader_killed}, {"own_without_jetstream", own_without_jetstream},
          {"consumers_deliver_into_the_feed", consumers_deliver_into_the_feed})
