/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers what changes, and notifies who watches. */
#include "daemon/catalog/catalog_changes.h"

#include <errno.h>
#include <utlist.h>

#include "daemon/catalog/model.h"

void change_note(struct catalog *c, uint64_t id)
{
    c->changes.ids[++c->changes.last % CHANGE_LOG_SIZE] = id;
}

void instance_changed(struct catalog *c, struct instance *i)
{
    change_note(c, i->endpoint.id);
    i->service->index = c->changes.last;
    catalog_touch(&c->dirty_services, &i->service->dirty);
    if (!i->changed)
        DL_APPEND2(i->service->changed, i, prev_changed, next_changed);
    i->changed = true;
}

void host_changed(struct catalog *c, struct host *h)
{
    change_note(c, CHANGE_OF_HOSTS);
    catalog_touch(&c->dirty_hosts, &h->dirty);
}

uint64_t catalog_index(const struct catalog *c)
{
    return c->changes.last;
}

int catalog_service_index(const struct catalog *c, const char *service, uint64_t *ret_index)
{
    const struct service *s = service_find(c, service);
    *ret_index = s ? s->index : c->went_index;
    return s ? 0 : -ENOENT;
}

int catalog_next_change(const struct catalog *c, uint64_t *index, uint64_t *ret_id)
{
    const struct change_log *l = &c->changes;
    if (*index > l->last || *index < l->before || l->last - *index > CHANGE_LOG_SIZE)
        return -ESTALE;
    if (*index == l->last)
        return 0;
    *ret_id = l->ids[++*index % CHANGE_LOG_SIZE];
    return 1;
}

/* --- who watches --- */

void catalog_watch_services(struct catalog *c, catalog_service_fn *fn, void *arg)
{
    struct service_watcher *w = NULL;
    for (size_t i = 0; i < CATALOG_WATCHERS; i++)
        if (c->watchers[i].fn ? c->watchers[i].arg == arg : !w)
            w = &c->watchers[i];
    if (w)
        *w = (struct service_watcher){fn, arg};
}

void services_notify(const struct catalog *c, const char *service)
{
    for (size_t i = 0; i < CATALOG_WATCHERS; i++)
        if (c->watchers[i].fn)
            c->watchers[i].fn(c->watchers[i].arg, service);
}
