/* SPDX-License-Identifier: Apache-2.0 */
/* A message of a bucket, as the bus hands it to the followers. Valid only during the call it is passed to. */
#ifndef SYNC_MESSAGE_H
#define SYNC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than a trace context can have: what is cut is refused as a whole. */
#define KV_TRACE_MAX 1024

enum kv_kind {
    KV_PUT,
    KV_DELETE,     /* deleted, purged or expired: a marker, or an empty value */
    KV_REFUSED,    /* over a limit (and counted): its sequence counts, its content was dropped */
    KV_CROWDED,    /* the same, because of the number of its header lines */
    KV_UNREADABLE, /* the same, because its writer gave it headers of which nothing can be made out; live only */
    KV_SKIPPED,    /* a put whose content is not looked at now, as its host writes too much; live only */
};

/* Why a content cannot be had; NULL: it is here, or was skipped. Static. */
static inline const char *kv_no_content(enum kv_kind kind)
{
    return kind == KV_REFUSED      ? "larger than this daemon takes"
           : kind == KV_CROWDED    ? "of more header lines than this daemon takes"
           : kind == KV_UNREADABLE ? "its headers cannot be read"
                                   : NULL;
}

struct kv_message {
    enum kv_kind kind;
    const char *key; /* without the bucket's prefix; not terminated */
    size_t key_len;
    const uint8_t *value;
    size_t n;
    uint64_t seq;            /* in the stream */
    bool backlog;            /* live only: more messages have been waiting for a while than could be handled */
    const char *traceparent; /* as its writer gave it in a header, cut at KV_TRACE_MAX octets; NULL: none */
    const char *tracestate;  /* the same; NULL: none, or no traceparent */
    int64_t
        stored_ns; /* when it was stored, by the server's clock (since 1970); 0: not known (live, before NATS 2.10) */
    int64_t
        ttl_ns; /* the server drops it so long after it was stored, as its writer wished (Nats-TTL); 0: he did not */
    int64_t age_ns; /* snapshot only, by the server's clock: of a lease the distance to the newest one, of a record how
                       long ago it was put */
};

#endif
