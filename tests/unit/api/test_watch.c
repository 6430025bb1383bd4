/* SPDX-License-Identifier: Apache-2.0 */
/* Watches on the socket: told at once, once for many changes, bounded. */
#include <stdio.h>

#include "libdiscover/core/trace_context.h"
#include "tests/unit/api/client.h"

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void send_watch(struct test_client *c, const char *service, bool stop)
{
    Discover__V1__Watch watch = DISCOVER__V1__WATCH__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    watch.service = (char *)service;
    watch.stop = stop;
    m.id = 9;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH;
    m.watch = &watch;
    send_message(c, &m);
}

static struct test_client greeted(void)
{
    struct test_client c = dial();
    send_hello(&c, 1, 1);
    release(receive(&c));
    return c;
}

static void expect_changed(struct test_client *c, const char *service)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED);
    ck_assert_uint_eq(m->id, 0);
    ck_assert_str_eq(m->changed->service, service);
    release(m);
}

/* What came with it. */
static const char *expect_traced(struct test_client *c)
{
    static char text[TRACE_PARENT_CAP + TRACE_STATE_CAP];
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED);
    (void)!snprintf(text, sizeof text, "%s%s", m->changed->traceparent, m->changed->tracestate);
    release(m);
    return text;
}

static void expect_silence(struct test_client *c)
{
    turn();
    ck_assert_int_eq(frame_recv(&c->reader, c->sock), -EAGAIN);
}

static void change(void)
{
    api_changed(s.api, "shop/payment", NULL);
}

START_TEST(told_at_once_and_after_each_change)
{
    server_start((struct api_options){0});
    struct test_client c = greeted(), other = greeted();
    send_watch(&c, "shop/payment", false);
    expect_changed(&c, "shop/payment");
    change();
    change();
    expect_changed(&c, "shop/payment"); /* once for both */
    expect_silence(&c);
    api_changed(s.api, "shop/cart", NULL);
    expect_silence(&c);
    expect_silence(&other);
    send_watch(&c, "shop/payment", true);
    turn();
    change();
    expect_silence(&c);
    send_watch(&c, "shop/payment", false);
    send_watch(&c, "shop/payment", true); /* before its turn has come */
    expect_silence(&c);
    hang_up(&c);
    hang_up(&other);
    server_stop();
}
END_TEST

/* The trace of the last change that had one, once to each who heard of that change, with whatever else it is told of. */
START_TEST(a_change_has_its_trace)
{
    const char *why;
    struct trace_context trace;
    server_start((struct api_options){0});
    struct test_client c = greeted(), late = greeted();
    ck_assert_int_eq(trace_context_parse(TRACEPARENT, "a=1", &trace, &why), 0);
    send_watch(&c, "shop/payment", false);
    ck_assert_str_eq(expect_traced(&c), "");
    api_changed(s.api, "shop/payment", &trace);
    api_changed(s.api, "shop/cart", &trace);
    change();
    ck_assert_str_eq(expect_traced(&c), TRACEPARENT "a=1");
    change();
    ck_assert_str_eq(expect_traced(&c), "");
    send_watch(&late, "shop/payment", false);
    ck_assert_str_eq(expect_traced(&late), "");
    trace.state[0] = '\0';
    api_changed(s.api, "shop/payment", &trace);
    ck_assert_str_eq(expect_traced(&c), TRACEPARENT);
    ck_assert_str_eq(expect_traced(&late), TRACEPARENT);
    hang_up(&c);
    hang_up(&late);
    server_stop();
}
END_TEST

START_TEST(as_many_as_it_may)
{
    server_start((struct api_options){.watches_max = 1});
    struct test_client c = greeted();
    send_watch(&c, "shop/payment", false);
    expect_changed(&c, "shop/payment");
    send_watch(&c, "shop/payment", false); /* the same one again is no other */
    expect_changed(&c, "shop/payment");
    send_watch(&c, "shop/cart", false);
    expect_error(&c, DISCOVER__V1__ERROR__CODE__LIMIT, "as many");
    ck_assert_uint_eq(counter("discoverd_api_watches_limited_total"), 1);
    send_watch(&c, "Shop", false);
    expect_error(&c, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, "service");
    hang_up(&c);
    server_stop();
}
END_TEST

static size_t read_all(struct test_client *c)
{
    const uint8_t *payload;
    size_t n, reported = 0;
    do {
        turn();
        while (frame_next(&c->reader, &payload, &n) == 1)
            reported++;
    } while (frame_recv(&c->reader, c->sock) > 0);
    return reported;
}

/* Far more changes than its buffers hold neither close a client that sleeps, nor is the last one lost to it. */
START_TEST(who_sleeps_is_told_when_it_wakes)
{
    server_start((struct api_options){.output_max = 4096});
    struct test_client c = greeted();
    send_watch(&c, "shop/payment", false);
    expect_changed(&c, "shop/payment");
    for (uint64_t i = 1; i < 20000; i++)
        change();
    size_t reported = read_all(&c);
    ck_assert_uint_gt(reported, 0);
    ck_assert_uint_lt(reported, 19999);
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"slow\"}"), 0);
    change();
    expect_changed(&c, "shop/payment");
    hang_up(&c);
    server_stop();
}
END_TEST

UNIT_TESTS("api/watch", told_at_once_and_after_each_change, a_change_has_its_trace, as_many_as_it_may,
           who_sleeps_is_told_when_it_wakes)
