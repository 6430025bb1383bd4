/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/registry/inbound/refill.h"

#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

#define RECORDS_NS (30 * NS_PER_S)  /* in which every living host has put its records into a new bucket */
#define LOOK_NS    (50 * NS_PER_MS) /* between two looks at what is missing */

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

/* Whether a host is known to have something that is not here. 1, 0, or -EAGAIN: not all were looked at yet. */
static int lacks(struct refill *r, int64_t server_ms, int64_t now_ns)
{
    if (is_young(r, BUS_HOSTS, server_ms, now_ns) && catalog_counts(r->catalog).hosts_unheard > 0)
        return 1;
    if (!is_young(r, BUS_SERVICES, server_ms, now_ns))
        return 0;
    return liveness_find_some(r->liveness, now_ns, has_fewer, r->catalog, r->next);
}

static void begin_to_wait(struct refill *r, int64_t now_ns)
{
    const char *region = catalog_of_region(r->catalog);
    r->since_ns = now_ns;
    log_notice(
        "%s%s%sa bucket was made a moment ago, and lacks what living hosts have put: waiting until they have put it "
        "again",
        *region ? "region " : "", region, *region ? ": " : "");
}

bool refill_waits(struct refill *r, int64_t server_ms, int64_t now_ns)
{
    if (now_ns < r->look_ns)
        return true;
    int lacking = lacks(r, server_ms, now_ns);
    if (lacking == 1 && !r->since_ns)
        begin_to_wait(r, now_ns);
    r->look_ns = lacking == 1 ? now_ns + LOOK_NS : now_ns;
    return lacking != 0;
}
