/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever says a line never waits for who reads it, and how many were lost is told. */
#include "daemon/base/log_queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define FAR (20 * NS_PER_S)

static int ends[2];
static struct log_queue *queue;

static void open_pipe(void)
{
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(log_queue_new(ends[1], "<4>", &queue), 0);
}

/* All that was written to the pipe, which nobody writes to any more. */
static const char *rest(void)
{
    static char text[1 << 20];
    size_t used = 0;
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)n;
    text[used] = '\0';
    return text;
}

START_TEST(lines_come_out_in_order)
{
    char line[32], expected[4096] = "";
    open_pipe();
    for (int i = 0; i < 100; i++) {
        int n = snprintf(line, sizeof line, "line %d\n", i);
        ck_assert(log_queue_put(queue, line, (size_t)n));
        strcat(expected, line);
    }
    ck_assert(log_queue_stop(queue, FAR));
    ck_assert_str_eq(rest(), expected);
}
END_TEST

/* More than a pipe takes. */
static unsigned fill(void)
{
    static char line[1000];
    unsigned lost = 0;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 1000; i++)
        lost += !log_queue_put(queue, line, sizeof line);
    return lost;
}

static unsigned count(const char *text, const char *of)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, of)); p++)
        n++;
    return n;
}

START_TEST(nobody_waits_for_a_pipe_that_is_not_read)
{
    static char read_text[1 << 20];
    unsigned reported = 0, lines = 0;
    open_pipe();
    unsigned lost = fill();
    ck_assert_uint_gt(lost, 500);
    size_t used = 0;
    while (!strstr(read_text, "were lost")) {
        ssize_t n = read(ends[0], read_text + used, sizeof read_text - 1 - used);
        ck_assert_int_gt(n, 0);
        used += (size_t)n;
    }
    ck_assert(log_queue_put(queue, "again\n", 6));
    ck_assert(log_queue_stop(queue, FAR));
    strcpy(read_text + used, rest());
    ck_assert_int_eq(sscanf(strstr(read_text, "<4>"), "<4>%u log lines were lost", &reported), 1);
    lines = count(read_text, "x\n");
    ck_assert_uint_eq(reported, lost);
    ck_assert_uint_eq(lines, 1000 - lost);
    ck_assert_ptr_nonnull(strstr(read_text, "again\n"));
}
END_TEST

START_TEST(the_end_does_not_wait_for_ever)
{
    open_pipe();
    (void)fill();
    ck_assert(!log_queue_stop(queue, NS_PER_S / 20));
}
END_TEST

UNIT_TESTS("log_queue", lines_come_out_in_order, nobody_waits_for_a_pipe_that_is_not_read,
           the_end_does_not_wait_for_ever)
