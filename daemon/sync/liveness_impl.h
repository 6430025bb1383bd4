/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of liveness.h share: hosts in a hash by name, and by what is due next. */
#ifndef SYNC_LIVENESS_IMPL_H
#define SYNC_LIVENESS_IMPL_H

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "daemon/base/metrics.h"
#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"

struct host {
    UT_hash_handle hh;
    char name[LABEL_CAP];
    enum host_status status;
    struct lease lease;
    uint64_t min_epoch;       /* what was told of it */
    int64_t heard_ns;         /* when its newest lease arrived, had it come live */
    int64_t alive_ns;         /* it has been alive, and not held, since then */
    struct deadline deadline; /* when something becomes of it, but see liveness_deadline_ns */
    struct {                  /* by whom its newest lease is not: an older epoch under the same name */
        struct lease lease;
        int64_t since_ns; /* when that life was heard first; 0: none is ignored */
        int64_t heard_ns; /* and last */
    } ignored;
};

struct liveness {
    struct liveness_options options;
    struct liveness_events events;
    void *arg;
    struct host *hosts;
    struct deadlines deadlines; /* has room for all hosts */
    bool healthy, whole, records_known;
    int64_t healthy_since_ns; /* from when on everybody who is alive has a whole TTL */
    int64_t guard_until_ns;   /* 0: no guard */
    int64_t ticked_ns;        /* the last liveness_tick; 0: none while there was something to watch */
    int64_t feed_ns;          /* when something was heard last */
    int64_t probe_ns;         /* the next probe, while one is out; 0: none is */
    int64_t probing_ns;       /* since when */
    size_t alive, held;
    size_t silent; /* of those that are alive, the overdue ones, if they have been counted in this tick */
    bool counted;
    struct counters {
        metric_value applied, old, ignored, believed, refused, left, expired, guarded;
    } counters;
};

static inline int64_t ttl_ns(const struct host *h)
{
    return (int64_t)h->lease.ttl_ms * NS_PER_MS;
}

static inline int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * Of a host that is alive it may be later than what it waits for: a TTL more for everybody must not take a look at everybody. When
 * that comes, it is put off.
 */
static inline int64_t liveness_deadline_ns(const struct liveness *l, const struct host *h)
{
    int64_t granted_ns = host_alive(h->status) ? l->healthy_since_ns + ttl_ns(h) : 0;
    return later(h->deadline.at_ns, granted_ns);
}

#define OVERDUE_PERCENT 60 /* of the TTL without a renewal: two beats were missed, and it is most likely lost */

static inline bool liveness_is_overdue(const struct liveness *l, const struct host *h, int64_t now_ns)
{
    int64_t left_ns = liveness_deadline_ns(l, h) - now_ns;
    return h->status == HOST_ALIVE && left_ns <= ttl_ns(h) * (100 - OVERDUE_PERCENT) / 100;
}

struct host *liveness_find(const struct liveness *l, const char *name); /* NULL: not known */

/* A new one, expired. -EINVAL: not a name; -ENOSPC: max_hosts; -ENOMEM. */
int liveness_add(struct liveness *l, const char *name, struct host **ret_host);
void liveness_forget(struct liveness *l, struct host *h);

void liveness_set_deadline(struct liveness *l, struct host *h, int64_t deadline_ns);

/* Keeps the counts, tells of it, and ends the guard with the last host it holds. */
void liveness_set_status(struct liveness *l, struct host *h, enum host_status status);

/* It is gone: HOST_LEFT or HOST_EXPIRED. It is remembered for a while, against leases that come late. */
void liveness_end(struct liveness *l, struct host *h, enum host_status status, int64_t now_ns);
void liveness_tell_guard(const struct liveness *l);

#endif
