/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of inbound.h, which its files share. */
#ifndef REGISTRY_INBOUND_IMPL_H
#define REGISTRY_INBOUND_IMPL_H

#include "daemon/base/pace.h"
#include "daemon/registry/buckets.h"
#include "daemon/registry/events/host_events.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/inbound/lost_changes.h"
#include "daemon/registry/inbound/refill.h"
#include "daemon/registry/inbound/remembered.h"
#include "daemon/registry/write_report.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/health.h"
#include "daemon/sync/liveness.h"
#include "daemon/sync/region_health.h"
#include "daemon/sync/resync_budget.h"
#include "daemon/sync/server_clock.h"
#include "libdiscover/core/clock.h"

/*
 * How long changes of other hosts take from the server to whoever looks up here, by the time that the server gave them when
 * it stored them. NATS before 2.10 says nothing of when: then nothing is measured, and the own lease's way there and back is
 * what there is.
 */
#define ARRIVALS_MAX 64 /* changes that are measured, of those that become visible together */
struct arrivals {
    struct server_clock clock;
    size_t n;
    struct {
        uint64_t id; /* of the instance */
        int64_t stored_ns;
    } all[ARRIVALS_MAX];
};

/* One of the two buckets, as the callbacks of its follower get it. */
struct follower {
    struct inbound *in;
    enum bus_bucket bucket;
    struct follow *follow;
    bool synced;
    bool snapshot;   /* a snapshot is being read */
    bool complete;   /* the last snapshot that ended had everything that was known before */
    int64_t read_ns; /* when that snapshot was begun */
    struct lost_changes lost;
    struct trace_context resync; /* span of the resync that began at resync_ns */
    int64_t resync_ns;           /* when the last resync began; 0: there was none */
    bool resync_traced;
    int resync_failed; /* error of a resync that could not be asked for: the follower gets it at the next turn; 0 */
};

/* The functions that differ between the own region and another one. */
struct inbound_kind {
    void (*init)(struct inbound *in);
    void (*connected)(struct inbound *in, const char *server, int64_t now_ns);
    void (*disconnected)(struct inbound *in, const char *reason, int64_t now_ns);
    void (*moved)(struct inbound *in, const char *server, bool reloaded);
    void (*checked)(struct inbound *in, const struct bus_info *info,
                    int64_t now_ns); /* how far HOSTS has come; may be NULL */
    /* as of liveness_options: finds out whether a silent feed is deaf, when a lease is about to run out. arg: the inbound */
    void (*probe)(void *arg);
    bool (*trustworthy)(const struct inbound *in); /* the feed is not deaf: a host that is silent is gone */
    bool (*stale)(const struct inbound *in);
    const char *(*stale_reason)(const struct inbound *in); /* static */
};
extern const struct inbound_kind inbound_own, inbound_other;

struct inbound {
    struct inbound_reach reach;
    const struct inbound_kind *kind;
    struct inbound_counters {
        metric_value keys_refused, values_refused, leases_refused, limits_refused, digest_mismatches, resyncs_deferred,
            skipped;
        metric_value hosts_limited, services_limited, services_per_domain_limited, instances_limited,
            instances_per_service_limited, instances_per_host_limited, hostnames_per_host_limited;
        struct histogram lease_round_trip, change_visible;
        metric_value catalog_bytes, table_bytes;
    } counters;
    struct follower followers[BUS_BUCKETS];
    struct liveness *liveness;
    struct health health;        /* used for the own region */
    struct region_health region; /* used for another one */
    int64_t asked_ns;            /* when another region was last asked for a sign of life */
    enum { MIRROR_UNREAD, MIRROR_READING, MIRROR_READ } mirror_read;
    struct pace looks[BUS_BUCKETS]; /* in the own region: paces the looks for a bucket whose puts nobody takes */
    struct remembered remembered;
    struct refill refill;
    bool refilling; /* both buckets were read for the first time, and one of them is being filled again */
    struct write_report write_report;
    struct buckets buckets;
    size_t news_of_hosts; /* lines in the log about other hosts in this second */
    struct host_events host_events;
    struct resync_budget resync_budget; /* limits resyncs because of digests that differ */
    int64_t skipped_ns;                 /* since then records were skipped that are to be read yet; 0: none were */
    size_t full_at;                     /* number of instances when a limit refused one; 0: none since all was read */
    bool synced_once;                   /* a whole snapshot of both buckets was taken in this life */
    bool trusted;                       /* what trustworthy() returned last */
    size_t guard_held;                  /* number of hosts that the mass-loss guard holds */
    int64_t guard_until_ns;             /* until when it holds them, at most */
    const char *guard_reason;           /* why it holds them; static */
    struct lease own_lease;             /* this host's lease as last sent */
    struct arrivals arrivals;           /* used for the own region */
    int64_t server_wall_ns; /* what the server's clock said at least (since 1970), at server_heard_ns; 0: nothing */
    int64_t server_heard_ns;
    char server[256], error[512]; /* the bus's server, and its last error */
};

static inline struct inbound *inbound_of(void *follower)
{
    return ((struct follower *)follower)->in;
}

bool inbound_is_own(const struct inbound *in, const char *host);

/* Counts a refused message, and reports it. why: for people, copied. */
void inbound_refuse(struct inbound *in, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                    const char *why);

/*
 * inbound_without_floods: the message, counted for the host that wrote it; without its content where that is
 * skipped. inbound_read_skipped: once a second, asks for those records where it is time.
 */
struct kv_message inbound_without_floods(struct inbound *in, enum bus_bucket bucket, const struct kv_message *m,
                                         int64_t now_ns);
void inbound_read_skipped(struct inbound *in, int64_t now_ns);

/* Why no daemon can have this epoch now (static): it is further ahead than a clock can be wrong by. NULL: it can be. */
const char *inbound_epoch_problem(const struct inbound *in, uint64_t epoch);

/* Fill in what differs between the followers of the buckets: apply, remove, and the ends of a snapshot. */
void inbound_records_ops(struct follow_ops *ops);
void inbound_leases_ops(struct follow_ops *ops);

/*
 * inbound_traced.c: a record was taken that may have come with a trace context: in its headers, or in its JSON (extras,
 * or NULL).
 */
struct foreign_extras;
void inbound_traced_record(struct inbound *in, const struct instance_key *key, const struct kv_message *m,
                           const struct foreign_extras *extras);

/* inbound_traced.c: a snapshot ends, and with it its spans. */
void inbound_traced_snapshot(struct follower *f, enum follow_end end);

/* Lets records of foreign writers run out whose time is over. Returns when to call again. */
int64_t inbound_records_expire(struct inbound *in, int64_t now_ns);

/* How many records were not seen since a snapshot began. arg: the follower. */
size_t inbound_records_unmarked(void *arg);

/* The buckets can be followed from now on, or not any more. */
void inbound_follow(struct inbound *in, bool connected, int64_t now_ns);

/* To be called whenever trustworthy() may have another result. */
void inbound_trust(struct inbound *in, int64_t now_ns);

/*
 * inbound_own.c. inbound_put_done: a put was answered. inbound_own_looked: returns true if this info answers the look
 * for a bucket whose puts nobody took.
 */
void inbound_put_done(void *arg, const struct bus_put_result *result);
bool inbound_own_looked(struct inbound *in, enum bus_bucket bucket, const struct bus_info *info);

/*
 * Of another region, which does not answer: reads its mirror, if nothing is known of it. The other two are the events
 * of that, as of bus.h.
 */
void inbound_mirror_read(struct inbound *in);
void inbound_remembered(void *arg, enum bus_bucket bucket, const struct kv_message *m);
void inbound_remembered_end(void *arg, enum bus_bucket bucket, int err, int64_t newest_ns);

/* Makes in->liveness. -ENOMEM. */
int inbound_liveness_new(struct inbound *in);

/* Once a second: how many hosts were new, lost, left or back beyond those that are in the log. */
void inbound_log_more_hosts(struct inbound *in);

#endif
