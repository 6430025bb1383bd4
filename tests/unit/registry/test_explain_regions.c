/* SPDX-License-Identifier: Apache-2.0 */
/* Why a region answers, or does not, in words. */
#include "daemon/registry/explain/explain_regions.h"

#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static void expect(struct region_facts r, const struct region_answer *answer, const char *text)
{
    char why[REGION_WHY_CAP];
    explain_region_why(&r, answer, why);
    ck_assert_str_eq(why, text);
}

START_TEST(the_own_one)
{
    struct region_answer a = {.at = "", .min = 2, .after_ns = 5 * NS_PER_S};
    struct region_facts r = {.own = true, .live = true, .usable = 2, .total = 3, .answers = true};
    expect(r, NULL, "2 of its 3 instances are usable");
    expect(r, &a, "2 of its 3 instances are usable");
    r.usable = 1, a.lacking_ns = 2 * NS_PER_S;
    expect(r, &a,
           "1 of its 3 instances is usable, of 2 that are wanted; another region answers if it stays so for 3 s more");
    a.lacking_ns = 60 * NS_PER_S;
    expect(r, &a, "1 of its 3 instances is usable, and no other region has any that is");
    r.usable = 0, r.total = 0, r.answers = false, a.lacking_ns = 0, a.at = "b";
    expect(r, &a, "it has none, and answers from 2 usable ones on (failover.min)");
    r.usable = 3, r.total = 3, a.back_in_ns = 12 * NS_PER_S;
    expect(r, &a,
           "3 of its 3 instances are usable again; it answers if that is so for 12 s more (failover.back_after)");
}
END_TEST

START_TEST(another_one)
{
    struct region_answer a = {.at = "b", .min = 1, .for_ns = 90 * NS_PER_S};
    struct region_facts r = {.live = true, .state = "live", .usable = 2, .total = 2, .answers = true};
    expect(r, &a, "2 of its 2 instances are usable, and it has answered for 90 s");
    r.live = false, r.state = "stale", r.stale_ms = 7000;
    expect(r, &a, "2 of its 2 instances are usable, and it has answered for 90 s; it is stale: that was so 7 s ago");
    r.answers = false, r.live = true, r.usable = 0;
    r.total = 1;
    expect(r, &a, "its one instance is not usable");
    r.total = 2;
    expect(r, &a, "none of its 2 instances is usable");
    r.live = false, r.total = 0, r.stale_ms = -1, r.state = "never";
    expect(r, NULL, "it has none; it was never heard");
}
END_TEST

START_TEST(by_an_operator)
{
    struct region_answer a = {.at = "b", .min = 1, .forced = true, .uid = 7, .forced_for_ns = 20 * NS_PER_S};
    struct region_facts r = {.own = true, .live = true, .usable = 2, .total = 2};
    expect(r, &a, "2 of its 2 instances are usable; another one answers, for an operator (user 7) said so 20 s ago");
    r.answers = true, r.own = false, a.forced_for_ns = 0;
    expect(r, &a, "2 of its 2 instances are usable; it answers, for an operator (user 7) said so");
}
END_TEST

UNIT_TESTS("registry/explain regions", the_own_one, another_one, by_an_operator)
