/* SPDX-License-Identifier: Apache-2.0 */
/* The window is doubled until answers get slow, grows step by step from then on, and is halved once for each congestion. */
#include "daemon/agent/window.h"

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define QUICK NS_PER_MS
#define SLOW  (500 * NS_PER_MS)

/* A windowful is sent and acknowledged at once. */
static void windowful(struct window *w, int64_t rtt_ns, int64_t now_ns)
{
    uint32_t size = w->size;
    for (uint32_t i = 0; i < size; i++)
        w->in_flight++;
    for (uint32_t i = 0; i < size; i++)
        window_acked(w, now_ns - rtt_ns, rtt_ns, now_ns);
}

START_TEST(doubles_until_answers_get_slow)
{
    struct window w;
    window_init(&w, 4096);
    ck_assert_uint_eq(w.size, WINDOW_START);
    windowful(&w, QUICK, 10 * NS_PER_S);
    windowful(&w, QUICK, 11 * NS_PER_S);
    ck_assert_uint_eq(w.size, 4 * WINDOW_START);
    ck_assert_uint_eq(w.in_flight, 0);
}
END_TEST

START_TEST(grows_by_a_step_each_windowful_from_then_on)
{
    struct window w;
    window_init(&w, 4096);
    windowful(&w, QUICK, 10 * NS_PER_S);
    windowful(&w, SLOW, 20 * NS_PER_S);
    ck_assert_uint_eq(w.size, WINDOW_START);
    windowful(&w, QUICK, 30 * NS_PER_S);
    ck_assert_uint_eq(w.size, WINDOW_START + WINDOW_STEP);
    window_reset(&w);
    windowful(&w, QUICK, 40 * NS_PER_S);
    ck_assert_uint_eq(w.size, 2 * WINDOW_START);
}
END_TEST

START_TEST(stops_at_its_maximum)
{
    struct window w;
    window_init(&w, 100);
    for (int64_t i = 1; i < 20; i++)
        windowful(&w, QUICK, i * NS_PER_S);
    ck_assert_uint_eq(w.size, 100);
    for (uint32_t i = 0; i < 100; i++)
        w.in_flight++;
    ck_assert(!window_open(&w));
}
END_TEST

START_TEST(slow_answers_halve_it_once)
{
    struct window w;
    window_init(&w, 4096);
    windowful(&w, QUICK, NS_PER_S);
    uint32_t before = w.size;
    windowful(&w, SLOW, 10 * NS_PER_S);
    ck_assert_uint_eq(w.size, before / 2);
    windowful(&w, SLOW, 12 * NS_PER_S);
    ck_assert_uint_eq(w.size, before / 4);
}
END_TEST

START_TEST(losses_halve_it_down_to_the_least)
{
    struct window w;
    window_init(&w, 4096);
    for (int64_t i = 1; i < 20; i++) {
        w.in_flight++;
        window_lost(&w, i * NS_PER_S - 1, i * NS_PER_S);
    }
    ck_assert_uint_eq(w.size, WINDOW_MIN);
    ck_assert_uint_eq(w.in_flight, 0);
}
END_TEST

/* A route that got longer is not taken for congestion for ever. */
START_TEST(forgets_how_quick_it_once_was)
{
    struct window w;
    window_init(&w, 4096);
    windowful(&w, 10 * NS_PER_MS, NS_PER_S);
    ck_assert_int_le(w.base_ns, 11 * NS_PER_MS);
    for (int64_t i = 2; i < 200; i++)
        windowful(&w, 55 * NS_PER_MS, i * NS_PER_S);
    ck_assert_int_gt(w.base_ns, 50 * NS_PER_MS);
}
END_TEST

UNIT_TESTS("agent/window", doubles_until_answers_get_slow, grows_by_a_step_each_windowful_from_then_on,
           stops_at_its_maximum, slow_answers_halve_it_once, losses_halve_it_down_to_the_least,
           forgets_how_quick_it_once_was)
