/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/registry/inbound/refill.h"

#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

#define RECORDS_NS (30 * NS_PER_S)  /* in which every living host has put its records into a new bucket */
#define LOOK_NS    (50 * NS_PER_MS) /* between two looks at all hosts */

static bool is_young(const struct refill *r, enum bus_bucket b, int64_t server_ms, int64_t now_ns)
{
    int64_t filled_ns = b == BUS_HOSTS ? r->lease_ttl_ns : RECORDS_NS;
    bool by_server = r->made_ns[b] && server_ms && server_ms * NS_PER_MS - r->made_ns[b] < filled_ns;
    /* also by our own clock: the server's may have been set back since */
    return by_server && (!r->since_ns || now_ns - r->since_ns < filled_ns);
}

static bool has_fewer(void *arg, const char *host, const struct lease *lease)
{
    return catalog_has_fewer(arg, host, lease);
}

/* How many hosts are known to have something that is not here. */
static size_t lacking(const struct refill *r, int64_t now_ns)
{
    return liveness_count(r->liveness, now_ns, has_fewer, r->catalog) + catalog_unheard_hosts(r->catalog);
}

static size_t waited_for(const struct refill *r, int64_t server_ms, int64_t now_ns)
{
    size_t n = 0;
    if (is_young(r, BUS_SERVICES, server_ms, now_ns))
        n += liveness_count(r->liveness, now_ns, has_fewer, r->catalog);
    if (is_young(r, BUS_HOSTS, server_ms, now_ns))
        n += catalog_unheard_hosts(r->catalog);
    return n;
}

static void log_wait(const struct refill *r, size_t hosts, int64_t now_ns)
{
    const char *region = catalog_of_region(r->catalog);
    size_t left = hosts || !r->since_ns ? 0 : lacking(r, now_ns);
    if (hosts && !r->since_ns)
        log_notice("%s%s%sa bucket was made a moment ago, and lacks what %zu hosts have put: waiting until they have "
                   "put it again",
                   *region ? "region " : "", region, *region ? ": " : "", hosts);
    else if (left)
        log_warning("%s%s%snot waiting any longer for what %zu hosts have not put again", *region ? "region " : "",
                    region, *region ? ": " : "", left);
}

bool refill_waits(struct refill *r, int64_t server_ms, int64_t now_ns)
{
    if (now_ns < r->look_ns)
        return true;
    size_t hosts = waited_for(r, server_ms, now_ns);
    log_wait(r, hosts, now_ns);
    if (hosts && !r->since_ns)
        r->since_ns = now_ns;
    r->look_ns = hosts ? now_ns + LOOK_NS : 0;
    return hosts > 0;
}
