/* SPDX-License-Identifier: Apache-2.0 */
/* Instances, and what was refused in their place, in an explanation. All returned JSON is the caller's. Main thread. */
#ifndef REGISTRY_EXPLAIN_INSTANCES_H
#define REGISTRY_EXPLAIN_INSTANCES_H

#include "daemon/registry/explain/explain.h"

#define EXPLAIN_INSTANCES_MAX 20 /* in one document */

/* The sources from which an explanation is made. */
struct explaining {
    const struct explain_reach *reach;
    struct catalog *catalog; /* of reach, or another region's; as inbound */
    const struct inbound *inbound;
    const char *region; /* the region that both are of; NULL: the own one */
    const Discover__V1__Status *status;
    int64_t now_ns;
};

/* Results of the checks of an instance of this host. whole: the whole output of each, not only its first line. */
json_t *explain_checks(const struct checks *checks, const struct instance_key *key, bool whole, int64_t now_ns);

/* An instance that the catalog knows; NULL: it has gone, or no memory. */
json_t *explain_known(const struct explaining *x, uint64_t id);

/* An instance that is registered here and waits for an address. */
json_t *explain_waiting(const struct explaining *x, const struct instance_key *key);

/* A list of what was refused under keys with these parts; "" here, and an asterisk in a key, match anything. */
json_t *explain_refused(const struct explaining *x, const char *domain, const char *service, const char *host);

/* What is known of the lease of a host; NULL: nothing. */
json_t *explain_lease(const struct explaining *x, const char *host);

#endif
