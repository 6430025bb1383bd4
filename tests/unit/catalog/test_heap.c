/* SPDX-License-Identifier: Apache-2.0 */
/* Places for blocks: big enough, never overlapping, used again. */
#include "daemon/catalog/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(test_no_overlap_and_reuse)
{
    enum { WORDS = 1 << 20, ROUNDS = 20000, LIVE = 256 };
    static uint8_t taken[WORDS];
    static struct {
        uint64_t offset, words;
    } live[LIVE];
    struct heap h;
    heap_init(&h, 100, WORDS);
    memset(taken, 0, sizeof taken);
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        int i = rand() % LIVE;
        if (live[i].words) {
            memset(taken + live[i].offset, 0, live[i].words);
            heap_give(&h, live[i].offset, live[i].words);
        }
        live[i].words = 1 + (uint64_t)(rand() % 2000);
        ck_assert_int_eq(heap_take(&h, live[i].words, &live[i].offset), 0);
        ck_assert_uint_ge(live[i].offset, 100);
        ck_assert_uint_le(live[i].offset + live[i].words, WORDS);
        ck_assert_ptr_null(memchr(taken + live[i].offset, 1, live[i].words)); /* nobody else has any of it */
        memset(taken + live[i].offset, 1, live[i].words);
    }
    for (int i = 0; i < LIVE; i++)
        if (live[i].words)
            heap_give(&h, live[i].offset, live[i].words);
    ck_assert_uint_eq(h.used, 0);
    heap_fini(&h);
}
END_TEST

START_TEST(test_loses_a_quarter_at_most)
{
    for (uint64_t words = 8; words < 100000; words += 1 + words / 50) {
        struct heap h;
        uint64_t offset;
        heap_init(&h, 0, 1 << 20);
        ck_assert_int_eq(heap_take(&h, words, &offset), 0);
        ck_assert_uint_ge(h.used, words);
        ck_assert_uint_le(h.used, words + words / 4 + 1);
        heap_fini(&h);
    }
}
END_TEST

START_TEST(test_full)
{
    struct heap h;
    uint64_t offset;
    heap_init(&h, 0, 64);
    ck_assert_int_eq(heap_take(&h, 65, &offset), -ENOSPC);
    ck_assert_int_eq(heap_take(&h, UINT64_C(1) << 40, &offset), -ENOSPC);
    ck_assert_int_eq(heap_take(&h, 64, &offset), 0);
    ck_assert_int_eq(heap_take(&h, 1, &offset), -ENOSPC);
    heap_give(&h, offset, 64);
    ck_assert_int_eq(heap_take(&h, 60, &offset), 0);
    heap_fini(&h);
}
END_TEST

UNIT_TESTS("heap", test_no_overlap_and_reuse, test_loses_a_quarter_at_most, test_full)
