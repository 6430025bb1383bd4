/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that have a host name instead of an address: which names there are, and what they resolve to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/catalog/model.h"

/* The host name follows the instance's own name (entry.h). */
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
    if (!hash_added(&h->hh)) {
        free(h);
        return NULL;
    }
    catalog_touch(&c->dirty_hostnames, &h->dirty);
    return h;
}

static struct name_held *held_by(const struct host *h, const struct hostname *name)
{
    struct name_held *held;
    HASH_FIND_PTR(h->names_held, &name, held);
    return held;
}

/* How many of its instances have that name. */
static uint32_t times_held(const struct catalog *c, const struct host *h, const char *name)
{
    const struct hostname *known = *name ? find(c, name) : NULL;
    const struct name_held *held = known ? held_by(h, known) : NULL;
    return held ? held->n : 0;
}

bool hostname_fits(const struct catalog *c, const struct host *h, const char *name, const struct instance *instead)
{
    size_t most = c->options.hostnames_per_host_max, n = HASH_COUNT(h->names_held);
    if (!*name || !most || n < most || times_held(c, h, name) > 0)
        return true;
    return n == most && instead && times_held(c, h, instance_hostname(instead)) == 1;
}

bool catalog_hostname_fits(const struct catalog *c, const char *hostname)
{
    const struct host *h = host_find(c, c->host);
    return !h || hostname_fits(c, h, hostname, NULL);
}

static int hold(struct host *h, struct hostname *name)
{
    struct name_held *held = held_by(h, name);
    if (!held) {
        held = calloc(1, sizeof *held);
        if (!held)
            return -ENOMEM;
        held->hostname = name;
        HASH_ADD_PTR(h->names_held, hostname, held);
        if (!hash_added(&held->hh)) {
            free(held);
            return -ENOMEM;
        }
    }
    held->n++;
    return 0;
}

static void let_go(struct host *h, struct hostname *name)
{
    struct name_held *held = held_by(h, name);
    if (!held || --held->n > 0)
        return;
    HASH_DEL(h->names_held, held);
    free(held);
}

void hostname_resolve(const struct catalog *c, struct instance *i)
{
    const struct hostname *h = *instance_hostname(i) ? find(c, instance_hostname(i)) : NULL;
    if (h)
        addresses_to_endpoint(&h->address, &i->endpoint);
}

int hostname_link(struct catalog *c, struct instance *i)
{
    if (!*instance_hostname(i))
        return 0;
    struct hostname *h = find_or_new(c, instance_hostname(i));
    if (!h || array_grow(&h->instances, h->n, &h->cap, sizeof(struct instance *)) < 0)
        return -ENOMEM;
    int err = hold(i->host, h);
    if (!err)
        h->instances[h->n++] = i;
    return err;
}

void hostname_unlink(struct catalog *c, const struct instance *i)
{
    struct hostname *h = *instance_hostname(i) ? find(c, instance_hostname(i)) : NULL;
    if (!h)
        return;
    for (size_t k = 0; k < h->n; k++)
        if (h->instances[k] == i) {
            h->instances[k] = h->instances[--h->n];
            break;
        }
    let_go(i->host, h);
    if (h->n == 0)
        catalog_touch(&c->dirty_hostnames, &h->dirty);
}

void hostnames_let_go(struct host *h)
{
    struct name_held *held, *next;
    HASH_ITER(hh, h->names_held, held, next)
    {
        HASH_DEL(h->names_held, held);
        free(held);
    }
}

static void forget(struct catalog *c, struct hostname *h)
{
    HASH_DEL(c->hostnames, h);
    free(h->instances);
    free(h);
}

/* Tells the watcher of a name. One that goes makes room for one that was refused. */
static void notify(struct catalog *c, struct hostname *h, bool held)
{
    if (!c->hostname_fn || h->reported == held)
        return;
    h->reported = c->hostname_fn(c->hostname_arg, h->name, held, &h->address) && held;
    if (!held && c->waiting_hostnames.next)
        catalog_touch(&c->dirty_hostnames, c->waiting_hostnames.next);
    if (held && !h->reported && !h->dirty.queued)
        catalog_wait(&c->waiting_hostnames, &h->dirty);
}

void hostnames_flush(struct catalog *c)
{
    struct dirty *d;
    while ((d = catalog_take_dirty(&c->dirty_hostnames))) {
        struct hostname *h = OF_DIRTY(hostname, d);
        notify(c, h, h->n > 0);
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
        h->reported = false;
        if (h->n > 0 && !h->dirty.prev)
            notify(c, h, true);
    }
}

int catalog_set_address(struct catalog *c, const char *hostname, const struct addresses *address)
{
    struct hostname *h = find_or_new(c, hostname);
    if (!h)
        return -ENOMEM;
    if (addresses_equal(&h->address, address))
        return 0;
    h->address = *address;
    for (size_t i = 0; i < h->n; i++) {
        addresses_to_endpoint(address, &h->instances[i]->endpoint);
        instance_changed(c, h->instances[i]);
    }
    return 0;
}
