/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the read side share. */
#ifndef REGISTRY_INBOUND_IMPL_H
#define REGISTRY_INBOUND_IMPL_H

#include "daemon/registry/buckets.h"
#include "daemon/registry/host_news.h"
#include "daemon/registry/inbound.h"
#include "daemon/registry/remembered.h"
#include "daemon/registry/write_report.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/health.h"
#include "daemon/sync/liveness.h"
#include "daemon/sync/resync_budget.h"

/* Counters of what comes in over the bus and is refused. */
struct inbound_counters {
    metric_value keys_refused, values_refused, leases_refused, limits_refused, digest_mismatches, resyncs_deferred;
    metric_value hosts_limited, services_limited, instances_limited, instances_per_service_limited,
        instances_per_host_limited, hostnames_per_host_limited;
};

/* One of the two buckets, as the callbacks of its follower get it. */
struct follower {
    struct inbound *in;
    enum bus_bucket bucket;
    struct follow *follow;
    bool synced;
    bool snapshot;     /* one is being read */
    bool complete;     /* the last one that ended had everything that was known */
    int resync_failed; /* a resync could not even be asked for: told to the follower at the next turn */
};

struct inbound {
    struct inbound_reach reach;
    struct inbound_counters counters;
    struct follower followers[BUS_BUCKETS];
    struct liveness *liveness;
    struct health health;
    struct remembered remembered;
    struct write_report *write_report;
    struct buckets *buckets;
    struct host_news host_news;
    struct resync_budget resync_budget; /* for digests that differ */
    bool synced_once;                   /* a whole snapshot of both buckets was taken in this life */
    bool trusted;                       /* the bus is, in what it says by its silence */
    size_t guard_held;                  /* hosts that the mass-loss guard holds ... */
    int64_t guard_until_ns;             /* ... until then, at most */
    const char *guard_reason;           /* static */
    struct lease own_lease;             /* as last sent */
    int64_t server_wall_ns; /* what the server's clock said at least (since 1970), at server_heard_ns; 0: nothing */
    int64_t server_heard_ns;
    char server[256], error[512]; /* of the bus */
};

static inline struct inbound *inbound_of(void *follower)
{
    return ((struct follower *)follower)->in;
}

bool inbound_is_own(const struct inbound *in, const char *host);

/* Counts and tells. */
void inbound_refuse(struct inbound *in, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                    const char *why);

/* NULL, or why no daemon can have this epoch now: it is further ahead than a clock can be wrong by. */
const char *inbound_epoch_problem(const struct inbound *in, uint64_t epoch);

/* What differs between the buckets: apply, remove, and the ends of a snapshot. */
void inbound_records_ops(struct follow_ops *ops);
void inbound_leases_ops(struct follow_ops *ops);

/* Records that were not seen since a snapshot began. arg: the follower. */
size_t inbound_records_unmarked(void *arg);

/* Whether the silence of others tells anything. */
bool inbound_trustworthy(const struct inbound *in);

/* Who is alive, and whether the bus is to be trusted in that. -ENOMEM. */
int inbound_liveness_new(struct inbound *in);

#endif
