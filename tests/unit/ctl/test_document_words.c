/* SPDX-License-Identifier: Apache-2.0 */
/* How long something took, and how many there are, in words. */
#include "daemon/ctl/document_words.h"

#include "tests/support/unit.h"

START_TEST(durations_and_counts)
{
    ck_assert_str_eq(duration(400), "0.4 s");
    ck_assert_str_eq(duration(12000), "12 s");
    ck_assert_str_eq(duration(200000), "3 m 20 s");
    ck_assert_str_eq(duration(18120000), "5 h 2 m");
    ck_assert_str_eq(duration(273600000), "3 d 4 h");
    ck_assert_str_eq(count(1, "instance"), "1 instance");
    ck_assert_str_eq(count(2, "instance"), "2 instances");
}
END_TEST

UNIT_TESTS("document words", durations_and_counts)
