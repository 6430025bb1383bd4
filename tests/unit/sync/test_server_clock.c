/* SPDX-License-Identifier: Apache-2.0 */
/* The server's clock stands elsewhere than ours, and is told from what comes back. */
#include "daemon/sync/server_clock.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define THERE (1700000000 * NS_PER_S) /* what the server's clock says when ours says 0 */

static struct server_clock c;
static int64_t error_ns;

static int64_t since(int64_t stored_ns, int64_t now_ns)
{
    return server_clock_since(&c, THERE + stored_ns, now_ns, &error_ns);
}

START_TEST(nothing_is_known_before_something_came_back)
{
    c = (struct server_clock){.known = false};
    ck_assert_int_eq(since(0, NS_PER_S), -1);
    server_clock_heard(&c, 10, 0, 20); /* a server that does not say when */
    ck_assert_int_eq(since(0, NS_PER_S), -1);
    server_clock_heard(&c, NS_PER_S, THERE + NS_PER_S + 2 * NS_PER_MS, NS_PER_S + 4 * NS_PER_MS);
    ck_assert_int_eq(since(2 * NS_PER_S, 2 * NS_PER_S + 7 * NS_PER_MS), 7 * NS_PER_MS);
    ck_assert_int_ge(error_ns, 2 * NS_PER_MS);
    ck_assert_int_eq(server_clock_since(&c, 0, NS_PER_S, &error_ns), -1);
}
END_TEST

/* What came back quickly is wrong by little; what took long is passed over, until clocks may have drifted by more than that. */
START_TEST(the_quickest_way_tells_most)
{
    c = (struct server_clock){.known = false};
    server_clock_heard(&c, 0, THERE + NS_PER_MS, 2 * NS_PER_MS);
    server_clock_heard(&c, NS_PER_S, THERE + NS_PER_S + 90 * NS_PER_MS, NS_PER_S + 100 * NS_PER_MS); /* slow one way */
    ck_assert_int_eq(since(2 * NS_PER_S, 2 * NS_PER_S + NS_PER_MS), NS_PER_MS);
    ck_assert_int_lt(error_ns, 2 * NS_PER_MS);
    server_clock_heard(&c, NS_PER_S, THERE + NS_PER_S + NS_PER_MS / 2 + 100, NS_PER_S + NS_PER_MS);
    ck_assert_int_eq(since(NS_PER_S, NS_PER_S + NS_PER_MS), NS_PER_MS + 100);
    ck_assert_int_le(error_ns, NS_PER_MS / 2);
    int64_t later_ns = 3600 * NS_PER_S; /* half a millisecond may be a third of a second by now */
    server_clock_heard(&c, later_ns, THERE + later_ns + 45 * NS_PER_MS, later_ns + 50 * NS_PER_MS);
    ck_assert_int_eq(since(later_ns, later_ns), 20 * NS_PER_MS);
}
END_TEST

/* A clock that cannot be told better than to some milliseconds makes nothing come before it was sent. */
START_TEST(nothing_comes_before_it_was_sent)
{
    c = (struct server_clock){.known = false};
    server_clock_heard(&c, 0, THERE, 10 * NS_PER_MS);
    ck_assert_int_eq(since(NS_PER_S, NS_PER_S + NS_PER_MS), 0);
    server_clock_heard(&c, 100, THERE + 50, 0); /* heard before it was put: never mind */
    ck_assert_int_eq(since(NS_PER_S, NS_PER_S + NS_PER_MS), 0);
}
END_TEST

UNIT_TESTS("sync/server_clock", nothing_is_known_before_something_came_back, the_quickest_way_tells_most,
           nothing_comes_before_it_was_sent)
