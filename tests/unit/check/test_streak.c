/* SPDX-License-Identifier: Apache-2.0 */
/* When single results change a verdict. */
#include "daemon/check/streak.h"

#include <string.h>

#include "tests/support/unit.h"

/* results: + and -; changes: ! where the verdict changes. */
static void expect(const char *results, const char *changes, bool passing)
{
    struct streak s;
    streak_init(&s, 3, 2);
    for (size_t i = 0; results[i]; i++)
        ck_assert_msg(streak_result(&s, results[i] == '+') == (changes[i] == '!'), "%s at %zu", results, i);
    ck_assert(s.passing == passing);
}

START_TEST(fall_three_rise_two)
{
    expect("+", "!", true);
    expect("-", "!", false);
    expect("+--+--+", "!......", true);
    expect("+---", "!..!", false);
    expect("+-----", "!..!..", false);
    expect("+---+-++", "!..!...!", true);
    expect("-++", "!.!", true);
    expect("-+-+-+", "!.....", false);
}
END_TEST

UNIT_TESTS("check/streak", fall_three_rise_two)
