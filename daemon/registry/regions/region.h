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

struct region;

/* What it reaches; all stay the caller's. */
struct region_reach {
    struct event_base *base;
    const struct config *config;
    const struct region_config *region; /* of it */
    struct table_writer *table;
    struct tracing *tracing;
    int64_t started_ns; /* when this life began */
    void *arg;
    void (*turn)(void *arg);                                 /* something came of it */
    void (*service_changed)(void *arg, const char *service); /* the table says something else of "shop/payment@b" */
};

/* Loads what is stored of it, and connects. A negative errno, said in the log. */
int region_new(const struct region_reach *reach, struct region **ret_r);
void region_free(struct region *r); /* stores what is worth it; NULL is fine */

/* Does what is due. Returns when to call again. */
int64_t region_tick(struct region *r, int64_t now_ns);
void region_second(struct region *r, int64_t now_ns); /* once a second */

/* This process did not run for so long. */
void region_stalled(struct region *r, int64_t ns);

/* Writes what has changed into the table, as far as the slice goes. True: there is more. */
bool region_flush(struct region *r, const struct loop_slice *slice, int64_t now_ns);

/* As bus_set_access. */
bool region_set_access(struct region *r, struct bus_access *access);

const char *region_name(const struct region *r);

/* What is known of it, to be read; it and what tells of its hosts live as long as the region. */
struct catalog *region_catalog(const struct region *r);
const struct inbound *region_inbound(const struct region *r);

/* How it is; of a service of it, how many instances are usable and exported, and whether there is such a service. */
enum region_state region_state_of(const struct region *r);
size_t region_usable(const struct region *r, const char *service);
bool region_knows(const struct region *r, const char *service);

/* As catalog_set_answering. */
int region_set_answering(struct region *r, const char *service, bool answers);

struct region_status {
    const char *name;
    enum region_state state;
    int64_t stale_ms;           /* how old what is known of it may be; 0: live; -1: nothing is known */
    const char *reason;         /* static: why it is not live; "" */
    const char *server, *error; /* of its connection; valid until anything else is called */
    const char *mirror;         /* how its mirrors were when they were read last (static); "": there are none */
    uint64_t mirror_snapshots;  /* that were read from them */
    struct catalog_counts counts;
    uint64_t questions; /* how far it is, because it was silent */
};
void region_status(const struct region *r, int64_t now_ns, struct region_status *ret_status);

#endif
