/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another region, as it is read: a connection of its own, both followers, liveness, guard and health (inbound), a catalog
 * that writes into the shared table, and what the last life knew of it on disk. Nothing is ever written to it, and it shares
 * nothing but the table with any other region: a flood, a silence or a link that hangs is its own.
 *
 * A connection of its own also where it goes to the same server as the own one: nothing of another region may stand in
 * the way of the own lease, and a request that waits for a link that is cut must keep no other one waiting.
 *
 * Main thread only.
 */
#ifndef REGISTRY_REGION_H
#define REGISTRY_REGION_H

#include <event2/event.h>

#include "daemon/base/loop.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/tracing/tracing.h"
#include "daemon/sync/region_health.h"
#include "proto/api.pb-c.h"

struct region;

/* What it reaches; all stay the caller's. */
struct region_reach {
    struct event_base *base;
    const struct config *config;
    const struct region_config *region; /* its part of config */
    struct table_writer *table;
    struct tracing *tracing;
    void *arg;
    /* something was heard of it: region_tick has something to do */
    void (*turn)(void *arg);
    void (*service_changed)(void *arg, const char *service); /* the table says something else of "shop/payment@b" */
};

/* Loads its file, and begins to connect. A negative errno, which is logged. */
int region_new(const struct region_reach *reach, struct region **ret_r);
void region_free(struct region *r); /* stores its catalog if that is worth it, which blocks on the disk; NULL is fine */

/* Does what is due. Returns when to call again. */
int64_t region_tick(struct region *r, int64_t now_ns);
void region_second(struct region *r, int64_t now_ns); /* once a second */

/* This process did not run for ns. */
void region_stalled(struct region *r, int64_t ns);

/* Writes changes into the table, as far as the slice goes. Returns true when there are more. */
bool region_flush(struct region *r, const struct loop_slice *slice, int64_t now_ns);

/* As bus_set_access. */
bool region_set_access(struct region *r, struct bus_access *access);

const char *region_name(const struct region *r);

/* What is known of it, for reading. Both live as long as the region. */
struct catalog *region_catalog(const struct region *r);
const struct inbound *region_inbound(const struct region *r);

/*
 * Its state; of a service of it ("shop/payment"), how many instances are usable and exported, and whether there is such
 * a service.
 */
enum region_state region_state_of(const struct region *r);
size_t region_usable(const struct region *r, const char *service);
bool region_knows(const struct region *r, const char *service);

/* As catalog_set_answering. */
int region_set_answering(struct region *r, const char *service, bool answers);

/* How old the knowledge of it may be; 0: it is live; -1: nothing is known. */
int64_t region_stale_ms(const struct region *r, int64_t now_ns);

/* Fills in the message. Its strings are valid until anything else is called. */
void region_status(const struct region *r, int64_t now_ns, Discover__V1__RegionStatus *ret_status);

#endif
