/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the read side share. */
#ifndef REGISTRY_INBOUND_IMPL_H
#define REGISTRY_INBOUND_IMPL_H

#include "daemon/registry/inbound/arrivals.h"
#include "daemon/registry/buckets.h"
#include "daemon/registry/events/host_events.h"
#include "daemon/registry/inbound/host_news.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/inbound/lost_changes.h"
#include "daemon/registry/inbound/remembered.h"
#include "daemon/registry/write_report.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/health.h"
#include "daemon/sync/liveness.h"
#include "daemon/sync/region_health.h"
#include "daemon/sync/resync_budget.h"
#include "libdiscover/core/clock.h"

/* Counters of what comes in over the bus and is refused. */
struct inbound_counters {
    metric_value keys_refused, values_refused, leases_refused, limits_refused, digest_mismatches, resyncs_deferred;
    metric_value hosts_limited, services_limited, services_per_domain_limited, instances_limited,
        instances_per_service_limited, instances_per_host_limited, hostnames_per_host_limited;
    struct histogram lease_round_trip;
    metric_value catalog_bytes, table_bytes;
};

/* One of the two buckets, as the callbacks of its follower get it. */
struct follower {
    struct inbound *in;
    enum bus_bucket bucket;
    struct follow *follow;
    bool synced;
    bool snapshot; /* one is being read */
    bool complete; /* the last one that ended had everything that was known */
    struct lost_changes lost;
    struct trace_context resync; /* of the one that began then */
    int64_t resync_ns;           /* 0: none has been */
    bool resync_traced;
    int resync_failed; /* a resync could not even be asked for: told to the follower at the next turn */
};

/* What is not the same in the own region and in another one. */
struct inbound_kind {
    void (*init)(struct inbound *in);
    void (*connected)(struct inbound *in, const char *server, int64_t now_ns);
    void (*disconnected)(struct inbound *in, const char *reason, int64_t now_ns);
    void (*moved)(struct inbound *in, const char *server, bool reloaded);
    void (*heard)(struct inbound *in, int64_t now_ns); /* something came of one of the buckets */
    void (*checked)(struct inbound *in, const struct bus_info *info, int64_t now_ns); /* how far HOSTS is */
    void (*lease)(struct inbound *in, const struct lease *lease);                     /* of another host */
    void (*synced)(struct inbound *in, bool both, int64_t now_ns);
    void (*probe)(struct inbound *in, int64_t now_ns); /* find out whether silence is deafness */
    bool (*trustworthy)(const struct inbound *in);     /* the silence of others tells something */
    bool (*stale)(const struct inbound *in);
    const char *(*stale_reason)(const struct inbound *in); /* static */
    void (*stalled)(struct inbound *in, int64_t ns);
    int64_t (*tick)(struct inbound *in, int64_t now_ns);
};
extern const struct inbound_kind inbound_own, inbound_other;

struct inbound {
    struct inbound_reach reach;
    const struct inbound_kind *kind;
    struct inbound_counters counters;
    struct follower followers[BUS_BUCKETS];
    struct liveness *liveness;
    struct health health;        /* in the own region */
    struct region_health region; /* in another one */
    int64_t asked_ns;            /* when that was asked last */
    enum { MIRROR_UNREAD, MIRROR_READING, MIRROR_READ } mirror_read;
    struct remembered remembered;
    struct write_report *write_report;
    struct buckets *buckets;
    struct host_news host_news;
    struct host_events host_events;
    struct resync_budget resync_budget; /* for digests that differ */
    bool synced_once;                   /* a whole snapshot of both buckets was taken in this life */
    bool trusted;                       /* it is, in what it says by its silence */
    size_t guard_held;                  /* hosts that the mass-loss guard holds ... */
    int64_t guard_until_ns;             /* ... until then, at most */
    const char *guard_reason;           /* static */
    struct lease own_lease;             /* as last sent */
    struct arrivals arrivals;           /* of the own region */
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

/* inbound_traced.c: a record was taken; the trace context that came with it. said: what its JSON says; or NULL. */
struct foreign_said;
void inbound_traced_record(struct inbound *in, const struct instance_key *key, const struct kv_message *m,
                           const struct foreign_said *said);

/* inbound_traced.c: a snapshot ends; its spans. */
void inbound_traced_snapshot(struct follower *f, enum follow_end end);

/* Records that were not seen since a snapshot began. arg: the follower. */
size_t inbound_records_unmarked(void *arg);

/* The buckets can be followed from now on, or not any more. */
void inbound_follow(struct inbound *in, bool connected, int64_t now_ns);

/* Whether the silence of others tells anything may have changed. */
void inbound_trust(struct inbound *in, int64_t now_ns);

/* Of another region: it does not answer. Reads its mirror, if nothing is known. And the events of that, as of bus.h. */
void inbound_mirror_read(struct inbound *in);
void inbound_remembered(void *arg, enum bus_bucket bucket, const struct kv_message *m);
void inbound_remembered_end(void *arg, enum bus_bucket bucket, int err, int64_t newest_ns);

/* Who is alive. -ENOMEM. */
int inbound_liveness_new(struct inbound *in);

#endif
