/* SPDX-License-Identifier: Apache-2.0 */
/* Which message of each key is the latest, in whatever order they were found. */
#include "daemon/bus/bus_latest.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static struct bus_latest latest;

static void note(const char *key, uint64_t seq)
{
    ck_assert_int_eq(bus_latest_note(&latest, key, strlen(key), seq), 0);
}

static bool is(const char *key, uint64_t seq)
{
    return bus_latest_is(&latest, key, strlen(key), seq);
}

START_TEST(of_several_the_one_with_the_highest_sequence)
{
    ck_assert(is("a", 1)); /* nothing was noted */
    note("a", 5);
    note("a", 2);
    note("b", 9);
    note("b", 12);
    ck_assert(is("a", 5) && !is("a", 2) && is("b", 12) && !is("b", 9));
    ck_assert(is("a", 6) && is("c", 1)); /* that came since */
    bus_latest_fini(&latest);
    ck_assert(is("a", 2));
}
END_TEST

START_TEST(of_any_number_of_keys)
{
    enum { KEYS = 20000 };
    char key[32];
    for (unsigned i = 0; i < 3 * KEYS; i++) {
        snprintf(key, sizeof key, "shop.pay.web.i%u", i * 7 % KEYS);
        note(key, i + 1);
    }
    ck_assert_uint_eq(latest.n, KEYS);
    for (unsigned i = 0; i < 3 * KEYS; i++) {
        snprintf(key, sizeof key, "shop.pay.web.i%u", i * 7 % KEYS);
        ck_assert(is(key, i + 1) == (i >= 2 * KEYS));
    }
    bus_latest_fini(&latest);
}
END_TEST

UNIT_TESTS("bus/latest", of_several_the_one_with_the_highest_sequence, of_any_number_of_keys)
