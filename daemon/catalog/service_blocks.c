/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a service's block together, or of a large one those pages that changed; their layout is in table_format.h. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/catalog/model.h"
#include "libdiscover/core/entry.h"

/* As resolve promises: usable first, then by priority, then by nearness; and by id, which service_order.c sees to. */
static uint32_t rank_of(const struct instance *i)
{
    uint32_t rank = (uint32_t)i->endpoint.priority << 8 | i->endpoint.tier;
    return instance_usable(i) ? rank : rank | RANK_UNUSABLE;
}

static void count_hidden(struct service *s, struct instance *i)
{
    bool hidden = i->in_order && i->unexported && rank_usable(i->rank);
    s->in_order_hidden += (uint32_t)hidden - i->hidden;
    i->hidden = hidden;
}

static int take_place(struct service *s, struct instance *i)
{
    uint32_t rank = rank_of(i);
    int err = 0;
    if (i->in_order && i->rank != rank) {
        s->in_order_usable -= rank_usable(i->rank);
        service_order_remove(&s->order, i);
    }
    if (i->in_order) {
        service_order_touch(&s->order, i);
    } else {
        i->rank = rank;
        err = service_order_add(&s->order, i);
        s->in_order_usable += !err && rank_usable(rank);
    }
    count_hidden(s, i);
    labels_add(&s->labels, i);
    return err;
}

void service_drop(struct service *s, struct instance *i)
{
    s->n--;
    s->unexported -= i->unexported;
    if (i->changed)
        DL_DELETE2(s->changed, i, prev_changed, next_changed);
    i->changed = false;
    if (!i->in_order)
        return;
    s->in_order_usable -= rank_usable(i->rank);
    s->in_order_hidden -= i->hidden;
    service_order_remove(&s->order, i);
}

/* An instance that cannot be put into its place now, for want of memory, is tried again with the next write. */
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

enum {
    LINE = 64,               /* bytes of a cache line */
    DETAILS_USUAL = 2 * LINE /* room for the details of most instances, wherever their first line begins */
};

/* Instances lie all over the heap: asked for at once, the memory delivers them at once. */
static void prefetch_instances(const struct order_page *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        for (size_t at = offsetof(struct instance, next_of_bucket); at < sizeof(struct instance) + DETAILS_USUAL;
             at += LINE)
            __builtin_prefetch((const char *)p->instances[i] + at);
}

static void prefetch_hosts(const struct order_page *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        __builtin_prefetch(p->instances[i]->host);
        __builtin_prefetch(p->instances[i]->host->entry + LINE / 2);
    }
}

static void prefetch(const struct order_page *p)
{
    prefetch_instances(p);
    prefetch_hosts(p);
}

static size_t write_details(const struct instance *i, uint64_t *at)
{
    uint8_t *bytes = (uint8_t *)at;
    size_t ahead = i->host->entry_n, words = table_words(ahead + i->details_n);
    at[words - 1] = 0; /* the end of it stays */
    memcpy(bytes, i->host->entry, ahead);
    memcpy(bytes + ahead, i->details, i->details_n);
    return words;
}

/* Where endpoints, offsets and details are put together; offsets count from the beginning of the words. */
struct run {
    uint64_t *words;
    size_t endpoints, offsets, details; /* the next of each */
    uint32_t n;
};

static struct run run_begin(uint64_t *words, size_t ahead, uint32_t n)
{
    size_t offsets = ahead + (size_t)n * TABLE_ENDPOINT_WORDS, details = offsets + table_words((size_t)n * 4);
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
        words += table_words((size_t)ENTRY_HOST_MAX + p->instances[i]->details_n) + 1;
    return words;
}

/* The key that a service is written under, and what of it is: all, or what is exported. */
struct target {
    char key[BLOCK_KEY_CAP];
    size_t key_bytes;
    uint32_t n, usable;
    bool exported;
};

static struct target own_target(const struct catalog *c, const struct service *s)
{
    struct target t = {.n = s->n, .usable = s->usable};
    t.key_bytes = blocks_service_key(c, s->name, t.key);
    return t;
}

/* The own region's key, for which this one answers. */
static struct target answer_target(const struct service *s)
{
    struct target t = {.n = s->n - s->unexported, .usable = s->usable - s->hidden, .exported = true};
    t.key_bytes = (size_t)(stpcpy(t.key, s->name) - t.key);
    return t;
}

static void add_instances(struct run *r, const struct order_page *p, bool exported)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (!exported || !p->instances[i]->unexported)
            run_add(r, p->instances[i]);
}

static int write_whole(struct catalog *c, const struct service *s, const struct target *t)
{
    /* Header and key are put in front by the writer: here they are only left room for. */
    size_t ahead = TABLE_BLOCK_HEADER_WORDS + table_words(t->key_bytes), most = ahead;
    const struct service_order *o = &s->order;
    uint32_t slot;
    if (t->n == 0)
        return blocks_drop_key(c, t->key, t->key_bytes);
    for (uint32_t k = 0; k < o->n; k++)
        prefetch_instances(&o->pages[k]);
    /* While these come: what is looked for in the table waits for the memory, too. */
    labels_remove(c, t->key, t->key_bytes);
    (void)table_find(table_writer_table(c->table), t->key, t->key_bytes, &slot);
    for (uint32_t k = 0; k < o->n; k++) {
        prefetch_hosts(&o->pages[k]);
        most += page_words_max(&o->pages[k]);
    }
    if (blocks_reserve(c, most) < 0)
        return -ENOMEM;
    struct run r = run_begin(c->body, ahead, t->n);
    for (uint32_t k = 0; k < o->n; k++)
        add_instances(&r, &o->pages[k], t->exported);
    return table_writer_put(c->table, TABLE_SERVICE, t->key, t->key_bytes, t->usable, t->n, c->body + ahead,
                            r.details - ahead);
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
    }
    labels_mark_page(words + TABLE_P_MARKS, p);
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

/* The pages for the table; those that stay in it, and are neighbours there, are one part. */
struct page_list {
    struct table_page_parts *parts; /* catalog.pages */
    size_t n;
    size_t words; /* that may be needed for the pages that are to be written */
    uint32_t largest_weight;
};

static struct table_page_parts part_of(const struct catalog *c, const struct order_page *p)
{
    struct table_page_parts part = {.kept = p->kept};
    if (page_is_unwritten(p)) {
        prefetch(p);
        part.n_words = TABLE_PAGE_HEADER_WORDS + page_words_max(p);
    } else if (p->staged) {
        part.staged = c->staging.pages[p->staged - 1].own;
    }
    return part;
}

static bool page_stays(const struct order_page *p)
{
    return !page_is_unwritten(p) && !p->staged;
}

/* Pages from p on that stay, and lie in the table from the page of that number on. */
static uint32_t count_staying(const struct order_page *p, const struct order_page *end, uint32_t kept,
                              uint32_t *largest_weight)
{
    uint32_t n = 0;
    for (; p < end && page_stays(p) && p->kept == kept + n; n++)
        at_least(largest_weight, p++->largest_weight);
    return n;
}

/* Here alone is every page looked at, and with a thousand of them that is much of what a change costs. */
static struct page_list list_pages(const struct catalog *c, const struct service_order *o)
{
    struct page_list list = {.parts = c->pages};
    const struct order_page *p = o->pages, *end = p + o->n;
    while (p < end) {
        struct table_page_parts *part = &list.parts[list.n++];
        *part = part_of(c, p);
        list.words += part->n_words;
        if (!page_is_unwritten(p))
            at_least(&list.largest_weight, p->largest_weight);
        if (page_stays(p))
            part->more = count_staying(p + 1, end, p->kept + 1, &list.largest_weight);
        p += table_page_count(part);
    }
    return list;
}

static void write_listed(const struct service_order *o, struct page_list *list, uint64_t *at)
{
    struct order_page *p = o->pages;
    for (struct table_page_parts *part = list->parts; part < list->parts + list->n; p += table_page_count(part++)) {
        if (part->n_words == 0)
            continue;
        part->words = at;
        part->n_words = write_page(p, at);
        at_least(&list->largest_weight, p->largest_weight);
        at += part->n_words;
    }
}

/* As it is under the key of the own region, for which it answers: the same pages. */
static void list_answer(const struct catalog *c, const struct service_order *o, struct page_list *list)
{
    const struct order_page *p = o->pages;
    for (struct table_page_parts *part = list->parts; part < list->parts + list->n; p += table_page_count(part++))
        if (page_is_staged(p))
            part->staged = c->staging.pages[p->staged - 1].answer;
}

/* Notes that the pages are in the table now, in this order. */
static void note_written(struct catalog *c, struct service_order *o, const struct page_list *list, bool answered)
{
    uint32_t k = 0;
    for (const struct table_page_parts *part = list->parts; part < list->parts + list->n; part++) {
        uint32_t end = k + part->more + 1;
        if (!part->words && part->kept == k && !page_is_staged(&o->pages[k]))
            k = end;
        for (; k < end; k++) {
            staging_took(c, &o->pages[k], answered);
            o->pages[k].kept = k;
            o->pages[k].dirty = false;
        }
    }
}

void blocks_forget_pages(struct service *s)
{
    s->answer_paged = s->labels.is_published = false;
    for (uint32_t k = 0; k < s->order.n; k++)
        s->order.pages[k].kept = TABLE_PAGE_NEW;
}

static int put_pages(struct catalog *c, const struct service *s, const struct target *t, const struct page_list *list)
{
    labels_before_put(c, s, t->key, t->key_bytes);
    int result = table_writer_put_pages(c->table, t->key, t->key_bytes, t->usable, t->n, list->largest_weight,
                                        list->parts, list->n);
    labels_after_put(c, s, t->key, t->key_bytes);
    return result;
}

/*
 * Writes the same pages under both keys, so that a change costs one page under each; if they differ so far, all pages
 * are written first.
 */
static int write_pages(struct catalog *c, struct service *s, const struct target *t, const struct target *answer)
{
    struct service_order *o = &s->order;
    if (answer && !s->answer_paged)
        blocks_forget_pages(s);
    if (reserve_pages(c, o->n) < 0)
        return -ENOMEM;
    struct page_list list = list_pages(c, o);
    if (blocks_reserve(c, list.words) < 0)
        return -ENOMEM;
    write_listed(o, &list, c->body);
    int result = put_pages(c, s, t, &list), answered = 0;
    if (result < 0)
        return result;
    if (answer) {
        list_answer(c, o, &list);
        answered = put_pages(c, s, answer, &list);
    }
    note_written(c, o, &list, answered >= 0);
    s->labels.is_published = s->labels.whole;
    s->answer_paged = answer && answered >= 0;
    if (answered < 0)
        blocks_forget_pages(s);
    return answered < 0 ? answered : result | answered;
}

/*
 * Writes the staged pages; where they keep the table from moving to a larger segment, they are given back and all is
 * written anew.
 */
static int write_with_staged(struct catalog *c, struct service *s, const struct target *t, const struct target *answer)
{
    bool staged = staging_of(c, s);
    int result = write_pages(c, s, t, answer);
    if (!staged)
        return result;
    staging_end(c);
    return result == -ENOSPC ? write_pages(c, s, t, answer) : result;
}

/* Few instances are one block; nothing is kept of pages. */
static int write_few(struct catalog *c, struct service *s, const struct target *t)
{
    if (staging_of(c, s))
        staging_end(c);
    blocks_forget_pages(s);
    labels_end(&s->labels);
    return write_whole(c, s, t);
}

bool blocks_answer_alike(const struct catalog *c, const struct service *s)
{
    return s->unexported == 0 && catalog_answers(c, s->name);
}

/* answer: the own region's key for which the service answers, or NULL. */
static int write_both(struct catalog *c, struct service *s, const struct target *t, const struct target *answer)
{
    bool paged = s->n > WHOLE_MAX, alike = blocks_answer_alike(c, s);
    int result = paged ? write_with_staged(c, s, t, alike ? answer : NULL) : write_few(c, s, t);
    if (result < 0 || !answer || (paged && alike))
        return result;
    int answered = write_whole(c, s, answer);
    return answered < 0 ? answered : result | answered;
}

int blocks_write_service(struct catalog *c, struct service *s)
{
    int err = service_settle(s, SIZE_MAX);
    if (err)
        return err;
    c->counts.usable += (size_t)s->in_order_usable - s->usable;
    s->usable = s->in_order_usable;
    s->hidden = s->in_order_hidden;
    struct target own = own_target(c, s), answer = answer_target(s);
    return write_both(c, s, &own, catalog_answers(c, s->name) ? &answer : NULL);
}
