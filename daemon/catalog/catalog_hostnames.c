/* SPDX-License-Identifier: Apache-2.0 */
/* Host names that instances have instead of an address, and what they resolve to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"

/* Behind the instance's own name (entry.h). */
const char *instance_hostname(const struct instance *i)
{
    return (const char *)i->details + i->details[0] + 3;
}

static struct hostname *find(const struct catalog *c, const char *name)
{
    struct hostname *h;
    HASH_FIND_STR(c->hostnames, name, h);
    return h;
}

static struct hostname *find_or_new(struct catalog *c, const char *name)
{
    struct hostname *h = find(c, name);
    size_t n = strlen(name);
    if (h)
        return h;
    h = calloc(1, sizeof *h + n + 1);
    if (!h)
        return NULL;
    memcpy(h->name, name, n);
    HASH_ADD_KEYPTR(hh, c->hostnames, h->name, n, h);
    catalog_touch(&c->dirty_hostnames, &h->dirty);
    return h;
}

static void give_address(struct instance *i, const struct catalog_address *address)
{
    i->endpoint.families = address->families;
    memcpy(i->endpoint.ipv4, address->ipv4, sizeof i->endpoint.ipv4);
    memcpy(i->endpoint.ipv6, address->ipv6, sizeof i->endpoint.ipv6);
}

void hostname_resolve(const struct catalog *c, struct instance *i)
{
    const struct hostname *h = *instance_hostname(i) ? find(c, instance_hostname(i)) : NULL;
    if (h)
        give_address(i, &h->address);
}

int hostname_link(struct catalog *c, struct instance *i)
{
    if (!*instance_hostname(i))
        return 0;
    struct hostname *h = find_or_new(c, instance_hostname(i));
    if (!h)
        return -ENOMEM;
    if (h->n == h->cap) {
        uint32_t cap = h->cap ? h->cap * 2 : 1;
        struct instance **list = realloc(h->instances, cap * sizeof *list);
        if (!list)
            return -ENOMEM;
        h->instances = list;
        h->cap = cap;
    }
    h->instances[h->n++] = i;
    return 0;
}

void hostname_unlink(struct catalog *c, const struct instance *i)
{
    struct hostname *h = *instance_hostname(i) ? find(c, instance_hostname(i)) : NULL;
    if (!h)
        return;
    for (uint32_t k = 0; k < h->n; k++)
        if (h->instances[k] == i) {
            h->instances[k] = h->instances[--h->n];
            break;
        }
    if (h->n == 0)
        catalog_touch(&c->dirty_hostnames, &h->dirty);
}

static void forget(struct catalog *c, struct hostname *h)
{
    HASH_DEL(c->hostnames, h);
    free(h->instances);
    free(h);
}

static void tell(struct catalog *c, struct hostname *h, bool held)
{
    if (c->hostname_fn && h->told != held)
        c->hostname_fn(c->hostname_arg, h->name, held, &h->address);
    h->told = held && c->hostname_fn;
}

void hostnames_flush(struct catalog *c)
{
    struct dirty *d;
    while ((d = catalog_take_dirty(&c->dirty_hostnames))) {
        struct hostname *h = OF_DIRTY(hostname, d);
        tell(c, h, h->n > 0);
        if (h->n == 0)
            forget(c, h);
    }
}

void hostnames_free(struct catalog *c)
{
    struct hostname *h, *next;
    HASH_ITER(hh, c->hostnames, h, next)
    {
        forget(c, h);
    }
}

void catalog_watch_hostnames(struct catalog *c, catalog_hostname_fn *fn, void *arg)
{
    struct hostname *h, *next;
    c->hostname_fn = fn;
    c->hostname_arg = arg;
    HASH_ITER(hh, c->hostnames, h, next)
    {
        h->told = false;
        if (h->n > 0)
            tell(c, h, true);
    }
}

int catalog_set_address(struct catalog *c, const char *hostname, const struct catalog_address *address)
{
    struct hostname *h = find_or_new(c, hostname);
    if (!h)
        return -ENOMEM;
    if (memcmp(&h->address, address, sizeof *address) == 0)
        return 0;
    h->address = *address;
    for (uint32_t i = 0; i < h->n; i++) {
        give_address(h->instances[i], address);
        instance_changed(c, h->instances[i]);
    }
    return 0;
}
