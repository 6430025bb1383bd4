/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of a bus share. Made before they start; from then on constant, but for what has a lock of its own or is
 * atomic.
 */
#ifndef BUS_BUS_SHARED_H
#define BUS_BUS_SHARED_H

#include <stdatomic.h>

#include "daemon/bus/bus.h"
#include "daemon/bus/bus_counters.h"
#include "daemon/bus/bus_puts.h"
#include "daemon/bus/bus_settings.h"

struct bus_links;
struct bus_requests;

struct bus_shared {
    struct bus_options options; /* of its pointers, host, region and js_domain alone (bus.h) */
    struct bus_counters counters;
    struct mailbox *box; /* to main */
    struct bus_stream streams[BUS_BUCKETS];
    struct bus_mirror mirrors[BUS_BUCKETS];
    atomic_bool message_ttl
        [BUS_BUCKETS]; /* whether a message there may carry a time to live of its own: the reader finds out */
    struct bus_puts *puts;
    struct bus_links *links;
    struct bus_requests *requests; /* of others */
};

#endif
