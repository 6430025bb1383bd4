/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of a bus share. Made before they start; from then on constant, but for what has a lock of its own or is
 * atomic.
 */
#ifndef BUS_BUS_SHARED_H
#define BUS_BUS_SHARED_H

#include <stdatomic.h>

#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/bus/bus_settings.h"

struct bus_link;
struct bus_puts;

/* What the bus counts. Counting is any thread's. */
struct bus_counters {
    metric_value connects, connect_failures, disconnects, moves;
    metric_value puts, acks, put_failures, puts_limited;
    metric_value live, live_dropped, foreign, unreadable;
    metric_value snapshots, mirror_snapshots, snapshot_entries, snapshot_failures, gets;
    metric_value values_refused;
    metric_value denials, published, publish_failures;
    metric_value requests, requests_no_inbox, requests_too_large, requests_full;
};

struct bus_shared {
    struct bus_options options;                        /* of its pointers, those alone that outlive the bus (bus.h) */
    char api_prefix[BUS_PREFIX_CAP];                   /* "$JS.API" or that of a domain */
    char put_prefix[BUS_BUCKETS][BUS_PREFIX_CAP + 80]; /* of a put's subject, in front of the key: "$KV.<bucket>." */
    struct bus_counters counters;
    struct mailbox *box; /* to main */
    struct bus_stream streams[BUS_BUCKETS];
    struct bus_mirror mirrors[BUS_BUCKETS];
    atomic_bool message_ttl
        [BUS_BUCKETS]; /* whether a message there may carry a time to live of its own: the reader finds out */
    struct bus_puts *puts;
    atomic_size_t requests_waiting; /* of others: posted, not dispatched yet */

    /*
     * Two connections: a server that says that it is about to stop is left for another one by connecting there first. The bus
     * thread opens, exchanges and closes them; everyone else asks which one is in use.
     */
    struct bus_link *links[2];
    _Atomic(struct bus_link *) link; /* one of them, always */
};

#endif
