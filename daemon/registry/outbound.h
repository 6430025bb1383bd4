/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This host's side: the agent, and what it says of the registrations of this host, to the local catalog, the bus and the
 * disk. Main thread only.
 */
#ifndef REGISTRY_OUTBOUND_H
#define REGISTRY_OUTBOUND_H

#include <event2/event.h>

#include "daemon/agent/agent.h"
#include "daemon/agent/state_dir.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/host_address.h"
#include "daemon/registry/tracing/tracing.h"

struct outbound;

/* What it reaches; all stay the caller's. */
struct outbound_reach {
    struct event_base *base;
    struct metrics *metrics;
    const struct config *config;
    struct state_dir *state_dir;
    struct catalog *catalog;
    struct catalog_file *catalog_file;
    const struct host_address *host_address;
    struct events *events;   /* take what becomes of instances; NULL: nothing is reported */
    struct tracing *tracing; /* NULL: changes have no trace contexts */
    void *arg;
    void (*turn)(void *arg); /* the agent has something to do */
    void (*registration_gone)(void *arg, const struct instance_key *key);
    void (*lease_sent)(void *arg, const struct lease *lease); /* a lease is about to be put */
};

/*
 * Makes the agent, with what the last life stored, and what it left in the catalog's file. Damaged files are set aside, and
 * logged. -ENOMEM, or a negative errno of the disk.
 */
int outbound_new(const struct outbound_reach *reach, struct outbound **ret_o);
void outbound_free(struct outbound *o); /* NULL is fine */

struct agent *outbound_agent(struct outbound *o);

/* Where the agent's puts go from now on; NULL: nowhere, they are not taken. */
void outbound_set_bus(struct outbound *o, struct bus *bus);

/* The host is reached elsewhere now: look at host_address_get. */
void outbound_address_changed(struct outbound *o);

/* Once a second: what could not be stored is tried again. */
void outbound_second(struct outbound *o);

/* Why the state directory cannot be written, for people; "": it can be. Valid until anything else is called. */
const char *outbound_store_error(const struct outbound *o);

#endif
