/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket of records that was made a moment ago, by whoever found none, is empty until the hosts have noticed and put
 * theirs again. What this daemon knew before is kept meanwhile; one that knows nothing yet would call that all there is. So
 * it waits, as long as hosts whose leases are alive vouch for records that are not here; but not for ever.
 */
#ifndef REGISTRY_REFILL_H
#define REGISTRY_REFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/catalog/catalog.h"
#include "daemon/sync/liveness.h"

/* Zeroed but for the first two, which stay the caller's. */
struct refill {
    struct catalog *catalog;
    struct liveness *liveness;
    int64_t made_ns;  /* when the bucket was made, by the server's clock since 1970; 0: not known */
    int64_t since_ns; /* since when it waits, or did; 0: it never did */
    int64_t look_ns;  /* when to look at the hosts again; 0: at once */
};

/*
 * Whether to wait on, as long as true; for callers that have read all leases. server_ms: the server's time since 1970, or 0
 * if it is not known. Main thread.
 */
bool refill_waits(struct refill *r, int64_t server_ms, int64_t now_ns);

#endif
