/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and watches on a real loop. */
#include "daemon/base/loop.h"

#include <event2/event.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

struct fixture {
    struct event_base *base;
    struct loop_timer timer;
    unsigned calls;
    int fd;
};

static void count(void *arg)
{
    struct fixture *f = arg;
    f->calls++;
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.base = event_base_new()};
    ck_assert_ptr_nonnull(f->base);
    ck_assert_int_eq(loop_timer_init(&f->timer, f->base, count, f), 0);
}

static void teardown(struct fixture *f)
{
    loop_timer_fini(&f->timer);
    loop_timer_fini(&f->timer);
    event_base_free(f->base);
}

START_TEST(test_timer)
{
    struct fixture f;
    setup(&f);
    ck_assert_int_eq(event_base_dispatch(f.base), 1); /* nothing armed */
    int64_t start_ns = clock_now_ns();
    loop_timer_arm(&f.timer, start_ns + 5 * NS_PER_MS + 1, start_ns);
    ck_assert_int_eq(event_base_dispatch(f.base), 1); /* until nothing is left */
    ck_assert_uint_eq(f.calls, 1);
    ck_assert_int_ge(clock_now_ns(), start_ns + 5 * NS_PER_MS);
    teardown(&f);
}
END_TEST

START_TEST(test_overdue)
{
    struct fixture f;
    setup(&f);
    loop_timer_arm(&f.timer, 0, clock_now_ns());
    ck_assert_int_eq(event_base_dispatch(f.base), 1);
    ck_assert_uint_eq(f.calls, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_armed_again)
{
    struct fixture f;
    setup(&f);
    loop_timer_arm(&f.timer, 3600 * NS_PER_S, 0);
    loop_timer_arm(&f.timer, 0, 0); /* takes the place of the first */
    ck_assert_int_eq(event_base_dispatch(f.base), 1);
    ck_assert_uint_eq(f.calls, 1);
    loop_timer_arm(&f.timer, 0, 0);
    loop_timer_arm(&f.timer, INT64_MAX, 0);
    ck_assert_int_eq(event_base_dispatch(f.base), 1);
    ck_assert_uint_eq(f.calls, 1);
    loop_timer_arm(&f.timer, INT64_MAX - 1, 0); /* far, and no overflow */
    ck_assert_int_eq(event_base_loop(f.base, EVLOOP_NONBLOCK), 0);
    ck_assert_uint_eq(f.calls, 1);
    teardown(&f);
}
END_TEST

static void read_byte(void *arg)
{
    struct fixture *f = arg;
    char byte;
    ck_assert_int_eq(read(f->fd, &byte, 1), 1);
    if (++f->calls == 3)
        event_base_loopbreak(f->base);
}

START_TEST(test_watch)
{
    struct fixture f;
    struct loop_watch watch;
    int ends[2];
    setup(&f);
    ck_assert_int_eq(pipe(ends), 0);
    f.fd = ends[0];
    ck_assert_int_eq(loop_watch_init(&watch, f.base, ends[0], read_byte, &f), 0);
    ck_assert_int_eq(write(ends[1], "abc", 3), 3); /* called again as long as something is left */
    ck_assert_int_eq(event_base_dispatch(f.base), 0);
    ck_assert_uint_eq(f.calls, 3);
    loop_watch_fini(&watch);
    ck_assert_int_eq(write(ends[1], "d", 1), 1);
    ck_assert_int_eq(event_base_loop(f.base, EVLOOP_NONBLOCK), 1);
    ck_assert_uint_eq(f.calls, 3);
    loop_watch_fini(&watch);
    teardown(&f);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

UNIT_TESTS("loop", test_timer, test_overdue, test_armed_again, test_watch)
