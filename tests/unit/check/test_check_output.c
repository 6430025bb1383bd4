/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a check is kept, as far as it can be shown. */
#include "daemon/check/check_output.h"

#include <string.h>

#include "tests/support/unit.h"

static void expect(const char *bytes, size_t n, size_t max, const char *text)
{
    struct check_output s = {NULL, 0, 0};
    ck_assert_str_eq(check_output_text(&s), "");
    check_output_set(&s, bytes, n, max);
    ck_assert_str_eq(check_output_text(&s), text);
    ck_assert_uint_eq(s.n, strlen(text));
    check_output_fini(&s);
}

START_TEST(plain_text)
{
    expect("OK - load 0.1\nmore\tof it\r\n\n", 27, 100, "OK - load 0.1\nmore\tof it");
    expect("", 0, 100, "");
    expect("0123456789", 10, 4, "0123");
}
END_TEST

START_TEST(what_is_no_text)
{
    expect("a\0b\x1b[31mc\x7f", 10, 100, "a?b?[31mc?");
    expect("a\xc2\x9b"
           "31mc\xc2\xa0",
           9, 100, "a??31mc\xc2\xa0"); /* U+009B is a terminal's CSI, too; U+00A0 a blank */
    expect("gr\xc3\xbc\xc3\x9f", 6, 100, "gr\xc3\xbc\xc3\x9f");
    expect("gr\xc3\xbc\xc3\x9f", 6, 5, "gr\xc3\xbc"); /* cut within a character */
    expect("\xff\xfe z", 4, 100, "?? z");
    expect("\xe2\x82\xac\xf0\x9f\x98\x80.", 8, 100, "\xe2\x82\xac\xf0\x9f\x98\x80.");
    expect("\xed\xa0\x80 \xc0\xaf  x", 9, 100, "??? ??  x"); /* surrogate, overlong */
}
END_TEST

START_TEST(first_line)
{
    struct check_output s = {NULL, 0, 0};
    ck_assert_uint_eq(check_output_line(&s), 0);
    check_output_set(&s, "one\ntwo", 7, 100);
    ck_assert_uint_eq(check_output_line(&s), 3);
    check_output_set(&s, "one", 3, 100);
    ck_assert_uint_eq(check_output_line(&s), 3);
    check_output_fini(&s);
}
END_TEST

UNIT_TESTS("check/check_output", plain_text, what_is_no_text, first_line)
