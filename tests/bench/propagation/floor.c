/* SPDX-License-Identifier: Apache-2.0 */
/* A bare put-to-republished-message loop. */
#include "tests/bench/propagation/floor.h"

#include <check.h>
#include <nats/nats.h>
#include <stdlib.h>

#include "libdiscover/core/clock.h"
#include "tests/support/kv.h"

#define WAIT_MS 2000

struct floor {
    struct kv writer, reader;
    natsSubscription *subscription;
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

static void create_bucket(struct kv *kv)
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
    ck_assert_int_eq(js_AddStream(NULL, kv->js, &config, NULL, NULL), NATS_OK);
}

struct floor *floor_open(const char *url)
{
    struct floor *f = calloc(1, sizeof *f);

    ck_assert_ptr_nonnull(f);
    open_hasty(&f->writer, url);
    kv_open(&f->reader, url);
    create_bucket(&f->writer);
    ck_assert_int_eq(natsConnection_SubscribeSync(&f->subscription, f->reader.nc, "floor.>"), NATS_OK);
    ck_assert_int_eq(natsConnection_Flush(f->reader.nc), NATS_OK);
    return f;
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

int64_t floor_measure(struct floor *f, size_t bytes)
{
    char value[1024] = {0};
    natsMsg *msg = NULL;

    ck_assert_uint_le(bytes, sizeof value);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(js_PublishAsync(f->writer.js, "$KV.FLOOR.bench.svc.a.i1", value, (int)bytes, NULL), NATS_OK);
    ck_assert_int_eq(natsSubscription_NextMsg(&msg, f->subscription, WAIT_MS), NATS_OK);
    int64_t took_ns = clock_now_ns() - start_ns;
    natsMsg_Destroy(msg);
    return took_ns;
}
