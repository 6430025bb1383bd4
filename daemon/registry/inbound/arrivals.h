/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long changes of other hosts take from the server to whoever looks up here, by the time that the server gave them when
 * it stored them. Main thread only.
 *
 * NATS before 2.10 says nothing of when: then nothing is measured, and the own lease's way there and back is what there is.
 */
#ifndef REGISTRY_ARRIVALS_H
#define REGISTRY_ARRIVALS_H

#include <stddef.h>

#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog.h"
#include "daemon/sync/server_clock.h"

#define ARRIVALS_MAX 64 /* changes that are measured, of those that become visible together */

/* Zeroed: nothing has come. */
struct arrivals {
    struct server_clock clock;
    struct histogram visible;
    size_t n;
    struct {
        uint64_t id; /* of the instance; 0: it has gone since */
        int64_t stored_ns;
    } all[ARRIVALS_MAX];
};

/* A change was taken into the catalog, and is to be written into the table. stored_ns: as of kv_message. */
void arrivals_taken(struct arrivals *a, uint64_t id, int64_t stored_ns);

/* The table has all that the catalog has: what was taken is visible now, and is measured. */
void arrivals_visible(struct arrivals *a, struct catalog *c, int64_t now_ns);

#endif
