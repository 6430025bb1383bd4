/* SPDX-License-Identifier: Apache-2.0 */
/* A NATS client of a test: what an operator or a foreign writer does to the buckets. Fails the test when it fails. */
#ifndef SUPPORT_KV_H
#define SUPPORT_KV_H

#include <jansson.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kv {
    natsConnection *nc;
    jsCtx *js;
};

/* Whether JetStream answers there now. */
bool kv_server_ready(const char *url);

void kv_open(struct kv *kv, const char *url);
void kv_close(struct kv *kv);

/* Puts a value, and waits for the acknowledgement. Returns its stream sequence. */
uint64_t kv_put(struct kv *kv, const char *bucket, const char *key, const void *bytes, size_t length);

/* The same with headers, names and values, up to a name that is NULL. */
uint64_t kv_put_with(struct kv *kv, const char *bucket, const char *key, const void *bytes, size_t length,
                     const char *const headers[][2]);

/* Puts a KV delete marker. */
void kv_delete(struct kv *kv, const char *bucket, const char *key);

/* The value of a key, at most cap bytes: its length, or -1 when there is none. */
int kv_get(struct kv *kv, const char *bucket, const char *key, void *ret_bytes, size_t cap);

/* How many messages the bucket's stream holds, or -1 when there is no such bucket. */
int64_t kv_count(struct kv *kv, const char *bucket);

int64_t kv_stream_count(struct kv *kv, const char *stream); /* of any stream, by its own name */

/*
 * Asks the JetStream API about a bucket's stream ("INFO", "CREATE", "UPDATE"): the member of that name in its answer, to be
 * given back with json_decref.
 */
json_t *kv_api(struct kv *kv, const char *what, const char *bucket, const char *body, const char *member);

/* Changes settings of a bucket's stream: members of its configuration, as JSON. */
void kv_edit_stream(struct kv *kv, const char *bucket, const char *changes);

#endif
