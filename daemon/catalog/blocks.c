/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the blocks of the shared table together from the catalog; their layout is in table_format.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/entry.h"

#define KEY_TEXT_CAP (TABLE_KEY_MAX + 1)

static size_t words_for(size_t bytes)
{
    return (bytes + 7) / 8;
}

static int reserve(struct catalog *c, size_t words)
{
    if (words <= c->body_cap)
        return 0;
    size_t cap = words + words / 2;
    uint64_t *body = realloc(c->body, cap * sizeof *body);
    if (!body)
        return -ENOMEM;
    c->body = body;
    c->body_cap = cap;
    return 0;
}

static int put(struct catalog *c, enum table_kind kind, const char *key, uint32_t n_first, uint32_t n_total,
               size_t body_words)
{
    return table_writer_put(c->table, kind, key, strlen(key), n_first, n_total, c->body, body_words);
}

static int drop(struct catalog *c, const char *key)
{
    uint32_t slot;
    if (table_find(table_writer_table(c->table), key, strlen(key), &slot) < 0)
        return 0;
    table_writer_remove(c->table, key, strlen(key));
    return 1;
}

/* Usable first, then as resolve promises: by priority, then nearness, then an order that is always the same. */
static int by_rank(const void *x, const void *y, void *arg)
{
    const struct catalog *c = arg;
    const struct instance *a = *(struct instance *const *)x, *b = *(struct instance *const *)y;
    int usable_a = instance_usable(c, a), usable_b = instance_usable(c, b);
    if (usable_a != usable_b)
        return usable_b - usable_a;
    if (a->endpoint.priority != b->endpoint.priority)
        return a->endpoint.priority < b->endpoint.priority ? -1 : 1;
    if (a->endpoint.tier != b->endpoint.tier)
        return a->endpoint.tier < b->endpoint.tier ? -1 : 1;
    return a->endpoint.id < b->endpoint.id ? -1 : a->endpoint.id > b->endpoint.id;
}

/*
 * Between two writes little changes, so the instances are nearly in order; but a large service that is written for the
 * first time is not.
 */
static void sort_instances(struct catalog *c, struct service *s)
{
    enum { FEW = 64 };
    if (s->n > FEW) {
        qsort_r(s->instances, s->n, sizeof *s->instances, by_rank, c);
        return;
    }
    for (uint32_t i = 1; i < s->n; i++) {
        struct instance *moving = s->instances[i];
        uint32_t at = i;
        for (; at > 0 && by_rank(&moving, &s->instances[at - 1], c) < 0; at--)
            s->instances[at] = s->instances[at - 1];
        s->instances[at] = moving;
    }
}

/* Instances lie all over the heap: asked for at once, the memory delivers them at once. */
static void prefetch(const struct service *s)
{
    enum { LINE = 64 };
    for (uint32_t i = 0; i < s->n; i++)
        for (size_t at = offsetof(struct instance, host); at < sizeof(struct instance) + LINE; at += LINE)
            __builtin_prefetch((const char *)s->instances[i] + at);
    for (uint32_t i = 0; i < s->n; i++) {
        __builtin_prefetch(s->instances[i]->host);
        __builtin_prefetch(s->instances[i]->host->entry + LINE / 2);
    }
}

static size_t write_details(const struct instance *i, uint64_t *at)
{
    uint8_t *bytes = (uint8_t *)at;
    size_t n = i->host->entry_n;
    memcpy(bytes, i->host->entry, n);
    memcpy(bytes + n, i->details, i->details_n);
    n += i->details_n;
    memset(bytes + n, 0, words_for(n) * 8 - n);
    return words_for(n);
}

/* Returns the words of the body. Offsets count from the block's start, in front of which stand header and key. */
static size_t fill_service(struct catalog *c, const struct service *s, size_t ahead)
{
    uint64_t *endpoints = c->body;
    uint64_t *offsets = endpoints + (size_t)s->n * TABLE_ENDPOINT_WORDS;
    size_t at = (size_t)(offsets - c->body) + words_for((size_t)s->n * 4);
    memset(offsets, 0, words_for((size_t)s->n * 4) * 8);
    for (uint32_t i = 0; i < s->n; i++) {
        memcpy(endpoints + (size_t)i * TABLE_ENDPOINT_WORDS, &s->instances[i]->endpoint, TABLE_ENDPOINT_WORDS * 8);
        offsets[i / 2] |= (uint64_t)(ahead + at) << (i % 2 * 32);
        at += write_details(s->instances[i], c->body + at);
    }
    return at;
}

static size_t service_words_max(const struct service *s)
{
    size_t words = (size_t)s->n * (TABLE_ENDPOINT_WORDS + 1) + 1;
    for (uint32_t i = 0; i < s->n; i++)
        words += words_for((size_t)ENTRY_HOST_MAX + s->instances[i]->details_n) + 1;
    return words;
}

int blocks_write_service(struct catalog *c, struct service *s)
{
    uint32_t usable = 0;
    if (s->n == 0)
        return drop(c, s->name);
    prefetch(s);
    if (reserve(c, service_words_max(s)) < 0)
        return -ENOMEM;
    sort_instances(c, s);
    while (usable < s->n && instance_usable(c, s->instances[usable]))
        usable++;
    c->counts.usable += usable - s->usable;
    s->usable = usable;
    size_t ahead = TABLE_BLOCK_HEADER_WORDS + words_for(strlen(s->name));
    return put(c, TABLE_SERVICE, s->name, usable, s->n, fill_service(c, s, ahead));
}

int blocks_write_domain(struct catalog *c, struct domain *d)
{
    char key[KEY_TEXT_CAP];
    snprintf(key, sizeof key, "%s/", d->name);
    if (d->n == 0)
        return drop(c, key);
    if (reserve(c, words_for((size_t)d->n * (LABEL_MAX + 1) + 1)) < 0)
        return -ENOMEM;
    uint8_t *at = (uint8_t *)c->body;
    for (const struct service *s = d->services; s; s = s->next_of_domain) {
        const char *name = s->name + strlen(d->name) + 1;
        size_t n = strlen(name);
        *at++ = (uint8_t)n;
        memcpy(at, name, n);
        at += n;
    }
    size_t used = (size_t)(at - (uint8_t *)c->body);
    size_t words = words_for(used + 1);
    memset(at, 0, words * 8 - used);
    return put(c, TABLE_DOMAIN, key, d->n, d->n, words);
}

int blocks_write_host(struct catalog *c, struct host *h)
{
    char key[KEY_TEXT_CAP];
    snprintf(key, sizeof key, "@%s", h->name);
    if (!h->listed)
        return drop(c, key);
    if (reserve(c, words_for(ENTRY_MAX)) < 0)
        return -ENOMEM;
    size_t n = host_entry_write(&h->lease, h->alive, (uint8_t *)c->body);
    memset((uint8_t *)c->body + n, 0, words_for(n) * 8 - n);
    return put(c, TABLE_HOST, key, 0, h->n, words_for(n));
}
