/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with mirrors of another region's buckets, and what they are for: nobody may be missing (region_eye.h). */
#include <stdio.h>
#include <string.h>

#include "tests/faults/region_eye.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define HOSTS 4

static struct two_regions regions = {.mirror = "KV_%s_b"};
static struct host a, b[HOSTS];

static bool is_mirrored(void)
{
    struct kv kv;
    kv_open(&kv, regions.a.server[0].url);
    bool all = kv_count(&kv, "SERVICES_b") == HOSTS && kv_count(&kv, "HOSTS_b") == HOSTS;
    kv_close(&kv);
    return all;
}

static void start(void)
{
    two_regions_start(&regions);
    for (size_t i = 0; i < HOSTS; i++)
        region_eye_host(&b[i], i, regions.b.urls, NULL);
    two_regions_host_a(&regions, &a, "a1");
    region_eye_start(&a, HOSTS);
    wait_until(20000, is_mirrored(), "the mirrors are not full");
}

static void delete_stream(const struct nats *nats, const char *bucket)
{
    struct kv kv;
    kv_open(&kv, nats->server[0].url);
    json_decref(kv_api(&kv, "DELETE", bucket, "", "success"));
    kv_close(&kv);
}

/* What was known of b is not there any more: it has to be read anew. */
static void start_anew_without_files(void)
{
    struct output o;
    host_kill(&a);
    ck_assert_int_eq(shell(&o, "rm -f %s/*.snap", a.state_dir), 0);
    host_run(&a);
}

START_TEST(mirrors_deleted)
{
    start();
    delete_stream(&regions.a, "SERVICES_b");
    delete_stream(&regions.a, "HOSTS_b");
    holds_for(2000, region_eye_clean(), region_eye_text());
    start_anew_without_files();
    region_eye_end("mirrors of the other region deleted, daemon without its files", 0);
}
END_TEST

/* From the mirror comes what b had in its last life, if anybody read it. */
START_TEST(mirror_of_another_life)
{
    start();
    region_eye_dies(0);
    host_kill(&b[0]);
    wait_until(EYE_TTL_MS + 2000, region_eye_agrees(), region_eye_text());
    delete_stream(&regions.b, "SERVICES");
    delete_stream(&regions.b, "HOSTS");
    holds_for(6000, region_eye_clean(), region_eye_text());
    start_anew_without_files();
    region_eye_end("both buckets of the other region made anew, daemon without its files", 0);
}
END_TEST

/* The mirrors are all there is: stale, and nobody runs out. */
START_TEST(region_lost_and_forgotten)
{
    start();
    nats_server_kill(&regions.b, 0);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    start_anew_without_files();
    wait_until(5000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    holds_for(EYE_TTL_MS + 2000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    nats_server_launch(&regions.b, 0);
    region_eye_end("region lost, daemon without its files: read from the mirrors", stale_ns);
}
END_TEST

/* Behind by all that happened meanwhile, when it is needed. */
START_TEST(mirror_behind)
{
    start();
    cable_set(&regions.link, CABLE_HOLE);
    int64_t stale_ns = wait_until(EYE_TTL_MS, region_eye_reported(DISCOVER_STALE), region_eye_text());
    region_eye_dies(0);
    host_kill(&b[0]);
    holds_for(8000, region_eye_reported(DISCOVER_STALE), region_eye_text());
    cable_set(&regions.link, CABLE_WHOLE);
    start_anew_without_files();
    region_eye_end("link a black hole for 8 s, 1 of 4 hosts dies, daemon without its files as it ends", stale_ns);
}
END_TEST

static bool mirrors_are_missing(void)
{
    static struct output o;
    return ctl(&a, &o, "regions", NULL) == 0 && (strstr(o.out, "mirror missing") || strstr(o.out, "mirror unreadable"));
}

/* Region a with three servers, over each of which b is reached; a's daemon is there before the third one, without which there can be
 * no three replicas of anything. */
static void start_servers(void)
{
    static char remote[192];
    struct nats *n = &regions.a;
    nats_init(&regions.b, 1);
    regions.b.domain = "b";
    regions.b.leafs = true;
    nats_server_launch(&regions.b, 0);
    nats_wait_ready(&regions.b);
    nats_init(n, 3);
    n->domain = "a";
    n->extra = remote;
    snprintf(remote, sizeof remote, "leafnodes { reconnect: 1, remotes: [{ url: \"nats-leaf://127.0.0.1:%d\" }] }",
             regions.b.server[0].leaf_port);
    nats_server_launch(n, 0);
    nats_server_launch(n, 1);
    for (size_t i = 0; i < HOSTS; i++)
        region_eye_host(&b[i], i, regions.b.urls, NULL);
    host_init(&a, &(struct host_options){.name = "a1",
                                         .nats = n->urls,
                                         .registry = "replicas = 3;",
                                         .extra = "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; "
                                                  "mirror = \"KV_%s_b\"; } );"});
    host_run_offline(&a);
    (void)wait_until(20000, mirrors_are_missing(), "the mirrors are not missing");
    nats_server_launch(n, 2);
    nats_wait_ready(n);
    host_wait_live(&a);
    (void)wait_until(30000, !mirrors_are_missing(), "the mirrors are missing");
    region_eye_start(&a, HOSTS);
    wait_until(30000, is_mirrored(), "the mirrors are not full");
}

static size_t mirror_leader(void)
{
    struct kv kv;
    size_t i = 0;
    kv_open(&kv, regions.a.server[0].url);
    json_t *cluster = kv_api(&kv, "INFO", "HOSTS_b", "", "cluster");
    const char *name = json_string_value(json_object_get(cluster, "leader"));
    while (i < regions.a.n && (!name || strcmp(regions.a.server[i].name, name) != 0))
        i++;
    json_decref(cluster);
    kv_close(&kv);
    ck_assert_uint_lt(i, regions.a.n);
    return i;
}

START_TEST(mirror_leader_killed)
{
    start_servers();
    size_t leader = mirror_leader();
    nats_server_kill(&regions.a, leader);
    holds_for(1000, region_eye_clean(), region_eye_text());
    start_anew_without_files();
    holds_for(8000, region_eye_clean(), region_eye_text());
    nats_server_launch(&regions.a, leader);
    region_eye_end("server that leads a mirror killed, daemon without its files meanwhile, R3", 0);
}
END_TEST

E2E_TESTS("faults of mirrors", 120, {"mirrors_deleted", mirrors_deleted},
          {"mirror_of_another_life", mirror_of_another_life}, {"region_lost_and_forgotten", region_lost_and_forgotten},
          {"mirror_behind", mirror_behind}, {"mirror_leader_killed", mirror_leader_killed})
