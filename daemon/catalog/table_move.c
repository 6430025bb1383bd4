/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the keys of one segment into another, slot by slot. */
#include "daemon/catalog/table_move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/table_put.h"
#include "libdiscover/core/table_block.h"

/* What a slot counts for at least, as much as a small block: an empty one has to be looked at, too. */
#define SLOT_WORDS 16

struct copying {
    struct segment *to;
    uint64_t words; /* that were copied */
};

static struct block_parts parts_of(const struct table_block *b)
{
    const uint64_t *words = (const uint64_t *)b->words;
    struct block_parts p = {words[TABLE_B_KIND], words[TABLE_B_COUNTS], {0}, b->body - TABLE_BLOCK_HEADER_WORDS,
                            words + b->body,     b->n_words - b->body};
    memcpy(p.key, words + TABLE_BLOCK_HEADER_WORDS, p.key_words * 8);
    return p;
}

static size_t collect_pages(struct copying *c, const struct table *t, const struct table_block *b,
                            struct table_page_parts *ret_parts)
{
    struct table_pages pages;
    struct table_page page;
    size_t n = 0;
    table_pages_begin(&pages, t, b);
    while (table_pages_next(&pages, &page) > 0) {
        ret_parts[n++] = (struct table_page_parts){(const uint64_t *)page.words, page.n_words, TABLE_PAGE_NEW};
        c->words += page.n_words;
    }
    return n;
}

static int copy_pages(struct copying *c, const struct table *t, const struct table_block *b)
{
    struct block_parts p = parts_of(b);
    size_t most = p.body_words - TABLE_DIRECTORY_WORDS;
    struct table_page_parts *parts = malloc(most * sizeof *parts);
    uint64_t *directory = malloc(p.body_words * sizeof *directory);
    int err = -ENOMEM;
    if (parts && directory)
        err = segment_put_pages(c->to, &p, directory, p.body[TABLE_D_WEIGHT], parts, collect_pages(c, t, b, parts));
    free(directory);
    free(parts);
    return err;
}

/* Straight from the writer's own words, which nobody changes meanwhile. */
static int copy_block(const struct table *t, const struct table_block *b, void *arg)
{
    struct copying *c = arg;
    c->words += b->n_words;
    if (b->paged)
        return copy_pages(c, t, b);
    const struct block_parts p = parts_of(b);
    return segment_put(c->to, &p);
}

int table_move_begin(struct table_move *m, int fd, uint64_t words)
{
    int err = segment_init(&m->to, fd, words);
    m->on = !err;
    m->slot = 0;
    return err;
}

int table_move_some(struct table_move *m, const struct segment *from, uint64_t words)
{
    for (uint64_t done = 0; done < words && m->slot < from->slots_used; m->slot++) {
        struct copying c = {&m->to, 0};
        int err = table_block_read(&from->table, m->slot, copy_block, &c);
        if (err < 0 && err != -ENOENT)
            return err;
        done += c.words > SLOT_WORDS ? c.words : SLOT_WORDS;
    }
    return m->slot >= from->slots_used;
}

void table_move_cancel(struct table_move *m)
{
    if (m->on)
        segment_fini(&m->to);
    m->on = false;
}
