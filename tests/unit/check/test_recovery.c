/* SPDX-License-Identifier: Apache-2.0 */
/* How often an instance that flaps may get better. */
#include "daemon/check/recovery.h"

#include "tests/support/unit.h"

START_TEST(so_many_a_minute)
{
    struct recovery r = {.a_minute = 3};
    int64_t now_ns = 1000 * NS_PER_S;
    for (int i = 0; i < 3; i++)
        ck_assert(recovery_take(&r, now_ns));
    ck_assert(!recovery_take(&r, now_ns));
    ck_assert_int_eq(recovery_free_ns(&r), now_ns + 20 * NS_PER_S);
    ck_assert(recovery_take(&r, now_ns + 20 * NS_PER_S));
    ck_assert(!recovery_take(&r, now_ns + 20 * NS_PER_S));
    /* After a quiet while it has all of them again, and no more. */
    now_ns += 3600 * NS_PER_S;
    for (int i = 0; i < 3; i++)
        ck_assert(recovery_take(&r, now_ns));
    ck_assert(!recovery_take(&r, now_ns));
}
END_TEST

START_TEST(in_the_long_run_as_many)
{
    struct recovery r = {.a_minute = 6};
    unsigned took = 0;
    for (int64_t s = 0; s < 3600; s++)
        took += recovery_take(&r, 1000 * NS_PER_S + s * NS_PER_S);
    ck_assert_uint_eq(took, 60 * 6 + 5);
}
END_TEST

UNIT_TESTS("check/recovery", so_many_a_minute, in_the_long_run_as_many)
