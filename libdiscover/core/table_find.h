/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the slot of a key in the shared table (table_format.h), and reads what look-ups mostly ask for, in as few
 * instructions as possible: inlined into who asks. As careful as table_reader.h. Any thread.
 */
#ifndef CORE_TABLE_FIND_H
#define CORE_TABLE_FIND_H

#include <stdbool.h>

#include "libdiscover/core/table_key.h"
#include "libdiscover/core/table_reader.h"

static inline const table_word *table_slot_at(const struct table *t, uint32_t slot)
{
    return t->words + t->slots + (uint64_t)slot * TABLE_SLOT_WORDS;
}

/* Searches the index from *at on, which starts at 0, for a slot that may be the key's. False at the end. */
static inline bool table_next_slot(const struct table *t, const struct table_key *k, uint64_t *at, uint32_t *ret_slot)
{
    while (*at < TABLE_PROBES_MAX && *at <= t->index_mask) {
        uint64_t word = table_load(&t->words[t->index + ((k->hash + (*at)++) & t->index_mask)]);
        if (word == 0)
            return false;
        *ret_slot = (uint32_t)word - 1;
        if ((word >> 32) == (k->hash >> 32) && (uint32_t)word != 0 && *ret_slot < t->slot_count)
            return true;
    }
    return false;
}

/* Of a service in one block, whose header is what its key lets expect. */
static inline bool table_copy_at_once(const struct table *t, uint32_t slot, const struct table_key *k, uint64_t *out,
                                      size_t cap, size_t *ret_n)
{
    const table_word *s = table_slot_at(t, slot);
    uint64_t seq = table_load(&s[TABLE_S_SEQ]);
    uint64_t ref0 = table_load(&s[TABLE_S_REF0]),
             ref1 = table_load(&s[TABLE_S_REF1]); /* neither waits for the sequence */
    uint64_t ref = seq & 1 ? ref1 : ref0, offset = table_ref_offset(ref), n_words = table_ref_words(ref);
    uint64_t body = TABLE_BLOCK_HEADER_WORDS + table_words(k->n_bytes);
    if (n_words < body || offset >= t->n_words || n_words > t->n_words - offset)
        return false;
    const table_word *words = t->words + offset;
    uint64_t n_first = (uint32_t)table_load(&words[TABLE_B_COUNTS]), n = n_first < cap ? n_first : cap;
    bool whole = n_first * TABLE_ENDPOINT_WORDS <= n_words - body;
    if (table_load(&words[TABLE_B_KIND]) != (k->n_bytes << 8 | TABLE_SERVICE) || !whole ||
        !table_is_key(words + TABLE_BLOCK_HEADER_WORDS, k))
        return false;
    table_copy(out, words + body, n * TABLE_ENDPOINT_WORDS);
    *ret_n = n_first;
    return table_load(&s[TABLE_S_SEQ]) == seq;
}

/*
 * table_endpoints in the ordinary case; hash: table_key_hash of the key. False: it is another case, or another hash, for
 * which there is table_endpoints; ret_endpoints and *ret_n are undefined then.
 */
static inline bool table_endpoints_at_once(const struct table *t, const char *key, size_t n, uint64_t hash,
                                           struct discover_endpoint *ret_endpoints, size_t cap, size_t *ret_n)
{
    struct table_key k;
    uint64_t at = 0;
    uint32_t slot;
    return table_key_init(&k, key, n, hash) && table_next_slot(t, &k, &at, &slot) &&
           table_copy_at_once(t, slot, &k, (uint64_t *)ret_endpoints, cap, ret_n);
}

#endif
