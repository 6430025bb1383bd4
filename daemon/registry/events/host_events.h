/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events about hosts. A host reports itself that it is new, leaves, lost NATS and has it again; that it is lost, held, or
 * back without having noticed is reported by one other, which all choose alike (liveness_choose). When that one is found
 * to have died before it could, the choice is made again. Main thread only.
 */
#ifndef REGISTRY_HOST_EVENTS_H
#define REGISTRY_HOST_EVENTS_H

#include "daemon/catalog/catalog.h"
#include "daemon/registry/events/events.h"
#include "daemon/sync/liveness.h"

#define HOST_EVENTS_MAX 512 /* hosts that are remembered as lost or held */

/* A host that is lost, held, or back, and that is reported. */
struct reported_host {
    char host[LABEL_CAP], chosen[LABEL_CAP]; /* chosen: the host that reports it */
    enum event_type what;
    bool due; /* the host that reports it is not chosen yet */
    uint64_t life, counter;
    size_t instances;
    int64_t time_ms, chosen_ns;
    int64_t gone_ns; /* when it was found gone */
};

/* The choice of the host that reports one of them, which is made in pieces. */
struct being_chosen {
    char host[LABEL_CAP]; /* whose reporter is being chosen; "": none */
    int64_t gone_ns;
    struct liveness_choice choice;
};

/* Zeroed in the beginning, but for what it reaches. */
struct host_events {
    struct events *events; /* NULL: nothing is reported */
    const struct config *config;
    const struct catalog *catalog;
    const struct liveness *liveness;
    struct reported_host reported[HOST_EVENTS_MAX];
    uint64_t hashes[HOST_EVENTS_MAX]; /* of the names of reported hosts, as each lease that comes is looked for */
    struct being_chosen choosing;
    size_t n_reported, next; /* number of entries; where the next goes, in place of the oldest if all are used */
    bool due;                /* some entry is due */
    bool guard_due, guard_on;
    size_t guard_held;
    const char *guard_reason; /* static */
    int64_t guard_ns;         /* when the guard began or ended */
    int64_t bus_lost_ns;      /* when the bus was lost; 0: it is not lost */
    int64_t lease_ns;         /* when an earlier life's lease was put; 0: there is none, or it said good-bye */
    bool own_stored;          /* a lease of this life was stored */
};

/* To be called before the catalog learns of a host's status, or of the guard: the events count what it had by then. */
void host_events_changed(struct host_events *h, const char *host, const struct lease *lease, enum host_status status,
                         int64_t now_ns);
void host_events_guard(struct host_events *h, size_t held, const char *reason, int64_t now_ns);

void host_events_bus_lost(struct host_events *h, const char *reason, int64_t now_ns);
void host_events_bus_back(struct host_events *h, int64_t now_ns);

/*
 * A lease of an earlier life of this host was found, which was put age_ns ago; a lease of this life was stored, which
 * vouches for so many instances.
 */
void host_events_lease_found(struct host_events *h, const struct lease *lease, int64_t age_ns, int64_t now_ns);
void host_events_lease_stored(struct host_events *h, size_t instances, int64_t now_ns);

/* The host says good-bye. */
void host_events_leaving(struct host_events *h, size_t instances);

/* Chooses who reports what is due. Returns when to call again; INT64_MAX: when something else has happened. */
int64_t host_events_tick(struct host_events *h, int64_t now_ns);

#endif
