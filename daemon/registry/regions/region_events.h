/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told over NATS of other regions: that one is lost and back, and which one answers for a service. Each host of the
 * own region judges that by itself, and most often all judge alike: one of them tells what it sees, which all choose
 * alike (liveness_observer). All hosts of a region are to read the same regions, else one may be chosen that knows nothing.
 *
 *  - While the own region is not heard well, nothing is told of others: they are reached through the same NATS.
 *  - What passes within two seconds is not told.
 *  - Lost before this host began: that has been told, and that it is back is told.
 *
 * Main thread only.
 */
#ifndef REGISTRY_REGION_EVENTS_H
#define REGISTRY_REGION_EVENTS_H

#include "daemon/registry/events/events.h"
#include "daemon/registry/regions/region_failover.h"
#include "daemon/registry/regions/regions.h"

struct told_region {
    bool known;       /* it was live or lost in this life, for long enough */
    bool lost;        /* as it was told */
    int64_t other_ns; /* it is otherwise than told since then; 0: it is not */
    int64_t other_ms; /* the same, since 1970: when it was heard last, or that it is live */
    int64_t lost_ns;  /* since then it is, or was last, told as lost */
    int64_t lost_ms;  /* the same, since 1970 */
};

/* Zeroed in the beginning, but for what it reaches. */
struct region_events {
    struct events *events; /* NULL: nothing is told */
    const struct config *config;
    const struct liveness *liveness; /* of the own region */
    struct told_region told[CONFIG_REGIONS_MAX];
};

/* How another region is, as of region.h. */
struct region_seen {
    const char *name;
    enum region_state state;
    int64_t heard_ns;   /* last; 0: not in this life */
    const char *reason; /* why it is stale */
};

/* Tells what is due. own: how well the own region is heard. Returns when to call again; INT64_MAX: when something else has happened. */
int64_t region_events_tick(struct region_events *e, const struct regions *regions, enum table_sync own, int64_t now_ns);

/* The same for the region at that place. */
int64_t region_events_seen(struct region_events *e, size_t i, const struct region_seen *seen, bool own_heard,
                           int64_t now_ns);

/* Another region than before answers for a service. */
void region_events_moved(struct region_events *e, const struct region_move *move, int64_t now_ns);

#endif
