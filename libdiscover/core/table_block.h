/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks and pages as a reader sees them while they hold: bounds are checked, contents may change until proved quiet.
 * For what reads them: table_reader.c, table_view.c. Any thread.
 */
#ifndef CORE_TABLE_BLOCK_H
#define CORE_TABLE_BLOCK_H

#include <errno.h>

#include "libdiscover/core/table_reader.h"

/*
 * A read is tried again only when the writer published under the same slot meanwhile, which takes it longer
 * than a read takes: even two tries are rare. More than this is not a table that someone writes in earnest.
 */
#define TABLE_READ_TRIES 64

struct table_block {
    const table_word *words;
    uint64_t n_words;
    uint64_t seq, published;
    uint64_t kind, key_bytes, body;
    uint32_t n_first, n_total;
    bool paged;
};

/* Takes the header apart; words and n_words are set. -EBADMSG. */
static inline int table_block_parse(struct table_block *b)
{
    if (b->n_words < TABLE_BLOCK_HEADER_WORDS)
        return -EBADMSG;
    uint64_t kind = table_load(&b->words[TABLE_B_KIND]), counts = table_load(&b->words[TABLE_B_COUNTS]);
    b->kind = kind & 0xff;
    b->key_bytes = kind >> 8;
    b->n_total = (uint32_t)(counts >> 32);
    b->n_first = (uint32_t)counts;
    b->body = TABLE_BLOCK_HEADER_WORDS + (b->key_bytes + 7) / 8;
    if (b->key_bytes > TABLE_KEY_MAX || b->body > b->n_words || b->n_first > b->n_total)
        return -EBADMSG;
    bool is_directory = b->kind == TABLE_SERVICE && b->n_words > b->body + TABLE_DIRECTORY_WORDS;
    return b->paged && !is_directory ? -EBADMSG : 0;
}

/*
 * A walk over the pages of a paged service. However many the directory names: a walk ends when it has seen as many
 * endpoints, or words, as there can be.
 */
struct table_pages {
    const struct table *table;
    const struct table_block *block;
    uint64_t next, end; /* references within the block */
    uint64_t words_left;
    uint32_t seen; /* endpoints of the pages so far */
};

struct table_page {
    const table_word *words;
    uint64_t n_words;
    uint32_t n;     /* endpoints, at least one; they and their offsets are within the page */
    uint32_t first; /* number of its first one in the service */
};

static inline void table_pages_begin(struct table_pages *p, const struct table *t, const struct table_block *b)
{
    *p = (struct table_pages){t, b, b->body + TABLE_DIRECTORY_WORDS, b->n_words, t->n_words, 0};
}

/* 1 and a page, 0 at the end, -EBADMSG. */
int table_pages_next(struct table_pages *p, struct table_page *ret_page);

/* As table_copy, but not inlined: for copies beside which a call costs nothing. */
void table_block_copy(uint64_t *to, const table_word *from, uint64_t n_words);

/* What is done with a block; returns 0 or an error. It may be done several times, until the block was quiet. */
typedef int table_block_fn(const struct table *t, const struct table_block *b, void *arg);

/* -ENOENT: nothing there; -EBUSY; -EBADMSG; or what fn returned. */
int table_block_read(const struct table *t, uint32_t slot, table_block_fn *fn, void *arg);

/* The same for the block of a key, and the slot it is in. */
int table_block_find(const struct table *t, const char *key, size_t n, table_block_fn *fn, void *arg,
                     uint32_t *ret_slot);

#endif
