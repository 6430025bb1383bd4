/* SPDX-License-Identifier: Apache-2.0 */
/* Compares how each region is with what was last published of it, and publishes what has changed. */
#include "daemon/registry/regions/region_events.h"

#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"

#define SETTLED_NS (2 * NS_PER_S)

/* key: what the event is about; never the name of a host, which would not be chosen to report itself. */
static bool is_ours_to_report(const struct region_events *e, const char *key, int64_t since_ns, int64_t now_ns)
{
    return liveness_is_chosen(e->liveness, e->config->host, key, since_ns, now_ns);
}

static void report(struct region_events *e, const struct reported_region *t, const struct region_seen *seen,
                   int64_t now_ns)
{
    char key[LABEL_CAP + 8];
    snprintf(key, sizeof key, "region %s", seen->name);
    if (!is_ours_to_report(e, key, t->lost_ns, now_ns))
        return;
    events_report(e->events, &(struct event){.type = t->lost ? EVENT_REGION_LOST : EVENT_REGION_BACK,
                                             .other_region = seen->name,
                                             .time_ms = t->other_ms,
                                             .lost_ms = t->lost ? 0 : t->other_ms - t->lost_ms,
                                             .reason = t->lost ? seen->reason : NULL});
}

static void note_other(struct reported_region *t, const struct region_seen *seen, int64_t now_ns)
{
    bool lost = seen->state != REGION_LIVE;
    t->other_ns = now_ns;
    t->other_ms = clock_wall_ms();
    if (lost && seen->heard_ns)
        t->other_ms -= (now_ns - seen->heard_ns) / NS_PER_MS;
}

/*
 * A region that is read again (CATCHING_UP) is not lost because of that: only as part of a loss that was seen before.
 */
static bool is_as_reported(const struct reported_region *t, const struct region_seen *seen)
{
    return seen->state == REGION_NEVER || (seen->state != REGION_LIVE) == t->lost ||
           (seen->state == REGION_CATCHING_UP && !t->other_ns);
}

/* A region that was never live in this life gets a lease TTL more: connecting takes its time. */
static int64_t settled_ns(const struct region_events *e, const struct reported_region *t)
{
    return t->other_ns + SETTLED_NS + (t->known ? 0 : e->config->registry.lease_ttl_ns);
}

int64_t region_events_seen(struct region_events *e, size_t i, const struct region_seen *seen, bool own_heard,
                           int64_t now_ns)
{
    struct reported_region *t = &e->reported[i];
    t->known |= seen->state == REGION_LIVE;
    if (!own_heard || is_as_reported(t, seen)) {
        t->other_ns = 0;
        return INT64_MAX;
    }
    if (!t->other_ns)
        note_other(t, seen, now_ns);
    if (now_ns < settled_ns(e, t))
        return settled_ns(e, t);
    t->lost = !t->lost;
    if (t->lost) {
        t->lost_ns = t->other_ns;
        t->lost_ms = t->other_ms;
    }
    if (t->known)
        report(e, t, seen, now_ns);
    t->known = true;
    t->other_ns = 0;
    return INT64_MAX;
}

int64_t region_events_tick(struct region_events *e, const struct regions *regions, enum table_sync own, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    bool own_heard = own == TABLE_LIVE || own == TABLE_DEGRADED;
    for (size_t i = 0; events_wanted(e->events) && i < regions_count(regions); i++) {
        const struct region *r = regions_at(regions, i);
        const struct inbound *in = region_inbound(r);
        const struct region_seen seen = {region_name(r), region_state_of(r), inbound_region(in)->heard_ns,
                                         inbound_stale_reason(in)};
        int64_t one_ns = region_events_seen(e, i, &seen, own_heard, now_ns);
        next_ns = one_ns < next_ns ? one_ns : next_ns;
    }
    return next_ns;
}

void region_events_moved(struct region_events *e, const struct region_move *move, int64_t now_ns)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    if (!events_wanted(e->events) || service_parse(move->service, domain, service) < 0)
        return;
    if (!move->own && !is_ours_to_report(e, move->service, move->since_ns, now_ns))
        return;
    events_report(e->events, &(struct event){.type = move->home ? EVENT_FAILOVER_ENDED : EVENT_FAILOVER_BEGUN,
                                             .domain = domain,
                                             .service = service,
                                             .answers = move->to,
                                             .answered = move->from,
                                             .reason = move->reason});
}
