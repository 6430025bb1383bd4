/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last life left in catalog.snap, until NATS is heard: the functions are called only as long as no whole snapshot
 * of both buckets was taken in this life. Main thread only.
 */
#ifndef REGISTRY_REMEMBERED_H
#define REGISTRY_REMEMBERED_H

#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/liveness.h"

/* Zeroed but for the first five, which stay the caller's. */
struct remembered {
    const struct config *config;
    struct catalog *catalog;
    struct liveness *liveness;
    struct follow *records;
    int64_t started_ns; /* when this life began */
    bool cut_off;       /* NATS was away when it did: what is remembered could not be renewed */
};

void remembered_connected(struct remembered *r, int64_t now_ns);
void remembered_disconnected(struct remembered *r);

/* All leases that there are have been read. */
void remembered_hosts_synced(struct remembered *r);

#endif
