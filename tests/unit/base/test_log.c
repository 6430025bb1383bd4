/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: their form, their level, and that each stays one line whatever is in it. */
#include "daemon/base/log.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/unit.h"

/* What is on stderr is read back; each test runs in a process of its own. */
static int ends[2];

static void redirect(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *logged(void)
{
    static char text[4096];
    (void)!write(ends[1], "", 1); /* so that there is something to read */
    ssize_t n = read(ends[0], text, sizeof text - 1);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(text[n - 1], '\0');
    return text;
}

START_TEST(test_form)
{
    redirect();
    log_error("%s: %d", "x", 7);
    ck_assert_str_eq(logged(), "<3>x: 7\n");
    log_warning("w");
    log_notice("n");
    log_info("i");
    ck_assert_str_eq(logged(), "<4>w\n<5>n\n<6>i\n");
}
END_TEST

START_TEST(test_level)
{
    redirect();
    log_debug("not said");
    ck_assert_str_eq(logged(), "");
    log_set_level(LOG_DEBUG);
    log_debug("said");
    ck_assert_str_eq(logged(), "<7>said\n");
    log_set_level(LOG_ERR);
    log_warning("not said");
    log_error("said");
    ck_assert_str_eq(logged(), "<3>said\n");
}
END_TEST

START_TEST(test_one_line)
{
    redirect();
    log_info("%s", "a\n<0>forged\r\x1b[2J\x7f gr\xc3\xbc\xc3\x9f");
    ck_assert_str_eq(logged(), "<6>a <0>forged  [2J  gr\\xc3\\xbc\\xc3\\x9f\n");
}
END_TEST

/* Cut, if it has to be, between what stands for one octet and what stands for the next. */
START_TEST(test_long_line_beyond_ascii)
{
    char text[1000];
    redirect();
    memset(text, 0xe9, sizeof text);
    text[sizeof text - 1] = '\0';
    log_info("%s", text);
    const char *line = logged();
    ck_assert_uint_ge(strlen(line), 1000);
    ck_assert_uint_le(strlen(line), 1024);
    ck_assert_str_eq(line + strlen(line) - 5, "\\xe9\n");
}
END_TEST

START_TEST(test_long_line)
{
    char text[3000];
    redirect();
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_info("%s", text);
    const char *line = logged();
    ck_assert_uint_ge(strlen(line), 1000);
    ck_assert_uint_le(strlen(line), 1024);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    log_info("next");
    ck_assert_str_eq(logged(), "<6>next\n");
}
END_TEST

UNIT_TESTS("log", test_form, test_level, test_one_line, test_long_line, test_long_line_beyond_ascii)
