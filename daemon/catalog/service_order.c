/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the instances of a service in the order of its answers: sorted pages in a sorted list. */
#include "daemon/catalog/service_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"

static bool is_before(const struct instance *a, const struct instance *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->endpoint.id < b->endpoint.id;
}

/* The page that has i, or should: the last that does not begin behind it. */
static uint32_t page_of(const struct service_order *o, const struct instance *i)
{
    uint32_t low = 0, high = o->n;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (is_before(i, o->pages[middle].instances[0]))
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* Where in the page i is, or should be. */
static uint16_t place_of(const struct order_page *p, const struct instance *i)
{
    uint16_t low = 0, high = p->n;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (is_before(p->instances[middle], i))
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

static int reserve(struct order_page *p, uint16_t n)
{
    if (n <= p->cap)
        return 0;
    uint16_t cap = p->cap ? p->cap : 4;
    while (cap < n)
        cap *= 2;
    struct instance **instances = realloc(p->instances, cap * sizeof *instances);
    if (!instances)
        return -ENOMEM;
    p->instances = instances;
    p->cap = cap;
    return 0;
}

/* An empty page at a place in the list. */
static int insert_page(struct service_order *o, uint32_t at)
{
    if (o->n == o->cap) {
        uint32_t cap = o->cap ? 2 * o->cap : 1;
        struct order_page *pages = realloc(o->pages, cap * sizeof *pages);
        if (!pages)
            return -ENOMEM;
        o->pages = pages;
        o->cap = cap;
    }
    memmove(&o->pages[at + 1], &o->pages[at], (o->n - at) * sizeof *o->pages);
    o->pages[at] = (struct order_page){.kept = TABLE_PAGE_NEW};
    o->n++;
    return 0;
}

static void remove_page(struct service_order *o, uint32_t at)
{
    free(o->pages[at].instances);
    o->n--;
    memmove(&o->pages[at], &o->pages[at + 1], (o->n - at) * sizeof *o->pages);
}

/* Moves instances from one page to the end of another, which has room. */
static void move(struct order_page *from, uint16_t first, struct order_page *to)
{
    memcpy(&to->instances[to->n], &from->instances[first], (from->n - first) * sizeof *to->instances);
    to->n = (uint16_t)(to->n + from->n - first);
    from->n = first;
    if (from->labels_round < to->labels_round)
        to->labels_round = from->labels_round;
    from->dirty = to->dirty = true;
}

static int split(struct service_order *o, uint32_t at)
{
    int err = insert_page(o, at + 1);
    if (err)
        return err;
    err = reserve(&o->pages[at + 1], ORDER_PAGE_MAX);
    if (err)
        remove_page(o, at + 1);
    else
        move(&o->pages[at], ORDER_PAGE_MAX / 2, &o->pages[at + 1]);
    return err;
}

/* The page that i is to go into, with room for it. */
static int make_room(struct service_order *o, const struct instance *i, struct order_page **ret_page)
{
    int err = o->n == 0 ? insert_page(o, 0) : 0;
    if (err)
        return err;
    uint32_t at = page_of(o, i);
    if (o->pages[at].n == ORDER_PAGE_MAX) {
        err = split(o, at);
        if (err)
            return err;
        at = page_of(o, i);
    }
    err = reserve(&o->pages[at], (uint16_t)(o->pages[at].n + 1));
    if (err && o->pages[at].n == 0)
        remove_page(o, at);
    else
        *ret_page = &o->pages[at];
    return err;
}

int service_order_add(struct service_order *o, struct instance *i)
{
    struct order_page *p;
    int err = make_room(o, i, &p);
    if (err)
        return err;
    uint16_t at = place_of(p, i);
    memmove(&p->instances[at + 1], &p->instances[at], (p->n - at) * sizeof *p->instances);
    p->instances[at] = i;
    p->n++;
    p->dirty = true;
    i->in_order = true;
    return 0;
}

/* Moves what is left in a page into the one before it, where both are little. True: that page is no more. */
static bool join(struct service_order *o, uint32_t at)
{
    struct order_page *p = &o->pages[at], *before = p - 1;
    uint16_t n = (uint16_t)(before->n + p->n);
    if (n > ORDER_PAGE_MAX / 2 || reserve(before, n) < 0)
        return false;
    move(p, 0, before);
    remove_page(o, at);
    return true;
}

void service_order_remove(struct service_order *o, struct instance *i)
{
    uint32_t page_at = page_of(o, i);
    struct order_page *p = &o->pages[page_at];
    uint16_t at = place_of(p, i);
    p->n--;
    memmove(&p->instances[at], &p->instances[at + 1], (p->n - at) * sizeof *p->instances);
    p->dirty = true;
    i->in_order = false;
    if (p->n == 0)
        remove_page(o, page_at);
    else if ((page_at == 0 || !join(o, page_at)) && page_at + 1 < o->n)
        (void)join(o, page_at + 1);
}

void service_order_touch(struct service_order *o, const struct instance *i)
{
    o->pages[page_of(o, i)].dirty = true;
}

void service_order_fini(struct service_order *o)
{
    while (o->n > 0)
        remove_page(o, o->n - 1);
    free(o->pages);
    *o = (struct service_order){0};
}
