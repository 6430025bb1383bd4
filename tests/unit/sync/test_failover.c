/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers for a service: out at once, back slowly, and never for want of knowledge. */
#include "daemon/sync/failover.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define S(seconds) ((int64_t)((seconds)*1e9))

static struct failover f;
static struct failover_rule rule;
static struct failover_seen home, others[2]; /* b, c */
static int64_t now;

static void begin(void)
{
    f = (struct failover){.at = FAILOVER_HOME, .forced = FAILOVER_AUTO};
    rule = (struct failover_rule){.min = 1, .back_after_ns = S(30)};
    home = (struct failover_seen){.usable = 2, .known = true};
    others[0] = others[1] = (struct failover_seen){.usable = 2, .known = true};
    now = S(100);
}

static int64_t decide(void)
{
    return failover_decide(&f, &rule, &home, others, 2, now);
}

static int at(double seconds)
{
    now = S(seconds);
    (void)decide();
    return f.at;
}

START_TEST(the_own_region_answers_while_it_has_enough)
{
    begin();
    ck_assert_int_eq(at(100), FAILOVER_HOME);
    home.usable = 1;
    ck_assert_int_eq(at(101), FAILOVER_HOME);
    rule.min = 2;
    ck_assert_int_eq(at(102), 0);
}
END_TEST

START_TEST(the_first_in_order_that_is_live_and_has_any)
{
    begin();
    home.usable = 0;
    others[0].known = false;
    ck_assert_int_eq(at(100), 1);
    others[0].known = true; /* the nearer one is back: not at once */
    ck_assert_int_eq(at(101), 1);
    ck_assert_int_eq(at(130), 1);
    ck_assert_int_eq(at(131), 0);
    others[0].usable = 0; /* and the next one when it fails: at once */
    ck_assert_int_eq(at(132), 1);
}
END_TEST

START_TEST(a_stale_one_only_where_there_is_nothing_else)
{
    begin();
    home.usable = 0;
    others[0].known = others[1].known = false;
    ck_assert_int_eq(at(100), 0);
    others[1].known = true;
    ck_assert_int_eq(at(101), 1); /* a live one is better, at once */
    begin();
    rule.min = 2;
    home.usable = 1;
    others[0].known = others[1].known = false;
    ck_assert_int_eq(at(100), FAILOVER_HOME); /* one that is known is better than those that were */
}
END_TEST

START_TEST(not_synchronised_is_no_reason)
{
    begin();
    home = (struct failover_seen){0};
    ck_assert_int_eq(at(100), FAILOVER_HOME);
    ck_assert_int_eq(at(1000), FAILOVER_HOME);
    home.known = true;
    ck_assert_int_eq(at(1001), 0);
}
END_TEST

START_TEST(nobody_anywhere_is_the_own_regions_answer)
{
    begin();
    home.usable = others[0].usable = others[1].usable = 0;
    ck_assert_int_eq(at(100), FAILOVER_HOME);
    others[1].usable = 1;
    ck_assert_int_eq(at(101), 1);
    others[1].usable = 0;
    ck_assert_int_eq(at(102), FAILOVER_HOME);
}
END_TEST

START_TEST(after_and_back_after)
{
    begin();
    rule.after_ns = S(5);
    home.usable = 0;
    ck_assert_int_eq(decide(), now + S(5));
    ck_assert_int_eq(at(104), FAILOVER_HOME);
    ck_assert_int_eq(at(105), 0);
    home.usable = 1;
    now = S(110);
    ck_assert_int_eq(decide(), S(140));
    home.usable = 0; /* a break: it counts from the beginning */
    ck_assert_int_eq(at(120), 0);
    home.usable = 1;
    ck_assert_int_eq(at(121), 0);
    ck_assert_int_eq(at(150.9), 0);
    ck_assert_int_eq(at(151), FAILOVER_HOME);
    ck_assert_uint_eq(f.switches, 2);
}
END_TEST

START_TEST(back_at_once_when_the_other_fails)
{
    begin();
    home.usable = 0;
    ck_assert_int_eq(at(100), 0);
    home.usable = 1;
    ck_assert_int_eq(at(101), 0);
    others[0].known = false;
    ck_assert_int_eq(at(102), FAILOVER_HOME);
}
END_TEST

/* That a nearer one has been there for long says nothing of the own one, nor the other way round. */
START_TEST(each_has_to_be_there_by_itself)
{
    begin();
    home.usable = 0;
    others[0].usable = 0;
    ck_assert_int_eq(at(100), 1);
    others[0].usable = 1;
    ck_assert_int_eq(at(110), 1);
    for (int i = 0; i < 9; i++) { /* the own one comes and goes, just when b's time would be over as well */
        home.usable = i % 2 == 0;
        ck_assert_int_eq(at(129 + i / 10.0), 1);
    }
    home.usable = 0;
    ck_assert_int_eq(at(140), 0);
}
END_TEST

/* Up for 5 s, down for 5 s, all the time. */
START_TEST(flapping_is_ever_fewer_switches)
{
    begin();
    rule.back_after_ns = S(3);
    uint64_t first = 0;
    for (int i = 0; i < 12000; i++) {
        home.usable = i / 50 % 2 == 0;
        (void)at(100 + i * 0.1);
        if (i == 600)
            first = f.switches;
    }
    ck_assert_uint_le(f.switches, first + 2);
    ck_assert_int_le(f.wait_ns, S(600));
}
END_TEST

START_TEST(an_operator_decides)
{
    begin();
    f.forced = 1;
    ck_assert_int_eq(at(100), 1);
    others[1].usable = 0;
    ck_assert_int_eq(at(101), 1);
    f.forced = FAILOVER_HOME;
    home.usable = 0;
    ck_assert_int_eq(at(102), FAILOVER_HOME);
    f.forced = FAILOVER_AUTO;
    ck_assert_int_eq(at(103), 0);
}
END_TEST

UNIT_TESTS("failover", the_own_region_answers_while_it_has_enough, the_first_in_order_that_is_live_and_has_any,
           a_stale_one_only_where_there_is_nothing_else, not_synchronised_is_no_reason,
           nobody_anywhere_is_the_own_regions_answer, after_and_back_after, back_at_once_when_the_other_fails,
           each_has_to_be_there_by_itself, flapping_is_ever_fewer_switches, an_operator_decides)
