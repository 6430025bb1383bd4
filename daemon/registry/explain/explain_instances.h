/* SPDX-License-Identifier: Apache-2.0 */
/* Instances, and what was refused in their place, in an explanation. Main thread. */
#ifndef REGISTRY_EXPLAIN_INSTANCES_H
#define REGISTRY_EXPLAIN_INSTANCES_H

#include "daemon/registry/explain/explain.h"

#define EXPLAIN_INSTANCES_MAX 20 /* in one document */

/* What an explanation is made from. */
struct explaining {
    const struct explain_reach *reach;
    const Discover__V1__Status *status;
    int64_t now_ns;
    const char *region; /* whose catalog and inbound these are, if not the own one's; or NULL */
};

/* What the checks of an instance of this host say; whole: all of it, not each one's first line. */
json_t *explain_checks(const struct checks *checks, const struct instance_key *key, bool whole, int64_t now_ns);

/* One that the catalog knows; NULL: it has gone, or no memory. */
json_t *explain_known(const struct explaining *x, uint64_t id);

/* One that is registered here and waits for an address. */
json_t *explain_waiting(const struct explaining *x, const struct instance_key *key);

/* What was refused under keys that a pattern matches ("" and an asterisk in a key match anything), as a list. */
json_t *explain_refused(const struct explaining *x, const char *domain, const char *service, const char *host);

/* What is known of the lease of a host; NULL: nothing. */
json_t *explain_lease(const struct explaining *x, const char *host);

#endif
