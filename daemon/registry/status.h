/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the daemon as a whole, for `discoverctl status`, for HTTP, and, as its sync state, for every reader of the table.
 * Main thread only.
 */
#ifndef REGISTRY_STATUS_H
#define REGISTRY_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/agent/agent.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"
#include "daemon/registry/catalog_file.h"
#include "daemon/registry/host_address.h"
#include "daemon/registry/inbound/inbound.h"
#include "daemon/registry/outbound.h"
#include "proto/api.pb-c.h"

struct status;

/* What it reaches; all stay the caller's. */
struct status_reach {
    const struct config *config;
    struct catalog *catalog;
    struct agent *agent;
    const struct outbound *outbound;
    struct inbound *inbound;
    const struct host_address *host_address;
    int64_t started_ns;      /* when this life began */
    int64_t stored_since_ns; /* when what the last life stored was true; 0: it stored nothing */
    void *arg;
    bool (*bus_connected)(void *arg);
    int (*dns_table_error)(void *arg); /* errno of giving the DNS workers the present segment; 0: they have it */
    void (*answers_begin)(void *arg);  /* from now on a service that is not in the table does not exist */
};

/* -ENOMEM. */
int status_new(const struct status_reach *reach, struct status **ret_s);
void status_free(struct status *s); /* NULL is fine */

/*
 * Called at each turn, after a flush: writes into the table, and logs when it changes, how far the catalog can be
 * trusted.
 */
void status_update_sync(struct status *s, int64_t now_ns);

/*
 * Whether the catalog is better than the file that the last life left on disk. *ret_true_ns: the last time at which the
 * catalog was known to be true.
 */
bool status_catalog_is_worth_storing(const struct status *s, int64_t now_ns, int64_t *ret_true_ns);

/* Stores the catalog if it is worth it, and waits for the disk: at the end of the daemon. */
void status_store_last(const struct status *s, struct catalog_file *file);

/* Fills in all fields but the counters of the API. The strings stay valid until anything else is called. */
void status_fill(struct status *s, Discover__V1__Status *ret_status);

#endif
