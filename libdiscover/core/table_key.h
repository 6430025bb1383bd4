/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the shared table (table_format.h): the name of something, and behind it the region it is of, where that is not
 * the own one; and a key as it is looked for, to be compared with those of blocks. Pure; any thread.
 */
#ifndef CORE_TABLE_KEY_H
#define CORE_TABLE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "libdiscover/core/table_format.h"

/* Bytes of the name: 12 of "shop/payment@b". A host's key begins with '@', which names no region. */
static inline size_t table_key_name_bytes(const char *key, size_t n)
{
    const char *at = n > 1 ? memchr(key + 1, '@', n - 1) : NULL;
    return at ? (size_t)(at - key) : n;
}

/* Whether the key is of that region; "": of the reader's own. */
static inline bool table_key_is_of(const char *key, size_t n, const char *region)
{
    size_t name = table_key_name_bytes(key, n), length = strlen(region);
    if (name == n)
        return length == 0;
    return n - name - 1 == length && memcmp(key + name + 1, region, length) == 0;
}

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

#endif
