/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused is reported as long as it stands, in bounded space, and in a bounded number of lines of the
 * log. */
#include "daemon/sync/refusals.h"

#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

enum { SERVICES, HOSTS };

static struct refusals r;
static uint64_t seq, unlogged;

static void setup(void)
{
    r = (struct refusals){0};
    seq = 0;
}

static bool note(const char *key, const char *reason, int64_t now_ns)
{
    return refusals_note(&r, &(struct refused){SERVICES, key, strlen(key), reason, ++seq, 0}, now_ns, &unlogged);
}

START_TEST(newest_first_and_counted)
{
    ck_assert(note("shop.pay.a.1", "port: missing", 10));
    ck_assert(note("shop.pay.a.2", "not JSON", 20));
    ck_assert(!note("shop.pay.a.1", "port: missing", 30)); /* reported before */
    ck_assert(note("shop.pay.a.2", "host: missing", 40));  /* another mistake */
    ck_assert_uint_eq(r.n, 2);
    ck_assert_str_eq(r.all[0].key, "shop.pay.a.2");
    ck_assert_str_eq(r.all[0].reason, "host: missing");
    ck_assert_uint_eq(r.all[0].count, 2);
    ck_assert_int_eq(r.all[0].last_ns, 40);
    ck_assert_str_eq(r.all[1].key, "shop.pay.a.1");
    ck_assert_uint_eq(r.all[1].count, 2);
}
END_TEST

START_TEST(oldest_one_gives_way)
{
    char key[32];
    for (int i = 0; i < REFUSALS_MAX + 3; i++) {
        snprintf(key, sizeof key, "k%d", i);
        (void)note(key, "bad", i);
    }
    ck_assert_uint_eq(r.n, REFUSALS_MAX);
    ck_assert_str_eq(r.all[0].key, "k10");
    ck_assert_str_eq(r.all[REFUSALS_MAX - 1].key, "k3");
}
END_TEST

START_TEST(goes_when_the_key_is_good_or_gone)
{
    (void)note("a", "bad", 1);
    (void)note("b", "bad", 2);
    refusals_clear(&r, HOSTS, "a", 1); /* of another bucket */
    ck_assert_uint_eq(r.n, 2);
    refusals_clear(&r, SERVICES, "ax", 1);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_str_eq(r.all[0].key, "b");
    refusals_forget(&r, SERVICES, 2);
    ck_assert_uint_eq(r.n, 1);
    refusals_forget(&r, SERVICES, 3);
    ck_assert_uint_eq(r.n, 0);
}
END_TEST

/* What a snapshot has is the same value, read again: it stays, and is counted once. */
START_TEST(goes_when_a_snapshot_does_not_have_it)
{
    (void)note("a", "bad", 1);
    (void)note("b", "bad", 2);
    refusals_snapshot_begin(&r, HOSTS);
    refusals_snapshot_end(&r, HOSTS);
    ck_assert_uint_eq(r.n, 2);
    refusals_snapshot_begin(&r, SERVICES);
    seq = 0;
    ck_assert(!note("a", "bad", 3));
    refusals_snapshot_end(&r, SERVICES);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_str_eq(r.all[0].key, "a");
    ck_assert_uint_eq(r.all[0].count, 1);
}
END_TEST

START_TEST(log_is_not_flooded)
{
    char key[32];
    unsigned lines = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        lines += note(key, "bad", i);
    }
    ck_assert_uint_eq(lines, 10);
    ck_assert(!note("later", "bad", 9 * NS_PER_S));
    ck_assert(note("much later", "bad", 11 * NS_PER_S));
    ck_assert_uint_eq(unlogged, 991);
    ck_assert(note("and then", "bad", 11 * NS_PER_S));
    ck_assert_uint_eq(unlogged, 0);
}
END_TEST

START_TEST(is_printable)
{
    char longest[400];
    (void)note("a\x1b[2Jb\xc3\xa4", "near '\x01'", 1);
    ck_assert_str_eq(r.all[0].key, "a?[2Jb??");
    ck_assert_str_eq(r.all[0].reason, "near '?'");
    refusals_clear(&r, SERVICES, "a\x1b[2Jb\xc3\xa4", 8);
    ck_assert_uint_eq(r.n, 0);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    (void)note(longest, longest, 2);
    ck_assert_uint_eq(strlen(r.all[0].key), REFUSAL_KEY_CAP - 1);
    ck_assert_uint_eq(strlen(r.all[0].reason), REFUSAL_REASON_CAP - 1);
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "refusals", newest_first_and_counted, oldest_one_gives_way,
              goes_when_the_key_is_good_or_gone, goes_when_a_snapshot_does_not_have_it, log_is_not_flooded,
              is_printable)
