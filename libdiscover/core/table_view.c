/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of whole blocks, and of services that lie in pages. */
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/table_block.h"
#include "libdiscover/core/table_label.h"

void table_view_init(struct table_view *v)
{
    memset(v, 0, sizeof *v);
}

void table_view_fini(struct table_view *v)
{
    free(v->words);
    table_view_init(v);
}

static int reserve(struct table_view *v, uint64_t n_words)
{
    if (n_words <= v->cap_words)
        return 0;
    uint64_t cap = n_words + v->cap_words / 2;
    uint64_t *words = realloc(v->words, cap * sizeof *words);
    if (!words)
        return -ENOMEM;
    v->words = words;
    v->cap_words = cap;
    return 0;
}

static void describe(struct table_view *v, const struct table_block *b)
{
    v->seq = b->seq;
    v->kind = (enum table_kind)b->kind;
    v->n_first = b->n_first;
    v->n_total = b->n_total;
    v->largest_weight = 0;
    v->key_bytes = b->key_bytes;
    v->body = b->body;
    v->offsets = b->body + (uint64_t)b->n_total * TABLE_ENDPOINT_WORDS;
}

static int copy_block(struct table_view *v, const struct table_block *b)
{
    int err = reserve(v, b->n_words);
    if (err < 0)
        return err;
    table_block_copy(v->words, b->words, b->n_words);
    v->n_words = b->n_words;
    describe(v, b);
    return 0;
}

/* Converts the offset of details in a page to their offset in the view; one out of bounds stays out of bounds. */
static uint32_t move_offset(uint32_t offset, uint64_t page_at, uint64_t page_words, uint64_t view_at)
{
    bool within = offset >= page_at && offset <= page_words;
    return within ? (uint32_t)(offset - page_at + view_at) : UINT32_MAX;
}

static void set_offset(struct table_view *v, uint32_t i, uint32_t offset)
{
    uint64_t *word = v->words + v->offsets + i / 2;
    *word = i % 2 ? (*word & UINT32_MAX) | (uint64_t)offset << 32 : offset;
}

static int append_page(struct table_view *v, const struct table_page *page, uint32_t n_first)
{
    uint64_t offsets = TABLE_PAGE_HEADER_WORDS + (uint64_t)page->n * TABLE_ENDPOINT_WORDS;
    uint64_t details = offsets + table_words((uint64_t)page->n * 4), at = v->n_words;
    int err = reserve(v, at + page->n_words - details);
    if (err < 0)
        return err;
    table_block_copy(v->words + v->body + (uint64_t)v->n_total * TABLE_ENDPOINT_WORDS,
                     page->words + TABLE_PAGE_HEADER_WORDS, (uint64_t)page->n * TABLE_ENDPOINT_WORDS);
    for (uint32_t i = 0; i < page->n; i++) {
        uint32_t offset = (uint32_t)(table_load(&page->words[offsets + i / 2]) >> (i % 2 * 32));
        set_offset(v, v->n_total + i, move_offset(offset, details, page->n_words, at));
    }
    table_block_copy(v->words + at, page->words + details, page->n_words - details);
    v->n_words = at + page->n_words - details;
    v->n_total += page->n;
    if (n_first > page->first)
        v->n_first += n_first - page->first < page->n ? n_first - page->first : page->n;
    return 0;
}

/* The header of a block that is not paged, and room for the endpoints and offsets of all pages. */
static int begin_pages(struct table_view *v, const struct table *t, const struct table_block *b)
{
    uint64_t n = b->n_total;
    if (n * TABLE_ENDPOINT_WORDS > t->n_words)
        return -EBADMSG;
    uint64_t details = b->body + n * TABLE_ENDPOINT_WORDS + table_words(n * 4);
    int err = reserve(v, details);
    if (err < 0)
        return err;
    describe(v, b);
    table_block_copy(v->words, b->words, b->body);
    v->n_words = details;
    v->n_total = v->n_first = 0;
    v->largest_weight = (uint32_t)table_load(&b->words[b->body + TABLE_D_WEIGHT]);
    return 0;
}

static bool may_have(const struct table_page_filter *filter, const table_word *marks, uint64_t n_blocks)
{
    bool may = true;
    for (unsigned i = 0; filter && i < filter->n_labels && may; i++)
        may = table_is_marked(marks, n_blocks, filter->labels[i]);
    return may;
}

struct search {
    const struct table_page_filter *filter;
    bool may_find;
};

static int search_labels(const struct table *t, const struct table_block *b, void *arg)
{
    (void)t;
    struct search *s = arg;
    uint64_t n_blocks = (b->n_words - b->body) / TABLE_MARK_BLOCK_WORDS;
    s->may_find = b->kind != TABLE_LABELS || n_blocks == 0 || may_have(s->filter, b->words + b->body, n_blocks);
    return 0;
}

/*
 * Whether some instance may have what is looked for, as far as the marks of the whole service show: to look at those
 * first is faster than at those of all its pages.
 */
static bool may_have_any(const struct table *t, const struct table_block *b, const struct table_page_filter *filter)
{
    uint64_t name[TABLE_KEY_MAX / 8];
    char key[TABLE_KEY_MAX + 1] = "?";
    struct search s = {filter, true};
    uint32_t slot;
    if (!filter || filter->none || filter->n_labels == 0)
        return !filter || !filter->none;
    table_block_copy(name, b->words + TABLE_BLOCK_HEADER_WORDS, table_words(b->key_bytes));
    memcpy(key + 1, name, b->key_bytes);
    int err = table_block_find(t, key, 1 + b->key_bytes, search_labels, &s, &slot);
    return err || s.may_find;
}

static int copy_pages(struct table_view *v, const struct table *t, const struct table_block *b,
                      const struct table_page_filter *filter)
{
    struct table_pages pages;
    struct table_page page;
    bool enough = !may_have_any(t, b, filter);
    int got = 1, err = begin_pages(v, t, b);
    table_pages_begin(&pages, t, b);
    while (!err && !enough && (got = table_pages_next(&pages, &page)) > 0) {
        if (!may_have(filter, page.words + TABLE_P_MARKS, TABLE_PAGE_MARK_BLOCKS))
            continue;
        uint32_t from = v->n_total;
        err = append_page(v, &page, b->n_first);
        enough = !err && filter && filter->enough(filter->arg, v, from);
    }
    return err ? err : got < 0 ? got : 0;
}

/* A service's endpoints and their offsets must lie within the block, so that walking needs no checks of its own. */
static int view_check(const struct table_view *v)
{
    uint64_t left = v->n_words - v->body;
    uint64_t need = 0;
    if (v->kind == TABLE_SERVICE)
        need = v->offsets - v->body + table_words((uint64_t)v->n_total * 4);
    return need > left ? -EBADMSG : 0;
}

struct copy {
    struct table_view *view;
    const struct table_page_filter *filter;
};

static int copy(const struct table *t, const struct table_block *b, void *arg)
{
    const struct copy *c = arg;
    int err = b->paged ? copy_pages(c->view, t, b, c->filter) : copy_block(c->view, b);
    return err ? err : view_check(c->view);
}

int table_view_read_some(const struct table *t, uint32_t slot, const struct table_page_filter *filter,
                         struct table_view *v)
{
    struct copy c = {v, filter};
    return table_block_read(t, slot, copy, &c);
}

int table_view_read(const struct table *t, uint32_t slot, struct table_view *v)
{
    return table_view_read_some(t, slot, NULL, v);
}

int table_view_find(const struct table *t, const char *key, size_t n, struct table_view *v)
{
    struct copy c = {v, NULL};
    uint32_t slot;
    return table_block_find(t, key, n, copy, &c, &slot);
}

int table_view_load(struct table_view *v, const uint64_t *words, size_t n_words)
{
    struct table_block b = {.words = (const table_word *)words, .n_words = n_words};
    int err = table_block_parse(&b);
    if (!err)
        err = copy_block(v, &b);
    return err ? err : view_check(v);
}

const char *table_view_key(const struct table_view *v)
{
    return (const char *)(v->words + TABLE_BLOCK_HEADER_WORDS);
}

const struct discover_endpoint *table_view_endpoint(const struct table_view *v, uint32_t i)
{
    return (const struct discover_endpoint *)(v->words + v->body + (uint64_t)i * TABLE_ENDPOINT_WORDS);
}

static uint64_t details_offset(const struct table_view *v, uint32_t i)
{
    if (v->kind != TABLE_SERVICE)
        return v->body;
    const uint64_t *offsets = v->words + v->offsets;
    return (uint32_t)(offsets[i / 2] >> (i % 2 * 32));
}

int table_view_details(const struct table_view *v, uint32_t i, const uint8_t **ret_bytes, size_t *ret_n)
{
    if (v->kind != TABLE_HOST && i >= v->n_total)
        return -EBADMSG;
    uint64_t offset = details_offset(v, i);
    if (offset < v->body || offset > v->n_words)
        return -EBADMSG;
    *ret_bytes = (const uint8_t *)(v->words + offset);
    *ret_n = (v->n_words - offset) * 8;
    return 0;
}

int table_view_name(const struct table_view *v, size_t *cursor, const char **ret_name, size_t *ret_n)
{
    const uint8_t *bytes = (const uint8_t *)(v->words + v->body);
    size_t size = (v->n_words - v->body) * 8;
    if (*cursor >= size || bytes[*cursor] == 0)
        return 0;
    size_t n = bytes[*cursor];
    if (n > size - *cursor - 1)
        return -EBADMSG;
    *ret_name = (const char *)bytes + *cursor + 1;
    *ret_n = n;
    *cursor += 1 + n;
    return 1;
}
