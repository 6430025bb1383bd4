/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts: their leases, and which of their instances a lease makes usable or not. */
#include <errno.h>
#include <string.h>

#include <utlist.h>

#include "daemon/catalog/catalog_changes.h"
#include "daemon/catalog/model.h"

#define END_MAX 64 /* hosts in one call */

struct host *host_find(const struct catalog *c, const char *name)
{
    struct host *h;
    HASH_FIND_STR(c->hosts, name, h);
    return h;
}

/*
 * What is known of the host has changed, and with it all its instances: they are gone through in pieces, however many
 * there are.
 */
static void touch_all_of(struct catalog *c, struct host *h)
{
    h->touched_at = h->instances;
    if (h->touched_at)
        catalog_touch(&c->touched_hosts, &h->touched);
    host_changed(c, h);
}

/* An instance of a host that has a daemon is that daemon's: a foreign record under the host's name goes. */
static void touch(struct catalog *c, struct host *h, struct instance *i)
{
    if (h->ending || (h->listed && i->ttl_ns)) {
        catalog_remove_instance(c, i);
        return;
    }
    i->endpoint.tier = (uint8_t)catalog_tier_of(c, h);
    instance_changed(c, i);
}

void host_touch_some(struct catalog *c, struct host *h, size_t max)
{
    while (h->touched_at && max-- > 0) {
        struct instance *i = h->touched_at;
        h->touched_at = i->next_of_host;
        touch(c, h, i);
    }
    if (h->touched_at)
        catalog_touch(&c->touched_hosts, &h->touched);
    else if (h->ending)
        host_changed(c, h);
}

/* Whether anything that answers depend on differs; a renewal changes nothing of it. */
static bool lease_differs(const struct lease *a, const struct lease *b)
{
    return a->min_epoch != b->min_epoch || strcmp(a->zone, b->zone) != 0 || strcmp(a->region, b->region) != 0 ||
           !addresses_equal(&a->addresses, &b->addresses);
}

void host_set_lease(struct host *h, const struct lease *lease)
{
    h->lease = *lease;
    h->min_epoch = lease->min_epoch;
    h->entry_n = (uint8_t)entry_write_host(h->name, lease->zone, lease->region, h->entry);
}

static void note_gone(struct catalog *c, struct host *h)
{
    bool gone = h->listed && !h->alive && !h->ending;
    if (gone && !h->is_gone)
        DL_APPEND2(c->gone, h, prev_gone, next_gone);
    else if (!gone && h->is_gone)
        DL_DELETE2(c->gone, h, prev_gone, next_gone);
    h->is_gone = gone;
}

/* Keeps the counts of hosts up to date, so that asking for them does not take a look at each. */
static void set_listed(struct catalog *c, struct host *h, bool listed, bool alive)
{
    c->counts.hosts -= h->listed;
    c->counts.hosts_alive -= h->listed && h->alive;
    c->counts.hosts_unheard -= host_is_unheard(h);
    h->listed = listed;
    h->alive = alive;
    c->counts.hosts += h->listed;
    c->counts.hosts_alive += h->listed && h->alive;
    c->counts.hosts_unheard += host_is_unheard(h);
    note_gone(c, h);
}

void host_end_if_due(struct catalog *c, struct host *h)
{
    if (!h->listed || h->alive)
        return;
    if (h->instances && h->ending) { /* they came meanwhile */
        touch_all_of(c, h);
    } else if (!h->instances && (h->ending || h->forget)) {
        h->ending = false;
        set_listed(c, h, false, false);
        change_note(c, CHANGE_OF_HOSTS);
    }
}

int catalog_set_host(struct catalog *c, const char *host, const struct lease *lease, bool alive, int64_t now_ns)
{
    int err = -ENOMEM;
    struct host *h = catalog_host_of(c, host, &err);
    if (!h) {
        c->counts.refused_limit += err == -EUSERS;
        return err;
    }
    bool differs = !h->listed || h->alive != alive || lease_differs(&h->lease, lease);
    host_set_lease(h, lease);
    h->forget &= !alive;
    h->ending &= !alive;
    if (alive)
        h->gone_since_ns = 0;
    else if (h->alive || !h->listed)
        h->gone_since_ns = now_ns;
    set_listed(c, h, true, alive);
    if (differs)
        touch_all_of(c, h);
    return 0;
}

void catalog_each_remembered(const struct catalog *c, catalog_remembered_fn *fn, void *arg)
{
    const struct host *h, *next;
    HASH_ITER(hh, c->hosts, h, next)
    {
        if (h->listed && h->alive && h->lease.epoch == 0 && strcmp(h->name, c->host) != 0)
            fn(arg, h->name, &h->lease);
    }
}

void catalog_forget_gone(struct catalog *c, int64_t before_ns)
{
    for (size_t n = 0; n < END_MAX && c->gone && c->gone->gone_since_ns < before_ns; n++) {
        struct host *h = c->gone;
        h->ending = true;
        note_gone(c, h);
        touch_all_of(c, h);
    }
}

void catalog_forget(struct catalog *c, const char *host)
{
    struct host *h = host_find(c, host);
    if (!h || !h->listed || h->alive)
        return;
    h->forget = true;
    catalog_touch(&c->dirty_hosts, &h->dirty);
}

static bool differs(const struct host *h, const struct lease *lease)
{
    return h->records != lease->records || h->digest != lease->digest;
}

bool catalog_has_all(const struct catalog *c, const char *host, const struct lease *lease)
{
    const struct host *h = host_find(c, host);
    return h && !differs(h, lease);
}

bool catalog_has_vouched(const struct catalog *c, const char *host, const struct lease *lease)
{
    const struct host *h = host_find(c, host);
    uint64_t digest = 0;
    uint32_t records = 0;
    for (const struct instance *i = h ? h->instances : NULL; i; i = i->next_of_host) {
        if (i->ttl_ns || i->epoch < lease->min_epoch)
            continue;
        digest ^= i->digest;
        records++;
    }
    return records == lease->records && digest == lease->digest;
}

bool catalog_has_fewer(const struct catalog *c, const char *host, const struct lease *lease)
{
    const struct host *h = host_find(c, host);
    return (h ? h->records : 0) < lease->records;
}

bool catalog_agrees(struct catalog *c, const char *host, const struct lease *lease)
{
    struct host *h = host_find(c, host);
    if (!h) /* one too many (limits.hosts): reading again will not help */
        return true;
    bool again = h->lease_digest == lease->digest;
    h->differed = !differs(h, lease) ? 0 : again ? h->differed + 1 : 1;
    h->lease_digest = lease->digest;
    if (h->differed >= 2 && host_is_what_was_read(c, h, lease)) {
        host_settle(c, h);
        h->differed = 0;
    }
    bool power_of_two = (h->differed & (h->differed - 1)) == 0;
    return h->differed < 2 || !power_of_two;
}

bool catalog_knows_host(const struct catalog *c, const char *host)
{
    const struct host *h = host_find(c, host);
    return h && h->listed;
}

bool catalog_host_alive(const struct catalog *c, const char *host)
{
    const struct host *h = host_find(c, host);
    return h && h->listed && h->alive;
}

struct catalog_counts catalog_counts(const struct catalog *c)
{
    struct catalog_counts counts = c->counts;
    counts.services = HASH_COUNT(c->services);
    counts.instances = c->instances.n;
    counts.bytes = c->instance_bytes + HASH_COUNT(c->services) * sizeof *c->services +
                   HASH_COUNT(c->domains) * sizeof *c->domains + HASH_COUNT(c->hosts) * sizeof *c->hosts;
    return counts;
}

const char *catalog_host(const struct catalog *c)
{
    return c->host;
}

const char *catalog_of_region(const struct catalog *c)
{
    return c->of_region;
}
