/* SPDX-License-Identifier: Apache-2.0 */
/* What hosts read is disturbed: messages of the live feed vanish, the consumer of a snapshot is deleted. */
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/record.h"
#include "tests/faults/lossy.h"
#include "tests/faults/observe.h"
#include "tests/support/e2e.h"
#include "tests/support/kv.h"
#include "tests/support/raw_nats.h"
#include "tests/support/wait.h"

#define AGREE_MS 30000
#define HOLD_MS  7000
#define BULK     20000 /* records of others, so that a snapshot takes a while */

static struct nats nats;
static struct observe o;
static struct lossy lossy;

START_TEST(messages_dropped)
{
    char urls[96];

    nats_start(&nats, 1);
    lossy_start(&lossy, nats.server[0].port, "discover.");
    snprintf(urls, sizeof urls, "%s", lossy.url);
    /* The last host goes through it, the others directly. */
    observe_start(&o, &(struct observe_options){
                          .nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s", .last_nats = urls});
    atomic_store(&lossy.percent, 30);
    for (int i = 0; i < 10; i++) {
        observe_change(&o);
        observe_for(&o, 1000);
    }
    observe_change(&o);
    atomic_store(&lossy.percent, 0);
    ck_assert_uint_gt(atomic_load(&lossy.dropped), 10);
    observe_end(&o, "30 % of one host's live feed dropped for 10 s", AGREE_MS, HOLD_MS);
    host_stop(&o.at[3].host);
    lossy_stop(&lossy);
}
END_TEST

/* Deletes each consumer as soon as the server says that it exists. */
struct vandal {
    struct kv kv;
    natsSubscription *created;
    atomic_uint deleted;
};

static void on_created(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
    struct vandal *v = arg;
    const char *consumer = strrchr(natsMsg_GetSubject(msg), '.') + 1;

    (void)nc, (void)sub;
    if (js_DeleteConsumer(v->kv.js, "KV_SERVICES", consumer, NULL, NULL) == NATS_OK)
        atomic_fetch_add(&v->deleted, 1);
    natsMsg_Destroy(msg);
}

static void vandal_start(struct vandal *v)
{
    kv_open(&v->kv, nats.server[0].url);
    ck_assert_int_eq(natsConnection_Subscribe(&v->created, v->kv.nc,
                                              "$JS.EVENT.ADVISORY.CONSUMER.CREATED.KV_SERVICES.>", on_created, v),
                     NATS_OK);
    ck_assert_int_eq(natsConnection_Flush(v->kv.nc), NATS_OK);
}

static void vandal_stop(struct vandal *v)
{
    natsSubscription_Unsubscribe(v->created);
    natsConnection_Flush(v->kv.nc);
    natsSubscription_Destroy(v->created);
    kv_close(&v->kv);
}

static void put_bulk(void)
{
    static const char json[] = "{\"host\":\"10.1.2.3\",\"port\":80,\"ttl\":600}";
    struct kv kv;
    char subject[96];

    kv_open(&kv, nats.server[0].url);
    for (int i = 0; i < BULK; i++) {
        snprintf(subject, sizeof subject, "$KV.SERVICES.bulk.svc.host-%d.i%d", i / 50, i % 50);
        ck_assert_int_eq(js_PublishAsync(kv.js, subject, json, sizeof json - 1, NULL), NATS_OK);
    }
    ck_assert_int_eq(js_PublishAsyncComplete(kv.js, NULL), NATS_OK);
    kv_close(&kv);
}

START_TEST(consumers_deleted)
{
    static struct vandal vandal;

    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s"});
    put_bulk();
    vandal_start(&vandal);
    /* Two come back with nothing in memory, within their leases, and have to read everything. */
    for (size_t i = 0; i < 2; i++) {
        observe_set_watched(&o, i, false);
        host_kill(&o.at[i].host);
        host_launch(&o.at[i].host);
    }
    observe_for(&o, 8000);
    vandal_stop(&vandal);
    printf("-- consumers deleted: %u\n", atomic_load(&vandal.deleted));
    ck_assert_uint_gt(atomic_load(&vandal.deleted), 2);
    observe_change(&o);
    observe_over(&o);
    for (size_t i = 0; i < 2; i++) {
        host_wait_live(&o.at[i].host);
        observe_set_watched(&o, i, true);
    }
    observe_end(&o, "each consumer of a snapshot deleted for 8 s, 2 of 4 daemons restarted", AGREE_MS, HOLD_MS);
}
END_TEST

/* By a host that has the right to its own lease: digests that never fit, and numbers of the stream that are made up. */
static void put_disturbing_lease(struct kv *kv, unsigned i)
{
    struct lease lease = {
        .epoch = 1000, .counter = i + 1, .node = 7, .life = 7, .ttl_ms = 3000, .records = 1, .digest = 1 + i / 2 % 2};
    uint8_t bytes[LEASE_WIRE_MAX];
    char number[16];
    size_t n;
    natsMsg *msg = NULL;

    ck_assert_int_eq(lease_encode(&lease, bytes, &n), 0);
    snprintf(number, sizeof number, "%u", 1000000 + i * 1000);
    ck_assert_int_eq(natsMsg_Create(&msg, "$KV.HOSTS.evil", NULL, (const char *)bytes, (int)n), NATS_OK);
    ck_assert_int_eq(natsMsgHeader_Set(msg, "Nats-Stream", "KV_HOSTS"), NATS_OK);
    ck_assert_int_eq(natsMsgHeader_Set(msg, "Nats-Sequence", number), NATS_OK);
    ck_assert_int_eq(js_PublishMsg(NULL, kv->js, msg, NULL, NULL), NATS_OK);
    natsMsg_Destroy(msg);
}

START_TEST(resyncs_provoked)
{
    struct kv kv;

    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s"});
    kv_open(&kv, nats.server[0].url);
    int64_t before = host_counter(&o.at[0].host, "discoverd_resyncs_total");
    for (unsigned i = 0; i < 100; i++) {
        put_disturbing_lease(&kv, i);
        if (i % 20 == 0)
            observe_change(&o);
        observe_for(&o, 100);
    }
    int64_t resyncs = host_counter(&o.at[0].host, "discoverd_resyncs_total") - before;
    ck_assert_msg(resyncs <= 3, "%lld times a bucket was read", (long long)resyncs);
    observe_end(&o, "resyncs provoked, ten times a second for 10 s", AGREE_MS, HOLD_MS);
    kv_close(&kv);
}
END_TEST

/* By a host that writes its own keys with headers that cannot be read, and with them no sequence. */
START_TEST(unreadable_headers)
{
    struct raw_nats raw;

    nats_start(&nats, 1);
    observe_start(&o, &(struct observe_options){.nats = nats.urls, .n_hosts = 4, .each = 5, .lease_ttl = "3s"});
    observe_change(&o); /* whoever has heard nothing yet does not know what comes next */
    observe_for(&o, 1000);
    raw_open(&raw, nats.server[0].port, "", "");
    int64_t before = host_counter(&o.at[0].host, "discoverd_resyncs_total");
    for (unsigned i = 0; i < 100; i++) {
        raw_publish(&raw, "$KV.SERVICES.x.y.evil.z", NULL, "xxxx", "x", 1);
        raw_publish(&raw, "$KV.HOSTS.evil", NULL, "xxxx", "x", 1);
        ck_assert(raw_flush(&raw));
        if (i % 20 == 0)
            observe_change(&o);
        observe_for(&o, 100);
    }
    int64_t resyncs = host_counter(&o.at[0].host, "discoverd_resyncs_total") - before;
    ck_assert_msg(resyncs <= 4, "%lld times a bucket was read", (long long)resyncs); /* two of each */
    ck_assert_int_ge(host_counter(&o.at[0].host, "discoverd_bus_messages_dropped_total{reason=\"unreadable\"}"), 100);
    observe_end(&o, "headers that cannot be read, twenty times a second for 10 s", AGREE_MS, HOLD_MS);
    raw_close(&raw);
}
END_TEST

E2E_TESTS("faults of what is read", 150, {"messages_dropped", messages_dropped},
          {"consumers_deleted", consumers_deleted}, {"resyncs_provoked", resyncs_provoked},
          {"unreadable_headers", unreadable_headers})
