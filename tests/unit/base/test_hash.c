/* SPDX-License-Identifier: Apache-2.0 */
/* How a table grows, and what it does without memory. */
#include <stdbool.h>
#include <stdlib.h>

static bool none_left;

static void *take(size_t n)
{
    return none_left ? NULL : malloc(n);
}

static void *take_again(void *from, size_t n)
{
    return none_left ? NULL : realloc(from, n);
}

#define uthash_malloc(n) take(n)
#define hash_realloc     take_again
#include "daemon/base/hash.h"
#include "tests/support/unit.h"

struct element {
    UT_hash_handle hh;
    int number;
};

#define N 1000

START_TEST(the_first_one)
{
    struct element *table = NULL, e = {.number = 1};
    none_left = true;
    HASH_ADD_INT(table, number, &e);
    ck_assert(!hash_added(&e.hh));
    ck_assert_ptr_null(table);
    none_left = false;
    HASH_ADD_INT(table, number, &e);
    ck_assert(hash_added(&e.hh));
    HASH_CLEAR(hh, table);
}
END_TEST

static struct element all[N];

static struct element *add(struct element *table, int from, int to)
{
    for (int i = from; i < to; i++) {
        all[i].number = i;
        HASH_ADD_INT(table, number, &all[i]);
        ck_assert(hash_added(&all[i].hh));
    }
    return table;
}

static void find_all(const struct element *table, int from, int to)
{
    const struct element *found;
    ck_assert_uint_eq(HASH_COUNT(table), (unsigned)(to - from));
    for (int i = 0; i < N; i++) {
        HASH_FIND_INT(table, &i, found);
        ck_assert_ptr_eq(found, i >= from && i < to ? &all[i] : NULL);
    }
}

START_TEST(one_that_makes_it_grow)
{
    struct element *table = add(NULL, 0, N / 4);
    unsigned buckets = table->hh.tbl->num_buckets;
    none_left = true;
    table = add(table, N / 4, N / 2);
    ck_assert_uint_lt(table->hh.tbl->num_buckets, 2 * buckets);
    find_all(table, 0, N / 2);
    none_left = false;
    table = add(table, N / 2, N);
    find_all(table, 0, N);
    HASH_CLEAR(hh, table);
}
END_TEST

/* However many there are, one more makes one bucket more, and goes through the elements of one. */
START_TEST(a_piece_with_each)
{
    struct element *table = add(NULL, 0, 1);
    for (int i = 1; i < N; i++) {
        unsigned buckets = table->hh.tbl->num_buckets;
        table = add(table, i, i + 1);
        ck_assert_uint_le(table->hh.tbl->num_buckets, buckets + 1);
    }
    ck_assert_uint_ge(HASH_PER_BUCKET * table->hh.tbl->num_buckets, N - 1);
    find_all(table, 0, N);
    for (int i = 0; i < N / 2; i++)
        HASH_DEL(table, &all[i]);
    find_all(table, N / 2, N);
    HASH_CLEAR(hh, table);
}
END_TEST

/* Each element is in the bucket that its hash says, and in no other. */
START_TEST(in_its_bucket)
{
    struct element *table = add(NULL, 0, N);
    unsigned n = 0;
    for (unsigned b = 0; b < table->hh.tbl->num_buckets; b++)
        for (const UT_hash_handle *hh = table->hh.tbl->buckets[b].hh_head; hh; hh = hh->hh_next, n++)
            ck_assert_uint_eq(hash_bucket(hh->hashv, table->hh.tbl->num_buckets), b);
    ck_assert_uint_eq(n, N);
    HASH_CLEAR(hh, table);
}
END_TEST

UNIT_TESTS("hash", the_first_one, one_that_makes_it_grow, a_piece_with_each, in_its_bucket)
