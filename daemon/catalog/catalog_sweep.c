/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mark and sweep. How many instances of each host have the mark is counted as they get it: so when a snapshot ends only
 * hosts are looked at, and of these only the ones that lack something are gone through, in pieces.
 */
#include <string.h>

#include "daemon/catalog/model.h"

/* One more, or one less, of the host's instances has the mark. */
static void count(struct catalog *c, struct host *h, int n)
{
    if (h->mark != c->mark)
        h->marked = 0;
    h->mark = c->mark;
    h->marked += (uint32_t)n;
    c->marked += (size_t)n;
}

static uint32_t marked_of(const struct catalog *c, const struct host *h)
{
    return h->mark == c->mark ? h->marked : 0;
}

void sweep_linked(struct catalog *c, struct instance *i)
{
    count(c, i->host, i->mark == c->mark);
}

void sweep_unlinked(struct catalog *c, const struct instance *i)
{
    count(c, i->host, -(i->mark == c->mark));
    if (c->sweep_at == i)
        c->sweep_at = i->next_of_host;
}

void sweep_mark(struct catalog *c, struct instance *i)
{
    count(c, i->host, i->mark != c->mark);
    i->mark = c->mark;
}

static bool is_vouched_for(const struct host *h)
{
    return h->listed && h->alive && h->lease.epoch && h->records == h->lease.records && h->digest == h->lease.digest;
}

/* Whether the host is this one, whose records stay whatever a snapshot says of them. */
static bool keeps_its_own(const struct catalog *c, const struct host *h)
{
    return is_vouched_for(h) || strcmp(h->name, c->host) == 0;
}

static bool is_unmarked(const struct catalog *c, const struct instance *i)
{
    return i->mark != c->mark && (i->ttl_ns || !keeps_its_own(c, i->host));
}

static size_t unmarked_of(const struct catalog *c, const struct host *h)
{
    size_t n = 0, unmarked = h->n - marked_of(c, h);
    if (unmarked == 0 || !keeps_its_own(c, h))
        return unmarked;
    if (h->n == h->records) /* none of them is foreign */
        return 0;
    for (const struct instance *i = h->instances; i; i = i->next_of_host)
        n += is_unmarked(c, i);
    return n;
}

static void enter(struct catalog *c, struct host *h)
{
    c->sweep_host = h;
    c->sweep_at = h && unmarked_of(c, h) > 0 ? h->instances : NULL;
}

void catalog_snapshot_begin(struct catalog *c)
{
    c->mark++;
    c->marked = 0;
    c->read_whole = false;
    enter(c, NULL);
}

/* Those of this host are never marked: where nothing else is missing, no other host need be looked at. */
size_t catalog_unmarked(const struct catalog *c)
{
    const struct host *own = host_find(c, c->host);
    size_t n = 0;
    if (c->instances.n - c->marked == (own ? own->n - marked_of(c, own) : 0))
        return own ? unmarked_of(c, own) : 0;
    for (const struct host *h = c->hosts; h; h = h->hh.next)
        n += unmarked_of(c, h);
    return n;
}

void catalog_snapshot_end(struct catalog *c, bool sweep)
{
    c->read_whole = true;
    if (sweep)
        enter(c, c->hosts);
}

void sweep_some(struct catalog *c, size_t max)
{
    while (c->sweep_host && max-- > 0) {
        struct instance *i = c->sweep_at;
        if (!i) {
            enter(c, c->sweep_host->hh.next);
            continue;
        }
        c->sweep_at = i->next_of_host;
        if (is_unmarked(c, i))
            instance_end(c, i);
    }
}

void sweep_host_goes(struct catalog *c, const struct host *h)
{
    if (c->sweep_host == h)
        enter(c, h->hh.next);
}
