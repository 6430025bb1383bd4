/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told over NATS of hosts. A host tells itself that it is new, leaves, lost NATS and has it again; that it is lost,
 * held, or back without having noticed, one other tells, which all choose alike (liveness_observer). When that one is found
 * to have died before it could, the choice is made again. Main thread only.
 */
#ifndef REGISTRY_HOST_EVENTS_H
#define REGISTRY_HOST_EVENTS_H

#include "daemon/catalog/catalog.h"
#include "daemon/registry/events/events.h"
#include "daemon/sync/liveness.h"

#define HOST_EVENTS_MAX 512 /* hosts that are remembered as lost or held */

/* Of a host that is lost or held, or has been. */
struct told_host {
    char host[LABEL_CAP], chosen[LABEL_CAP]; /* who tells it */
    enum event_type what;
    bool due; /* it is not chosen yet who */
    uint64_t life, counter;
    size_t instances;
    int64_t time_ms, chosen_ns;
    int64_t gone_ns; /* when it was found gone */
};

/* Zeroed in the beginning, but for what it reaches. */
struct host_events {
    struct events *events; /* NULL: nothing is told */
    const struct config *config;
    const struct catalog *catalog;
    const struct liveness *liveness;
    struct told_host told[HOST_EVENTS_MAX];
    size_t n_told, next; /* the oldest makes room */
    bool due;
    bool guard_due, guard_on;
    size_t guard_held;
    const char *guard_reason; /* static */
    int64_t guard_ns;         /* since when */
    int64_t bus_lost_ns;      /* 0: it is not */
    int64_t lease_ns;         /* when an earlier life's lease was put; 0: there is none, or it said good-bye */
    bool own_stored;          /* one of this life's was */
};

/* Before the catalog hears of it. */
void host_events_changed(struct host_events *h, const char *host, const struct lease *lease, enum host_status status,
                         int64_t now_ns);
void host_events_guard(struct host_events *h, size_t held, const char *reason, int64_t now_ns);

void host_events_bus_lost(struct host_events *h, const char *reason, int64_t now_ns);
void host_events_bus_back(struct host_events *h, int64_t now_ns);

/* A lease of an earlier life of this host was found, which was put so long ago; ours is stored, with so many instances. */
void host_events_lease_found(struct host_events *h, const struct lease *lease, int64_t age_ns, int64_t now_ns);
void host_events_lease_stored(struct host_events *h, size_t instances, int64_t now_ns);

/* The host says good-bye. */
void host_events_leaving(struct host_events *h, size_t instances);

/* Chooses who tells what is due. Returns when to call again; INT64_MAX: when something else has happened. */
int64_t host_events_tick(struct host_events *h, int64_t now_ns);

#endif
