/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: their form, their level, and that each stays one line whatever is in it. */
#include "daemon/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

/* What is on stderr is read back; each test runs in a process of its own. */
static int ends[2];

static void redirect(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

/* As systemd says it. */
static void redirect_to_journal(void)
{
    struct stat st;
    char stream[64];
    redirect();
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
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

/* What goes elsewhere tells when it was said; a JOURNAL_STREAM that was handed down is of something else. */
START_TEST(test_time)
{
    int year, ms;
    char rest[32];
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:1", 1), 0);
    redirect();
    log_warning("w");
    const char *line = logged();
    ck_assert_int_eq(sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ %31[^\n]", &year, &ms, rest), 3);
    ck_assert_int_ge(year, 2024);
    ck_assert_str_eq(rest, "warning: w");
}
END_TEST

START_TEST(test_form)
{
    redirect_to_journal();
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
    redirect_to_journal();
    log_line(LOG_DEBUG, "not said");
    ck_assert_str_eq(logged(), "");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "said");
    ck_assert_str_eq(logged(), "<7>said\n");
    log_set_level(LOG_ERR);
    log_warning("not said");
    log_error("said");
    ck_assert_str_eq(logged(), "<3>said\n");
}
END_TEST

START_TEST(test_one_line)
{
    redirect_to_journal();
    log_info("%s", "a\n<0>forged\r\x1b[2J\x7f gr\xc3\xbc\xc3\x9f");
    ck_assert_str_eq(logged(), "<6>a <0>forged  [2J  gr\\xc3\\xbc\\xc3\\x9f\n");
}
END_TEST

/* Cut, if it has to be, between what stands for one octet and what stands for the next. */
START_TEST(test_long_line_beyond_ascii)
{
    char text[1000];
    redirect_to_journal();
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
    redirect_to_journal();
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

UNIT_TESTS("log", test_time, test_form, test_level, test_one_line, test_long_line, test_long_line_beyond_ascii)
