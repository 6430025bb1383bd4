/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports on those who write to the buckets: which values were refused and why, and who writes too much. In the log
 * (at a bounded rate), in the status, in the metrics. Main thread only.
 */
#ifndef REGISTRY_WRITE_REPORT_H
#define REGISTRY_WRITE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/sync/refusals.h"
#include "daemon/sync/top_writers.h"
#include "proto/api.pb-c.h"

#define TOP_WRITERS_SHOWN 5

struct write_report {
    const struct config *config;
    const char *const *buckets; /* their names */
    struct write_report_counters {
        metric_value refused_keys, floods, flooding_hosts;
    } counters;
    struct refusals refusals;
    struct top_writers top_writers;
    /* The refusals as messages of the status, which are filled in on demand. */
    Discover__V1__Refusal refusal[REFUSALS_MAX], *refusal_list[REFUSALS_MAX];
    Discover__V1__TopWriter top_writer[TOP_WRITERS_SHOWN], *top_writer_list[TOP_WRITERS_SHOWN];
};

/* config, and the names of the buckets, stay the caller's. -ENOMEM. */
int write_report_init(struct write_report *p, const struct config *config,
                      const char *const buckets[static BUS_BUCKETS], struct metrics *metrics);

/*
 * A change came through the live feed: counts it for the host that its key names. Returns whether that has written more than
 * limits.host_changes allows.
 */
bool write_report_heard(struct write_report *p, enum bus_bucket bucket, const struct kv_message *m);

/* Whether any host does now. */
bool write_report_floods(const struct write_report *p);

/* A value under the key was taken, or the key was deleted: it is no longer listed as refused. */
void write_report_accepted(struct write_report *p, enum bus_bucket bucket, const char *key, size_t key_len);

/* A value was refused. why: for people, copied. */
void write_report_refused(struct write_report *p, enum bus_bucket bucket, const struct kv_message *m, const char *why);

/*
 * A record was refused because of a limit. A host or a service that has too many has many such records: they are
 * reported as one. service: "shop/payment", or NULL.
 */
void write_report_limited(struct write_report *p, const char *host, const char *service, const struct kv_message *m,
                          const char *why);

/* All records that this host vouches for were taken: its refusals because of a limit are over. */
void write_report_within_limits(struct write_report *p, const char *host);

/* To be called once a second: logs floods, and forgets old refusals. */
void write_report_second(struct write_report *p, int64_t now_ns);

/* Fills in the fields about refusals and writers; they stay valid until anything else is called. */
void write_report_status(struct write_report *p, int64_t now_ns, Discover__V1__Status *ret_status);

#endif
