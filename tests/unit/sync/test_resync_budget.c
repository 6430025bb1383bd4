/* SPDX-License-Identifier: Apache-2.0 */
/* Who may make us read everything again, and how often. */
#include "daemon/sync/resync_budget.h"

#include <stdio.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define S(n) ((n)*NS_PER_S)

/* Twice a second for ten seconds: what was 27 reads of the whole bucket is two. */
START_TEST(who_causes_more_is_followed_more_slowly)
{
    static struct resync_budget b;
    unsigned allowed = 0;
    for (int64_t now_ns = 0; now_ns < S(10); now_ns += NS_PER_S / 2) {
        allowed += resync_budget_allows(&b, "evil", S(500) + now_ns);
    }
    ck_assert_uint_eq(allowed, 2);
    /* Alone. */
    ck_assert(resync_budget_allows(&b, "good", S(510)));
    ck_assert(resync_budget_allows(&b, "evil", S(600)));
}
END_TEST

START_TEST(many_hosts_take_no_more_room)
{
    static struct resync_budget b;
    char host[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(host, sizeof host, "h%d", i);
        ck_assert(resync_budget_allows(&b, host, S(500)));
    }
    ck_assert_uint_eq(b.n, RESYNC_BUDGET_HOSTS);
    ck_assert(resync_budget_allows(&b, "h999", S(500)));
    ck_assert(!resync_budget_allows(&b, "h999", S(500)));
}
END_TEST

UNIT_TESTS("resync_budget", who_causes_more_is_followed_more_slowly, many_hosts_take_no_more_room)
