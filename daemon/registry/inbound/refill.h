/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets that were made a moment ago, by whoever found none, are empty until the hosts have noticed and put theirs again.
 * What this daemon knew before is kept meanwhile; one that knows nothing yet would call what it finds all there is. So it waits,
 * but not for ever: in a new bucket of records for those that leases of living hosts vouch for; in a new bucket of leases for
 * those of hosts that have records.
 */
#ifndef REGISTRY_REFILL_H
#define REGISTRY_REFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/bus/bus.h"
#include "daemon/catalog/catalog.h"
#include "daemon/sync/liveness.h"

/* Zeroed but for the first three, which stay the caller's. */
struct refill {
    struct catalog *catalog;
    struct liveness *liveness;
    int64_t lease_ttl_ns;         /* in which every living host puts its lease again */
    int64_t made_ns[BUS_BUCKETS]; /* when the buckets were made, by the server's clock since 1970; 0: not known */
    int64_t since_ns;             /* since when it waits, or did; 0: it never did */
    int64_t look_ns;              /* when to look at the hosts again; 0: at once */
    char next[LABEL_CAP];         /* which of them to begin with; "": the first */
};

/*
 * Whether to wait on. To be called again from look_ns on, as long as it returns true, by who has read both buckets. server_ms:
 * the server's time since 1970; 0: not known. Main thread.
 */
bool refill_waits(struct refill *r, int64_t server_ms, int64_t now_ns);

#endif
