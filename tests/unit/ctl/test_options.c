/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: what is taken from them, and what is refused with a reason. */
#include "daemon/ctl/options.h"

#include <errno.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/ctl/command_line.h"

struct given {
    uint32_t number;
    bool flag;
    const char *name, *text;
    struct option_list list;
};

#define AT(member) offsetof(struct given, member)

static const struct option_spec specs[] = {
    {"number", "N", "1 to 9", option_number, AT(number), 1, 9},
    {"flag", NULL, "on", option_flag, AT(flag), 0, 0},
    {"name", "NAME", "a name", option_name, AT(name), 0, 0},
    {"text", "TEXT", "at most 3 bytes", option_text, AT(text), 0, 3},
    {"list", "L", "at most two", option_list, AT(list), 0, 2},
    {.name = NULL},
};

static struct given given;
static struct words words;
static char why[OPTIONS_WHY_CAP];

static int parse(const char *text)
{
    return options_parse(specs, &given, command_line(text), &words, why);
}

START_TEST(words_and_options_in_any_order)
{
    ck_assert_int_eq(parse("a --number 3 b --flag"), 0);
    ck_assert_uint_eq(words.n, 2);
    ck_assert_str_eq(words.word[1], "b");
    ck_assert_str_eq(words.word[2], "");
    ck_assert_ptr_null(words.command);
    ck_assert_uint_eq(given.number, 3);
    ck_assert(given.flag);
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
        {"--nothing", "--nothing: no such option"},
        {"-n", "-n: no such option"},
        {"--numbers=1", "--numbers=1: no such option"},
        {"--number", "--number: its value is missing"},
        {"--number 0", "--number 0: not a good N: 1 to 9"},
        {"--number=", "--number : not a good N: 1 to 9"},
        {"--flag=1", "--flag=1: takes no value"},
        {"a b c d e f", "f: one word too many"},
        {"--text abcd", "--text abcd: not a good TEXT: at most 3 bytes"},
        {"--list a --list b --list c", "--list c: not a good L: at most two"},
        {"--name Web_1", "--name Web_1: a name is of a-z, 0-9 and '-' inside, at most 63; did you mean web-1?"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        given = (struct given){0};
        ck_assert_int_eq(parse(lines[i][0]), -EINVAL);
        ck_assert_str_eq(why, lines[i][1]);
    }
}
END_TEST

static int option_number_of(const char *text, uint32_t min, uint32_t max, uint32_t *ret_n)
{
    return option_number(&(struct option_spec){.min = min, .max = max}, ret_n, text);
}

START_TEST(numbers)
{
    uint32_t n = 77;
    ck_assert_int_eq(option_number_of("0", 0, 10, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(option_number_of("11", 0, 10, &n), -ERANGE);
    ck_assert_int_eq(option_number_of("99999999999999999999999", 0, UINT32_MAX, &n), -ERANGE);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "one"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(option_number_of(bad[i], 0, 10, &n), -EINVAL);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(times)
{
    static const struct option_spec above_0 = {.min = 1}, any = {.min = 0};
    uint32_t ms = 77;
    ck_assert_int_eq(option_time(&any, &ms, "0"), 0);
    ck_assert_uint_eq(ms, 0);
    ck_assert_int_eq(option_time(&any, &ms, "0s"), 0);
    ck_assert_int_lt(option_time(&any, &ms, "10"), 0);
    ck_assert_int_eq(option_time(&above_0, &ms, "500ms"), 0);
    ck_assert_uint_eq(ms, 500);
    ck_assert_int_eq(option_time(&above_0, &ms, "10s"), 0);
    ck_assert_uint_eq(ms, 10000);
    ck_assert_int_eq(option_time(&above_0, &ms, "5m"), 0);
    ck_assert_uint_eq(ms, 300000);
    ck_assert_int_eq(option_time(&above_0, &ms, "1h"), 0);
    ck_assert_uint_eq(ms, 3600000);
    static const char *const bad[] = {"",    "10", "s",  "0s",     "-1s",   "1.5s",
                                      "1 s", "0",  "1d", "1193h0", "2000h", "123456789012s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(option_time(&above_0, &ms, bad[i]) < 0, "%s", bad[i]);
}
END_TEST

UNIT_TESTS("options", words_and_options_in_any_order, command_is_left_alone, refused_with_a_reason, numbers, times)
