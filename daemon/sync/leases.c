/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts in a hash by name, and in a heap by what is due next: an alive host's deadline, a held host's end of mercy,
 * a gone host's oblivion.
 */
#include "daemon/sync/leases.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "daemon/base/metrics.h"
#include "libdiscover/core/clock.h"

#define LATE_TTLS       3  /* after so many, no put of a lease is under way any more: nor does the bucket keep one */
#define OVERDUE_PERCENT 60 /* of the TTL without a renewal: two beats were missed, and it is most likely lost */

#define TICK_MAX 128      /* hosts in one tick, each with all its instances; the next tick is at once then */
#define TICK_NS  NS_PER_S /* leases_tick wants to be called that often, to notice when it was not */
#define PROBE_NS NS_PER_S /* between two probes */

struct host {
    UT_hash_handle hh;
    char name[LABEL_CAP];
    enum host_status status;
    struct lease lease;
    uint64_t min_epoch;       /* what was told of it */
    int64_t heard_ns;         /* when its newest lease arrived, had it come live */
    struct deadline deadline; /* when something becomes of it */
    struct {                  /* by whom its newest lease is not: an older epoch under the same name */
        struct lease lease;
        int64_t since_ns; /* when that life was heard first; 0: none is ignored */
        int64_t heard_ns; /* and last */
    } ignored;
};

struct leases {
    struct liveness base;
    struct leases_options options;
    struct liveness_events events;
    void *arg;
    struct host *hosts;
    struct deadlines deadlines; /* has room for all hosts */
    bool healthy, whole, records_known;
    int64_t healthy_since_ns;
    int64_t guard_until_ns; /* 0: no guard */
    int64_t ticked_ns;      /* the last leases_tick; 0: none while there was something to watch */
    int64_t feed_ns;        /* when something was heard last */
    int64_t probe_ns;       /* the next probe, while one is out; 0: none is */
    int64_t probing_ns;     /* since when */
    size_t alive, held;
    size_t silent; /* of those that are alive, the overdue ones, if they have been counted in this tick */
    bool counted;
    struct counters {
        metric_value applied, old, ignored, believed, refused, left, expired, guarded;
    } counters;
};

static struct leases *leases_of(const struct liveness *l)
{
    return (struct leases *)l;
}

static int64_t ttl_ns(const struct host *h)
{
    return (int64_t)h->lease.ttl_ms * NS_PER_MS;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- what is due next ---- */

static void set_deadline(struct leases *l, struct host *h, int64_t deadline_ns)
{
    deadlines_set(&l->deadlines, &h->deadline, deadline_ns);
}

static struct host *host_of(struct deadline *d)
{
    return (struct host *)((char *)d - offsetof(struct host, deadline));
}

/* ---- hosts ---- */

static struct host *find(const struct leases *l, const char *name)
{
    struct host *h;
    HASH_FIND_STR(l->hosts, name, h);
    return h;
}

static void forget(struct leases *l, struct host *h)
{
    deadlines_clear(&l->deadlines, &h->deadline);
    HASH_DEL(l->hosts, h);
    free(h);
}

/* Makes room among the hosts that are gone and only remembered. */
static bool forget_one(struct leases *l)
{
    for (struct host *h = l->hosts; h; h = h->hh.next)
        if (!host_alive(h->status)) {
            forget(l, h);
            return true;
        }
    return false;
}

static int add(struct leases *l, const char *name, struct host **ret_host)
{
    size_t len = strlen(name);
    if (!label_valid(name, len))
        return -EINVAL;
    if (HASH_COUNT(l->hosts) >= l->options.max_hosts && !forget_one(l))
        return -ENOSPC;
    bool room = deadlines_reserve(&l->deadlines, HASH_COUNT(l->hosts) + 1) == 0;
    struct host *h = room ? calloc(1, sizeof *h) : NULL;
    if (!h)
        return -ENOMEM;
    memcpy(h->name, name, len + 1);
    HASH_ADD_STR(l->hosts, name, h);
    if (!hash_added(&h->hh)) {
        free(h);
        return -ENOMEM;
    }
    h->status = HOST_EXPIRED;
    set_deadline(l, h, INT64_MAX);
    *ret_host = h;
    return 0;
}

static void tell(struct leases *l, struct host *h)
{
    if (l->records_known)
        h->min_epoch = h->lease.min_epoch;
    struct lease lease = h->lease;
    lease.min_epoch = h->min_epoch;
    l->events.host_changed(l->arg, h->name, &lease, h->status);
}

static void tell_guard(const struct leases *l)
{
    l->events.guard(l->arg, l->held, l->guard_until_ns,
                    "more hosts fell silent together than are likely to have died together");
}

/* Keeps the counts, and ends the guard with the last host it holds. */
static void set_status(struct leases *l, struct host *h, enum host_status status)
{
    bool was_alive = host_alive(h->status), was_held = h->status == HOST_HELD;
    bool held = status == HOST_HELD;
    h->status = status;
    l->alive = l->alive - was_alive + host_alive(status);
    l->held = l->held - was_held + held;
    tell(l, h);
    if (held == was_held)
        return;
    if (l->held == 0)
        l->guard_until_ns = 0;
    tell_guard(l);
}

static void end(struct leases *l, struct host *h, enum host_status status, int64_t now_ns)
{
    metric_inc(status == HOST_LEFT ? &l->counters.left : &l->counters.expired);
    set_deadline(l, h, now_ns + LATE_TTLS * ttl_ns(h));
    set_status(l, h, status);
}

/* ---- leases arrive ---- */

static bool newer(const struct lease *a, const struct lease *b)
{
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->counter > b->counter;
}

/*
 * Whether a lease that may be old when it arrives (out of a snapshot) still counts. For a host that is alive here
 * it does while leases are frozen: the server was away, or we were; its owner is about to renew it.
 */
static bool still_counts(const struct leases *l, const struct host *h, const struct lease *lease, int64_t age_ns,
                         int64_t now_ns)
{
    if (age_ns < (int64_t)lease->ttl_ms * NS_PER_MS)
        return true;
    bool frozen = !l->healthy || now_ns < l->healthy_since_ns + ttl_ns(h);
    return host_alive(h->status) && frozen;
}

/* No lease runs out before a whole TTL of good health. */
static int64_t deadline_of(const struct leases *l, const struct host *h)
{
    return later(h->heard_ns, l->healthy_since_ns) + ttl_ns(h);
}

/*
 * An old lease, put late, has taken the place of a newer one. A bucket keeps only the newest message of each key: when
 * the feed has a hole, it may be in there that the newer one went by. So the host has a TTL from when that happened.
 */
static void was_overwritten(struct leases *l, struct host *h, const struct lease *old, int64_t age_ns, int64_t now_ns)
{
    if (!l->whole && h->status == HOST_ALIVE && newer(&h->lease, old))
        set_deadline(l, h, later(h->deadline.at_ns, now_ns - age_ns + ttl_ns(h)));
}

/*
 * A life that is older than the one that is believed: a put that was held up, or one that is alive and cannot know what
 * is remembered here. What renews its lease over a whole TTL, while the one that is believed does not, is alive.
 */
static bool lives_after_all(struct host *h, const struct lease *lease, int64_t age_ns, int64_t now_ns)
{
    bool same = h->ignored.since_ns && lease_same_life(lease, &h->ignored.lease);
    bool renewed = same && newer(lease, &h->ignored.lease);
    if (same && !renewed)
        return false;
    if (!same)
        h->ignored.since_ns = now_ns - age_ns;
    h->ignored.lease = *lease;
    h->ignored.heard_ns = now_ns - age_ns;
    bool long_enough = now_ns - age_ns - h->ignored.since_ns >= (int64_t)lease->ttl_ms * NS_PER_MS;
    return renewed && long_enough && h->heard_ns <= h->ignored.since_ns && !lease->leaving;
}

/* Somebody is about to take the name of a host whose daemon is away: no time to declare it dead. */
static void was_asked_for(struct leases *l, struct host *h, const struct lease *lease, int64_t age_ns, int64_t now_ns)
{
    if (h->status == HOST_ALIVE && !newer(&h->lease, lease))
        set_deadline(l, h, later(h->deadline.at_ns, now_ns - age_ns + ttl_ns(h)));
}

/* 0: it is to be believed although it is not newer than what is known. */
static int not_newer(struct leases *l, struct host *h, const struct lease *lease, int64_t age_ns, int64_t now_ns)
{
    if (lease->asked_by || lease_same_life(lease, &h->lease)) {
        metric_inc(&l->counters.old);
        was_overwritten(l, h, lease, age_ns, now_ns);
        if (lease->asked_by)
            was_asked_for(l, h, lease, age_ns, now_ns);
        return -EALREADY;
    }
    if (lives_after_all(h, lease, age_ns, now_ns)) {
        metric_inc(&l->counters.believed);
        return 0;
    }
    metric_inc(&l->counters.ignored);
    was_overwritten(l, h, lease, age_ns, now_ns);
    return -ESTALE;
}

static int leases_apply(struct liveness *base, const char *host, const struct lease *lease, int64_t age_ns,
                        int64_t now_ns)
{
    struct leases *l = leases_of(base);
    struct host *h = find(l, host);
    int known = h && !newer(lease, &h->lease) ? not_newer(l, h, lease, age_ns, now_ns) : 0;
    if (known < 0)
        return known;
    int err = h ? 0 : add(l, host, &h);
    if (err < 0) {
        metric_inc(&l->counters.refused);
        return err;
    }
    metric_inc(&l->counters.applied);
    bool counts = still_counts(l, h, lease, age_ns, now_ns);
    h->lease = *lease;
    h->ignored.since_ns = 0;
    h->heard_ns = now_ns - age_ns;
    if (lease->leaving) {
        end(l, h, HOST_LEFT, now_ns);
    } else if (!counts) {
        end(l, h, HOST_EXPIRED, now_ns);
    } else {
        set_deadline(l, h, deadline_of(l, h));
        set_status(l, h, HOST_ALIVE);
    }
    return 0;
}

static void leases_remove(struct liveness *base, const char *host, int64_t now_ns)
{
    struct leases *l = leases_of(base);
    struct host *h = find(l, host);
    if (h && h->status != HOST_LEFT)
        end(l, h, HOST_LEFT, now_ns);
}

/* ---- leases run out ---- */

/* From now on everybody has a whole TTL to be heard. */
static void grant_a_ttl(struct leases *l, int64_t now_ns)
{
    l->healthy_since_ns = now_ns;
    for (struct host *h = l->hosts; h; h = h->hh.next) {
        if (!host_alive(h->status))
            continue;
        set_deadline(l, h, later(h->deadline.at_ns, now_ns + ttl_ns(h)));
        if (h->status == HOST_HELD)
            l->guard_until_ns = later(l->guard_until_ns, h->deadline.at_ns);
    }
    if (l->held > 0)
        tell_guard(l);
}

static void leases_set_healthy(struct liveness *base, bool healthy, int64_t now_ns)
{
    struct leases *l = leases_of(base);
    if (l->healthy == healthy)
        return;
    l->healthy = healthy;
    l->probe_ns = 0;
    if (healthy)
        grant_a_ttl(l, now_ns);
}

static void leases_set_whole(struct liveness *base, bool whole)
{
    leases_of(base)->whole = whole;
}

static void leases_set_records_known(struct liveness *base, bool known)
{
    struct leases *l = leases_of(base);
    if (l->records_known == known)
        return;
    l->records_known = known;
    for (struct host *h = l->hosts; h && known; h = h->hh.next)
        if (h->min_epoch != h->lease.min_epoch)
            tell(l, h);
}

static bool overdue(const struct host *h, int64_t now_ns)
{
    return h->status == HOST_ALIVE && h->deadline.at_ns - now_ns <= ttl_ns(h) * (100 - OVERDUE_PERCENT) / 100;
}

/* Whether so many have fallen silent together that it is more likely the way to them that broke. */
static bool mass_loss(struct leases *l, int64_t now_ns)
{
    if (!l->counted) {
        l->silent = 0;
        for (const struct host *h = l->hosts; h; h = h->hh.next)
            l->silent += overdue(h, now_ns);
        l->counted = true;
    }
    return l->silent >= l->options.guard_min && l->silent * 100 > l->alive * l->options.guard_percent;
}

/* One that was due is alive no more, or not overdue. */
static void one_less_is_silent(struct leases *l)
{
    l->silent -= l->counted && l->silent > 0;
}

static void hold(struct leases *l, struct host *h)
{
    metric_inc(&l->counters.guarded);
    set_deadline(l, h, l->guard_until_ns);
    set_status(l, h, HOST_HELD);
}

static void run_out(struct leases *l, struct host *h, int64_t now_ns)
{
    if (l->guard_until_ns == 0 && mass_loss(l, now_ns))
        l->guard_until_ns = now_ns + l->options.guard_ns;
    if (now_ns < l->guard_until_ns)
        hold(l, h);
    else
        end(l, h, HOST_EXPIRED, now_ns);
    one_less_is_silent(l);
}

/* Its newest lease runs out, but another life renews its own under the same name: nobody has to miss the host. */
static bool other_life_goes_on(struct leases *l, struct host *h, int64_t now_ns)
{
    int64_t other_ttl_ns = (int64_t)h->ignored.lease.ttl_ms * NS_PER_MS;
    bool renewed = h->ignored.since_ns && h->ignored.heard_ns - h->ignored.since_ns >= other_ttl_ns / 4;
    if (!renewed || h->ignored.lease.leaving || h->ignored.heard_ns + other_ttl_ns <= now_ns)
        return false;
    metric_inc(&l->counters.believed);
    h->lease = h->ignored.lease;
    h->heard_ns = h->ignored.heard_ns;
    h->ignored.since_ns = 0;
    set_deadline(l, h, h->heard_ns + other_ttl_ns);
    set_status(l, h, HOST_ALIVE);
    return true;
}

static void due(struct leases *l, struct host *h, int64_t now_ns)
{
    if (h->status == HOST_ALIVE && other_life_goes_on(l, h, now_ns))
        one_less_is_silent(l);
    else if (h->status == HOST_ALIVE)
        run_out(l, h, now_ns);
    else if (h->status == HOST_HELD)
        end(l, h, HOST_EXPIRED, now_ns);
    else
        forget(l, h);
}

static void leases_heard(struct liveness *base, int64_t now_ns)
{
    struct leases *l = leases_of(base);
    /* It was held up: what comes first says nothing about what comes right behind. */
    if (l->probe_ns && now_ns - l->probing_ns > PROBE_NS)
        grant_a_ttl(l, now_ns);
    l->feed_ns = now_ns;
    l->probe_ns = 0;
}

/* Whether its silence may be our deafness. */
static bool doubtful(const struct leases *l, const struct host *h)
{
    return h->status == HOST_ALIVE && l->options.probe && l->feed_ns < h->deadline.at_ns;
}

/* When to try again. What comes of it is told by leases_heard, or by health. */
static int64_t probe(struct leases *l, int64_t now_ns)
{
    if (l->probe_ns == 0)
        l->probing_ns = now_ns;
    if (now_ns >= l->probe_ns) {
        l->probe_ns = now_ns + PROBE_NS;
        l->options.probe(l->arg);
    }
    return l->probe_ns;
}

/* We were stopped or suspended: what came meanwhile is not read yet. */
static bool was_stopped(const struct leases *l, int64_t now_ns)
{
    return l->ticked_ns && now_ns - l->ticked_ns > 2 * TICK_NS;
}

static int64_t leases_tick(struct liveness *base, int64_t now_ns)
{
    struct leases *l = leases_of(base);
    struct deadline *d;
    if (!l->healthy || !deadlines_first(&l->deadlines)) {
        l->ticked_ns = 0;
        return INT64_MAX;
    }
    if (was_stopped(l, now_ns))
        grant_a_ttl(l, now_ns);
    l->ticked_ns = now_ns;
    l->counted = false;
    for (size_t n = 0; l->whole && n < TICK_MAX; n++) {
        d = deadlines_first(&l->deadlines);
        if (!d || d->at_ns > now_ns)
            break;
        if (doubtful(l, host_of(d)))
            return probe(l, now_ns);
        due(l, host_of(d), now_ns);
    }
    int64_t next_ns = l->whole ? later(deadlines_next_ns(&l->deadlines), now_ns) : INT64_MAX;
    return next_ns < now_ns + TICK_NS ? next_ns : now_ns + TICK_NS;
}

/* ---- life ---- */

static struct liveness_stats leases_stats(const struct liveness *base)
{
    const struct leases *l = (const struct leases *)base;
    return (struct liveness_stats){.hosts = HASH_COUNT(l->hosts), .alive = l->alive, .held = l->held};
}

static const struct metric metric_table[] = {
    COUNTER_OF(counters, applied, "discoverd_leases_applied_total", "Leases of other hosts that were news"),
    COUNTER_OF(counters, old, "discoverd_leases_old_total", "Leases that were not newer than what was known"),
    COUNTER_OF(counters, ignored, "discoverd_leases_ignored_total",
               "Leases of a life that is older than the one known under its host's name"),
    COUNTER_OF(counters, believed, "discoverd_leases_believed_total",
               "Of these, believed after all, because they went on being renewed"),
    COUNTER_OF(counters, refused, "discoverd_leases_refused_total", "Leases of new hosts over the limit"),
    COUNTER_OF(counters, left, "discoverd_hosts_left_total", "Hosts that said good-bye"),
    COUNTER_OF(counters, expired, "discoverd_hosts_expired_total", "Hosts whose lease ran out"),
    COUNTER_OF(counters, guarded, "discoverd_hosts_guarded_total",
               "Hosts kept although their lease ran out, as too many did"),
};

static int leases_add_metrics(struct liveness *base, struct metrics *m)
{
    return metrics_add(m, metric_table, sizeof metric_table / sizeof *metric_table, &leases_of(base)->counters);
}

static void leases_free(struct liveness *base)
{
    struct leases *l = leases_of(base);
    struct host *h, *next;
    HASH_ITER(hh, l->hosts, h, next)
    {
        HASH_DEL(l->hosts, h);
        free(h);
    }
    deadlines_fini(&l->deadlines);
    free(l);
}

static const struct liveness_class leases_class = {
    .apply = leases_apply,
    .remove = leases_remove,
    .set_healthy = leases_set_healthy,
    .set_whole = leases_set_whole,
    .set_records_known = leases_set_records_known,
    .heard = leases_heard,
    .tick = leases_tick,
    .stats = leases_stats,
    .add_metrics = leases_add_metrics,
    .free = leases_free,
};

int leases_new(const struct leases_options *options, const struct liveness_events *events, void *arg,
               struct liveness **ret_l)
{
    struct leases *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->base.class = &leases_class;
    l->options = *options;
    l->events = *events;
    l->arg = arg;
    l->whole = l->records_known = true;
    *ret_l = &l->base;
    return 0;
}
