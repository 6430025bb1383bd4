/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding and query strings, good and bad. */
#include "daemon/http/query_string.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(decoding)
{
    static const struct {
        const char *text, *decoded;
        int err;
    } rows[] = {
        {"", "", 0},
        {"a", "a", 0},
        {"%41%2fB", "A/B", 0},
        {"%c3%A9", "\xc3\xa9", 0},
        {"%25%32%35", "%25", 0},
        {"a+b", "a+b", 0},
        {"%", "", -EINVAL},
        {"%4", "", -EINVAL},
        {"%g0", "", -EINVAL},
        {"%0g", "", -EINVAL},
        {"%00", "", -EINVAL},
        {"%7f", "", -EINVAL},
        {"a\nb", "", -EINVAL},
        {"12345678", "", -E2BIG},
        {"1234567", "1234567", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[8];
        ck_assert_msg(percent_decode(rows[i].text, strlen(rows[i].text), text, sizeof text) == rows[i].err, "%s",
                      rows[i].text);
        if (!rows[i].err)
            ck_assert_str_eq(text, rows[i].decoded);
    }
}
END_TEST

START_TEST(parameters)
{
    const char *query = "tag=a&&tagged=x&tag=b%26+c&tag&tag=%zz&=y&last", *cursor = query;
    char value[16];
    ck_assert_int_eq(query_next(&cursor, "tag", value, sizeof value), 1);
    ck_assert_str_eq(value, "a");
    ck_assert_int_eq(query_next(&cursor, "tag", value, sizeof value), 1);
    ck_assert_str_eq(value, "b& c");
    ck_assert_int_eq(query_next(&cursor, "tag", value, sizeof value), 1);
    ck_assert_str_eq(value, "");
    ck_assert_int_eq(query_next(&cursor, "tag", value, sizeof value), -EINVAL);
    ck_assert_int_eq(query_next(&cursor, "tag", value, sizeof value), 0);
    ck_assert_int_eq(query_first(query, "last", value, sizeof value), 1);
    ck_assert_str_eq(value, "");
    ck_assert_int_eq(query_first(query, "tagged", value, 1), -E2BIG);
    ck_assert_int_eq(query_first("", "x", value, sizeof value), 0);
}
END_TEST

UNIT_TESTS("http/query_string", decoding, parameters)
