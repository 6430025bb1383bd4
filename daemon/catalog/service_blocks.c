/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a service's block together, or of a large one those pages that changed; their layout is in table_format.h. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_label.h"

/* As resolve promises: usable first, then by priority, then by nearness; and by id, which service_order.c sees to. */
static uint32_t rank_of(const struct instance *i)
{
    uint32_t rank = (uint32_t)i->endpoint.priority << 8 | i->endpoint.tier;
    return instance_usable(i) ? rank : rank | RANK_UNUSABLE;
}

static int take_place(struct service *s, struct instance *i)
{
    uint32_t rank = rank_of(i);
    if (i->in_order && i->rank != rank) {
        s->in_order_usable -= rank_usable(i->rank);
        service_order_remove(&s->order, i);
    }
    if (i->in_order) {
        service_order_touch(&s->order, i);
        return 0;
    }
    i->rank = rank;
    int err = service_order_add(&s->order, i);
    if (!err)
        s->in_order_usable += rank_usable(rank);
    return err;
}

/* Those that cannot be put into their place now are tried again with the next write. */
int service_settle(struct service *s, size_t max)
{
    int err = 0;
    while (s->changed && !err && max-- > 0) {
        struct instance *i = s->changed;
        err = take_place(s, i);
        if (err)
            break;
        DL_DELETE2(s->changed, i, prev_changed, next_changed);
        i->changed = false;
    }
    return err;
}

/* Instances lie all over the heap: asked for at once, the memory delivers them at once. */
static void prefetch(const struct order_page *p)
{
    enum { LINE = 64 };
    for (uint32_t i = 0; i < p->n; i++)
        for (size_t at = offsetof(struct instance, host); at < sizeof(struct instance) + LINE; at += LINE)
            __builtin_prefetch((const char *)p->instances[i] + at);
    for (uint32_t i = 0; i < p->n; i++) {
        __builtin_prefetch(p->instances[i]->host);
        __builtin_prefetch(p->instances[i]->host->entry + LINE / 2);
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

/* Where endpoints, offsets and details are put together; offsets count from the beginning of the words. */
struct run {
    uint64_t *words;
    size_t endpoints, offsets, details; /* the next of each */
    uint32_t n;
};

static struct run run_begin(uint64_t *words, size_t ahead, uint32_t n)
{
    size_t offsets = ahead + (size_t)n * TABLE_ENDPOINT_WORDS, details = offsets + words_for((size_t)n * 4);
    memset(words + offsets, 0, (details - offsets) * 8);
    return (struct run){words, ahead, offsets, details, 0};
}

static void run_add(struct run *r, const struct instance *i)
{
    memcpy(r->words + r->endpoints, &i->endpoint, TABLE_ENDPOINT_WORDS * 8);
    r->endpoints += TABLE_ENDPOINT_WORDS;
    r->words[r->offsets + r->n / 2] |= (uint64_t)r->details << (r->n % 2 * 32);
    r->details += write_details(i, r->words + r->details);
    r->n++;
}

static size_t page_words_max(const struct order_page *p)
{
    size_t words = (size_t)p->n * (TABLE_ENDPOINT_WORDS + 1) + 1;
    for (uint32_t i = 0; i < p->n; i++)
        words += words_for((size_t)ENTRY_HOST_MAX + p->instances[i]->details_n) + 1;
    return words;
}

static int write_whole(struct catalog *c, struct service *s)
{
    /* Header and key are put in front by the writer: here they are only left room for. */
    char key[BLOCK_KEY_CAP];
    size_t key_bytes = blocks_service_key(c, s->name, key);
    size_t ahead = TABLE_BLOCK_HEADER_WORDS + words_for(key_bytes), most = ahead;
    struct service_order *o = &s->order;
    for (uint32_t k = 0; k < o->n; k++) {
        prefetch(&o->pages[k]);
        most += page_words_max(&o->pages[k]);
    }
    if (blocks_reserve(c, most) < 0)
        return -ENOMEM;
    struct run r = run_begin(c->body, ahead, s->n);
    for (uint32_t k = 0; k < o->n; k++) {
        for (uint32_t i = 0; i < o->pages[k].n; i++)
            run_add(&r, o->pages[k].instances[i]);
        o->pages[k].kept = TABLE_PAGE_NEW;
    }
    return table_writer_put(c->table, TABLE_SERVICE, key, key_bytes, s->usable, s->n, c->body + ahead,
                            r.details - ahead);
}

/* The texts that follow one another in an entry (entry.h). */
static const char *next_text(const uint8_t **at, size_t *ret_n)
{
    const char *text = (const char *)*at + 1;
    *ret_n = **at;
    *at += *ret_n + 2;
    return text;
}

static void mark_text(uint64_t *marks, enum table_label kind, const uint8_t **at)
{
    size_t n;
    const char *text = next_text(at, &n);
    if (n > 0)
        table_mark(marks, table_label_hash(kind, text, n));
}

static void mark(uint64_t *marks, const struct instance *i)
{
    const uint8_t *at = i->host->entry, protocol = i->endpoint.protocol;
    size_t n;
    table_mark(marks, i->endpoint.id);
    table_mark(marks, table_label_hash(TABLE_LABEL_PROTOCOL, (const char *)&protocol, 1));
    mark_text(marks, TABLE_LABEL_HOST, &at);
    mark_text(marks, TABLE_LABEL_PLACE, &at);
    mark_text(marks, TABLE_LABEL_PLACE, &at);
    at = i->details;
    (void)next_text(&at, &n);
    (void)next_text(&at, &n);
    for (uint8_t tags = *at++; tags > 0; tags--)
        mark_text(marks, TABLE_LABEL_TAG, &at);
}

/* Returns its words. */
static size_t write_page(struct order_page *p, uint64_t *words)
{
    struct run r = run_begin(words, TABLE_PAGE_HEADER_WORDS, p->n);
    memset(words, 0, TABLE_PAGE_HEADER_WORDS * 8);
    words[TABLE_P_COUNT] = p->n;
    p->largest_weight = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint32_t weight = p->instances[i]->endpoint.weight;
        p->largest_weight = weight > p->largest_weight ? weight : p->largest_weight;
        run_add(&r, p->instances[i]);
        mark(words + TABLE_P_MARKS, p->instances[i]);
    }
    return r.details;
}

int blocks_lay_page(struct catalog *c, struct order_page *p, uint64_t *ret_words)
{
    prefetch(p);
    if (blocks_reserve(c, TABLE_PAGE_HEADER_WORDS + page_words_max(p)) < 0)
        return -ENOMEM;
    *ret_words = write_page(p, c->body);
    return 0;
}

static bool is_new(const struct order_page *p)
{
    return p->dirty || (p->kept == TABLE_PAGE_NEW && !p->staged);
}

static int reserve_pages(struct catalog *c, size_t n)
{
    if (n <= c->pages_cap)
        return 0;
    struct table_page_parts *pages = realloc(c->pages, 2 * n * sizeof *pages);
    if (!pages)
        return -ENOMEM;
    c->pages = pages;
    c->pages_cap = 2 * n;
    return 0;
}

static void at_least(uint32_t *weight, uint32_t other)
{
    *weight = other > *weight ? other : *weight;
}

/*
 * Lists the pages, those to be written with the words they may need, and returns the sum of these. Here alone is
 * every page looked at, and with a thousand of them that is most of what a change costs.
 */
static size_t list_pages(const struct catalog *c, const struct service_order *o, struct table_page_parts *list,
                         uint32_t *largest_weight)
{
    size_t most = 0;
    for (uint32_t k = 0; k < o->n; k++) {
        const struct order_page *p = &o->pages[k];
        list[k] = (struct table_page_parts){.kept = p->kept};
        if (p->staged)
            list[k].staged = c->staging.pages[p->staged - 1];
        if (is_new(p)) {
            prefetch(p);
            list[k].n_words = TABLE_PAGE_HEADER_WORDS + page_words_max(p);
        } else {
            at_least(largest_weight, p->largest_weight);
        }
        most += list[k].n_words;
    }
    return most;
}

static void write_listed(const struct service_order *o, struct table_page_parts *list, uint64_t *at,
                         uint32_t *largest_weight)
{
    for (uint32_t k = 0; k < o->n; k++) {
        if (list[k].n_words == 0)
            continue;
        list[k].words = at;
        list[k].n_words = write_page(&o->pages[k], at);
        at_least(largest_weight, o->pages[k].largest_weight);
        at += list[k].n_words;
    }
}

/* They are in the table now, in this order. */
static void note_written(struct catalog *c, struct service_order *o, const struct table_page_parts *list)
{
    for (uint32_t k = 0; k < o->n; k++)
        if (list[k].words || list[k].staged || list[k].kept != k) {
            staging_took(c, &o->pages[k]);
            o->pages[k].kept = k;
            o->pages[k].dirty = false;
        }
}

static int write_pages(struct catalog *c, struct service *s)
{
    struct service_order *o = &s->order;
    uint32_t weight = 0;
    if (reserve_pages(c, o->n) < 0 || blocks_reserve(c, list_pages(c, o, c->pages, &weight)) < 0)
        return -ENOMEM;
    write_listed(o, c->pages, c->body, &weight);
    char key[BLOCK_KEY_CAP];
    size_t key_bytes = blocks_service_key(c, s->name, key);
    int result = table_writer_put_pages(c->table, key, key_bytes, s->usable, s->n, weight, c->pages, o->n);
    if (result >= 0)
        note_written(c, o, c->pages);
    return result;
}

/* The staged ones are in the way of a larger table: then without them. */
static int write_with_staged(struct catalog *c, struct service *s)
{
    bool staged = staging_of(c, s);
    int result = write_pages(c, s);
    if (!staged)
        return result;
    staging_end(c);
    return result == -ENOSPC ? write_pages(c, s) : result;
}

int blocks_write_service(struct catalog *c, struct service *s)
{
    int err = service_settle(s, SIZE_MAX);
    if (err)
        return err;
    c->counts.usable += (size_t)s->in_order_usable - s->usable;
    s->usable = s->in_order_usable;
    if (s->n > WHOLE_MAX)
        return write_with_staged(c, s);
    if (staging_of(c, s))
        staging_end(c);
    if (s->n > 0)
        return write_whole(c, s);
    char key[BLOCK_KEY_CAP];
    size_t key_bytes = blocks_service_key(c, s->name, key);
    return blocks_drop_key(c, key, key_bytes);
}
