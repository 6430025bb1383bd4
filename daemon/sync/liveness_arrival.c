/* SPDX-License-Identifier: Apache-2.0 */
/* Leases that arrive: whether one counts, and what that makes of its host. */
#include <errno.h>

#include "daemon/sync/liveness_impl.h"

static bool newer(const struct lease *a, const struct lease *b)
{
    return a->epoch != b->epoch ? a->epoch > b->epoch : a->counter > b->counter;
}

/*
 * Whether a lease that may be old when it arrives (out of a snapshot) still counts. For a host that is alive here
 * it does while leases are frozen: the server was away, or we were; its owner is about to renew it. A question about one
 * that has run out does not let it run again.
 */
static bool still_counts(const struct liveness *l, const struct host *h, const struct lease *lease, int64_t age_ns,
                         int64_t now_ns)
{
    if (age_ns < (int64_t)lease->ttl_ms * NS_PER_MS && !lease->ran_out)
        return true;
    bool frozen = !l->healthy || now_ns < l->healthy_since_ns + ttl_ns(h);
    return host_alive(h->status) && frozen;
}

/* No lease runs out before a whole TTL of good health. */
static int64_t deadline_of(const struct liveness *l, const struct host *h)
{
    return deadline_later(h->heard_ns, l->healthy_since_ns) + ttl_ns(h);
}

/*
 * An old lease, put late, has taken the place of a newer one. A bucket keeps only the newest message of each key: when
 * the feed has a hole, it may be in there that the newer one went by. So the host has a TTL from when that happened.
 */
static void was_overwritten(struct liveness *l, struct host *h, const struct lease *old, int64_t age_ns, int64_t now_ns)
{
    if (!l->whole && h->status == HOST_ALIVE && newer(&h->lease, old))
        liveness_set_deadline(l, h, deadline_later(h->deadline.at_ns, now_ns - age_ns + ttl_ns(h)));
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

/*
 * The lease is a question of somebody who is about to take the name of a host whose daemon is away: meanwhile the host
 * is not declared dead.
 */
static void was_asked_for(struct liveness *l, struct host *h, const struct lease *lease, int64_t age_ns, int64_t now_ns)
{
    if (h->status == HOST_ALIVE && !newer(&h->lease, lease))
        liveness_set_deadline(l, h, deadline_later(h->deadline.at_ns, now_ns - age_ns + ttl_ns(h)));
}

/* Judges a lease that is not newer than what is known. 0: it is to be believed all the same. */
static int not_newer(struct liveness *l, struct host *h, const struct lease *lease, int64_t age_ns, int64_t now_ns)
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

int liveness_apply(struct liveness *l, const char *host, const struct lease *lease, int64_t age_ns, int64_t now_ns)
{
    struct host *h = liveness_find(l, host);
    int known = h && !newer(lease, &h->lease) ? not_newer(l, h, lease, age_ns, now_ns) : 0;
    if (known < 0)
        return known;
    int err = h ? 0 : liveness_add(l, host, &h);
    if (err < 0) {
        metric_inc(&l->counters.refused);
        return err;
    }
    metric_inc(&l->counters.applied);
    bool counts = still_counts(l, h, lease, age_ns, now_ns);
    if (lease->min_epoch != h->lease.min_epoch)
        h->raised_ns = now_ns - age_ns;
    h->lease = *lease;
    h->ignored.since_ns = 0;
    h->heard_ns = now_ns - age_ns;
    if (lease->leaving) {
        liveness_end(l, h, HOST_LEFT, now_ns);
    } else if (!counts) {
        liveness_end(l, h, HOST_EXPIRED, now_ns);
    } else {
        liveness_set_deadline(l, h, deadline_of(l, h));
        liveness_set_status(l, h, HOST_ALIVE);
    }
    return 0;
}

void liveness_remove(struct liveness *l, const char *host, int64_t now_ns)
{
    struct host *h = liveness_find(l, host);
    if (h && h->status != HOST_LEFT)
        liveness_end(l, h, HOST_LEFT, now_ns);
}
