/* SPDX-License-Identifier: Apache-2.0 */
/* A table that finds no memory leaves out what was to be added, says so, and keeps what it has. */
#include <stdbool.h>
#include <stdlib.h>

static bool none_left;

static void *take(size_t n)
{
    return none_left ? NULL : malloc(n);
}

#define uthash_malloc(n) take(n)
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

START_TEST(one_that_makes_it_grow)
{
    static struct element all[N];
    struct element *table = NULL, *found;
    unsigned left_out = 0;
    for (int i = 0; i < N; i++) {
        all[i].number = i;
        none_left = i >= N / 4 && i < N / 2;
        HASH_ADD_INT(table, number, &all[i]);
        left_out += !hash_added(&all[i].hh);
    }
    ck_assert_uint_gt(left_out, 0);
    ck_assert_uint_eq(HASH_COUNT(table), N - left_out);
    for (int i = 0; i < N; i++) {
        HASH_FIND_INT(table, &i, found);
        ck_assert_ptr_eq(found, hash_added(&all[i].hh) ? &all[i] : NULL);
    }
    HASH_CLEAR(hh, table);
}
END_TEST

UNIT_TESTS("hash", the_first_one, one_that_makes_it_grow)
