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

/* Zeroed but for the first four, which stay the caller's, and cut_off. */
struct remembered {
    const struct config *config;
    struct catalog *catalog;
    struct liveness *liveness;
    struct follow *records;
    int64_t asked_ns; /* since when NATS is looked for; own region */
    bool cut_off;     /* NATS was away at some time, so nobody could renew what is remembered */
};

void remembered_connected(struct remembered *r, int64_t now_ns);

/* All leases that the bucket has were read. */
void remembered_hosts_synced(struct remembered *r);

#endif
