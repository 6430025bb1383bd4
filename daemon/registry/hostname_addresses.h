/* SPDX-License-Identifier: Apache-2.0 */
/* The host names that instances in the catalog have, to the resolver and back as addresses. Main thread only. */
#ifndef REGISTRY_HOSTNAME_ADDRESSES_H
#define REGISTRY_HOSTNAME_ADDRESSES_H

#include <event2/event.h>

#include "daemon/base/metrics.h"
#include "daemon/catalog/catalog.h"
#include "daemon/config/config.h"

struct hostname_addresses;

/* Addresses have changed in the catalog: it is to be flushed. */
typedef void hostname_addresses_settled_fn(void *arg);

/* All stay the caller's. -EINVAL: resolver.servers (said in the log); -ENOMEM. */
int hostname_addresses_new(struct event_base *base, const struct config *config, struct catalog *catalog,
                           struct metrics *metrics, hostname_addresses_settled_fn *settled, void *arg,
                           struct hostname_addresses **ret_h);
void hostname_addresses_free(struct hostname_addresses *h); /* NULL is fine */

/* With the reason: -EINVAL, a host name that would lead back to ourselves; -ENOSPC, one too many. */
int hostname_addresses_check(const struct hostname_addresses *h, const struct record *record, const char **ret_why);

#endif
