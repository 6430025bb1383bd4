/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of keys, of names, and of labels (a tag, a place, a host, a protocol). */
#include "libdiscover/core/table_label.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t table_hash_seeded(uint64_t seed, const char *text, size_t n)
{
    return XXH3_64bits_withSeed(text, n, seed);
}
