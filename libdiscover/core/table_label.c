/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of labels (a tag, a place, a host, a protocol) for the marks of a page. */
#include "libdiscover/core/table_label.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t table_label_hash(enum table_label kind, const char *text, size_t n)
{
    return XXH3_64bits_withSeed(text, n, kind);
}
