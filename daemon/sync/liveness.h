/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who decides that a host is gone. The one interface between what is heard of hosts and what is served: leases.h
 * decides by each host's own lease; whatever replaces it in fleets too large for that comes in here.
 * Pure: time comes in as an argument. Main thread.
 *
 * There is no sweep: a lease that is missing in a snapshot was not renewed, which its deadline tells as well,
 * and a bucket that was emptied or made anew must take no host with it.
 */
#ifndef SYNC_LIVENESS_H
#define SYNC_LIVENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/record.h"

enum host_status {
    HOST_ALIVE,
    HOST_HELD,    /* its lease has run out, with too many others at once: kept for a limited time */
    HOST_LEFT,    /* said good-bye */
    HOST_EXPIRED, /* its lease has run out */
};

static inline bool host_alive(enum host_status s)
{
    return s <= HOST_HELD;
}

struct liveness_events {
    /* A host is new, has another status, or another lease with the same status. lease: the newest known (but see
       liveness_set_records_known). */
    void (*host_changed)(void *arg, const char *host, const struct lease *lease, enum host_status status);
    /* The mass-loss guard holds so many hosts, until then; 0: it has ended. why: a static text. */
    void (*guard)(void *arg, size_t held, int64_t until_ns, const char *why);
};

struct liveness_stats {
    size_t hosts; /* known, some of them only remembered */
    size_t alive, held;
};

struct liveness;
struct metrics;

struct liveness_class {
    int (*apply)(struct liveness *l, const char *host, const struct lease *lease, int64_t age_ns, int64_t now_ns);
    void (*remove)(struct liveness *l, const char *host, int64_t now_ns);
    void (*set_healthy)(struct liveness *l, bool healthy, int64_t now_ns);
    void (*set_whole)(struct liveness *l, bool whole);
    void (*set_records_known)(struct liveness *l, bool known);
    void (*heard)(struct liveness *l, int64_t now_ns);
    int64_t (*tick)(struct liveness *l, int64_t now_ns);
    struct liveness_stats (*stats)(const struct liveness *l);
    int (*add_metrics)(struct liveness *l, struct metrics *m);
    void (*free)(struct liveness *l);
};

struct liveness {
    const struct liveness_class *class;
};

/*
 * A lease arrived; age_ns is 0 on the live feed. 0: applied; -EALREADY: known, or older than what is known of the same
 * life; -ESTALE: ignored, as it is of a life with an older epoch than the one known under this name; -ENOSPC: more hosts than the limit; -EINVAL: not a host name; -ENOMEM.
 */
static inline int liveness_apply(struct liveness *l, const char *host, const struct lease *lease, int64_t age_ns,
                                 int64_t now_ns)
{
    return l->class->apply(l, host, lease, age_ns, now_ns);
}

/* The lease was deleted: the host is gone at once. */
static inline void liveness_remove(struct liveness *l, const char *host, int64_t now_ns)
{
    l->class->remove(l, host, now_ns);
}

/* While the bus is not healthy, and one lease TTL beyond, no lease runs out. Not healthy in the beginning. */
static inline void liveness_set_healthy(struct liveness *l, bool healthy, int64_t now_ns)
{
    l->class->set_healthy(l, healthy, now_ns);
}

/*
 * Whether the follower of the leases is live. While it knows of a hole in the feed no lease runs out: the renewal may
 * be in that hole. Whole in the beginning.
 */
static inline void liveness_set_whole(struct liveness *l, bool whole)
{
    l->class->set_whole(l, whole);
}

/*
 * Whether all records are known: their follower is live, and nothing was missing in its last snapshot. Until they are, hosts are told with the min_epoch they were told with before: a
 * lease that was heard before the records of the new epoch would take the old ones away. Known in the beginning.
 */
static inline void liveness_set_records_known(struct liveness *l, bool known)
{
    l->class->set_records_known(l, known);
}

/* Something came through the live feed of the leases, behind everything else there is: it is not deaf. */
static inline void liveness_heard(struct liveness *l, int64_t now_ns)
{
    l->class->heard(l, now_ns);
}

/*
 * Lets leases run out. Returns when to call again; INT64_MAX: not by time. Call it after each input as well. When it
 * is called more than a second later than it said, this process was stopped, and nobody is blamed for that.
 */
static inline int64_t liveness_tick(struct liveness *l, int64_t now_ns)
{
    return l->class->tick(l, now_ns);
}

static inline struct liveness_stats liveness_stats(const struct liveness *l)
{
    return l->class->stats(l);
}

/* Shows what it counts. -ENOMEM. l must live as long as m. */
static inline int liveness_add_metrics(struct liveness *l, struct metrics *m)
{
    return l->class->add_metrics(l, m);
}

static inline void liveness_free(struct liveness *l)
{
    if (l)
        l->class->free(l);
}

#endif
