/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that do not wait: each is reported just once, from dispatch, when it is cancelled or when the handle is freed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define REGISTER   DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER
#define DEREGISTER DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER
#define HEARTBEAT  DISCOVER__V1__CLIENT_MESSAGE__BODY_HEARTBEAT
#define OVERRIDE   DISCOVER__V1__CLIENT_MESSAGE__BODY_OVERRIDE
#define LEAVE      DISCOVER__V1__CLIENT_MESSAGE__BODY_LEAVE
#define RELOAD     DISCOVER__V1__CLIENT_MESSAGE__BODY_RELOAD
#define STATUS     DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;

/* What a completion got. */
struct reported {
    int calls, failed, result;
    char error[64], instance[64], host[64];
    bool status, reload;
};

static void on_answer(void *arg, const struct discover_answer *answer)
{
    struct reported *t = arg;
    t->calls++;
    t->failed += answer->result < 0;
    t->result = answer->result;
    snprintf(t->error, sizeof t->error, "%s", answer->error);
    snprintf(t->instance, sizeof t->instance, "%s", answer->instance);
    t->status = answer->status != NULL;
    t->reload = answer->reload != NULL;
    if (answer->status)
        snprintf(t->host, sizeof t->host, "%s", answer->status->host);
}

static void open_stage(void)
{
    stage_open(&stage);
    catalog = stage_catalog(1, 8000);
}

static void begin(void)
{
    open_stage();
    d = stage_client(&stage, stage_table_fd(catalog));
    ck_assert_int_eq(discover_set_timeout(d, 60000), 0);
}

static void end(void)
{
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static struct discover_registration *new_registration(const char *instance)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    if (*instance)
        ck_assert_int_eq(discover_registration_set_instance(r, instance), 0);
    return r;
}

static void register_named(const char *instance, struct reported *t, struct discover_call **ret_call)
{
    struct discover_registration *r = new_registration(instance);
    ck_assert_int_eq(discover_register_async(d, r, on_answer, t, ret_call), 0);
    discover_registration_free(r);
}

static void heartbeat(struct reported *t, struct discover_call **ret_call)
{
    ck_assert_int_eq(discover_heartbeat_async(d, "shop/payment", "p1", on_answer, t, ret_call), 0);
}

static void check_reported(const struct reported *t, int calls, int result, const char *error)
{
    ck_assert_int_eq(t->calls, calls);
    ck_assert_int_eq(t->result, result);
    ck_assert_str_eq(t->error, error);
}

static bool has_work(void)
{
    struct pollfd p = {.fd = discover_fd(d), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void answer_status(uint32_t id)
{
    Discover__V1__Status body = DISCOVER__V1__STATUS__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    body.host = (char *)"web-1";
    msg.id = id;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS;
    msg.status = &body;
    stage_send(&stage, &msg, -1);
}

static void answer_reload(uint32_t id)
{
    Discover__V1__Reloaded body = DISCOVER__V1__RELOADED__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = id;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_RELOADED;
    msg.reloaded = &body;
    stage_send(&stage, &msg, -1);
}

START_TEST(each_kind_is_sent_in_order_and_told_by_dispatch)
{
    struct reported t[7] = {0};
    begin();
    register_named("", &t[0], NULL);
    heartbeat(&t[1], NULL);
    ck_assert_int_eq(discover_override_async(d, "", "", DISCOVER_DRAINING, 1, on_answer, &t[2], NULL), 0);
    ck_assert_int_eq(discover_status_async(d, on_answer, &t[3], NULL), 0);
    ck_assert_int_eq(discover_reload_async(d, on_answer, &t[4], NULL), 0);
    ck_assert_int_eq(discover_deregister_async(d, "shop/payment", "p2", on_answer, &t[5], NULL), 0);
    ck_assert_int_eq(discover_leave_async(d, on_answer, &t[6], NULL), 0);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "made-up");
    stage_ok(&stage, stage_expect(&stage, HEARTBEAT));
    stage_error(&stage, stage_expect(&stage, OVERRIDE), DISCOVER__V1__ERROR__CODE__DENIED, "not you");
    answer_status(stage_expect(&stage, STATUS));
    answer_reload(stage_expect(&stage, RELOAD));
    stage_ok(&stage, stage_expect(&stage, DEREGISTER));
    stage_registered(&stage, stage_expect(&stage, LEAVE), "shop/payment", "x"); /* of another kind */
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(t[i].calls, 0);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_str_eq(t[0].instance, "made-up");
    ck_assert_str_eq(t[3].host, "web-1");
    ck_assert(t[4].reload && !t[4].status && t[3].status);
    for (size_t i = 0; i < 6; i++)
        check_reported(&t[i], 1, i == 2 ? DISCOVER_E_DENIED : 0, i == 2 ? "not you" : "");
    check_reported(&t[6], 1, DISCOVER_E_PROTOCOL, "the answer is of another kind");
    ck_assert(!has_work());
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(t[0].calls, 1);
    end();
}
END_TEST

START_TEST(what_cannot_be_asked_is_said_at_once)
{
    struct reported t = {0};
    struct discover *fresh;
    begin();
    ck_assert_int_eq(discover_heartbeat_async(d, "shop", "p1", on_answer, &t, NULL), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_deregister_async(d, "shop/payment", "", on_answer, &t, NULL), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_override_async(d, NULL, "", DISCOVER_DRAINING, 1, on_answer, &t, NULL), -EINVAL);
    ck_assert_int_eq(discover_register_async(d, NULL, on_answer, &t, NULL), -EINVAL);
    ck_assert_int_eq(discover_status_async(NULL, on_answer, &t, NULL), -EINVAL);
    ck_assert_int_eq(discover_new(&fresh), 0);
    ck_assert_int_eq(discover_status_async(fresh, on_answer, &t, NULL), -EINVAL);
    discover_free(fresh);
    discover_cancel(NULL);
    end();
    ck_assert_int_eq(t.calls, 0);
}
END_TEST

/* The answer to the message counts, whatever became of the registration since; who had no answer yet goes on. */
START_TEST(a_call_ends_in_every_way_just_once)
{
    struct reported cancelled = {0}, late = {0}, lost = {0}, freed = {0}, absent = {0};
    struct discover_call *call;
    begin();
    heartbeat(&cancelled, &call);
    discover_cancel(call);
    check_reported(&cancelled, 1, -ECANCELED, "");
    stage_ok(&stage, stage_expect(&stage, HEARTBEAT)); /* nobody wants it any more */
    ck_assert_int_eq(discover_set_timeout(d, 1), 0);
    heartbeat(&late, NULL);
    struct pollfd p = {.fd = discover_fd(d), .events = POLLIN};
    while (late.calls == 0) {
        ck_assert_int_eq(poll(&p, 1, 5000), 1);
        ck_assert_int_eq(discover_dispatch(d), 0);
    }
    check_reported(&late, 1, -ETIMEDOUT, "the daemon has not answered in time");
    stage_ok(&stage, stage_expect(&stage, HEARTBEAT));
    ck_assert_int_eq(discover_set_timeout(d, 60000), 0);
    heartbeat(&lost, NULL);
    strcpy(d->socket_path, "/nonexistent/sock");
    stage_hang_up(&stage);
    while (lost.calls == 0) {
        ck_assert_int_eq(poll(&p, 1, 5000), 1);
        ck_assert_int_eq(discover_dispatch(d), 0);
    }
    ck_assert_int_eq(lost.calls, 1);
    ck_assert_int_eq(lost.result, DISCOVER_E_UNSYNCED);
    heartbeat(&absent, &call);
    ck_assert_int_eq(absent.calls, 0);
    ck_assert(has_work());
    discover_cancel(call); /* it has ended before that */
    check_reported(&absent, 1, DISCOVER_E_UNSYNCED, "No such file or directory");
    heartbeat(&freed, NULL);
    end();
    check_reported(&freed, 1, DISCOVER_E_UNSYNCED, "No such file or directory");
    check_reported(&cancelled, 1, -ECANCELED, "");
}
END_TEST

START_TEST(freeing_the_handle_ends_what_is_under_way)
{
    struct reported one = {0}, two = {0}, all = {0};
    begin();
    register_named("p1", &one, NULL);
    register_named("p2", &two, NULL);
    ck_assert_int_eq(discover_status_async(d, NULL, NULL, NULL), 0);
    ck_assert_int_eq(discover_drain_async(d, NULL, on_answer, &all, NULL), 0);
    end();
    check_reported(&one, 1, -ECANCELED, "");
    check_reported(&two, 1, -ECANCELED, "");
    check_reported(&all, 1, -ECANCELED, "");
}
END_TEST

START_TEST(the_reason_why_there_is_no_connection_is_reported)
{
    struct reported t = {0}, gone = {0};
    open_stage();
    d = stage_handle(&stage);
    ck_assert_int_eq(discover_start(d), 0);
    stage_accept(&stage);
    ck_assert_int_eq(discover_set_timeout(d, 60000), 0);
    heartbeat(&t, NULL);
    register_named("p1", &gone, NULL);
    ck_assert_int_eq(discover_deregister_async(d, "shop/payment", "p1", NULL, NULL, NULL), 0);
    (void)stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO);
    ck_assert_ptr_null(stage_take(&stage)); /* not before the welcome */
    stage_error(&stage, 0, DISCOVER__V1__ERROR__CODE__LIMIT, "too many");
    ck_assert_int_eq(discover_dispatch(d), 0); /* reported already */
    check_reported(&t, 1, DISCOVER_E_UNSYNCED, "too many");
    check_reported(&gone, 1, DISCOVER_E_UNSYNCED, "too many");
    end();
}
END_TEST

START_TEST(what_was_begun_before_the_welcome_is_sent_after_it)
{
    struct reported beat = {0}, one = {0}, again = {0}, dropped = {0};
    open_stage();
    d = stage_handle(&stage);
    ck_assert_int_eq(discover_start(d), 0);
    stage_accept(&stage);
    ck_assert_int_eq(discover_set_timeout(d, 60000), 0);
    heartbeat(&beat, NULL);
    struct discover_registration *r = new_registration("p1");
    ck_assert_int_eq(discover_register_async(d, r, on_answer, &one, NULL), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 9), 0);
    ck_assert_int_eq(discover_register_async(d, r, on_answer, &again, NULL), 0);
    discover_registration_free(r);
    register_named("p2", &dropped, NULL);
    ck_assert_int_eq(discover_deregister_async(d, "shop/payment", "p2", NULL, NULL, NULL), 0);
    stage_welcome(&stage, stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO), API_VERSION,
                  stage_table_fd(catalog));
    ck_assert_int_eq(discover_dispatch(d), 0);
    check_reported(&dropped, 1, -ECANCELED, "deregistered before it was registered");
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "p1"); /* one message for both calls */
    stage_ok(&stage, stage_expect(&stage, HEARTBEAT));
    stage_ok(&stage, stage_expect(&stage, DEREGISTER));
    ck_assert_int_eq(discover_dispatch(d), 0);
    check_reported(&beat, 1, 0, "");
    check_reported(&one, 1, 0, "");
    check_reported(&again, 1, 0, "");
    ck_assert_uint_eq(d->held->registration.record.weight, 9);
    ck_assert_ptr_null(d->held->next);
    end();
}
END_TEST

START_TEST(registered_again_before_the_answer_each_has_its_own)
{
    struct reported one = {0}, two = {0};
    begin();
    struct discover_registration *r = new_registration("p1");
    ck_assert_int_eq(discover_register_async(d, r, on_answer, &one, NULL), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 9), 0);
    ck_assert_int_eq(discover_register_async(d, r, on_answer, &two, NULL), 0);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "p1");
    ck_assert_int_eq(discover_dispatch(d), 0);
    check_reported(&one, 1, 0, "");
    ck_assert_int_eq(two.calls, 0);
    stage_error(&stage, stage_expect(&stage, REGISTER), DISCOVER__V1__ERROR__CODE__LIMIT, "too heavy");
    ck_assert_ptr_null(stage_take(&stage)); /* nothing was taken back */
    ck_assert_int_eq(discover_dispatch(d), 0);
    check_reported(&two, 1, DISCOVER_E_LIMIT, "too heavy");
    ck_assert(d->held->confirmed && d->held->registration.record.weight == 1); /* what the daemon has */
    ck_assert_ptr_null(d->held->next);
    discover_registration_free(r);
    end();
}
END_TEST

START_TEST(draining_all_is_one_call_with_the_first_failure)
{
    struct reported named[3] = {0}, all = {0}, none = {0}, cancelled = {0};
    struct discover_call *call;
    begin();
    ck_assert_int_eq(discover_drain_async(d, NULL, on_answer, &none, NULL), 0);
    ck_assert_int_eq(discover_dispatch(d), 0);
    check_reported(&none, 1, 0, "");
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        register_named(name, &named[i], NULL);
        stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", name);
    }
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_drain_async(d, NULL, on_answer, &all, NULL), 0);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "p0");
    stage_error(&stage, stage_expect(&stage, REGISTER), DISCOVER__V1__ERROR__CODE__CONFLICT, "taken over");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(all.calls, 0);
    stage_error(&stage, stage_expect(&stage, REGISTER), DISCOVER__V1__ERROR__CODE__DENIED, "no more");
    ck_assert_int_eq(discover_dispatch(d), 0);
    check_reported(&all, 1, DISCOVER_E_CONFLICT, "taken over");
    ck_assert_int_eq(discover_drain_async(d, NULL, on_answer, &cancelled, &call), 0);
    discover_cancel(call);
    check_reported(&cancelled, 1, -ECANCELED, "");
    for (int i = 0; i < 3; i++)
        stage_ok(&stage, stage_expect(&stage, REGISTER) + 100); /* let pass */
    ck_assert_int_eq(discover_dispatch(d), 0);
    end();
    check_reported(&cancelled, 1, -ECANCELED, "");
}
END_TEST

static int restarts;

static void begin_again(void *arg, const struct discover_answer *answer)
{
    (void)arg, (void)answer;
    restarts++;
    ck_assert_int_le(discover_status_async(d, begin_again, NULL, NULL), 0);
}

/* A call that fails at once and is made again by its completion: one for each dispatch, and none once the handle goes. */
START_TEST(a_completion_may_begin_the_next_call)
{
    begin();
    stage_hang_up(&stage);
    ck_assert_int_eq(discover_dispatch(d), 0);
    strcpy(d->socket_path, "/nonexistent/sock");
    ck_assert_int_eq(discover_status_async(d, begin_again, NULL, NULL), 0);
    for (int i = 1; i <= 3; i++) {
        ck_assert(has_work());
        ck_assert_int_eq(discover_dispatch(d), 0);
        ck_assert_int_eq(restarts, i);
    }
    end();
    ck_assert_int_eq(restarts, 4);
}
END_TEST

/* A daemon that does not read: what is more than fits is refused, and the connection stays. */
START_TEST(too_many_calls_are_refused_one_by_one)
{
    struct reported t = {0};
    char name[64];
    begin();
    memset(name, 'x', 63);
    name[63] = '\0';
    int made = 0;
    for (; t.failed == 0 && made < 200000; made++) {
        ck_assert_int_eq(discover_deregister_async(d, "shop/payment", name, on_answer, &t, NULL), 0);
        if (made % 1000 == 0)
            ck_assert_int_eq(discover_dispatch(d), 0);
    }
    check_reported(&t, t.failed, -ENOBUFS, "too many calls wait for the daemon to read them");
    ck_assert_int_gt(made, 10000);
    ck_assert_int_eq(discover_connected(d), 1);
    end();
    ck_assert_int_eq(t.calls, made);
}
END_TEST

static int64_t elapsed_ms(int64_t start_ns)
{
    return (clock_now_ns() - start_ns) / NS_PER_MS;
}

/* A daemon that is stopped: whatever is asked of it, one after the other or at once, waits as long as one call. */
START_TEST(ten_calls_to_a_silent_daemon_wait_once)
{
    struct discover_registration *r[10];
    struct reported t = {0};
    begin();
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        r[i] = new_registration(name);
        ck_assert_int_eq(discover_register_async(d, r[i], on_answer, &t, NULL), 0);
        stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", name);
    }
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(t.calls, 10);
    ck_assert_int_eq(discover_set_timeout(d, 300), 0);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_drain(d, NULL), -ETIMEDOUT);
    ck_assert_int_ge(elapsed_ms(start_ns), 300);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(discover_drain(d, r[i]), -ETIMEDOUT);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(discover_deregister(d, "shop/payment", discover_registration_instance(r[i])), -ETIMEDOUT);
    ck_assert_int_lt(elapsed_ms(start_ns), 5 * 300);
    stage_ok(&stage, 12345); /* it speaks again: calls have their whole time */
    start_ns = clock_now_ns();
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT);
    ck_assert_int_ge(elapsed_ms(start_ns), 300);
    for (int i = 0; i < 10; i++)
        discover_registration_free(r[i]);
    end();
}
END_TEST

UNIT_TESTS("async", each_kind_is_sent_in_order_and_told_by_dispatch, what_cannot_be_asked_is_said_at_once,
           a_call_ends_in_every_way_just_once, freeing_the_handle_ends_what_is_under_way,
           the_reason_why_there_is_no_connection_is_reported, what_was_begun_before_the_welcome_is_sent_after_it,
           registered_again_before_the_answer_each_has_its_own, draining_all_is_one_call_with_the_first_failure,
           a_completion_may_begin_the_next_call, too_many_calls_are_refused_one_by_one,
           ten_calls_to_a_silent_daemon_wait_once)
