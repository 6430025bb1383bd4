/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a lone nats-server: it is killed, stopped, loses its streams, or is away for longer than any
 * lease. */
#include <discover/discover.h>
#include <stdio.h>

#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define HOSTS    4
#define EACH     5
#define AGREE_MS 30000
#define HOLD_MS  5000 /* more than two leases of 2 s */

static struct nats nats;
static struct observe o;

static void start(void)
{
    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = HOSTS, .each = EACH});
}

START_TEST(restarted)
{
    start();
    nats_server_kill(&nats, 0);
    observe_change(&o);
    observe_for(&o, 1000);
    nats_server_launch(&nats, 0);
    observe_end(&o, "nats-server killed and restarted, file storage", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(streams_gone)
{
    start();
    nats_server_kill(&nats, 0);
    nats_server_wipe(&nats, 0);
    observe_change(&o);
    nats_server_launch(&nats, 0);
    observe_end(&o, "nats-server restarted without its streams", AGREE_MS, HOLD_MS);
}
END_TEST

static void delete_buckets(struct kv *kv)
{
    ck_assert_int_eq(js_DeleteStream(kv->js, "KV_HOSTS", NULL, NULL), NATS_OK);
    ck_assert_int_eq(js_DeleteStream(kv->js, "KV_SERVICES", NULL, NULL), NATS_OK);
}

START_TEST(buckets_deleted)
{
    struct kv kv;

    start();
    kv_open(&kv, nats.server[0].url);
    delete_buckets(&kv);
    observe_change(&o);
    observe_end(&o, "both buckets deleted while in use, made anew by the daemons", AGREE_MS, HOLD_MS);
    kv_close(&kv);
}
END_TEST

/* Empty, and the same otherwise. */
static void create_again(struct kv *kv, const jsStreamInfo *before)
{
    jsStreamInfo *now = NULL;

    ck_assert_int_eq(js_AddStream(&now, kv->js, before->Config, NULL, NULL), NATS_OK);
    ck_assert_int_gt(now->Created, before->Created);
    jsStreamInfo_Destroy(now);
}

START_TEST(buckets_recreated)
{
    struct kv kv;
    jsStreamInfo *services = NULL, *hosts = NULL;

    start();
    kv_open(&kv, nats.server[0].url);
    ck_assert_int_eq(js_GetStreamInfo(&services, kv.js, "KV_SERVICES", NULL, NULL), NATS_OK);
    ck_assert_int_eq(js_GetStreamInfo(&hosts, kv.js, "KV_HOSTS", NULL, NULL), NATS_OK);
    delete_buckets(&kv);
    create_again(&kv, services);
    create_again(&kv, hosts);
    observe_change(&o);
    observe_end(&o, "both buckets deleted and created anew by a client, while in use", AGREE_MS, HOLD_MS);
    jsStreamInfo_Destroy(services);
    jsStreamInfo_Destroy(hosts);
    kv_close(&kv);
}
END_TEST

/* How many instances a host answers with, of all services that there are (observe.h). */
static size_t answered(struct host *h)
{
    size_t all = 0;
    for (int s = 0; s < 3; s++) {
        char service[16];
        size_t n = 0;
        snprintf(service, sizeof service, "shop/s%d", s);
        ck_assert_int_eq(discover_resolve(host_lib(h), service, NULL, 0, &n), DISCOVER_FRESH);
        all += n;
    }
    return all;
}

/*
 * A host that knows nothing starts, and finds a bucket gone: the others put theirs again as soon as they have noticed, and
 * what there is until then must not be called all there is.
 */
static void newcomer_finds(const char *deleted, const char *fault)
{
    struct kv kv;
    struct output out;
    struct host *newcomer = &o.at[HOSTS - 1].host;

    start();
    kv_open(&kv, nats.server[0].url);
    observe_for(&o, 2000); /* until every lease vouches for all of them */
    observe_set_watched(&o, HOSTS - 1, false);
    host_kill(newcomer);
    ck_assert_int_eq(shell(&out, "rm -f %s/*.snap", newcomer->state_dir), 0);
    ck_assert_int_eq(js_DeleteStream(kv.js, deleted, NULL, NULL), NATS_OK);
    host_run(newcomer);
    ck_assert_uint_eq(answered(newcomer), HOSTS * EACH);
    observe_set_watched(&o, HOSTS - 1, true);
    observe_end(&o, fault, AGREE_MS, HOLD_MS);
    kv_close(&kv);
}

START_TEST(newcomer_finds_no_records)
{
    newcomer_finds("KV_SERVICES", "bucket of records deleted, and a host that knows nothing starts");
}
END_TEST

START_TEST(newcomer_finds_no_leases)
{
    newcomer_finds("KV_HOSTS", "bucket of leases deleted, and a host that knows nothing starts");
}
END_TEST

START_TEST(stopped)
{
    start();
    nats_server_pause(&nats, 0);
    observe_change(&o);
    observe_for(&o, 20000);
    nats_server_resume(&nats, 0);
    observe_end(&o, "nats-server stopped with SIGSTOP for 20 s, lease 2 s", AGREE_MS, HOLD_MS);
}
END_TEST

START_TEST(down)
{
    start();
    nats_server_kill(&nats, 0);
    observe_change(&o);
    observe_for(&o, 60000);
    nats_server_launch(&nats, 0);
    observe_end(&o, "nats-server down for 60 s, lease 2 s", AGREE_MS, HOLD_MS);
}
END_TEST

E2E_TESTS("faults of a server", 150, {"restarted", restarted}, {"streams_gone", streams_gone},
          {"buckets_deleted", buckets_deleted}, {"buckets_recreated", buckets_recreated},
          {"newcomer_finds_no_records", newcomer_finds_no_records},
          {"newcomer_finds_no_leases", newcomer_finds_no_leases}, {"stopped", stopped}, {"down", down})
