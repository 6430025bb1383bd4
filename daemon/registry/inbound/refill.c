/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/registry/inbound/refill.h"

#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

#define REFILL_NS (30 * NS_PER_S)  /* so old is a bucket to which everybody has put again */
#define LOOK_NS   (50 * NS_PER_MS) /* between two looks at all hosts */

/* Also by our own clock: the server's may have been set back since. */
static bool is_young(const struct refill *r, int64_t server_ms, int64_t now_ns)
{
    bool by_server = r->made_ns && server_ms && server_ms * NS_PER_MS - r->made_ns < REFILL_NS;
    return by_server && (!r->since_ns || now_ns - r->since_ns < REFILL_NS);
}

static bool has_fewer(void *arg, const char *host, const struct lease *lease)
{
    return catalog_has_fewer(arg, host, lease);
}

static void log_wait(const struct refill *r, size_t hosts, bool waits)
{
    const char *region = catalog_of_region(r->catalog);
    if (waits && !r->since_ns)
        log_notice(
            "%s%s%sthe bucket of records is new, and lacks those of %zu hosts: waiting until they have put them again",
            *region ? "region " : "", region, *region ? ": " : "", hosts);
    else if (!waits && r->since_ns && hosts)
        log_warning("%s%s%snot waiting any longer for records of %zu hosts that are not in the bucket",
                    *region ? "region " : "", region, *region ? ": " : "", hosts);
}

bool refill_waits(struct refill *r, int64_t server_ms, int64_t now_ns)
{
    if (now_ns < r->look_ns)
        return true;
    size_t hosts = liveness_count(r->liveness, now_ns, has_fewer, r->catalog);
    bool waits = hosts && is_young(r, server_ms, now_ns);
    log_wait(r, hosts, waits);
    if (waits && !r->since_ns)
        r->since_ns = now_ns;
    r->look_ns = waits ? now_ns + LOOK_NS : 0;
    return waits;
}
