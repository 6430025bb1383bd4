/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that changed: each with its newest sequence, as many as may be, and none when it is cleared. */
#include "daemon/sync/touched.h"

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

static bool add(struct touched *t, const char *key, uint64_t seq)
{
    return touched_add(t, key, strlen(key), seq);
}

static uint64_t seq_of(const struct touched *t, const char *key)
{
    return touched_seq(t, key, strlen(key));
}

START_TEST(each_key_has_its_newest_sequence)
{
    struct touched t = {.max = MAX};
    ck_assert_uint_eq(seq_of(&t, "a"), 0);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < MAX; i++)
            ck_assert(add(&t, key(i), 1 + round * MAX + i));
    ck_assert(!add(&t, "one more", 9));
    for (size_t i = 0; i < MAX; i++)
        ck_assert_uint_eq(seq_of(&t, key(i)), 1 + MAX + i);
    ck_assert_uint_eq(seq_of(&t, "one more"), 0);
    touched_clear(&t);
    ck_assert_uint_eq(seq_of(&t, key(0)), 0);
    ck_assert(add(&t, "one more", 9));
    touched_clear(&t);
}
END_TEST

/* Many are not moved to make room: nothing takes longer than another because of how many there are. */
START_TEST(it_moves_only_few)
{
    struct touched t = {.max = MAX};
    for (size_t i = 0; i < 200; i++)
        ck_assert(add(&t, key(i), 1));
    const void *slots = t.slots;
    for (size_t i = 200; i < MAX; i++)
        ck_assert(add(&t, key(i), 1));
    ck_assert_ptr_eq(t.slots, slots);
    touched_clear(&t);
}
END_TEST

UNIT_TESTS("sync/touched", each_key_has_its_newest_sequence, it_moves_only_few)
