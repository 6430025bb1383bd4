/* SPDX-License-Identifier: Apache-2.0 */
/* The table moves to another segment in pieces: nothing is lost, nothing waits, and it is no larger than it must be. */
#include "daemon/catalog/table_move.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/table_writer.h"
#include "tests/support/unit.h"

#define SMALL 8192
#define KEYS  6000
#define MANY  48 /* endpoints at most */

/* What is under each key: how many endpoints, all with that number as their id; 0: none. */
static uint32_t present[KEYS];

static void key_of(int i, char ret_key[static 32])
{
    snprintf(ret_key, 32, "d/s%d", i);
}

static void put(struct table_writer *w, int i, uint32_t n)
{
    uint64_t body[MANY * TABLE_ENDPOINT_WORDS + MANY / 2] = {0};
    struct discover_endpoint *e = (struct discover_endpoint *)body;
    char key[32];
    key_of(i, key);
    for (uint32_t k = 0; k < n; k++)
        e[k] = (struct discover_endpoint){.port = 1, .weight = 1, .id = n};
    size_t words = n * TABLE_ENDPOINT_WORDS + (n + 1) / 2;
    ck_assert_int_ge(table_writer_put(w, TABLE_SERVICE, key, strlen(key), n, n, body, words), 0);
    present[i] = n;
}

static void take(struct table_writer *w, int i)
{
    char key[32];
    key_of(i, key);
    table_writer_remove(w, key, strlen(key));
    present[i] = 0;
}

static void check(const struct table *t)
{
    struct discover_endpoint e[MANY];
    char key[32];
    for (int i = 0; i < KEYS; i++) {
        size_t n = 0;
        key_of(i, key);
        int err = table_endpoints(t, key, strlen(key), e, MANY, &n);
        ck_assert_int_eq(err, present[i] ? 0 : -ENOENT);
        ck_assert_uint_eq(n, present[i]);
        ck_assert(n == 0 || (e[0].id == n && e[n - 1].id == n));
    }
}

static void count(void *arg, int fd)
{
    (void)fd;
    ++*(int *)arg;
}

static void change_some(struct table_writer *w, int n, int max_keys)
{
    while (n-- > 0) {
        int i = rand() % max_keys;
        if (rand() % 4)
            put(w, i, 1 + (uint32_t)rand() % MANY);
        else
            take(w, i);
    }
}

/* Puts, changes and removals before, during and after moves: both segments say what they should. */
START_TEST(test_changes_meanwhile)
{
    struct table_writer *w;
    int moves = 0, seen = 0, steps_on_the_move = 0;
    memset(present, 0, sizeof present);
    srand(5);
    ck_assert_int_eq(table_writer_new(SMALL, count, &moves, &w), 0);
    for (int max_keys = 100; max_keys <= KEYS; max_keys += 10) {
        change_some(w, 40, max_keys);
        steps_on_the_move += table_writer_is_moving(w);
        if (max_keys % 300 == 0 || moves != seen)
            check(table_writer_table(w));
        seen = moves;
    }
    ck_assert_int_gt(moves, 3);
    ck_assert_int_gt(steps_on_the_move, moves); /* they do not end where they began */
    check(table_writer_table(w));
    table_writer_free(w);
}
END_TEST

static void grow_until_it_moves(struct table_writer *w)
{
    for (int i = 0; !table_writer_is_moving(w); i++)
        put(w, i, MANY);
}

/* Readers have all of the old one until the new one has all, also when nothing is put any more. */
START_TEST(test_it_ends_by_itself)
{
    struct table_writer *w;
    struct table old;
    int moves = 0, pieces = 0;
    ck_assert_int_eq(table_writer_new(SMALL * 16, count, &moves, &w), 0);
    ck_assert_int_eq(table_map(table_writer_fd(w), &old), 0);
    memset(present, 0, sizeof present);
    grow_until_it_moves(w);
    for (; table_writer_is_moving(w); pieces++) {
        ck_assert_int_eq(moves, 0);
        ck_assert(!table_abandoned(&old));
        check(&old);
        table_writer_move_some(w);
    }
    ck_assert_int_gt(pieces, 10);
    ck_assert_int_eq(moves, 1);
    ck_assert(table_abandoned(&old));
    check(&old);
    check(table_writer_table(w));
    table_writer_move_some(w); /* nothing to do */
    table_unmap(&old);
    table_writer_free(w);
}
END_TEST

static void let_move(struct table_writer *w)
{
    while (table_writer_is_moving(w))
        table_writer_move_some(w);
}

/* Who has locked its memory pays for the whole of a segment. */
START_TEST(test_its_size_follows_what_is_in_it)
{
    struct table_writer *w;
    memset(present, 0, sizeof present);
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    for (int i = 0; i < KEYS; i++) {
        put(w, i, 8);
        struct table_writer_stats s = table_writer_stats(w);
        ck_assert_uint_le(s.segment_words, s.heap_used_words * 6 + 2 * (uint64_t)SMALL);
    }
    let_move(w);
    table_writer_trim(w);
    ck_assert(!table_writer_is_moving(w)); /* nothing to gain */
    for (int i = 20; i < KEYS; i++)
        take(w, i);
    table_writer_trim(w);
    let_move(w);
    ck_assert_uint_eq(table_writer_stats(w).segment_words, SMALL);
    check(table_writer_table(w));
    table_writer_free(w);
}
END_TEST

/* What is expected is made room for once, and stays while it comes. */
START_TEST(test_reserved_room_stays)
{
    struct table_writer *w;
    int moves = 0;
    memset(present, 0, sizeof present);
    ck_assert_int_eq(table_writer_new(SMALL, count, &moves, &w), 0);
    put(w, 0, 8);
    table_writer_reserve(w, SMALL * 100);
    ck_assert_int_eq(moves, 1);
    for (int i = 0; i < KEYS; i++) {
        put(w, i, 8);
        table_writer_trim(w);
    }
    ck_assert_int_eq(moves, 1);
    check(table_writer_table(w));
    grow_until_it_moves(w);
    table_writer_reserve(w, SMALL * 1000); /* in the middle of a move: to a larger one */
    let_move(w);
    ck_assert_int_eq(moves, 2);
    ck_assert_uint_ge(table_writer_stats(w).segment_words, SMALL * 1000);
    table_writer_free(w);
}
END_TEST

/* A reader's mapping is no part of a core dump. */
START_TEST(test_not_in_core_dumps)
{
    struct table_writer *w;
    struct table t;
    char line[256];
    int tables = 0, left_out = 0;
    bool table = false;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    ck_assert_int_eq(table_map(table_writer_fd(w), &t), 0);
    FILE *maps = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        if (strchr(line, '-') && strchr(line, ':') && strstr(line, " r"))
            table = strstr(line, "discoverd-table") != NULL, tables += table;
        if (table && strncmp(line, "VmFlags:", 8) == 0)
            left_out += strstr(line, " dd ") != NULL;
    }
    fclose(maps);
    ck_assert_int_eq(tables, 2);
    ck_assert_int_eq(left_out, 2);
    table_unmap(&t);
    table_writer_free(w);
}
END_TEST

/* --- names that somebody has tried out --- */

#define CRAFTED       1500
#define CRAFTED_WORDS (1 << 19)        /* an index of 16,384 words */
#define PLACE_MASK    UINT64_C(0x3fff) /* as many bits */

/* The next number after *n whose name begins its search where all others do, in a table without a seed. */
static void craft(int *n, char ret_key[static 32])
{
    do
        snprintf(ret_key, 32, "d/s%d", ++*n);
    while ((table_hash(ret_key, strlen(ret_key)) & PLACE_MASK) != 0);
}

/* They make no larger segment, which would have to be twice as large for each bit they have in common. */
START_TEST(names_made_for_one_place_take_no_memory)
{
    static char keys[CRAFTED][32];
    struct discover_endpoint e;
    struct table_writer *w;
    size_t n_found;
    ck_assert_int_eq(table_writer_new(CRAFTED_WORDS, NULL, NULL, &w), 0);
    for (int i = 0, n = 0; i < CRAFTED; i++) {
        craft(&n, keys[i]);
        uint64_t body[TABLE_ENDPOINT_WORDS + 1] = {0};
        *(struct discover_endpoint *)body = (struct discover_endpoint){.port = 1, .weight = 1, .id = (uint64_t)i};
        ck_assert_int_eq(
            table_writer_put(w, TABLE_SERVICE, keys[i], strlen(keys[i]), 1, 1, body, TABLE_ENDPOINT_WORDS + 1), 1);
    }
    ck_assert_uint_eq(table_writer_stats(w).segment_words, CRAFTED_WORDS);
    ck_assert_uint_eq(table_writer_stats(w).moves, 1);
    for (int i = 0; i < CRAFTED; i++) {
        ck_assert_int_eq(table_endpoints(table_writer_table(w), keys[i], strlen(keys[i]), &e, 1, &n_found), 0);
        ck_assert_uint_eq(e.id, (uint64_t)i);
        if (i % 2)
            table_writer_remove(w, keys[i], strlen(keys[i]));
    }
    for (int i = 0; i < CRAFTED; i++)
        ck_assert_int_eq(table_endpoints(table_writer_table(w), keys[i], strlen(keys[i]), &e, 1, &n_found),
                         i % 2 ? -ENOENT : 0);
    table_writer_free(w);
}
END_TEST

/* A library that knows version 2 alone reads the table as long as nobody has done that, however large it gets. */
START_TEST(no_seed_without_need)
{
    struct table_writer *w;
    ck_assert_int_eq(table_writer_new(SMALL, NULL, NULL, &w), 0);
    memset(present, 0, sizeof present);
    for (int i = 0; i < KEYS; i++)
        put(w, i, 1);
    check(table_writer_table(w));
    ck_assert_uint_gt(table_writer_stats(w).moves, 3);
    ck_assert_uint_eq(table_load(&table_writer_table(w)->words[TABLE_H_VERSION]), TABLE_VERSION);
    table_writer_free(w);
}
END_TEST

UNIT_TESTS("table_move", names_made_for_one_place_take_no_memory, no_seed_without_need, test_changes_meanwhile,
           test_it_ends_by_itself, test_its_size_follows_what_is_in_it, test_reserved_room_stays,
           test_not_in_core_dumps)
