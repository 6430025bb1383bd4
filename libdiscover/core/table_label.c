/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes the keys, names and labels (a tag, a place, a host, a protocol) that look-ups in the table ask for. */
#include "libdiscover/core/table_label.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t table_hash_seeded(uint64_t seed, const char *text, size_t n)
{
    return XXH3_64bits_withSeed(text, n, seed);
}
