/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what changed since the last time, each block once, and forgets what nothing is left of. */
#include <stdlib.h>

#include "daemon/catalog/model.h"

struct dirty *catalog_take_dirty(struct dirty **list)
{
    struct dirty *d = *list;
    if (d) {
        *list = d->next;
        d->queued = false;
    }
    return d;
}

static void forget_service(struct catalog *c, struct service *s)
{
    struct domain *d = s->domain;
    if (s->next_of_domain)
        s->next_of_domain->prev_of_domain = s->prev_of_domain;
    if (s->prev_of_domain)
        s->prev_of_domain->next_of_domain = s->next_of_domain;
    else
        d->services = s->next_of_domain;
    d->n--;
    catalog_touch(&c->dirty_domains, &d->dirty);
    c->counts.usable -= s->usable;
    catalog_free_service(c, s);
}

static size_t note(struct catalog *c, int result)
{
    c->counts.flush_errors += result < 0;
    return result > 0;
}

size_t catalog_flush(struct catalog *c)
{
    size_t changes = 0;
    struct dirty *d;
    while ((d = catalog_take_dirty(&c->dirty_services))) {
        struct service *s = OF_DIRTY(service, d);
        changes += note(c, blocks_write_service(c, s));
        if (s->n == 0)
            forget_service(c, s);
    }
    while ((d = catalog_take_dirty(&c->dirty_domains))) {
        struct domain *domain = OF_DIRTY(domain, d);
        changes += note(c, blocks_write_domain(c, domain));
        if (domain->n == 0) {
            HASH_DEL(c->domains, domain);
            free(domain);
        }
    }
    while ((d = catalog_take_dirty(&c->dirty_hosts))) {
        struct host *h = OF_DIRTY(host, d);
        changes += note(c, blocks_write_host(c, h));
        if (!h->listed && h->n == 0) {
            HASH_DEL(c->hosts, h);
            free(h);
        }
    }
    hostnames_flush(c);
    if (changes)
        table_writer_bump_serial(c->table);
    return changes;
}

void catalog_flush_service(struct catalog *c, const struct instance_key *key)
{
    struct service *s;
    char name[SERVICE_CAP];
    service_format(key->domain, key->service, name);
    HASH_FIND_STR(c->services, name, s);
    if (!s)
        return;
    /* Both stay queued: who has nothing left is forgotten there. */
    size_t changes = note(c, blocks_write_service(c, s)) + note(c, blocks_write_domain(c, s->domain));
    if (changes)
        table_writer_bump_serial(c->table);
}
