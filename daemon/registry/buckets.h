/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the two buckets are: whether they can be read, whether they take what is put, how full they are, and which of
 * their settings are not as they should be. Shown in the log (once for each change), in the status and in the metrics.
 * Main thread only.
 */
#ifndef REGISTRY_BUCKETS_H
#define REGISTRY_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "proto/api.pb-c.h"

#define BUCKET_TEXT_CAP  256
#define BUCKET_LACKS_MAX 16
#define BUCKET_LACKS_CAP 2048

struct bucket {
    const char *name;
    char read_error[BUCKET_TEXT_CAP]; /* why the bucket cannot be read; "": it can */
    char refusal[BUCKET_TEXT_CAP];    /* why puts are refused; "": they are not */
    uint32_t refused;                 /* number of keys of this host that the bucket refuses */
    int64_t refused_since_ns;
    unsigned logged; /* kinds of refusal, as bits, that were logged since puts began to be refused */
    uint64_t bytes, messages;
    int64_t max_bytes, max_messages; /* -1: no limit, or not known */
    bool full;
    char lacks[BUCKET_LACKS_CAP]; /* what is wrong with its settings: sentences, each ended by '\0' */
    size_t n_lacks;
    char *lack[BUCKET_LACKS_MAX]; /* the sentences, which point into lacks */
};

/* Zeroed before buckets_init. */
struct buckets {
    struct bucket all[BUS_BUCKETS];
    struct buckets_counters {
        metric_value full, sealed, too_large, account, denied, unserved, other;
    } counters;
    char refusal[BUCKET_TEXT_CAP + 64];
    Discover__V1__BucketStatus status[BUS_BUCKETS], *pointers[BUS_BUCKETS];
};

/* names: of the buckets; the caller's. -ENOMEM. */
int buckets_init(struct buckets *b, const char *const names[static BUS_BUCKETS], struct metrics *metrics);

/* STREAM.INFO of a bucket was answered, or (info->err) was not. */
void buckets_info(struct buckets *b, enum bus_bucket bucket, const struct bus_info *info);

/* A snapshot came to its end; err 0 or a negative errno with a reason. */
void buckets_read(struct buckets *b, enum bus_bucket bucket, int err, const char *reason);

/* A put was answered; refused: how many keys of this host the bucket refuses now. */
void buckets_put(struct buckets *b, const struct bus_put_result *result, uint32_t refused, int64_t now_ns);

/* The connection was lost: nothing is known of puts until there is another. */
void buckets_disconnected(struct buckets *b);

/* Fills in the fields about buckets; they stay valid until anything else is called. */
void buckets_status(struct buckets *b, int64_t now_ns, Discover__V1__Status *ret_status);

#endif
