/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marks of a page (table_format.h): a Bloom filter that tells which labels none of its instances has. Two blocks
 * of 512 bits, three bits a label, all in one block: with the hundred labels that a page usually has, one in two
 * hundred others is thought to be there. Pure; any thread.
 */
#ifndef CORE_TABLE_LABEL_H
#define CORE_TABLE_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "libdiscover/core/table_format.h"

enum table_label { TABLE_LABEL_NONE = 0, TABLE_LABEL_TAG, TABLE_LABEL_PLACE, TABLE_LABEL_HOST, TABLE_LABEL_PROTOCOL };

/* XXH3 with the kind for its seed. An instance's id stands for itself, and for the names it is made of. */
uint64_t table_label_hash(enum table_label kind, const char *text, size_t n);

#define TABLE_MARK_BLOCK_WORDS (TABLE_PAGE_MARK_WORDS / 2)

static inline unsigned table_mark_block(uint64_t hash)
{
    return (unsigned)(hash >> 63) * TABLE_MARK_BLOCK_WORDS;
}

static inline void table_mark(uint64_t marks[static TABLE_PAGE_MARK_WORDS], uint64_t hash)
{
    uint64_t *block = marks + table_mark_block(hash);
    for (int i = 0; i < 3; i++, hash >>= 9)
        block[hash >> 6 & (TABLE_MARK_BLOCK_WORDS - 1)] |= UINT64_C(1) << (hash & 63);
}

static inline bool table_is_marked(const table_word *marks, uint64_t hash)
{
    const table_word *block = marks + table_mark_block(hash);
    bool marked = true;
    for (int i = 0; i < 3; i++, hash >>= 9)
        marked &= table_load(&block[hash >> 6 & (TABLE_MARK_BLOCK_WORDS - 1)]) >> (hash & 63) & 1;
    return marked;
}

#endif
