/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last life left in catalog.snap, and what becomes of it once NATS is heard.
 *
 * What the file has of other hosts is kept like what was heard in this life,
 * until its owner's lease says otherwise. When NATS was away as this daemon started, its hosts and foreign records are
 * spared, frozen and guarded as well: nobody could renew anything meanwhile. When NATS was there at once, and others
 * write to it, a host that has no lease there is gone.
 */
#include "daemon/registry/inbound/remembered.h"

#include "libdiscover/core/clock.h"

#define AT_ONCE_NS (2 * NS_PER_S) /* connected so soon after the start of the search: NATS was not away */

/* Gives a host one TTL from now on in which its lease is to be heard, once the bus can be trusted. */
static void spare(void *arg, const char *host, const struct lease *stored)
{
    struct remembered *r = arg;
    struct lease lease = *stored;
    lease.ttl_ms = (uint32_t)(r->config->registry.lease_ttl_ns / NS_PER_MS);
    (void)liveness_apply(r->liveness, host, &lease, 0,
                         clock_now_ns()); /* over a limit: logged when the file was loaded */
}

static void give_up(void *arg, const char *host, const struct lease *stored)
{
    struct remembered *r = arg;
    (void)catalog_set_host(r->catalog, host, stored, false, clock_now_ns()); /* known already: no limit is in its way */
}

static void count(void *arg, const char *host, const struct lease *stored)
{
    (void)host;
    (void)stored;
    ++*(size_t *)arg;
}

void remembered_connected(struct remembered *r, int64_t now_ns)
{
    r->cut_off |= now_ns - r->asked_ns > AT_ONCE_NS;
    catalog_freeze(r->catalog, r->cut_off);
    follow_keep_known(r->records);
    if (r->cut_off)
        catalog_each_remembered(r->catalog, spare, r);
}

/*
 * Where no other host has a lease, or too many have none at once, it is more likely that the server was away until a
 * moment ago than that all of them died.
 */
void remembered_hosts_synced(struct remembered *r)
{
    size_t silent = 0, heard = liveness_stats(r->liveness).alive;
    if (r->cut_off)
        return;
    catalog_each_remembered(r->catalog, count, &silent);
    bool many =
        silent >= r->config->registry.guard_min && silent * 100 > (silent + heard) * r->config->registry.guard_percent;
    catalog_each_remembered(r->catalog, many || heard == 0 ? spare : give_up, r);
}
