/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of hosts, and what that changes for their instances. */
#include <errno.h>
#include <string.h>

#include "daemon/catalog/model.h"

#define FORGET_MAX 512 /* instances in one call: far less than 1 ms */

static void touch_all_of(struct catalog *c, struct host *h)
{
    for (struct instance *i = h->instances; i; i = i->next_of_host) {
        i->endpoint.tier = (uint8_t)catalog_tier_of(c, h);
        instance_changed(c, i);
    }
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

/* It has a daemon: what stands under its name is its own, or nothing. */
static void drop_foreign(struct catalog *c, struct host *h)
{
    for (struct instance *i = h->instances, *next; i; i = next) {
        next = i->next_of_host;
        if (i->ttl_ns)
            catalog_remove_instance(c, i);
    }
}

/* Counted as they change: who asks how many there are must not have to look at each. */
static void set_listed(struct catalog *c, struct host *h, bool listed, bool alive)
{
    c->counts.hosts -= h->listed;
    c->counts.hosts_alive -= h->listed && h->alive;
    h->listed = listed;
    h->alive = alive;
    c->counts.hosts += h->listed;
    c->counts.hosts_alive += h->listed && h->alive;
}

int catalog_set_host(struct catalog *c, const char *host, const struct lease *lease, bool alive, int64_t now_ns)
{
    int err = -ENOMEM;
    struct host *h = catalog_host_of(c, host, &err);
    if (!h) {
        c->counts.refused_limit += err == -EUSERS;
        return err;
    }
    if (!h->listed)
        drop_foreign(c, h);
    bool differs = !h->listed || h->alive != alive || lease_differs(&h->lease, lease);
    host_set_lease(h, lease);
    h->forget &= !alive;
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

/* Returns how many of max instances are left to forget another time; the host itself goes with the last one. */
static size_t forget_host(struct catalog *c, struct host *h, size_t max)
{
    for (; h->instances && max > 0; max--)
        catalog_remove_instance(c, h->instances);
    if (h->instances)
        return 0;
    set_listed(c, h, false, h->alive);
    host_changed(c, h);
    return max;
}

void catalog_forget_gone(struct catalog *c, int64_t before_ns)
{
    size_t max = FORGET_MAX;
    for (struct host *h = c->hosts; h && max > 0; h = h->hh.next)
        if (h->listed && !h->alive && (h->gone_since_ns < before_ns || (h->forget && !h->instances)))
            max = forget_host(c, h, max);
}

void catalog_forget(struct catalog *c, const char *host)
{
    struct host *h;
    HASH_FIND_STR(c->hosts, host, h);
    if (h && h->listed && !h->alive)
        h->forget = true;
}

static bool differs(const struct host *h, const struct lease *lease)
{
    return h->records != lease->records || h->digest != lease->digest;
}

bool catalog_has_all(const struct catalog *c, const char *host, const struct lease *lease)
{
    const struct host *h;
    HASH_FIND_STR(c->hosts, host, h);
    return h && !differs(h, lease);
}

bool catalog_agrees(struct catalog *c, const char *host, const struct lease *lease)
{
    struct host *h;
    HASH_FIND_STR(c->hosts, host, h);
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
    const struct host *h;
    HASH_FIND_STR(c->hosts, host, h);
    return h && h->listed;
}

bool catalog_host_alive(const struct catalog *c, const char *host)
{
    const struct host *h;
    HASH_FIND_STR(c->hosts, host, h);
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
