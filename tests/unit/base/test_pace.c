/* SPDX-License-Identifier: Apache-2.0 */
/* How often something may be done. */
#include "daemon/base/pace.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define S(n) ((n)*NS_PER_S)

START_TEST(a_burst_and_then_a_pace)
{
    struct pace p = {.burst = 3, .every_ns = S(5)};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pace_take(&p, S(100)), 0);
    ck_assert_int_eq(pace_take(&p, S(100)), S(5));
    ck_assert_int_eq(pace_take(&p, S(100)), S(10));
    ck_assert(!pace_try(&p, S(109)));
    ck_assert_int_eq(pace_wait_ns(&p, S(109)), S(6));
    ck_assert(pace_try(&p, S(115)));
    ck_assert_int_eq(pace_take(&p, S(1000)), 0);
}
END_TEST

/* Also when they are not asked for evenly: what was not taken for long is a second's worth, and no more. */
START_TEST(so_many_a_second)
{
    struct pace p = pace_per_second(100);
    unsigned n = 0;
    for (int64_t now_ns = S(7); now_ns < S(8); now_ns += NS_PER_S / 1000)
        n += pace_try(&p, now_ns);
    ck_assert_uint_ge(n, 199);
    ck_assert_uint_le(n, 200);
    for (n = 0; pace_try(&p, S(3600)); n++)
        ;
    ck_assert_uint_eq(n, 100);
    ck_assert_int_eq(pace_wait_ns(&p, S(3600)), NS_PER_S / 100);
}
END_TEST

START_TEST(in_the_long_run_as_many_as_come_in)
{
    struct pace p = {.burst = 6, .every_ns = S(10)};
    unsigned took = 0;
    for (int64_t s = 0; s < 3600; s++)
        took += pace_try(&p, S(1000 + s));
    ck_assert_uint_eq(took, 60 * 6 + 5);
}
END_TEST

UNIT_TESTS("pace", a_burst_and_then_a_pace, so_many_a_second, in_the_long_run_as_many_as_come_in)
