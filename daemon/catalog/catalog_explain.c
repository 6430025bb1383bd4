/* SPDX-License-Identifier: Apache-2.0 */
/* Facts for `explain`: what the catalog knows of an instance beside what it serves. */
#include "daemon/catalog/catalog_explain.h"

#include <errno.h>
#include <string.h>

#include "daemon/catalog/model.h"

int catalog_explain(const struct catalog *c, uint64_t id, struct catalog_explained *ret_explained)
{
    const struct instance *i = instance_index_find(&c->instances, id);
    struct catalog_explained *e = ret_explained;
    if (!i)
        return -ENOENT;
    e->facts = instance_facts(i);
    e->served = served_by(&e->facts);
    e->counter = i->counter;
    e->revision = i->revision;
    e->put_ns = i->put_ns;
    e->reached_us = i->reached_us;
    e->reached_error_us = i->reached_error_us;
    e->expires_ns = foreign_expires_ns(c, i);
    e->frozen = foreign_is_frozen(c, i);
    e->unreadable = i->unread;
    e->host_listed = i->host->listed;
    e->key = instance_key_of(i);
    return catalog_read(c, id, &e->instance);
}

static uint32_t to_us(int64_t ns)
{
    return ns < UINT32_MAX * INT64_C(1000) ? (uint32_t)(ns / 1000) : UINT32_MAX;
}

void catalog_set_reached(struct catalog *c, uint64_t id, int64_t took_ns, int64_t error_ns)
{
    struct instance *i = instance_index_find(&c->instances, id);
    if (!i)
        return;
    i->reached_us = to_us(took_ns > 1000 ? took_ns : 1000);
    i->reached_error_us = to_us(error_ns);
}

bool catalog_is_named(const struct catalog *c, uint64_t id, const char *instance)
{
    const struct instance *i = instance_index_find(&c->instances, id);
    return i && strcmp((const char *)i->details + 1, instance) == 0;
}

static const struct service *find_service(const struct catalog *c, const char *service)
{
    const struct service *s = service_find(c, service);
    return s && s->n > 0 ? s : NULL;
}

static struct catalog_service_counts counts_of(const struct service *s)
{
    return (struct catalog_service_counts){.instances = s->n, .usable = s->in_order_usable};
}

int catalog_count_service(const struct catalog *c, const char *service, struct catalog_service_counts *ret_counts)
{
    const struct service *s = find_service(c, service);
    if (!s)
        return -ENOENT;
    *ret_counts = counts_of(s);
    return 0;
}

/* The n-th of the order, or NULL. */
static const struct instance *nth_of(const struct service *s, size_t n)
{
    for (uint32_t p = 0; p < s->order.n; p++) {
        if (n < s->order.pages[p].n)
            return s->order.pages[p].instances[n];
        n -= s->order.pages[p].n;
    }
    return NULL;
}

/* Usable ones are first in the order, so those that are out are its end. */
size_t catalog_some_ids(const struct catalog *c, const char *service, size_t max, uint64_t *ret_ids)
{
    const struct service *s = find_service(c, service);
    const struct instance *i;
    size_t n = 0;
    if (!s)
        return 0;
    size_t usable = s->in_order_usable, out = s->n - usable;
    size_t of_usable = usable <= max / 2 ? usable : out <= max - max / 2 ? max - out : max / 2;
    for (size_t at = usable; n < max - (of_usable < usable ? of_usable : usable) && (i = nth_of(s, at)); at++)
        ret_ids[n++] = i->endpoint.id;
    for (size_t at = 0; n < max && at < usable && (i = nth_of(s, at)); at++)
        ret_ids[n++] = i->endpoint.id;
    return n;
}

size_t catalog_usable(const struct catalog *c, const char *service, size_t max, struct discover_endpoint *ret_endpoints)
{
    const struct service *s = find_service(c, service);
    size_t n = 0, most = s && s->in_order_usable < max ? s->in_order_usable : max;
    for (uint32_t p = 0; s && p < s->order.n && n < most; p++)
        for (uint32_t i = 0; i < s->order.pages[p].n && n < most; i++)
            ret_endpoints[n++] = s->order.pages[p].instances[i]->endpoint;
    return n;
}

size_t catalog_first_group(const struct catalog *c, const char *service, size_t max,
                           struct discover_endpoint *ret_first)
{
    const struct service *s = find_service(c, service);
    size_t n = 0, most = s && s->in_order_usable < max ? s->in_order_usable : max;
    for (uint32_t p = 0; s && p < s->order.n && n < most; p++)
        for (uint32_t i = 0; i < s->order.pages[p].n && n < most; i++) {
            const struct discover_endpoint *e = &s->order.pages[p].instances[i]->endpoint;
            if (n > 0 && (e->priority != ret_first->priority || e->tier != ret_first->tier))
                return n;
            *ret_first = *e;
            n++;
        }
    return n;
}

size_t catalog_ids_of_host(const struct catalog *c, const char *host, size_t max, uint64_t *ret_ids, size_t *ret_total)
{
    const struct host *h = host_find(c, host);
    size_t n = 0;
    for (const struct instance *i = h ? h->instances : NULL; i && n < max; i = i->next_of_host)
        ret_ids[n++] = i->endpoint.id;
    *ret_total = h ? h->n : 0;
    return n;
}

void catalog_each_service(const struct catalog *c, size_t max, catalog_name_fn *fn, void *arg)
{
    for (const struct service *s = c->services; s && max > 0; s = s->hh.next, max--) {
        struct catalog_service_counts counts = counts_of(s);
        if (s->n > 0 && !fn(arg, s->name, &counts))
            return;
    }
}

void catalog_each_host(const struct catalog *c, size_t max, catalog_name_fn *fn, void *arg)
{
    for (const struct host *h = c->hosts; h && max > 0; h = h->hh.next, max--) {
        struct catalog_service_counts counts = {.instances = h->n, .usable = h->alive ? h->n : 0};
        if (h->listed && !fn(arg, h->name, &counts))
            return;
    }
}
