/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the two buckets: whether they can be read, what they refuse, and how full they are. */
#include "daemon/registry/buckets.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/agent/agent_ops.h"
#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

#define FULL_SHARE 100  /* full: less than one part in so many is free ... */
#define FULL_BYTES 1024 /* ... or no room for a record of usual size */

/* What a put can be refused with: in words, and where it is counted. */
static const struct kind {
    int err;
    const char *words;
    size_t counter;
} kinds[] = {
    {-ENOSPC, "it is full", offsetof(struct buckets_counters, full)},
    {-EROFS, "it is sealed", offsetof(struct buckets_counters, sealed)},
    {-EMSGSIZE, "it does not take records as large as that", offsetof(struct buckets_counters, too_large)},
    {-EDQUOT, "a limit of the NATS account is reached", offsetof(struct buckets_counters, account)},
    {-EACCES, "this host may not write there", offsetof(struct buckets_counters, denied)},
    {-ENODEV, "nobody serves it", offsetof(struct buckets_counters, unserved)},
    {0, "NATS refuses", offsetof(struct buckets_counters, other)},
};

static const struct metric refused_metrics[] = {
    COUNTER_OF(
        buckets_counters, full, "discoverd_puts_refused_total{reason=\"full\"}",
        "Puts that NATS refused: the bucket, or the server, is full; it is sealed; the record is larger than "
        "its max_msg_size; a limit of the account; not permitted to this host; no such bucket, JetStream or leader."),
    COUNTER_OF(buckets_counters, sealed, "discoverd_puts_refused_total{reason=\"sealed\"}", NULL),
    COUNTER_OF(buckets_counters, too_large, "discoverd_puts_refused_total{reason=\"too_large\"}", NULL),
    COUNTER_OF(buckets_counters, account, "discoverd_puts_refused_total{reason=\"account\"}", NULL),
    COUNTER_OF(buckets_counters, denied, "discoverd_puts_refused_total{reason=\"denied\"}", NULL),
    COUNTER_OF(buckets_counters, unserved, "discoverd_puts_refused_total{reason=\"unserved\"}", NULL),
    COUNTER_OF(buckets_counters, other, "discoverd_puts_refused_total{reason=\"other\"}", NULL),
};
METRICS_LISTED(refused_metrics)

int buckets_init(struct buckets *b, const char *const names[static BUS_BUCKETS], struct metrics *metrics)
{
    for (int i = 0; i < BUS_BUCKETS; i++)
        b->all[i] = (struct bucket){.name = names[i], .max_bytes = -1, .max_messages = -1};
    return metrics_add(metrics, refused_metrics, sizeof refused_metrics / sizeof *refused_metrics, &b->counters);
}

/* --- settings and fill --- */

static void log_lacks(const struct bucket *bucket)
{
    for (size_t i = 0; i < bucket->n_lacks; i++)
        log_warning("bucket %s: %s", bucket->name, bucket->lack[i]);
    if (bucket->n_lacks == 0)
        log_notice("bucket %s: its settings are as they should be now", bucket->name);
}

/* Returns true if other settings are wrong than before. */
static bool set_lacks(struct bucket *bucket, const char *text)
{
    char before[BUCKET_LACKS_CAP];
    memcpy(before, bucket->lacks, sizeof before);
    memset(bucket->lacks, 0, sizeof bucket->lacks);
    snprintf(bucket->lacks, sizeof bucket->lacks, "%s", text);
    bucket->n_lacks = 0;
    for (char *start = bucket->lacks, *end; (end = strchr(start, '\n')) && bucket->n_lacks < BUCKET_LACKS_MAX;
         start = end + 1) {
        *end = '\0';
        bucket->lack[bucket->n_lacks++] = start;
    }
    return memcmp(before, bucket->lacks, sizeof before) != 0;
}

static bool nearly(uint64_t used, int64_t max, uint64_t least)
{
    if (max <= 0)
        return false;
    uint64_t room = (uint64_t)max > used ? (uint64_t)max - used : 0;
    return room < least || room < (uint64_t)max / FULL_SHARE;
}

static void set_fill(struct bucket *bucket, const struct bus_info *info)
{
    bool full = nearly(info->bytes, info->max_bytes, FULL_BYTES) || nearly(info->messages, info->max_messages, 1);
    bucket->bytes = info->bytes;
    bucket->messages = info->messages;
    bucket->max_bytes = info->max_bytes;
    bucket->max_messages = info->max_messages;
    if (full && !bucket->full)
        log_warning("bucket %s is full: %llu of %lld bytes; new instances of all hosts are refused", bucket->name,
                    (unsigned long long)info->bytes, (long long)info->max_bytes);
    else if (!full && bucket->full)
        log_notice("bucket %s has room again", bucket->name);
    bucket->full = full;
}

void buckets_info(struct buckets *b, enum bus_bucket bucket, const struct bus_info *info)
{
    struct bucket *of = &b->all[bucket];
    if (info->err == 0 || info->err == -ENOTSUP)
        if (set_lacks(of, info->lacks))
            log_lacks(of);
    if (info->err == 0)
        set_fill(of, info);
    else
        buckets_read(b, bucket, info->err, info->reason);
}

/* --- reading --- */

void buckets_read(struct buckets *b, enum bus_bucket bucket, int err, const char *reason)
{
    struct bucket *of = &b->all[bucket];
    char before[BUCKET_TEXT_CAP];
    memcpy(before, of->read_error, sizeof before);
    snprintf(of->read_error, sizeof of->read_error, "%s", err ? reason : "");
    if (err && strcmp(before, of->read_error) != 0)
        log_warning("bucket %s %s: %s", of->name, err == -ENOTSUP ? "is not used" : "cannot be read", reason);
    else if (!err && before[0])
        log_notice("bucket %s can be read again", of->name);
}

/* --- writing --- */

static const struct kind *kind_of(int err)
{
    const struct kind *k = kinds;
    while (k->err && k->err != err)
        k++;
    return k;
}

static void log_refusal(struct bucket *bucket, const struct kind *kind)
{
    unsigned bit = 1U << (kind - kinds);
    if (!(bucket->logged & bit))
        log_warning("bucket %s does not store what this host puts: %s", bucket->name, bucket->refusal);
    bucket->logged |= bit;
}

static void end_refusal(struct bucket *bucket)
{
    bucket->refusal[0] = '\0';
    bucket->refused = 0;
    bucket->logged = 0;
}

void buckets_put(struct buckets *b, const struct bus_put_result *result, uint32_t refused, int64_t now_ns)
{
    struct bucket *bucket = &b->all[result->bucket];
    bool is_refusal = agent_refused(result->err);
    const struct kind *kind = kind_of(result->err);
    if (is_refusal)
        metric_inc((metric_value *)((char *)&b->counters + kind->counter));
    if (is_refusal && refused > 0) {
        if (!bucket->refusal[0])
            bucket->refused_since_ns = now_ns;
        snprintf(bucket->refusal, sizeof bucket->refusal, "%s (%s)", kind->words, result->reason);
        log_refusal(bucket, kind);
    }
    if (refused == 0 && bucket->refusal[0]) {
        log_notice("bucket %s stores what this host puts again", bucket->name);
        end_refusal(bucket);
    }
    bucket->refused = refused;
}

void buckets_disconnected(struct buckets *b)
{
    for (int i = 0; i < BUS_BUCKETS; i++)
        end_refusal(&b->all[i]);
}

/* --- status --- */

static void fill(struct bucket *from, int64_t now_ns, Discover__V1__BucketStatus *ret_to)
{
    discover__v1__bucket_status__init(ret_to);
    ret_to->name = (char *)from->name;
    ret_to->read_error = from->read_error;
    ret_to->refusal = from->refusal;
    ret_to->refused = from->refused;
    ret_to->refused_ms = from->refusal[0] ? (now_ns - from->refused_since_ns) / NS_PER_MS : 0;
    ret_to->bytes = from->bytes;
    ret_to->max_bytes = from->max_bytes > 0 ? (uint64_t)from->max_bytes : 0;
    ret_to->messages = from->messages;
    ret_to->full = from->full;
    ret_to->n_lacks = from->n_lacks;
    ret_to->lacks = from->lack;
}

/* Why the first bucket that refuses puts does so, with its name; "": none refuses any. */
static char *write_refusal(struct buckets *b)
{
    b->refusal[0] = '\0';
    for (int i = 0; i < BUS_BUCKETS && !b->refusal[0]; i++)
        if (b->all[i].refusal[0])
            snprintf(b->refusal, sizeof b->refusal, "bucket %s: %s", b->all[i].name, b->all[i].refusal);
    return b->refusal;
}

void buckets_status(struct buckets *b, int64_t now_ns, Discover__V1__Status *ret_status)
{
    for (int i = 0; i < BUS_BUCKETS; i++) {
        fill(&b->all[i], now_ns, &b->status[i]);
        b->pointers[i] = &b->status[i];
    }
    ret_status->n_buckets = BUS_BUCKETS;
    ret_status->buckets = b->pointers;
    ret_status->write_refusal = write_refusal(b);
}
