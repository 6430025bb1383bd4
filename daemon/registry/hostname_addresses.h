/* SPDX-License-Identifier: Apache-2.0 */
/* Has the resolver resolve the host names of instances, and puts their addresses into the catalog. Main thread only. */
#ifndef REGISTRY_HOSTNAME_ADDRESSES_H
#define REGISTRY_HOSTNAME_ADDRESSES_H

#include <event2/event.h>

#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"

struct hostname_addresses;

/* Addresses have changed in the catalog, which is to be flushed. */
typedef void hostname_addresses_settled_fn(void *arg);

/* All arguments stay the caller's. -EINVAL: resolver.servers (logged); -ENOMEM. */
int hostname_addresses_new(struct event_base *base, const struct config *config, struct catalog *catalog,
                           struct metrics *metrics, hostname_addresses_settled_fn *settled, void *arg,
                           struct hostname_addresses **ret_h);
void hostname_addresses_free(struct hostname_addresses *h); /* NULL is fine */

/*
 * Whether a record's host name may be taken; with *ret_why (static): -EINVAL: it would lead back to ourselves; -ENOSPC:
 * there are too many.
 */
int hostname_addresses_check(const struct hostname_addresses *h, const struct record *record, const char **ret_why);

#endif
