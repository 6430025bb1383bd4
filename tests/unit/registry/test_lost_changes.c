/* SPDX-License-Identifier: Apache-2.0 */
/* What was lost is named once, and no more of it than fits into a line. */
#include "daemon/registry/inbound/lost_changes.h"

#include <string.h>

#include "tests/support/unit.h"

static void lose(struct lost_changes *l, const char *key, uint64_t seq)
{
    lost_changes_add(l, &(struct kv_message){.key = key, .key_len = strlen(key), .seq = seq});
}

START_TEST(the_first_are_named_and_all_are_counted)
{
    struct lost_changes l = {0};
    lost_changes_report(&l, "SERVICES"); /* nothing was */
    lose(&l, "shop.payment.web-1.a", 12);
    lose(&l, "shop.payment.web-2.a", 7);
    ck_assert_str_eq(l.keys[1], "shop.payment.web-2.a");
    ck_assert_uint_eq(l.first, 7);
    ck_assert_uint_eq(l.last, 12);
    for (uint64_t seq = 13; seq < 100; seq++)
        lose(&l, "shop.payment.web-3.a", seq);
    ck_assert_uint_eq(l.n, 89);
    ck_assert_uint_eq(l.last, 99);
    lost_changes_report(&l, "SERVICES");
    ck_assert_uint_eq(l.n, 0);
}
END_TEST

START_TEST(long_keys_are_cut)
{
    struct lost_changes l = {0};
    char key[400];
    memset(key, 'x', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    for (unsigned i = 0; i < 2 * LOST_CHANGES_NAMED; i++)
        lose(&l, key, i + 1);
    ck_assert_uint_eq(strlen(l.keys[0]), sizeof l.keys[0] - 1);
    lost_changes_report(&l, "SERVICES");
}
END_TEST

UNIT_TESTS("lost changes", the_first_are_named_and_all_are_counted, long_keys_are_cut)
