/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: what is taken from them, and what is refused with a reason. */
#include "daemon/ctl/options.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/ctl/line.h"

struct given {
    uint32_t number;
    int flags;
};

static int set_number(void *arg, const char *value)
{
    struct given *g = arg;
    return option_number(value, 1, 9, &g->number);
}

static int set_flag(void *arg, const char *value)
{
    struct given *g = arg;
    ck_assert_ptr_null(value);
    g->flags++;
    return 0;
}

static const struct option_spec specs[] = {
    {"number", "N", "1 to 9", set_number},
    {"flag", NULL, "on", set_flag},
    {NULL, NULL, NULL, NULL},
};

static struct given given;
static struct words words;
static char why[OPTIONS_WHY_CAP];

static int parse(const char *text)
{
    return options_parse(specs, &given, line(text), &words, why);
}

START_TEST(words_and_options_in_any_order)
{
    ck_assert_int_eq(parse("a --number 3 b --flag"), 0);
    ck_assert_uint_eq(words.n, 2);
    ck_assert_str_eq(words.word[1], "b");
    ck_assert_ptr_null(words.command);
    ck_assert_uint_eq(given.number, 3);
    ck_assert_int_eq(given.flags, 1);
    ck_assert_int_eq(parse("--number=4"), 0);
    ck_assert_uint_eq(given.number, 4);
    ck_assert_uint_eq(words.n, 0);
}
END_TEST

START_TEST(command_is_left_alone)
{
    ck_assert_int_eq(parse("a -- run --number 99"), 0);
    ck_assert_uint_eq(words.n, 1);
    ck_assert_str_eq(words.command[0], "run");
    ck_assert_str_eq(words.command[2], "99");
    ck_assert_ptr_null(words.command[3]);
    ck_assert_int_eq(parse("--"), 0);
    ck_assert_ptr_nonnull(words.command);
    ck_assert_ptr_null(words.command[0]);
}
END_TEST

START_TEST(refused_with_a_reason)
{
    static const char *const lines[][2] = {
        {"--nothing", "--nothing: no such option"},         {"-n", "-n: no such option"},
        {"--numbers=1", "--numbers=1: no such option"},     {"--number", "--number: its value is missing"},
        {"--number 0", "--number 0: not a good N: 1 to 9"}, {"--number=", "--number : not a good N: 1 to 9"},
        {"--flag=1", "--flag=1: takes no value"},           {"a b c d e f", "f: one word too many"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_int_eq(parse(lines[i][0]), -EINVAL);
        ck_assert_str_eq(why, lines[i][1]);
    }
}
END_TEST

START_TEST(numbers)
{
    uint32_t n = 77;
    ck_assert_int_eq(option_number("0", 0, 10, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(option_number("11", 0, 10, &n), -ERANGE);
    ck_assert_int_eq(option_number("99999999999999999999999", 0, UINT32_MAX, &n), -ERANGE);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "one"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(option_number(bad[i], 0, 10, &n), -EINVAL);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(times)
{
    uint32_t ms = 0;
    ck_assert_int_eq(option_time_ms("500ms", &ms), 0);
    ck_assert_uint_eq(ms, 500);
    ck_assert_int_eq(option_time_ms("10s", &ms), 0);
    ck_assert_uint_eq(ms, 10000);
    ck_assert_int_eq(option_time_ms("5m", &ms), 0);
    ck_assert_uint_eq(ms, 300000);
    ck_assert_int_eq(option_time_ms("1h", &ms), 0);
    ck_assert_uint_eq(ms, 3600000);
    static const char *const bad[] = {"",    "10", "s",      "0s",    "-1s",          "1.5s",
                                      "1 s", "1d", "1193h0", "2000h", "123456789012s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(option_time_ms(bad[i], &ms) < 0, "%s", bad[i]);
}
END_TEST

UNIT_TESTS("options", words_and_options_in_any_order, command_is_left_alone, refused_with_a_reason, numbers, times)
