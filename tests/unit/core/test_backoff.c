/* SPDX-License-Identifier: Apache-2.0 */
/* Back-off: grows to its limit, never leaves its bounds, spreads, and starts over. */
#include "libdiscover/core/backoff.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define FIRST (250 * NS_PER_MS)
#define MOST  (15 * NS_PER_S)

START_TEST(test_doubles_up_to_the_limit)
{
    struct backoff b;
    backoff_init(&b, FIRST, MOST);
    int64_t longest = FIRST;
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(backoff_next(&b, 0), longest);
        longest = 2 * longest > MOST ? MOST : 2 * longest;
    }
    ck_assert_int_eq(longest, MOST);
}
END_TEST

START_TEST(test_stays_in_the_upper_half)
{
    for (uint64_t random = 0; random <= UINT32_MAX; random += 65535 * 257) {
        struct backoff b;
        backoff_init(&b, FIRST, MOST);
        int64_t wait = backoff_next(&b, (uint32_t)random);
        ck_assert_int_ge(wait, FIRST / 2);
        ck_assert_int_le(wait, FIRST);
    }
    struct backoff b;
    backoff_init(&b, FIRST, MOST);
    ck_assert_int_eq(backoff_next(&b, UINT32_MAX), FIRST / 2);
}
END_TEST

START_TEST(test_success_starts_over)
{
    struct backoff b;
    backoff_init(&b, FIRST, MOST);
    for (int i = 0; i < 10; i++)
        (void)backoff_next(&b, 1);
    backoff_reset(&b);
    ck_assert_int_eq(backoff_next(&b, 0), FIRST);
}
END_TEST

START_TEST(test_limit_changes)
{
    struct backoff b;
    backoff_init(&b, 100, 100);
    ck_assert_int_eq(backoff_next(&b, 0), 100);
    ck_assert_int_eq(backoff_next(&b, 0), 100);
    backoff_set_max(&b, 400);
    ck_assert_int_eq(backoff_next(&b, 0), 100);
    ck_assert_int_eq(backoff_next(&b, 0), 200);
    ck_assert_int_eq(backoff_next(&b, 0), 400);
    backoff_set_max(&b, 10);
    ck_assert_int_eq(backoff_next(&b, 0), 100);
}
END_TEST

START_TEST(test_extremes)
{
    struct backoff b;
    backoff_init(&b, 1, INT64_MAX);
    int64_t last = 0;
    for (int i = 0; i < 200; i++) {
        int64_t wait = backoff_next(&b, UINT32_MAX);
        ck_assert_int_ge(wait, last);
        last = wait;
    }
    backoff_init(&b, MOST, MOST);
    ck_assert_int_eq(backoff_next(&b, 0), MOST);
    ck_assert_int_eq(backoff_next(&b, 0), MOST);
}
END_TEST

UNIT_TESTS("backoff", test_doubles_up_to_the_limit, test_stays_in_the_upper_half, test_success_starts_over,
           test_limit_changes, test_extremes)
