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
    uint64_t min_epoch;                 /* the one last reported by host_changed */
    int64_t heard_ns;                   /* when its newest lease arrived, had it come live */
    int64_t raised_ns;                  /* when the first lease with its min_epoch arrived */
    int64_t alive_ns;                   /* since when it has been alive and not held */
    struct host *next_gone, *prev_gone; /* in liveness.gone, unless it is alive */
    struct deadline deadline;           /* when its status may change next, but see liveness_deadline_ns */
    struct {                            /* another life under its name, with an older epoch, whose leases are ignored */
        struct lease lease;
        int64_t since_ns; /* when it was heard first; 0: none is ignored */
        int64_t heard_ns; /* when it was heard last */
    } ignored;
};

struct liveness {
    struct liveness_options options;
    struct liveness_events events;
    void *arg;
    struct host *hosts;
    struct deadlines deadlines; /* has room for all hosts */
    bool healthy, whole, records_known;
    int64_t read_ns;          /* records_known: when the snapshot was begun that brought all records */
    int64_t healthy_since_ns; /* from then on each host that is alive has a whole TTL to renew its lease */
    int64_t guard_until_ns;   /* when the mass-loss guard ends; 0: it holds nobody */
    int64_t ticked_ns;        /* the last liveness_tick; 0: there was nothing to watch then */
    int64_t feed_ns;          /* when the feed last brought something */
    int64_t probe_ns;         /* while a probe is out, when the next is due; 0: none is out */
    int64_t probing_ns;       /* when the first probe that is out was sent */
    size_t alive, held;
    struct host *gone; /* only remembered; first those that went first */
    struct host
        *to_notify;      /* the next whose min_epoch may be reported, when all records have become known; NULL: none */
    int64_t held_ttl_ns; /* the longest of those that are held, or were since the guard began */

    /* How many are silent is counted in pieces, while nobody is declared dead. */
    struct host *to_count; /* the next; NULL: all have been counted */
    size_t silent;         /* overdue hosts among those that are alive */
    int64_t counted_ns;    /* when counting them was begun; 0: they are not counted */
    struct counters {
        metric_value applied, old, ignored, believed, refused, left, expired, guarded;
    } counters;
};

static inline int64_t ttl_ns(const struct host *h)
{
    return (int64_t)h->lease.ttl_ms * NS_PER_MS;
}

/*
 * Of a host that is alive it may be later than what it waits for: a TTL more for everybody must not take a look at everybody. When
 * that comes, it is put off.
 */
static inline int64_t liveness_deadline_ns(const struct liveness *l, const struct host *h)
{
    int64_t granted_ns = host_alive(h->status) ? l->healthy_since_ns + ttl_ns(h) : 0;
    return deadline_later(h->deadline.at_ns, granted_ns);
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

/* Keeps the counts, reports it, and ends the guard with the last host it holds. */
void liveness_set_status(struct liveness *l, struct host *h, enum host_status status);

/* It is gone: HOST_LEFT or HOST_EXPIRED. It is remembered for a while, against leases that come late. */
void liveness_end(struct liveness *l, struct host *h, enum host_status status, int64_t now_ns);
void liveness_notify_guard(const struct liveness *l);
void liveness_notify_some(struct liveness *l); /* of those whose min_epoch has changed */

#endif
