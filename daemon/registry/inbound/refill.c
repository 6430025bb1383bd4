/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/registry/inbound/refill.h"

#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

#define REFILL_MS 30000            /* so old is a bucket to which everybody has put again */
#define LOOK_NS   (50 * NS_PER_MS) /* between two looks at all hosts */

static bool is_young(const struct refill *r, int64_t server_ms)
{
    return r->made_ns && server_ms && server_ms - r->made_ns / NS_PER_MS < REFILL_MS;
}

static bool has_fewer(void *arg, const char *host, const struct lease *lease)
{
    return catalog_has_fewer(arg, host, lease);
}

bool refill_waits(struct refill *r, int64_t server_ms, int64_t now_ns)
{
    if (now_ns < r->look_ns)
        return true;
    size_t hosts = liveness_count(r->liveness, now_ns, has_fewer, r->catalog);
    bool waits = hosts && is_young(r, server_ms);
    if (waits && !r->logged)
        log_notice("the bucket of records was made a moment ago, and lacks those of %zu hosts: waiting until they have "
                   "put them again",
                   hosts);
    else if (hosts && r->logged && !waits)
        log_warning("not waiting any longer for the records of %zu hosts that are not in the bucket", hosts);
    r->logged |= waits;
    r->look_ns = waits ? now_ns + LOOK_NS : 0;
    return waits;
}
