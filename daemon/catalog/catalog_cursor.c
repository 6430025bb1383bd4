/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over services and hosts that survive their changes: what goes moves the cursors that stand on it. */
#include "daemon/catalog/catalog_cursor.h"

#include <utlist.h>

#include "daemon/catalog/model.h"

void catalog_cursor_begin(struct catalog *c, struct catalog_cursor *cursor)
{
    *cursor = (struct catalog_cursor){.catalog = c, .service = c->services, .host = c->hosts};
    DL_APPEND(c->cursors, cursor);
}

void catalog_cursor_end(struct catalog_cursor *cursor)
{
    if (cursor->catalog)
        DL_DELETE(cursor->catalog->cursors, cursor);
    cursor->catalog = NULL;
}

void cursors_leave_service(const struct catalog *c, const struct service *s)
{
    for (struct catalog_cursor *cursor = c->cursors; cursor; cursor = cursor->next)
        if (cursor->service == s)
            cursor->service = s->hh.next;
}

void cursors_leave_host(const struct catalog *c, const struct host *h)
{
    for (struct catalog_cursor *cursor = c->cursors; cursor; cursor = cursor->next)
        if (cursor->host == h)
            cursor->host = h->hh.next;
}

/* Passes over services without instances, which wait to be forgotten. */
bool catalog_cursor_service(struct catalog_cursor *cursor, struct catalog_service_info *ret_service)
{
    const struct service *s = cursor->service;
    while (s && s->n == 0)
        s = s->hh.next;
    cursor->service = s ? s->hh.next : NULL;
    if (s)
        *ret_service = (struct catalog_service_info){s->name, s->index, s->in_order_usable, s->n};
    return s != NULL;
}

bool catalog_cursor_host(struct catalog_cursor *cursor, struct catalog_host_info *ret_host)
{
    const struct host *h = cursor->host;
    while (h && !h->listed && h->n == 0)
        h = h->hh.next;
    cursor->host = h ? h->hh.next : NULL;
    if (h)
        *ret_host = (struct catalog_host_info){h->name, &h->lease, h->n, h->alive};
    return h != NULL;
}
