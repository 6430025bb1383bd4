/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever stands still is seen, and nobody else. */
#include "daemon/base/watchdog.h"

#include <stdbool.h>

#include "tests/support/unit.h"

static struct watchdog w;
static struct progress bus, dns;
static int64_t start_ns;

static void setup(void)
{
    w = (struct watchdog){.timeout_ns = 5 * NS_PER_S / 2};
    bus = dns = (struct progress){0};
    watchdog_watch(&w, &bus, "bus");
    watchdog_watch(&w, &dns, "dns-0");
    start_ns = clock_now_ns();
}

START_TEST(one_that_stands_still_is_named)
{
    for (int s = 1; s <= 4; s++) {
        progress_turn(&dns);
        const struct progress *stuck = watchdog_stuck(&w, start_ns + s * NS_PER_S);
        ck_assert_str_eq(stuck ? stuck->name : "", s > 2 ? "bus" : "");
    }
    progress_turn(&bus);
    ck_assert_ptr_null(watchdog_stuck(&w, start_ns + 5 * NS_PER_S));
    watchdog_unwatch(&w, &bus);
    watchdog_unwatch(&w, &dns);
    ck_assert_ptr_null(watchdog_stuck(&w, start_ns + 100 * NS_PER_S));
}
END_TEST

START_TEST(a_call_with_a_limit_is_waited_for_and_no_longer)
{
    progress_away(&bus, 10 * NS_PER_S);
    for (int s = 1; s <= 14; s++) {
        progress_turn(&dns);
        bool stuck = watchdog_stuck(&w, start_ns + s * NS_PER_S) == &bus;
        ck_assert_int_eq(stuck, s > 12);
    }
    progress_back(&bus);
    ck_assert_ptr_null(watchdog_stuck(&w, start_ns + 15 * NS_PER_S));
}
END_TEST

START_TEST(without_a_watchdog_nothing_is_watched)
{
    struct progress alone = {0};
    watchdog_watch(NULL, &alone, "alone");
    watchdog_unwatch(NULL, &alone);
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "watchdog", one_that_stands_still_is_named, a_call_with_a_limit_is_waited_for_and_no_longer,
              without_a_watchdog_nothing_is_watched)
