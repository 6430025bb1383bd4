/* SPDX-License-Identifier: Apache-2.0 */
/* Waits grow up to the limit, are never shorter than the least, and differ. */
#include "libdiscover/session/reconnect_backoff.h"

#include "tests/support/unit.h"

START_TEST(grows_within_its_limits)
{
    struct backoff b;
    backoff_init(&b, 12345);
    int64_t upper_ns = 2 * BACKOFF_MIN_NS;
    for (int i = 0; i < 20; i++) {
        backoff_schedule(&b, 1000);
        int64_t wait_ns = b.due_ns - 1000;
        ck_assert_int_ge(wait_ns, upper_ns / 2);
        ck_assert_int_le(wait_ns, upper_ns);
        upper_ns = 2 * upper_ns < BACKOFF_MAX_NS ? 2 * upper_ns : BACKOFF_MAX_NS;
    }
    backoff_reset(&b);
    ck_assert_int_eq(b.due_ns, 0);
    backoff_schedule(&b, 0);
    ck_assert_int_le(b.due_ns, 2 * BACKOFF_MIN_NS);
}
END_TEST

START_TEST(handles_do_not_come_in_step)
{
    struct backoff a, b;
    backoff_init(&a, 1000);
    backoff_init(&b, 2000);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        backoff_schedule(&a, 0);
        backoff_schedule(&b, 0);
        same += a.due_ns == b.due_ns;
    }
    ck_assert_int_lt(same, 5);
}
END_TEST

UNIT_TESTS("backoff", grows_within_its_limits, handles_do_not_come_in_step)
