/* SPDX-License-Identifier: Apache-2.0 */
/* Each key has its newest sequence, whatever the order; there are as many as may be, and none when it is cleared. */
#include "daemon/sync/newest.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

enum { MAX = 65536 };

static const char *key(size_t i)
{
    static char text[32];
    snprintf(text, sizeof text, "shop.payment.web-%zu.p", i);
    return text;
}

static bool add(struct newest *t, const char *key, uint64_t seq)
{
    return newest_add(t, key, strlen(key), seq);
}

static uint64_t seq_of(const struct newest *t, const char *key)
{
    return newest_seq(t, key, strlen(key));
}

START_TEST(each_key_has_its_newest_sequence)
{
    struct newest t = {.max = MAX};
    ck_assert_uint_eq(seq_of(&t, "a"), 0);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < MAX; i++)
            ck_assert(add(&t, key(i), 1 + round * MAX + i));
    ck_assert(!add(&t, "one more", 9));
    for (size_t i = 0; i < MAX; i++)
        ck_assert_uint_eq(seq_of(&t, key(i)), 1 + MAX + i);
    ck_assert_uint_eq(seq_of(&t, "one more"), 0);
    newest_clear(&t);
    ck_assert_uint_eq(seq_of(&t, key(0)), 0);
    ck_assert(add(&t, "one more", 9));
    newest_clear(&t);
}
END_TEST

START_TEST(an_older_one_counts_for_nothing)
{
    struct newest t = {.max = MAX};
    static const struct {
        const char *key;
        uint64_t seq;
    } found[] = {{"a", 5}, {"a", 2}, {"b", 9}, {"b", 12}};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        ck_assert(add(&t, found[i].key, found[i].seq));
    ck_assert_uint_eq(seq_of(&t, "a"), 5);
    ck_assert_uint_eq(seq_of(&t, "b"), 12);
    ck_assert_uint_eq(t.n, 2);
    newest_clear(&t);
}
END_TEST

/* Many are not moved to make room: nothing takes longer than another because of how many there are. */
START_TEST(it_moves_only_few)
{
    struct newest t = {.max = MAX};
    for (size_t i = 0; i < 200; i++)
        ck_assert(add(&t, key(i), 1));
    const void *slots = t.slots;
    for (size_t i = 200; i < MAX; i++)
        ck_assert(add(&t, key(i), 1));
    ck_assert_ptr_eq(t.slots, slots);
    newest_clear(&t);
}
END_TEST

UNIT_TESTS("sync/newest", each_key_has_its_newest_sequence, an_older_one_counts_for_nothing, it_moves_only_few)
