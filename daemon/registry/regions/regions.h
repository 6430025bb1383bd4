/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All other regions that this daemon reads, in the order of the configuration: nearest first.
 *
 * Another region, as it is read: a connection of its own, both followers, liveness, guard and health (inbound), a catalog
 * that writes into the shared table, and what the last life knew of it on disk. Nothing is ever written to it, and it shares
 * nothing but the table with any other region: a flood, a silence or a link that hangs is its own.
 *
 * A connection of its own also where it goes to the same server as the own one: nothing of another region may stand in
 * the way of the own lease, and a request that waits for a link that is cut must keep no other one waiting.
 *
 * Main thread only.
 */
#ifndef REGISTRY_REGIONS_H
#define REGISTRY_REGIONS_H

#include <event2/event.h>

#include "daemon/base/loop.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/tracing/tracing.h"
#include "daemon/sync/region_health.h"
#include "proto/api.pb-c.h"

struct region;
struct regions;

/* What it reaches; all stay the caller's. */
struct regions_reach {
    struct event_base *base;
    const struct config *config;
    struct table_writer *table;
    struct tracing *tracing;
    void *arg;
    /* something was heard of one: regions_tick has something to do */
    void (*turn)(void *arg);
    void (*service_changed)(void *arg, const char *service); /* the table says something else of "shop/payment@b" */
};

/* Loads their files, begins to connect, and marks the own region in the table. A negative errno, which is logged. */
int regions_new(const struct regions_reach *reach, struct regions **ret_r);
/* Stores their catalogs where that is worth it, which blocks on the disk. NULL is fine, as for all below. */
void regions_free(struct regions *r);

/* Does what is due. Returns when to call again. */
int64_t regions_tick(struct regions *r, int64_t now_ns);
void regions_second(struct regions *r, int64_t now_ns); /* once a second */

/* This process did not run for ns. */
void regions_stalled(struct regions *r, int64_t ns);

/* Writes changes into the table, as far as the slice goes. Returns true when there are more. */
bool regions_flush(struct regions *r, const struct loop_slice *slice, int64_t now_ns);

/* Gives each region, in their order, new means of access: takes those that are not NULL, and sets them to NULL. */
void regions_set_access(struct regions *r, struct bus_access **accesses);

size_t regions_count(const struct regions *r);
struct region *regions_at(const struct regions *r, size_t i);
const struct region *regions_find(const struct regions *r, const char *name); /* or NULL */

/* Whether any of them has a service ("shop/payment"). */
bool regions_know(const struct regions *r, const char *service);

/* Fills in the fields about regions; they stay valid until anything else is called. */
void regions_status(struct regions *r, int64_t now_ns, Discover__V1__Status *ret_status);

/* --- one of them --- */

const char *region_name(const struct region *r);

/* What is known of it. Both live as long as the region. */
struct catalog *region_catalog(const struct region *r);
const struct inbound *region_inbound(const struct region *r);

enum region_state region_state_of(const struct region *r);

/* How old the knowledge of it may be; 0: it is live; -1: nothing is known. */
int64_t region_stale_ms(const struct region *r, int64_t now_ns);

#endif
