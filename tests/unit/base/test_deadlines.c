/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of deadlines gives the earliest first, whatever was set, moved and cleared. */
#include "daemon/base/deadlines.h"

#include "tests/support/unit.h"

START_TEST(earliest_first)
{
    struct deadlines d = {0};
    struct deadline at[500] = {0};
    ck_assert_int_eq(deadlines_next_ns(&d), INT64_MAX);
    ck_assert_int_eq(deadlines_reserve(&d, 500), 0);
    for (size_t i = 0; i < 500; i++)
        deadlines_set(&d, &at[i], (int64_t)(i * 7919 % 500));
    for (size_t i = 0; i < 500; i += 3)
        deadlines_set(&d, &at[i], (int64_t)(i * 31 % 600));
    for (size_t i = 0; i < 500; i += 5)
        deadlines_clear(&d, &at[i]);
    int64_t last = -1;
    size_t n = 0;
    for (struct deadline *first; (first = deadlines_first(&d)); n++) {
        ck_assert_int_ge(first->at_ns, last);
        last = first->at_ns;
        deadlines_clear(&d, first);
    }
    ck_assert_uint_eq(n, 400);
    deadlines_fini(&d);
}
END_TEST

START_TEST(clearing_twice_is_fine)
{
    struct deadlines d = {0};
    struct deadline one = {0}, two = {0};
    ck_assert_int_eq(deadlines_reserve(&d, 2), 0);
    deadlines_clear(&d, &one);
    deadlines_set(&d, &one, 10);
    deadlines_set(&d, &two, 5);
    deadlines_clear(&d, &two);
    deadlines_clear(&d, &two);
    ck_assert_ptr_eq(deadlines_first(&d), &one);
    deadlines_fini(&d);
}
END_TEST

UNIT_TESTS("agent/deadlines", earliest_first, clearing_twice_is_fine)
