/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of keys is part of the table's format: the daemon's and that of libraries of other versions are the same. */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "libdiscover/core/table_label.h"
#include "libdiscover/core/table_reader.h"
#include "tests/support/unit.h"

START_TEST(it_is_xxh3_of_any_length)
{
    char key[TABLE_KEY_MAX + 400];
    memset(key, 'k', sizeof key);
    for (size_t n = 0; n <= sizeof key; n++) {
        key[n / 2] = (char)('a' + n % 26);
        ck_assert_uint_eq(table_hash(key, n), XXH3_64bits(key, n));
        ck_assert_uint_eq(table_label_hash(TABLE_LABEL_HOST, key, n), XXH3_64bits_withSeed(key, n, 3));
    }
}
END_TEST

UNIT_TESTS("table_hash", it_is_xxh3_of_any_length)
