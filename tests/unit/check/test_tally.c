/* SPDX-License-Identifier: Apache-2.0 */
/* When single results change the state of a check. */
#include "daemon/check/tally.h"

#include <string.h>

#include "tests/support/unit.h"

/* results: + pass, ! warning, - failure; states: P, W, C after each. One a second. */
static void expect(struct tally v, const char *results, const char *states)
{
    for (int64_t i = 0; results[i]; i++) {
        enum check_result r = results[i] == '+' ? CHECK_PASS : results[i] == '!' ? CHECK_WARN : CHECK_FAIL;
        enum discover_state before = v.state;
        bool changed = tally_take(&v, r, i);
        char state = v.state == DISCOVER_PASSING ? 'P' : v.state == DISCOVER_WARNING ? 'W' : 'C';
        ck_assert_msg(state == states[i], "%s: %c at %d", results, state, (int)i);
        ck_assert(changed == (before != v.state));
    }
}

static struct tally with(uint32_t fall, uint32_t warn, uint32_t rise)
{
    return (struct tally){.fall = fall, .warn = warn, .rise = rise, .state = DISCOVER_PASSING};
}

START_TEST(fall_three_rise_two)
{
    expect(with(3, 0, 2), "+--+--+", "PPPPPPP");
    expect(with(3, 0, 2), "+-----", "PPPCCC");
    expect(with(3, 0, 2), "+---+-++", "PPPCCCCP");
    expect(with(3, 0, 2), "-++", "CCP"); /* the first decides alone */
    expect(with(3, 0, 2), "-+-+-+", "CCCCCC");
}
END_TEST

START_TEST(failures_before_a_warning)
{
    expect(with(3, 1, 2), "+---", "PWWC");
    expect(with(4, 2, 1), "+--+--+", "PPWPPWP");
    expect(with(3, 1, 2), "+-+-++", "PWWWWP"); /* one that wavers does not change at each result */
}
END_TEST

START_TEST(warnings_of_its_own_show_at_once)
{
    expect(with(3, 0, 2), "!+!", "WPW");
    expect(with(1, 0, 2), "+-!!", "PCCW");
    expect(with(1, 0, 2), "+-+!", "PCCW");
}
END_TEST

START_TEST(start_period)
{
    struct tally v = {.fall = 1, .rise = 1, .state = DISCOVER_CRITICAL, .start_until_ns = 5};
    expect(v, "--+-", "CCPC"); /* it ends with what passes */
    v.state = DISCOVER_PASSING;
    v.start_until_ns = 3;
    expect(v, "----", "PPPC");
}
END_TEST

START_TEST(what_is_certain_is_not_counted)
{
    struct tally v = with(9, 0, 9);
    ck_assert(tally_set(&v, CHECK_FAIL));
    ck_assert_int_eq(v.state, DISCOVER_CRITICAL);
    ck_assert(tally_set(&v, CHECK_WARN));
    ck_assert(tally_set(&v, CHECK_PASS));
    ck_assert(!tally_set(&v, CHECK_PASS));
}
END_TEST

UNIT_TESTS("check/tally", fall_three_rise_two, failures_before_a_warning, warnings_of_its_own_show_at_once,
           start_period, what_is_certain_is_not_counted)
