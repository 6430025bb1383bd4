/* SPDX-License-Identifier: Apache-2.0 */
/* Leases run out, unless the silence may be our own deafness, or too many fell silent together. */
#include <stddef.h>

#include "daemon/sync/liveness_impl.h"

#define TICK_MAX    128 /* hosts in one tick, each with all its instances; the next tick is at once then */
#define COUNT_PIECE 256
#define COUNT_NS    (50 * NS_PER_MS) /* so long a count holds: those that have run out by then are silent together */

#define TICK_NS  NS_PER_S /* liveness_tick wants to be called that often, to notice when it was not */
#define PROBE_NS NS_PER_S /* between two probes */

static struct host *host_of(struct deadline *d)
{
    return (struct host *)((char *)d - offsetof(struct host, deadline));
}

/* From now on everybody has a whole TTL to be heard. */
static void grant_a_ttl(struct liveness *l, int64_t now_ns)
{
    l->healthy_since_ns = now_ns;
    l->counted_ns = 0;
    if (l->held == 0)
        return;
    l->guard_until_ns = deadline_later(l->guard_until_ns, now_ns + l->held_ttl_ns);
    liveness_notify_guard(l);
}

void liveness_set_healthy(struct liveness *l, bool healthy, int64_t now_ns)
{
    if (l->healthy == healthy)
        return;
    l->healthy = healthy;
    l->probe_ns = 0;
    if (healthy)
        grant_a_ttl(l, now_ns);
}

static void begin_to_count(struct liveness *l, int64_t now_ns)
{
    l->counted_ns = now_ns;
    l->silent = 0;
    l->to_count = l->hosts;
}

/* Counts a piece of the hosts that are silent. True: all are counted. */
static bool count_some(struct liveness *l, int64_t now_ns)
{
    if (!l->counted_ns || (!l->to_count && now_ns - l->counted_ns > COUNT_NS))
        begin_to_count(l, now_ns);
    for (size_t n = 0; l->to_count && n < COUNT_PIECE; n++, l->to_count = l->to_count->hh.next)
        l->silent += liveness_is_overdue(l, l->to_count, now_ns);
    return !l->to_count;
}

/* Whether so many have fallen silent together that it is more likely the way to them that broke. */
static bool mass_loss(const struct liveness *l)
{
    return l->silent >= l->options.guard_min && l->silent * 100 > l->alive * l->options.guard_percent;
}

/* A host that was counted as silent is not alive any more, or not overdue. */
static void one_less_is_silent(struct liveness *l)
{
    l->silent -= l->counted_ns && l->silent > 0;
}

static void hold(struct liveness *l, struct host *h)
{
    metric_inc(&l->counters.guarded);
    l->held_ttl_ns = deadline_later(l->held_ttl_ns, ttl_ns(h));
    liveness_set_deadline(l, h, l->guard_until_ns);
    liveness_set_status(l, h, HOST_HELD);
}

static void run_out(struct liveness *l, struct host *h, int64_t now_ns)
{
    if (l->guard_until_ns == 0 && mass_loss(l))
        l->guard_until_ns = now_ns + l->options.guard_ns;
    if (now_ns < l->guard_until_ns)
        hold(l, h);
    else
        liveness_end(l, h, HOST_EXPIRED, now_ns);
    one_less_is_silent(l);
}

/* Its newest lease runs out, but another life renews its own under the same name: nobody has to miss the host. */
static bool other_life_goes_on(struct liveness *l, struct host *h, int64_t now_ns)
{
    int64_t other_ttl_ns = (int64_t)h->ignored.lease.ttl_ms * NS_PER_MS;
    bool renewed = h->ignored.since_ns && h->ignored.heard_ns - h->ignored.since_ns >= other_ttl_ns / 4;
    if (!renewed || h->ignored.lease.leaving || h->ignored.heard_ns + other_ttl_ns <= now_ns)
        return false;
    metric_inc(&l->counters.believed);
    h->lease = h->ignored.lease;
    h->heard_ns = h->ignored.heard_ns;
    h->ignored.since_ns = 0;
    liveness_set_deadline(l, h, h->heard_ns + other_ttl_ns);
    liveness_set_status(l, h, HOST_ALIVE);
    return true;
}

static void due(struct liveness *l, struct host *h, int64_t now_ns)
{
    if (h->status == HOST_ALIVE && other_life_goes_on(l, h, now_ns))
        one_less_is_silent(l);
    else if (h->status == HOST_ALIVE)
        run_out(l, h, now_ns);
    else if (h->status == HOST_HELD)
        liveness_end(l, h, HOST_EXPIRED, now_ns);
    else
        liveness_forget(l, h);
}

void liveness_heard(struct liveness *l, int64_t now_ns)
{
    /* The probe was held up in the feed: that it comes now says nothing about what is right behind it. */
    if (l->probe_ns && now_ns - l->probing_ns > PROBE_NS)
        grant_a_ttl(l, now_ns);
    l->feed_ns = deadline_later(l->feed_ns, now_ns);
    l->probe_ns = 0;
}

/* Whether its silence may be our deafness. */
static bool doubtful(const struct liveness *l, const struct host *h)
{
    return h->status == HOST_ALIVE && liveness_heard_ns(l) < liveness_deadline_ns(l, h);
}

int64_t liveness_heard_ns(const struct liveness *l)
{
    return l->options.probe ? l->feed_ns : INT64_MAX;
}

/* What comes of it is reported by liveness_heard, or by health. */
int64_t liveness_probe(struct liveness *l, int64_t now_ns)
{
    if (l->probe_ns == 0) {
        l->probing_ns = now_ns;
        l->probe_ns = now_ns + l->options.probe_after_ns;
    }
    if (now_ns >= l->probe_ns) {
        l->probe_ns = now_ns + PROBE_NS;
        l->options.probe(l->arg);
    }
    return l->probe_ns;
}

/* We were stopped or suspended: what came meanwhile is not read yet. */
static bool was_stopped(const struct liveness *l, int64_t now_ns)
{
    return l->ticked_ns && now_ns - l->ticked_ns > 2 * TICK_NS;
}

static int64_t let_run_out(struct liveness *l, int64_t now_ns)
{
    struct deadline *d;
    if (!l->healthy || !deadlines_first(&l->deadlines)) {
        l->ticked_ns = 0;
        return INT64_MAX;
    }
    if (was_stopped(l, now_ns))
        grant_a_ttl(l, now_ns);
    l->ticked_ns = now_ns;
    for (size_t n = 0; l->whole && n < TICK_MAX; n++) {
        d = deadlines_first(&l->deadlines);
        if (!d || d->at_ns > now_ns)
            break;
        struct host *h = host_of(d);
        if (liveness_deadline_ns(l, h) > now_ns)
            liveness_set_deadline(l, h, liveness_deadline_ns(l, h));
        else if (doubtful(l, h))
            return liveness_probe(l, now_ns);
        else if (h->status == HOST_ALIVE && l->guard_until_ns == 0 && !count_some(l, now_ns))
            return now_ns;
        else
            due(l, h, now_ns);
    }
    int64_t next_ns = l->whole ? deadline_later(deadlines_next_ns(&l->deadlines), now_ns) : INT64_MAX;
    return next_ns < now_ns + TICK_NS ? next_ns : now_ns + TICK_NS;
}

int64_t liveness_tick(struct liveness *l, int64_t now_ns)
{
    liveness_notify_some(l);
    int64_t next_ns = let_run_out(l, now_ns);
    return l->to_notify ? now_ns : next_ns;
}
