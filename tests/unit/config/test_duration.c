/* SPDX-License-Identifier: Apache-2.0 */
/* Durations: what is read, what is refused, and the way back. */
#include "daemon/config/duration.h"

#include <errno.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static const struct {
    const char *text;
    int64_t ns;
} good[] = {
    {"0", 0},
    {"0s", 0},
    {"1ms", NS_PER_MS},
    {"500ms", 500 * NS_PER_MS},
    {"1500ms", 1500 * NS_PER_MS},
    {"10s", 10 * NS_PER_S},
    {"010s", 10 * NS_PER_S},
    {"90s", 90 * NS_PER_S},
    {"2m", 120 * NS_PER_S},
    {"1h", 3600 * NS_PER_S},
    {"168h", 168 * 3600 * NS_PER_S},
};

START_TEST(test_good)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ns = -1;
        ck_assert_int_eq(duration_parse(good[i].text, &ns), 0);
        ck_assert_msg(ns == good[i].ns, "%s", good[i].text);
    }
}
END_TEST

START_TEST(test_bad)
{
    static const char *const bad[] = {"",     "s",  "10",  "-1s", "+1s", " 1s",  "1s ", "1 s",
                                      "1.5s", "1S", "1us", "1d",  "1ss", "0x1s", "1s1s"};
    int64_t ns = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(duration_parse(bad[i], &ns) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(duration_parse("99999999999999999999999h", &ns), -ERANGE);
    ck_assert_int_eq(duration_parse("876001h", &ns), -ERANGE);
    ck_assert_int_eq(ns, 7);
}
END_TEST

START_TEST(test_format)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0"},
        {NS_PER_MS, "1ms"},
        {1500 * NS_PER_MS, "1500ms"},
        {NS_PER_S, "1s"},
        {60 * NS_PER_S, "1m"},
        {90 * NS_PER_S, "90s"},
        {3600 * NS_PER_S, "1h"},
        {5400 * NS_PER_S, "90m"},
        {2 * NS_PER_MS + 1, "2ms"},
    };
    char text[DURATION_CAP];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duration_format(rows[i].ns, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(test_round_trip)
{
    for (int64_t ms = 0; ms < 100000000; ms = ms * 3 + 1) {
        char text[DURATION_CAP];
        int64_t ns;
        duration_format(ms * NS_PER_MS, text);
        ck_assert_int_eq(duration_parse(text, &ns), 0);
        ck_assert_int_eq(ns, ms * NS_PER_MS);
    }
}
END_TEST

UNIT_TESTS("duration", test_good, test_bad, test_format, test_round_trip)
