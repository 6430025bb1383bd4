/* SPDX-License-Identifier: Apache-2.0 */
/* A NATS client for tests, which reads and writes the buckets with nats.c. */
#include "tests/support/kv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/wait.h"

#define CALL_TIMEOUT_MS 2000
#define PUTS_MAX        3 /* of one value, at most: a cluster that changes its leader loses some */

#define must(call)                                                                                                     \
    do {                                                                                                               \
        natsStatus must_status = (call);                                                                               \
        ck_assert_msg(must_status == NATS_OK, "%s: %s", #call, natsStatus_GetText(must_status));                       \
    } while (0)

static void subject_of(const char *bucket, const char *key, char *ret_subject, size_t cap)
{
    int n = snprintf(ret_subject, cap, "$KV.%s.%s", bucket, key);

    ck_assert(n > 0 && (size_t)n < cap);
}

bool kv_server_ready(const char *url)
{
    struct kv kv = {0};
    jsAccountInfo *info = NULL;
    jsOptions options;

    jsOptions_Init(&options);
    options.Wait = CALL_TIMEOUT_MS;
    bool ok = natsConnection_ConnectTo(&kv.nc, url) == NATS_OK &&
              natsConnection_JetStream(&kv.js, kv.nc, &options) == NATS_OK &&
              js_GetAccountInfo(&info, kv.js, &options, NULL) == NATS_OK;
    jsAccountInfo_Destroy(info);
    kv_close(&kv);
    return ok;
}

void kv_open(struct kv *kv, const char *url)
{
    jsOptions options;

    memset(kv, 0, sizeof *kv);
    jsOptions_Init(&options);
    options.Wait = CALL_TIMEOUT_MS;
    must(natsConnection_ConnectTo(&kv->nc, url));
    must(natsConnection_JetStream(&kv->js, kv->nc, &options));
}

void kv_close(struct kv *kv)
{
    jsCtx_Destroy(kv->js);
    natsConnection_Destroy(kv->nc);
}

static uint64_t publish(struct kv *kv, natsMsg *msg)
{
    jsPubAck *ack = NULL;
    natsStatus status = NATS_TIMEOUT;

    for (int i = 0; i < PUTS_MAX && (status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS); i++)
        status = js_PublishMsg(&ack, kv->js, msg, NULL, NULL);
    ck_assert_msg(status == NATS_OK, "put: %s", natsStatus_GetText(status));
    uint64_t sequence = ack->Sequence;
    jsPubAck_Destroy(ack);
    natsMsg_Destroy(msg);
    return sequence;
}

uint64_t kv_put_with(struct kv *kv, const char *bucket, const char *key, const void *bytes, size_t length,
                     const char *const headers[][2])
{
    char subject[512];
    natsMsg *msg = NULL;

    subject_of(bucket, key, subject, sizeof subject);
    must(natsMsg_Create(&msg, subject, NULL, bytes, (int)length));
    for (; headers && (*headers)[0]; headers++)
        must(natsMsgHeader_Set(msg, (*headers)[0], (*headers)[1]));
    return publish(kv, msg);
}

uint64_t kv_put(struct kv *kv, const char *bucket, const char *key, const void *bytes, size_t length)
{
    return kv_put_with(kv, bucket, key, bytes, length, NULL);
}

void kv_delete(struct kv *kv, const char *bucket, const char *key)
{
    char subject[512];
    natsMsg *msg = NULL;

    subject_of(bucket, key, subject, sizeof subject);
    must(natsMsg_Create(&msg, subject, NULL, NULL, 0));
    must(natsMsgHeader_Set(msg, "KV-Operation", "DEL"));
    (void)publish(kv, msg);
}

int kv_get(struct kv *kv, const char *bucket, const char *key, void *ret_bytes, size_t cap)
{
    char stream[128], subject[512];
    natsMsg *msg = NULL;

    snprintf(stream, sizeof stream, "KV_%s", bucket);
    subject_of(bucket, key, subject, sizeof subject);
    natsStatus status = js_GetLastMsg(&msg, kv->js, stream, subject, NULL, NULL);
    if (status == NATS_NOT_FOUND)
        return -1;
    must(status);
    int length = natsMsg_GetDataLength(msg);
    ck_assert_msg(length >= 0 && (size_t)length <= cap, "%s: %d bytes", subject, length);
    memcpy(ret_bytes, natsMsg_GetData(msg), (size_t)length);
    natsMsg_Destroy(msg);
    return length;
}

int64_t kv_count(struct kv *kv, const char *bucket)
{
    char stream[128];
    snprintf(stream, sizeof stream, "KV_%s", bucket);
    return kv_stream_count(kv, stream);
}

int64_t kv_stream_count(struct kv *kv, const char *stream)
{
    jsStreamInfo *info = NULL;
    natsStatus status = js_GetStreamInfo(&info, kv->js, stream, NULL, NULL);
    if (status == NATS_NOT_FOUND)
        return -1;
    must(status);
    int64_t count = (int64_t)info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return count;
}

json_t *kv_api(struct kv *kv, const char *what, const char *bucket, const char *body, const char *member)
{
    char subject[120];
    natsMsg *msg = NULL;
    snprintf(subject, sizeof subject, "$JS.API.STREAM.%s.KV_%s", what, bucket);
    ck_assert_int_eq(natsConnection_RequestString(&msg, kv->nc, subject, body, 5000), NATS_OK);
    json_t *root = json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
    json_t *part = json_object_get(root, member);
    ck_assert_msg(part != NULL, "%s: %.*s", subject, natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
    json_incref(part);
    json_decref(root);
    natsMsg_Destroy(msg);
    return part;
}

void kv_edit_stream(struct kv *kv, const char *bucket, const char *changes)
{
    json_t *config = kv_api(kv, "INFO", bucket, "", "config"), *changed = json_loads(changes, 0, NULL);
    ck_assert_int_eq(json_object_update(config, changed), 0);
    char *body = json_dumps(config, 0);
    json_decref(kv_api(kv, "UPDATE", bucket, body, "config"));
    free(body);
    json_decref(changed);
    json_decref(config);
}
