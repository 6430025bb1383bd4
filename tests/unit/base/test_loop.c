/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and watches on a real loop. */
#include "daemon/base/loop.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/loop_meter.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

struct fixture {
    struct event_base *base;
    struct loop_timer timer;
    unsigned calls;
    int fd;
};

static struct fixture f;

static void count(void *arg)
{
    (void)arg;
    f.calls++;
}

static void setup(void)
{
    f = (struct fixture){.base = event_base_new()};
    ck_assert_ptr_nonnull(f.base);
    ck_assert_int_eq(loop_timer_init(&f.timer, f.base, count, &f), 0);
}

static void teardown(void)
{
    loop_timer_fini(&f.timer);
    loop_timer_fini(&f.timer);
    loop_free(f.base);
}

START_TEST(test_timer)
{
    ck_assert_int_eq(event_base_dispatch(f.base), 1); /* nothing armed */
    int64_t start_ns = clock_now_ns();
    loop_timer_arm(&f.timer, start_ns + 5 * NS_PER_MS + 1, start_ns);
    ck_assert_int_eq(event_base_dispatch(f.base), 1); /* until nothing is left */
    ck_assert_uint_eq(f.calls, 1);
    ck_assert_int_ge(clock_now_ns(), start_ns + 5 * NS_PER_MS);
}
END_TEST

START_TEST(test_overdue)
{
    loop_timer_arm(&f.timer, 0, clock_now_ns());
    ck_assert_int_eq(event_base_dispatch(f.base), 1);
    ck_assert_uint_eq(f.calls, 1);
}
END_TEST

START_TEST(test_armed_again)
{
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
}
END_TEST

static void read_byte(void *arg)
{
    (void)arg;
    char byte;
    ck_assert_int_eq(read(f.fd, &byte, 1), 1);
    if (++f.calls == 3)
        event_base_loopbreak(f.base);
}

START_TEST(test_watch)
{
    struct loop_watch watch;
    int ends[2];
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
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* --- who waits for whom --- */

#define BUSY 100

struct crowd {
    struct loop_timer ordinary[BUSY], urgent;
    unsigned calls, calls_before_urgent;
};

static void keep_busy(void *arg)
{
    struct crowd *crowd = arg;
    int64_t now_ns = clock_now_ns(), until_ns = now_ns + LOOP_SLICE_NS;
    if (crowd->calls++ == 0)
        loop_timer_arm(&crowd->urgent, 0, now_ns);
    while (clock_now_ns() < until_ns)
        ;
}

static void note_calls(void *arg)
{
    struct crowd *crowd = arg;
    crowd->calls_before_urgent = crowd->calls;
}

START_TEST(test_urgent_does_not_wait_for_a_crowd)
{
    static struct crowd crowd;
    struct event_base *base = loop_new();
    ck_assert_ptr_nonnull(base);
    for (int i = 0; i < BUSY; i++) {
        ck_assert_int_eq(loop_timer_init(&crowd.ordinary[i], base, keep_busy, &crowd), 0);
        loop_timer_arm(&crowd.ordinary[i], 0, 0);
    }
    ck_assert_int_eq(loop_timer_init(&crowd.urgent, base, note_calls, &crowd), 0);
    loop_timer_urgent(&crowd.urgent);
    ck_assert_int_eq(event_base_dispatch(base), 1);
    ck_assert_uint_eq(crowd.calls, BUSY);
    ck_assert_uint_lt(crowd.calls_before_urgent, BUSY / 2);
    for (int i = 0; i < BUSY; i++)
        loop_timer_fini(&crowd.ordinary[i]);
    loop_timer_fini(&crowd.urgent);
    loop_free(base);
}
END_TEST

static void never_called(struct bufferevent *connection, void *arg)
{
    (void)connection, (void)arg;
    ck_abort_msg("a connection that was freed");
}

/* Its descriptor is closed with it: the last that is known of a connection. */
START_TEST(test_ends_what_was_put_off)
{
    int ends[2];
    char byte;
    struct event_base *base = loop_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    struct bufferevent *connection = bufferevent_socket_new(base, ends[0], BEV_OPT_CLOSE_ON_FREE);
    ck_assert_ptr_nonnull(connection);
    bufferevent_setcb(connection, never_called, NULL, NULL, NULL);
    bufferevent_trigger(connection, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
    bufferevent_free(connection);
    loop_free(base);
    ck_assert_int_eq(read(ends[1], &byte, 1), 0);
    close(ends[1]);
}
END_TEST

static void find_longest(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    if (strcmp(metric->name, "discoverd_loop_longest_seconds") == 0)
        *(uint64_t *)arg = value;
}

static void nap(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){.tv_nsec = 3 * NS_PER_MS}, NULL);
}

START_TEST(test_meter_tells_the_longest)
{
    struct loop_meter meter = {0};
    struct metrics *metrics;
    struct loop_timer timer;
    uint64_t longest_us = UINT64_MAX;
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(loop_meter_add_metrics(&meter, metrics), 0);
    ck_assert_int_eq(loop_timer_init(&timer, f.base, nap, NULL), 0);
    loop_meter_use(&meter);
    loop_timer_arm(&timer, 0, 0);
    ck_assert_int_eq(event_base_dispatch(f.base), 1);
    loop_meter_enter(); /* within one that is measured already */
    loop_meter_enter();
    loop_meter_leave();
    loop_meter_leave();
    loop_meter_use(NULL);
    metrics_each(metrics, find_longest, &longest_us);
    ck_assert_uint_ge(longest_us, 3000);
    ck_assert_uint_eq(metric_get(&meter.slow), 1);
    metrics_free(metrics);
    loop_timer_fini(&timer);
}
END_TEST

START_TEST(test_recent_max)
{
    struct recent_max m = {0};
    int64_t t = 100 * RECENT_MAX_NS;
    ck_assert_int_eq(recent_max_add(&m, 5, t), 5);
    ck_assert_int_eq(recent_max_add(&m, 3, t + 1), 5);
    ck_assert_int_eq(recent_max_add(&m, 2, t + RECENT_MAX_NS), 5);     /* of the last stretch */
    ck_assert_int_eq(recent_max_add(&m, 1, t + 2 * RECENT_MAX_NS), 2); /* forgotten */
    ck_assert_int_eq(recent_max_add(&m, 1, t + 9 * RECENT_MAX_NS), 1);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "loop", test_timer, test_overdue, test_armed_again, test_watch,
              test_urgent_does_not_wait_for_a_crowd, test_ends_what_was_put_off, test_meter_tells_the_longest,
              test_recent_max)
