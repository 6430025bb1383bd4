/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the shared table (table_format.h): the name of something, and behind it the region it is of, where that is not
 * the own one. Pure; any thread.
 */
#ifndef CORE_TABLE_KEY_H
#define CORE_TABLE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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

#endif
