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

/* Of all lengths, so that the ring ends in all ways; what is kept is as it was written, and nothing of it is missing. */
START_TEST(old_ones_go)
{
    static char text[2 * LOG_RING_LINE_MAX];
    memset(text, 'x', sizeof text);
    uint64_t missed, start = read_from(UINT64_MAX, LOG_DEBUG, 1, &missed), n = 4 * LOG_RING_BYTES / 1000;
    for (uint64_t i = 0; i < n; i++) {
        (void)sprintf(text, "%llu ", (unsigned long long)i);
        text[strlen(text)] = 'x';
        log_ring_put(LOG_INFO, (int64_t)i, text, 8 + i * 89 % (sizeof text - 8));
    }
    for (uint64_t at = start; at < start + n;) {
        char expected[16];
        at = read_from(at, LOG_DEBUG, 1, &missed);
        (void)snprintf(expected, sizeof expected, "6 %llu x", (unsigned long long)(at - start - 1));
        ck_assert_int_eq(strncmp(seen[0], expected, strlen(expected)), 0);
    }
    ck_assert_uint_eq(missed, 0);
    uint64_t first = read_from(start, LOG_DEBUG, 1, &missed);
    ck_assert_uint_eq(missed, first - start - 1);
    ck_assert_uint_gt(n - missed, LOG_RING_BYTES / (LOG_RING_LINE_MAX + 64));
}
END_TEST

/* What the log itself does not write is kept for as long as somebody wants it. */
START_TEST(below_the_level_of_the_log)
{
    uint64_t missed, start = read_from(UINT64_MAX, LOG_DEBUG, 1, &missed);
    log_set_level(LOG_ERR);
    log_line(LOG_DEBUG, "not wanted");
    log_ring_want(LOG_DEBUG, clock_now_ns() + NS_PER_S);
    log_line(LOG_DEBUG, "wanted %d", 1);
    log_ring_want(LOG_DEBUG, 0);
    log_line(LOG_DEBUG, "not any more");
    (void)read_from(start, LOG_DEBUG, 10, &missed);
    ck_assert_uint_eq(n_seen, 1);
    ck_assert_str_eq(seen[0], "7 wanted 1");
    log_set_level(LOG_INFO);
}
END_TEST

UNIT_TESTS("base/log ring", lines_behind_one_and_of_a_level, old_ones_go, below_the_level_of_the_log)
