/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines are there for whoever asks, and those that are not kept any more are counted. */
#include "daemon/base/log_ring.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static char seen[64][32];
static size_t n_seen;

static void take(void *arg, const struct log_ring_line *line)
{
    (void)arg;
    if (n_seen < 64)
        snprintf(seen[n_seen++], sizeof seen[0], "%d %.20s", line->level, line->text);
}

static uint64_t read_from(uint64_t after, int level, size_t max, uint64_t *ret_missed)
{
    n_seen = 0;
    return log_ring_read(after, level, max, take, NULL, ret_missed);
}

START_TEST(lines_behind_one_and_of_a_level)
{
    uint64_t missed, start = read_from(UINT64_MAX, LOG_DEBUG, 1, &missed);
    log_ring_put(LOG_ERR, 1, "one", 3);
    log_ring_put(LOG_INFO, 2, "two", 3);
    log_ring_put(LOG_WARNING, 3, "three", 5);
    ck_assert_uint_eq(read_from(start, LOG_WARNING, 10, &missed), start + 3);
    ck_assert_uint_eq(n_seen, 2);
    ck_assert_str_eq(seen[0], "3 one");
    ck_assert_str_eq(seen[1], "4 three");
    ck_assert_uint_eq(missed, 0);
    uint64_t at = read_from(start, LOG_DEBUG, 2, &missed);
    ck_assert_str_eq(seen[1], "6 two");
    (void)read_from(at, LOG_DEBUG, 2, &missed);
    ck_assert_uint_eq(n_seen, 1);
    ck_assert_str_eq(seen[0], "4 three");
}
END_TEST

START_TEST(old_ones_go)
{
    uint64_t missed, start = read_from(UINT64_MAX, LOG_DEBUG, 1, &missed);
    for (int i = 0; i < LOG_RING_LINES + 5; i++)
        log_ring_put(LOG_INFO, i, "x", 1);
    ck_assert_uint_eq(read_from(start, LOG_DEBUG, 3, &missed), start + 8);
    ck_assert_uint_eq(missed, 5);
}
END_TEST

/* What the log itself does not write is kept for as long as somebody wants it. */
START_TEST(below_the_level_of_the_log)
{
    uint64_t missed, start = read_from(UINT64_MAX, LOG_DEBUG, 1, &missed);
    log_set_level(LOG_ERR);
    log_debug("not wanted");
    log_ring_want(LOG_DEBUG, clock_now_ns() + NS_PER_S);
    log_debug("wanted %d", 1);
    log_ring_want(LOG_DEBUG, 0);
    log_debug("not any more");
    (void)read_from(start, LOG_DEBUG, 10, &missed);
    ck_assert_uint_eq(n_seen, 1);
    ck_assert_str_eq(seen[0], "7 wanted 1");
    log_set_level(LOG_INFO);
}
END_TEST

UNIT_TESTS("base/log ring", lines_behind_one_and_of_a_level, old_ones_go, below_the_level_of_the_log)
