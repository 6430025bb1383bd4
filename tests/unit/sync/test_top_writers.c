/* SPDX-License-Identifier: Apache-2.0 */
/* A host that floods is named among any number of quiet ones; none is accused of what others wrote. */
#include "daemon/sync/top_writers.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static struct top_writers t;
static char reported[1024];

static void on_flood(void *arg, const struct top_writer *writer)
{
    size_t used = strlen(reported);
    (void)arg;
    snprintf(reported + used, sizeof reported - used, "%s%s ", writer->floods ? "+" : "-", writer->host);
}

static void second(unsigned web, unsigned flood, unsigned limit)
{
    char host[32];
    for (unsigned i = 0; i < web; i++) {
        snprintf(host, sizeof host, "web-%u", i);
        top_writers_heard(&t, host);
    }
    for (unsigned i = 0; i < flood; i++)
        top_writers_heard(&t, "flood");
    top_writers_second(&t, limit, on_flood, NULL);
}

static void setup(void)
{
    t = (struct top_writers){0};
    reported[0] = '\0';
}

START_TEST(flood_is_reported_once_and_its_end)
{
    for (int s = 0; s < 30; s++)
        second(20, 200, 100);
    ck_assert_str_eq(reported, "+flood ");
    for (int s = 0; s < 10; s++)
        second(20, 60, 100); /* above the half: goes on */
    ck_assert_str_eq(reported, "+flood ");
    for (int s = 0; s < TOP_WRITERS_SPAN_S; s++)
        second(20, 10, 100);
    ck_assert_str_eq(reported, "+flood -flood ");
}
END_TEST

START_TEST(long_flood_is_reported_again)
{
    for (int s = 0; s < 140; s++)
        second(0, 1000, 100);
    ck_assert_str_eq(reported, "+flood +flood +flood ");
}
END_TEST

/* Registering thousands at once is what a host with thousands of instances does. */
START_TEST(burst_is_no_flood)
{
    second(5, 900, 100);
    for (int s = 0; s < 30; s++)
        second(5, 1, 100);
    ck_assert_str_eq(reported, "");
}
END_TEST

/* Of 5,000 hosts only 64 have a slot: no quiet one is taken for a loud one, and the loud one is found. */
START_TEST(fleet_larger_than_the_slots)
{
    const struct top_writer *top[3];
    for (int s = 0; s < 40; s++)
        second(5000, 1500, 1000);
    ck_assert_str_eq(reported, "+flood ");
    ck_assert_uint_ge(top_writers_top(&t, 10, top, 3), 1);
    ck_assert_str_eq(top[0]->host, "flood");
    ck_assert_uint_eq(top[0]->changes, 1500 * (TOP_WRITERS_SPAN_S - 1)); /* and a second that has just begun */
    for (size_t i = 0; i < t.n; i++)
        if (&t.all[i] != top[0])
            ck_assert_uint_le(t.all[i].changes, TOP_WRITERS_SPAN_S);
}
END_TEST

START_TEST(top_is_sorted)
{
    const struct top_writer *top[3];
    const char *const names[] = {"c", "a", "d", "b", "e"};
    const unsigned changes[] = {3, 50, 7, 20, 9};
    for (size_t i = 0; i < 5; i++)
        for (unsigned k = 0; k < changes[i]; k++)
            top_writers_heard(&t, names[i]);
    ck_assert_uint_eq(top_writers_top(&t, 5, top, 3), 3);
    ck_assert_str_eq(top[0]->host, "a");
    ck_assert_str_eq(top[1]->host, "b");
    ck_assert_str_eq(top[2]->host, "e");
    ck_assert_uint_eq(top_writers_top(&t, 20, top, 3), 2);
}
END_TEST

START_TEST(quiet_ones_leave)
{
    second(3, 1, 100);
    for (int s = 0; s < TOP_WRITERS_SPAN_S; s++)
        second(0, 0, 100);
    ck_assert_uint_eq(t.n, 0);
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "top_writers", flood_is_reported_once_and_its_end, long_flood_is_reported_again,
              burst_is_no_flood, fleet_larger_than_the_slots, top_is_sorted, quiet_ones_leave)
