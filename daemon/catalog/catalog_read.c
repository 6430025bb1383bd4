/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalog holds, one instance at a time. */
#include "daemon/catalog/catalog_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"

/* Instances lie anywhere in memory: waiting for each of 50,000 takes milliseconds, waiting for a page of them at once does not. */
static void fetch_page(const struct service_order *o, uint32_t p)
{
    for (uint16_t i = 0; p < o->n && i < o->pages[p].n; i++)
        __builtin_prefetch(&o->pages[p].instances[i]->endpoint.id);
}

int catalog_ids(const struct catalog *c, const char *service, uint64_t **ret_ids, size_t *ret_n)
{
    const struct service *s = service_find(c, service);
    size_t n = 0;
    if (!s || s->order.n == 0)
        return -ENOENT;
    uint64_t *ids = malloc(s->n * sizeof *ids); /* some may not be in the order yet */
    if (!ids)
        return -ENOMEM;
    for (uint32_t p = 0; p < s->order.n; p++) {
        fetch_page(&s->order, p + 1);
        for (uint16_t i = 0; i < s->order.pages[p].n; i++)
            ids[n++] = s->order.pages[p].instances[i]->endpoint.id;
    }
    *ret_ids = ids;
    *ret_n = n;
    return 0;
}

int catalog_read(const struct catalog *c, uint64_t id, struct catalog_instance *ret_instance)
{
    const struct instance *i = instance_index_find(&c->instances, id);
    if (!i)
        return -ENOENT;
    ret_instance->endpoint = i->endpoint;
    ret_instance->service = i->service->name;
    ret_instance->usable = instance_usable(i);
    memcpy(ret_instance->bytes, i->host->entry, i->host->entry_n);
    memcpy(ret_instance->bytes + i->host->entry_n, i->details, i->details_n);
    return entry_read(ret_instance->bytes, (size_t)i->host->entry_n + i->details_n, &ret_instance->entry);
}

int catalog_endpoint(const struct catalog *c, uint64_t id, struct discover_endpoint *ret_endpoint)
{
    const struct instance *i = instance_index_find(&c->instances, id);
    if (!i)
        return -ENOENT;
    *ret_endpoint = i->endpoint;
    return 0;
}
