/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of strings. */
#include "daemon/base/string_list.h"

#include "tests/support/unit.h"

START_TEST(test_list)
{
    struct string_list a = {NULL, 0}, b = {NULL, 0};
    ck_assert(string_list_equal(&a, &b));
    ck_assert_int_eq(string_list_add(&a, "x"), 0);
    ck_assert_int_eq(string_list_add(&a, "y"), 0);
    ck_assert_uint_eq(a.n, 2);
    ck_assert_str_eq(a.items[1], "y");
    ck_assert(string_list_has(&a, "x"));
    ck_assert(!string_list_has(&a, "z"));
    ck_assert_int_eq(string_list_add(&b, "y"), 0);
    ck_assert(!string_list_equal(&a, &b));
    ck_assert_int_eq(string_list_add(&b, "x"), 0);
    ck_assert(!string_list_equal(&a, &b)); /* the order counts */
    string_list_fini(&b);
    ck_assert_uint_eq(b.n, 0);
    string_list_fini(&b);
    string_list_fini(&a);
}
END_TEST

UNIT_TESTS("string_list", test_list)
