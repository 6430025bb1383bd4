/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what changed since the last time, each block once, and forgets what nothing is left of. */
#include <stdlib.h>

#include <utlist.h>

#include "daemon/catalog/model.h"

#define EXPECTED_MAX       1000000
#define WORDS_PER_INSTANCE 16 /* of the table; measured: 11, of an instance without tags */

#define SWEEP_BATCH 64 /* instances that count as one block: about as much work */

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
    DL_DELETE2(d->services, s, prev_of_domain, next_of_domain);
    d->n--;
    catalog_touch(&c->dirty_domains, &d->dirty);
    c->counts.usable -= s->usable;
    c->went_index = s->index;
    catalog_free_service(c, s);
}

/*
 * Takes what could not be written out of the queue: as long as there is no memory to be had, trying it at each flush
 * would leave time for nothing else.
 */
void catalog_wait(struct dirty *list, struct dirty *d)
{
    d->next = list->next;
    d->prev = list;
    if (d->next)
        d->next->prev = d;
    list->next = d;
}

static size_t note(struct catalog *c, int result)
{
    if (result < 0) {
        c->counts.flush_errors++;
        c->counts.flush_error = result;
    }
    return result > 0;
}

static size_t note_or_wait(struct catalog *c, int result, struct dirty *waiting, struct dirty *d)
{
    if (result < 0)
        catalog_wait(waiting, d);
    return note(c, result);
}

static size_t again(struct dirty *waiting, struct dirty **list)
{
    size_t n = 0;
    for (; waiting->next; n++)
        catalog_touch(list, waiting->next);
    return n;
}

size_t catalog_flush_again(struct catalog *c)
{
    table_writer_again(c->table);
    return again(&c->waiting_services, &c->dirty_services) + again(&c->waiting_domains, &c->dirty_domains) +
           again(&c->waiting_hosts, &c->dirty_hosts);
}

bool catalog_is_unwritten(const struct catalog *c)
{
    return c->waiting_services.next || c->waiting_domains.next || c->waiting_hosts.next;
}

static size_t length(const struct dirty *waiting)
{
    size_t n = 0;
    for (const struct dirty *d = waiting->next; d; d = d->next)
        n++;
    return n;
}

size_t catalog_unwritten(const struct catalog *c)
{
    return length(&c->waiting_services) + length(&c->waiting_domains) + length(&c->waiting_hosts);
}

void catalog_expect(struct catalog *c, uint64_t instances)
{
    uint64_t most = c->options.instances_max ? c->options.instances_max : EXPECTED_MAX;
    table_writer_reserve(c->table, (instances < most ? instances : most) * WORDS_PER_INSTANCE);
}

static int write_service(struct catalog *c, struct service *s)
{
    int result = blocks_write_service(c, s);
    char key[BLOCK_KEY_CAP];
    (void)blocks_service_key(c, s->name, key);
    if (result > 0)
        services_notify(c, key);
    return result;
}

/* A piece of a large service may be as much as many blocks: then it is the last for now. */
static size_t flush_service(struct catalog *c, struct service *s, size_t *max_blocks)
{
    if (!blocks_write_ahead(c, s)) {
        catalog_touch(&c->dirty_services, &s->dirty);
        *max_blocks = 0;
        return 0;
    }
    size_t changes = note_or_wait(c, write_service(c, s), &c->waiting_services, &s->dirty);
    if (s->n == 0)
        forget_service(c, s);
    return changes;
}

static size_t flush_domain(struct catalog *c, struct domain *d)
{
    size_t changes = note_or_wait(c, blocks_write_domain(c, d), &c->waiting_domains, &d->dirty);
    if (d->n == 0) {
        HASH_DEL(c->domains, d);
        free(d);
    }
    return changes;
}

static size_t flush_host(struct catalog *c, struct host *h)
{
    host_end_if_due(c, h);
    size_t changes = note_or_wait(c, blocks_write_host(c, h), &c->waiting_hosts, &h->dirty);
    if (changes)
        services_notify(c, "");
    if (!h->listed && h->n == 0) {
        sweep_host_goes(c, h);
        cursors_leave_host(c, h);
        HASH_DEL(c->hosts, h);
        free(h);
    }
    return changes;
}

/* In the time that is left, moves a piece of the table to the next segment. */
static bool move_some(struct catalog *c)
{
    bool moving = table_writer_is_moving(c->table);
    table_writer_move_some(c->table);
    return moving;
}

/* The next block, in an order in which what a later one refers to is there already. False: there is none. */
static bool flush_next(struct catalog *c, size_t *max_blocks, size_t *changes)
{
    struct dirty *d;
    if (c->sweep_host) {
        sweep_some(c, SWEEP_BATCH);
        return true;
    }
    if ((d = catalog_take_dirty(&c->touched_hosts)))
        host_touch_some(c, OF_TOUCHED(host, d), SWEEP_BATCH);
    else if ((d = catalog_take_dirty(&c->dirty_services)))
        *changes += flush_service(c, OF_DIRTY(service, d), max_blocks);
    else if ((d = catalog_take_dirty(&c->dirty_domains)))
        *changes += flush_domain(c, OF_DIRTY(domain, d));
    else if ((d = catalog_take_dirty(&c->dirty_hosts)))
        *changes += flush_host(c, OF_DIRTY(host, d));
    else
        return move_some(c);
    return true;
}

bool catalog_is_dirty(const struct catalog *c)
{
    return c->sweep_host || c->touched_hosts || c->dirty_services || c->dirty_domains || c->dirty_hosts;
}

bool catalog_has_work(const struct catalog *c)
{
    return catalog_is_dirty(c) || table_writer_is_moving(c->table);
}

size_t catalog_flush_some(struct catalog *c, size_t max_blocks)
{
    size_t changes = 0;
    while (max_blocks > 0 && flush_next(c, &max_blocks, &changes))
        if (max_blocks > 0)
            max_blocks--;
    if (!catalog_is_dirty(c))
        hostnames_flush(c);
    if (changes)
        table_writer_bump_serial(c->table);
    return changes;
}

size_t catalog_flush(struct catalog *c)
{
    size_t changes = 0;
    do
        changes += catalog_flush_some(c, SIZE_MAX);
    while (catalog_is_dirty(c));
    return changes;
}

void catalog_flush_service(struct catalog *c, const struct instance_key *key)
{
    char name[SERVICE_CAP];
    service_format(key->domain, key->service, name);
    struct service *s = service_find(c, name);
    if (s)
        catalog_flush_named(c, s);
}

/*
 * Writes the service and its domain now. Both stay queued: if nothing is left of them, the queue's turn forgets them.
 */
void catalog_flush_named(struct catalog *c, struct service *s)
{
    size_t changes = note(c, write_service(c, s)) + note(c, blocks_write_domain(c, s->domain));
    if (changes)
        table_writer_bump_serial(c->table);
}
