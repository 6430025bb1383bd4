/* SPDX-License-Identifier: Apache-2.0 */
/* Watches: reported from dispatch, whole sets, what changed; any number of changes are one. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "discover/discover.h"
#include "libdiscover/core/trace_context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;
static struct discover_watch *w;

static struct {
    int calls, result;
    size_t n, n_differences;
    enum discover_what what;
    uint16_t port;
    char traceparent[TRACE_PARENT_CAP], tracestate[TRACE_STATE_CAP];
} reported;

static void on_change(void *arg, const struct discover_change *change)
{
    ck_assert_ptr_eq(arg, &reported);
    ck_assert_str_eq(change->service, "shop/payment");
    reported.calls++;
    reported.result = change->result;
    reported.n = change->n;
    reported.n_differences = change->n_differences;
    ck_assert_int_eq(!change->traceparent, !change->tracestate);
    (void)!snprintf(reported.traceparent, sizeof reported.traceparent, "%s",
                    change->traceparent ? change->traceparent : "");
    (void)!snprintf(reported.tracestate, sizeof reported.tracestate, "%s",
                    change->tracestate ? change->tracestate : "");
    if (change->n_differences) {
        reported.what = change->differences[0].what;
        reported.port = change->differences[0].endpoint.port;
    }
}

static void changed_with(const char *service, const char *traceparent, const char *tracestate)
{
    Discover__V1__Changed body = DISCOVER__V1__CHANGED__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    body.service = (char *)service;
    body.traceparent = (char *)traceparent;
    body.tracestate = (char *)tracestate;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_CHANGED;
    msg.changed = &body;
    stage_send(&stage, &msg, -1);
}

static void changed(const char *service)
{
    changed_with(service, "", "");
}

static bool has_work(void)
{
    struct pollfd p = {.fd = discover_fd(d), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void begin(size_t n)
{
    memset(&reported, 0, sizeof reported);
    stage_open(&stage);
    catalog = stage_catalog(n, 8000);
    d = stage_client(&stage, stage_table_fd(catalog));
    ck_assert_int_eq(discover_watch(d, "shop/payment", on_change, &reported, &w), 0);
    (void)stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH);
    ck_assert(has_work());
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert(!has_work());
    ck_assert_int_eq(reported.calls, 1);
}

static void end(void)
{
    discover_unwatch(w);
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

START_TEST(the_first_call_tells_all_then_only_what_changes)
{
    begin(2);
    ck_assert_int_eq(reported.result, DISCOVER_FRESH);
    ck_assert_uint_eq(reported.n, 2);
    ck_assert_uint_eq(reported.n_differences, 2);
    ck_assert_int_eq(reported.what, DISCOVER_ADDED);
    stage_put(catalog, "shop.payment.web-1.p1", DISCOVER_PASSING, 9000);
    changed("shop/payment");
    ck_assert(has_work());
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 2);
    ck_assert_uint_eq(reported.n_differences, 1);
    ck_assert_int_eq(reported.what, DISCOVER_CHANGED);
    ck_assert_uint_eq(reported.port, 9000);
    end();
}
END_TEST

START_TEST(many_changes_are_one_and_no_change_is_none)
{
    begin(1);
    for (uint16_t i = 0; i < 20; i++) {
        char key[64];
        snprintf(key, sizeof key, "shop.payment.web-1.n%u", i);
        stage_put(catalog, key, DISCOVER_PASSING, (uint16_t)(9000 + i));
        changed("shop/payment");
    }
    while (has_work())
        ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_le(reported.calls, 3);
    ck_assert_uint_eq(reported.n, 21);
    int calls = reported.calls;
    changed("shop/payment");
    changed("shop/other");
    while (has_work())
        ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, calls);
    end();
}
END_TEST

/* It comes with the next change that is reported; and by itself, when that was reported before it was known. */
START_TEST(the_newest_trace_comes_with_a_change)
{
    begin(1);
    ck_assert_str_eq(reported.traceparent, "");
    stage_put(catalog, "shop.payment.web-1.p1", DISCOVER_PASSING, 9000);
    changed_with("shop/payment", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01", "a=1");
    changed_with("shop/payment", TRACEPARENT, "b=2");
    changed("shop/payment");
    changed_with("shop/other", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000002-01", "");
    while (has_work())
        ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 2);
    ck_assert_str_eq(reported.traceparent, TRACEPARENT);
    ck_assert_str_eq(reported.tracestate, "b=2");
    changed_with("shop/payment", TRACEPARENT, "not one");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert(reported.calls == 3 && reported.n_differences == 0 && reported.n == 2);
    ck_assert_str_eq(reported.traceparent, TRACEPARENT);
    ck_assert_str_eq(reported.tracestate, "");
    changed_with("shop/payment", "nonsense", "");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 3);
    changed_with("shop/payment", TRACEPARENT, ""); /* not reported any more */
    end();
}
END_TEST

START_TEST(the_last_one_goes)
{
    begin(1);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_CRITICAL, 8000);
    changed("shop/payment");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 2);
    ck_assert_int_eq(reported.result, DISCOVER_E_NONE);
    ck_assert_uint_eq(reported.n, 0);
    ck_assert_int_eq(reported.what, DISCOVER_REMOVED);
    end();
}
END_TEST

START_TEST(a_service_that_is_not_there_yet)
{
    begin(0);
    ck_assert_int_eq(reported.result, DISCOVER_E_UNKNOWN);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, 8000);
    changed("shop/payment");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_uint_eq(reported.n, 1);
    end();
}
END_TEST

/* A new table may hold anything: all watches look, and the daemon is told of them again. */
START_TEST(another_daemon_another_table)
{
    begin(1);
    struct catalog *next = stage_catalog(3, 9000);
    stage_table_moved(&stage, stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 2);
    ck_assert_uint_eq(reported.n, 3);
    end();
    catalog_free(next);
}
END_TEST

/* What was known stays told as long as nobody knows better. */
START_TEST(not_knowing_is_no_change)
{
    begin(1);
    struct catalog *next = stage_catalog(0, 9000);
    table_writer_set_sync(catalog_table(next), TABLE_UNSYNCED, 0);
    stage_table_moved(&stage, stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 1);
    end();
    catalog_free(next);
}
END_TEST

static void end_itself(void *arg, const struct discover_change *change)
{
    (void)change;
    discover_unwatch(*(struct discover_watch **)arg);
}

START_TEST(a_watch_may_end_in_its_own_call)
{
    struct discover_watch *other;
    begin(1);
    ck_assert_int_eq(discover_watch(d, "shop/payment", end_itself, &other, &other), 0);
    ck_assert_int_eq(discover_dispatch(d), 0);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, 9000);
    changed("shop/payment");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, 2);
    ck_assert_int_eq(discover_watch(d, "shop", end_itself, &other, &other), DISCOVER_E_NAME);
    end();
}
END_TEST

static void ignore_change(void *arg, const struct discover_change *change)
{
    (void)arg, (void)change;
}

START_TEST(a_refused_watch_is_reported_by_dispatch)
{
    struct discover_watch *other;
    begin(1);
    ck_assert_int_eq(discover_watch(d, "shop/cart", ignore_change, NULL, &other), 0);
    stage_error(&stage, stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH),
                DISCOVER__V1__ERROR__CODE__LIMIT, "as many as it may");
    ck_assert_int_eq(discover_dispatch(d), DISCOVER_E_LIMIT);
    ck_assert_str_eq(discover_last_error(d), "as many as it may");
    ck_assert_int_eq(discover_dispatch(d), 0);                           /* once */
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, 9000); /* the other one goes on */
    changed("shop/payment");
    int calls = reported.calls;
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(reported.calls, calls + 1);
    discover_unwatch(other);
    end();
}
END_TEST

UNIT_TESTS("watch", the_first_call_tells_all_then_only_what_changes, many_changes_are_one_and_no_change_is_none,
           the_newest_trace_comes_with_a_change, the_last_one_goes, a_service_that_is_not_there_yet,
           another_daemon_another_table, not_knowing_is_no_change, a_watch_may_end_in_its_own_call,
           a_refused_watch_is_reported_by_dispatch)
