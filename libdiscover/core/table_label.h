/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks (table_format.h): a Bloom filter that shows which labels no instance of a page, or of a whole service, has. Blocks of
 * 512 bits, three bits a label, all in one block: in a page with its usual hundred labels, one in two hundred others is
 * thought to be there. Pure; any thread.
 */
#ifndef CORE_TABLE_LABEL_H
#define CORE_TABLE_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "libdiscover/core/table_format.h"

enum table_label { TABLE_LABEL_TAG = 1, TABLE_LABEL_PLACE, TABLE_LABEL_HOST, TABLE_LABEL_PROTOCOL };

/* The XXH3 hash of a text. */
uint64_t table_hash_seeded(uint64_t seed, const char *text, size_t n);

/*
 * The hash of a label, with its kind for the seed. An instance is marked by its id, which is a hash of its names
 * already.
 */
static inline uint64_t table_label_hash(enum table_label kind, const char *text, size_t n)
{
    return table_hash_seeded(kind, text, n);
}

/* The hash for an address family that an instance has: DISCOVER_HAS_IPV4 or DISCOVER_HAS_IPV6. */
static inline uint64_t table_family_hash(uint8_t family)
{
    return family * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t table_mark_block(uint64_t hash, uint64_t n_blocks)
{
    return ((hash >> 32) * n_blocks >> 32) * TABLE_MARK_BLOCK_WORDS;
}

/* Returns how many bits were not set before. */
static inline unsigned table_mark(uint64_t *marks, uint64_t n_blocks, uint64_t hash)
{
    uint64_t *block = marks + table_mark_block(hash, n_blocks);
    unsigned n = 0;
    for (int i = 0; i < 3; i++, hash >>= 9) {
        uint64_t *word = &block[hash >> 6 & (TABLE_MARK_BLOCK_WORDS - 1)];
        n += !(*word >> (hash & 63) & 1);
        *word |= UINT64_C(1) << (hash & 63);
    }
    return n;
}

static inline bool table_is_marked(const table_word *marks, uint64_t n_blocks, uint64_t hash)
{
    const table_word *block = marks + table_mark_block(hash, n_blocks);
    bool marked = true;
    for (int i = 0; i < 3; i++, hash >>= 9)
        marked &= table_load(&block[hash >> 6 & (TABLE_MARK_BLOCK_WORDS - 1)]) >> (hash & 63) & 1;
    return marked;
}

#endif
