/* SPDX-License-Identifier: Apache-2.0 */
/* A bare put-to-republished-message loop. */
#include "tests/bench/propagation/floor.h"

#include <check.h>
#include <nats/nats.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define WAIT_MS    2000
#define CLUSTER_MS 30000
#define NAME_CAP   64

struct floor {
    struct kv writer, reader;
    natsSubscription *subscription;
    uint32_t nth; /* put, which its value begins with */
};

/* Sends at once: by default nats.c lets a message wait up to a millisecond for others to go with. */
static void open_hasty(struct kv *kv, const char *url)
{
    natsOptions *options = NULL;

    ck_assert_int_eq(natsOptions_Create(&options), NATS_OK);
    ck_assert_int_eq(natsOptions_SetURL(options, url), NATS_OK);
    ck_assert_int_eq(natsOptions_SetSendAsap(options, true), NATS_OK);
    ck_assert_int_eq(natsConnection_Connect(&kv->nc, options), NATS_OK);
    ck_assert_int_eq(natsConnection_JetStream(&kv->js, kv->nc, NULL), NATS_OK);
    natsOptions_Destroy(options);
}

static void create_bucket(struct kv *kv, int replicas)
{
    jsStreamConfig config;
    jsRePublish republish;

    jsStreamConfig_Init(&config);
    jsRePublish_Init(&republish);
    republish.Source = "$KV.FLOOR.>";
    republish.Destination = "floor.>";
    config.Name = "KV_FLOOR";
    config.Subjects = (const char *[]){"$KV.FLOOR.>"};
    config.SubjectsLen = 1;
    config.MaxMsgsPerSubject = 1;
    config.Discard = js_DiscardNew;
    config.Storage = js_FileStorage;
    config.RePublish = &republish;
    config.Replicas = replicas;
    ck_assert_int_eq(js_AddStream(NULL, kv->js, &config, NULL, NULL), NATS_OK);
}

struct floor *floor_open(const char *writer_url, const char *reader_url, int replicas)
{
    struct floor *f = calloc(1, sizeof *f);

    ck_assert_ptr_nonnull(f);
    open_hasty(&f->writer, writer_url);
    kv_open(&f->reader, reader_url);
    create_bucket(&f->writer, replicas);
    ck_assert_int_eq(natsConnection_SubscribeSync(&f->subscription, f->reader.nc, "floor.>"), NATS_OK);
    ck_assert_int_eq(natsConnection_Flush(f->reader.nc), NATS_OK);
    return f;
}

static bool has_leader(struct kv *kv, const char *stream, char ret_leader[static NAME_CAP])
{
    jsStreamInfo *si = NULL;
    bool has = js_GetStreamInfo(&si, kv->js, stream, NULL, NULL) == NATS_OK && si->Cluster && si->Cluster->Leader &&
               *si->Cluster->Leader;

    if (has)
        snprintf(ret_leader, NAME_CAP, "%s", si->Cluster->Leader);
    jsStreamInfo_Destroy(si);
    return has;
}

void floor_share_leader(struct floor *f, const char *stream)
{
    char theirs[NAME_CAP] = "", ours[NAME_CAP] = "";

    for (;;) {
        natsMsg *answer = NULL;
        wait_until(CLUSTER_MS, has_leader(&f->reader, stream, theirs) && has_leader(&f->reader, "KV_FLOOR", ours),
                   ours);
        if (strcmp(ours, theirs) == 0)
            return;
        (void)natsConnection_RequestString(&answer, f->reader.nc, "$JS.API.STREAM.LEADER.STEPDOWN.KV_FLOOR", "",
                                           WAIT_MS);
        natsMsg_Destroy(answer);
    }
}

void floor_close(struct floor *f)
{
    (void)natsSubscription_Unsubscribe(f->subscription);
    (void)natsConnection_Flush(f->reader.nc);
    natsSubscription_Destroy(f->subscription);
    kv_close(&f->reader);
    kv_close(&f->writer);
    free(f);
}

/* Waits for the last put, and no longer than WAIT_MS for a message. */
static bool arrived(struct floor *f)
{
    natsMsg *msg = NULL;
    uint32_t nth = 0;

    while (nth != f->nth && natsSubscription_NextMsg(&msg, f->subscription, WAIT_MS) == NATS_OK) {
        memcpy(&nth, natsMsg_GetData(msg), sizeof nth);
        natsMsg_Destroy(msg);
    }
    return nth == f->nth;
}

static bool put_and_wait(struct floor *f, size_t bytes, int64_t *ret_took_ns)
{
    char value[1024] = {0};

    ck_assert(bytes >= sizeof f->nth && bytes <= sizeof value);
    f->nth++;
    memcpy(value, &f->nth, sizeof f->nth);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(js_PublishAsync(f->writer.js, "$KV.FLOOR.bench.svc.a.i1", value, (int)bytes, NULL), NATS_OK);
    bool has_arrived = arrived(f);
    *ret_took_ns = clock_now_ns() - start_ns;
    return has_arrived;
}

int64_t floor_measure(struct floor *f, size_t bytes)
{
    int64_t took_ns;

    /* A cluster that changes its leader loses puts. */
    wait_until(CLUSTER_MS, put_and_wait(f, bytes, &took_ns), "nothing");
    return took_ns;
}
