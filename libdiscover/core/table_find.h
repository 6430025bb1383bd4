/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the slot of a key in the shared table (table_format.h), and reads what look-ups mostly ask for, in as few
 * instructions as possible: inlined into who asks. As careful as table_reader.h. Any thread.
 */
#ifndef CORE_TABLE_FIND_H
#define CORE_TABLE_FIND_H

#include <stdbool.h>
#include <string.h>

#include "libdiscover/core/table_reader.h"

/* To be compared with the words that a key has in a block. */
struct table_key {
    const char *bytes;
    uint64_t n_bytes;
    uint64_t last; /* word: what is left over, padded with 0 */
    uint64_t hash;
};

static inline uint64_t table_key_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Cut out of the key's last 8 bytes, if it has so many: to copy a whole word is no call, to copy less is one. */
static inline uint64_t table_key_last_word(const char *bytes, size_t n)
{
    uint64_t word = 0, left = (n - 1) % 8 + 1;
    if (n < 8) {
        memcpy(&word, bytes, n);
        return word;
    }
    word = table_key_word(bytes + n - 8);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word >> 8 * (8 - left) : word << 8 * (8 - left);
}

/* hash: its table_key_hash. False: there can be no such key. */
static inline bool table_key_init(struct table_key *k, const char *bytes, size_t n, uint64_t hash)
{
    if (n == 0 || n > TABLE_KEY_MAX)
        return false;
    *k = (struct table_key){.bytes = bytes, .n_bytes = n, .last = table_key_last_word(bytes, n), .hash = hash};
    return true;
}

/* Whether these words are the key's, given that they are those of one as long. */
static inline bool table_is_key(const table_word *words, const struct table_key *k)
{
    uint64_t whole = (k->n_bytes - 1) / 8;
    for (uint64_t i = 0; i < whole; i++)
        if (table_load(&words[i]) != table_key_word(k->bytes + 8 * i))
            return false;
    return table_load(&words[whole]) == k->last;
}

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
