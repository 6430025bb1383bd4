/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events about other regions: that one is lost and back, and which one answers for a service. Each host of the own region
 * judges that by itself, and most often all judge alike: one host reports what it sees, and all choose the same one for that
 * (liveness_choose). All hosts of a region are to read the same regions, else one may be chosen that knows nothing.
 *
 *  - While the own region is not heard well, nothing is reported of others: they are reached through the same NATS.
 *  - A change that is over within two seconds is not reported.
 *  - A region that was lost before this host began has been reported as lost: that it is back is reported.
 *
 * Main thread only.
 */
#ifndef REGISTRY_REGION_EVENTS_H
#define REGISTRY_REGION_EVENTS_H

#include "daemon/registry/events/events.h"
#include "daemon/registry/regions/region_failover.h"
#include "daemon/registry/regions/regions.h"

struct reported_region {
    bool known;       /* it was live or lost in this life, for long enough */
    bool lost;        /* whether it was last published as lost */
    int64_t other_ns; /* since when its state differs from what was published; 0: it does not */
    int64_t other_ms; /* other_ns as milliseconds since 1970: when it was last heard, or became live */
    int64_t lost_ns;  /* when it was last published as lost */
    int64_t lost_ms;  /* lost_ns as milliseconds since 1970 */
};

/* Zeroed in the beginning, but for what it reaches. */
struct region_events {
    struct events *events; /* NULL: nothing is reported */
    const struct config *config;
    const struct liveness *liveness; /* of the own region */
    struct reported_region reported[CONFIG_REGIONS_MAX];
};

/* How another region is, as of regions.h. */
struct region_seen {
    const char *name;
    enum region_state state;
    int64_t heard_ns;   /* when it was last heard; 0: not in this life */
    const char *reason; /* why it is stale */
};

/*
 * Reports what is due. own: how well the own region is heard. Returns when to call again; INT64_MAX: when something
 * else has happened.
 */
int64_t region_events_tick(struct region_events *e, const struct regions *regions, enum table_sync own, int64_t now_ns);

/* The same for the region at place i, which is seen like that. */
int64_t region_events_seen(struct region_events *e, size_t i, const struct region_seen *seen, bool own_heard,
                           int64_t now_ns);

/* Another region than before answers for a service. */
void region_events_moved(struct region_events *e, const struct region_move *move, int64_t now_ns);

#endif
