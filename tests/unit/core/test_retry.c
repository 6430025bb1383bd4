/* SPDX-License-Identifier: Apache-2.0 */
/* Waits grow up to the limit, are never shorter than the least, and differ. */
#include "libdiscover/core/retry.h"

#include "tests/support/unit.h"

START_TEST(grows_within_its_limits)
{
    struct retry b;
    retry_init(&b, 12345);
    int64_t upper_ns = RETRY_FIRST_NS;
    for (int i = 0; i < 20; i++) {
        retry_schedule(&b, 1000);
        int64_t wait_ns = b.due_ns - 1000;
        ck_assert_int_ge(wait_ns, upper_ns / 2);
        ck_assert_int_le(wait_ns, upper_ns);
        upper_ns = 2 * upper_ns < RETRY_LONGEST_NS ? 2 * upper_ns : RETRY_LONGEST_NS;
    }
    retry_reset(&b);
    ck_assert_int_eq(b.due_ns, 0);
    retry_schedule(&b, 0);
    ck_assert_int_le(b.due_ns, RETRY_FIRST_NS);
}
END_TEST

START_TEST(handles_do_not_come_in_step)
{
    struct retry a, b;
    retry_init(&a, 1000);
    retry_init(&b, 2000);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        retry_schedule(&a, 0);
        retry_schedule(&b, 0);
        same += a.due_ns == b.due_ns;
    }
    ck_assert_int_lt(same, 5);
}
END_TEST

UNIT_TESTS("retry", grows_within_its_limits, handles_do_not_come_in_step)
