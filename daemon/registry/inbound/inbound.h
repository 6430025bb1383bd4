/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The read side: what the bus brings, to catalog and agent; who is alive, and whether the bus is to be trusted in that. One
 * follower for each bucket keeps the order; what it lets through goes on:
 *
 *   inbound_records.c  records of other hosts -> catalog; of this host -> agent, which alone says what is registered here
 *   inbound_leases.c   leases of other hosts -> liveness -> catalog; our own -> agent, and health (it is the canary)
 *   inbound_own.c      the own region: agent and health
 *   inbound_other.c    another region, which is only read: nothing there is ours
 *   inbound_mirror.c   what a mirror here has of it
 *   inbound.c          bus -> followers; time
 *
 * There is one for each region. None touches another's health.
 *
 * Main thread only.
 */
#ifndef REGISTRY_INBOUND_H
#define REGISTRY_INBOUND_H

#include "daemon/agent/agent.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/events/events.h"
#include "daemon/registry/host_address.h"
#include "daemon/registry/tracing/tracing.h"
#include "daemon/sync/liveness.h"
#include "daemon/sync/region_health.h"
#include "proto/api.pb-c.h"

struct inbound;

/* What it reaches; all stay the caller's. */
struct inbound_reach {
    struct metrics *metrics;
    const struct config *config;
    const char *region;               /* the name of another one; NULL: the own one */
    const char *buckets[BUS_BUCKETS]; /* their names, for people */
    struct catalog *catalog;
    struct catalog_file *catalog_file;
    struct host_address *host_address; /* as agent: only of the own region */
    struct agent *agent;
    struct events *events;   /* take news of hosts; NULL: they are not reported */
    struct tracing *tracing; /* NULL: trace contexts are not looked at */
    void *arg;
    /* somebody asks over NATS; NULL: requests are not served */
    void (*request)(void *arg, const struct bus_request *request);
    int (*order)(void *arg, enum bus_order order, enum bus_bucket bucket); /* as bus_order */
    /*
     * Of another region: its mirror was read (BUS_REMEMBER), whose newest message was stored at newest_ns (since 1970).
     */
    void (*remembered)(void *arg, int64_t newest_ns);
    /* Returns true if the put was not the agent's. NULL: nobody else puts. */
    bool (*put_done)(void *arg, const struct bus_put_result *result);
};

/* -ENOMEM. */
int inbound_new(const struct inbound_reach *reach, struct inbound **ret_in);
void inbound_free(struct inbound *in); /* NULL is fine */

/*
 * Of the own region: the bus begins to look for a server. The time that the start took until now says nothing of NATS.
 */
void inbound_bus_begins(struct inbound *in, int64_t now_ns);

/* Their argument is a struct inbound. */
extern const struct bus_events inbound_bus_events;

/* Does what is due. Returns when to call again. */
int64_t inbound_tick(struct inbound *in, int64_t now_ns);
void inbound_second(struct inbound *in, int64_t now_ns); /* once a second */

/* Our lease is about to be put: the canary is on its way. */
void inbound_lease_sent(struct inbound *in, const struct lease *lease, int64_t now_ns);

/* This host says good-bye. */
void inbound_leaving(struct inbound *in);

/* The table has all that the catalog has. */
void inbound_visible(struct inbound *in, int64_t now_ns);

/* This process did not run for ns: no canary is late because of that. */
void inbound_stalled(struct inbound *in, int64_t ns);

/* Whether a snapshot of the records is being read. */
bool inbound_reads_records(const struct inbound *in);

/* Whether a whole snapshot of both buckets was taken in this life. */
bool inbound_synced_once(const struct inbound *in);

/* The sync state of the region, and why it is stale (static), for people. */
enum table_sync inbound_sync(const struct inbound *in);
const char *inbound_stale_reason(const struct inbound *in);

/* The time on the server's clock, in ms since 1970, or a little earlier; 0: not known. */
int64_t inbound_server_ms(const struct inbound *in, int64_t now_ns);

/*
 * Of another region. inbound_remember: its file was loaded, so that something is known of it. inbound_region: its
 * health, which lives as long as in.
 */
void inbound_remember(struct inbound *in);
const struct region_health *inbound_region(const struct inbound *in);

/* What is heard of the region's hosts; it lives as long as in. */
const struct liveness *inbound_liveness(const struct inbound *in);

/*
 * How long the last own lease took through NATS and back, and how long they take in the mean; -1: none has come back
 * yet.
 */
void inbound_propagation(const struct inbound *in, int64_t *ret_last_ns, int64_t *ret_mean_ns);

/* Fills in server, distrust, held hosts, refusals and buckets; they stay valid until anything else is called. */
void inbound_status(struct inbound *in, int64_t now_ns, Discover__V1__Status *ret_status);

#endif
