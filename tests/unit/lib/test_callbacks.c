/* SPDX-License-Identifier: Apache-2.0 */
/* What a callback may do: all but free the handle, whichever callback it is. Worth most under AddressSanitizer. */
#include <errno.h>
#include <string.h>

#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define SERVICE "shop/payment"

static struct stage stage;
static struct catalog *catalog, *before;
static struct discover *d;
static struct discover_watch *first, *second;
static struct discover_call *under_way;
static struct discover_registration *registration;
static int calls, changes, answers, inside;
static uint16_t port;

static void ignore_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

static int on_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)arg, (void)n_usable, (void)n_total;
    return *service == '\0';
}

static int on_instance(void *arg, const struct discover_instance *instance)
{
    (void)arg;
    return *instance->instance == '\0';
}

static int on_host(void *arg, const struct discover_host *host)
{
    (void)arg;
    return *host->name == '\0';
}

static void on_answer(void *arg, const struct discover_answer *answer)
{
    (void)arg, (void)answer;
    answers++;
}

static void on_change(void *arg, const struct discover_change *change)
{
    (void)arg, (void)change;
    changes++;
}

static void look_up(void)
{
    struct discover_endpoint e[4];
    struct discover_picker *p;
    size_t n;
    ck_assert_int_ge(discover_resolve(d, SERVICE, e, 4, &n), 0);
    ck_assert_int_ge(discover_wait(d, SERVICE, 0), 0);
    ck_assert_int_ge(discover_each_service(d, on_service, NULL), 0);
    ck_assert_int_ge(discover_each_instance(d, SERVICE, on_instance, NULL), 0);
    ck_assert_int_ge(discover_each_host(d, on_host, NULL), 0);
    ck_assert_int_eq(discover_picker_new(d, SERVICE, &p), 0);
    ck_assert_int_eq(discover_pick(p, e), 0);
    discover_picker_free(p);
}

static void ask(void)
{
    struct discover_call *call;
    ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p1"), -ETIMEDOUT);
    ck_assert_int_eq(discover_register(d, registration), -ETIMEDOUT);
    ck_assert_int_eq(discover_drain(d, NULL), -ETIMEDOUT);
    ck_assert_int_eq(discover_deregister(d, SERVICE, "p1"), -ETIMEDOUT);
    ck_assert_int_eq(discover_status(d, ignore_status, NULL), -ETIMEDOUT);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", on_answer, NULL, &call), 0);
    discover_cancel(call);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", on_answer, NULL, NULL), 0);
    discover_cancel(under_way);
    under_way = NULL;
}

/* There is another table, and the set is another one. */
static void change(void)
{
    ck_assert_ptr_null(before);
    before = catalog;
    catalog = stage_catalog(2, ++port);
    stage_table_moved(&stage, stage_table_fd(catalog));
}

static void hear_all(void)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_le(discover_dispatch(d), 0);
}

/* The endings last: the callback may belong to one of the watches. */
static void do_everything(void)
{
    struct discover_watch *own;
    ck_assert_int_eq(++inside, 1); /* not called again before it has returned */
    calls++;
    change();
    hear_all();
    look_up();
    ask();
    ck_assert_int_eq(discover_watch(d, SERVICE, on_change, NULL, &own), 0);
    hear_all();
    discover_unwatch(own);
    discover_unwatch(first);
    discover_unwatch(second);
    first = second = NULL;
    hear_all();
    inside--;
}

/* What was given is still there afterwards. */
static void in_watch(void *arg, const struct discover_change *reported)
{
    (void)arg;
    if (calls > 0)
        return;
    do_everything();
    ck_assert_str_eq(reported->service, SERVICE);
    ck_assert_uint_eq(reported->n, 1);
    ck_assert_uint_eq(reported->endpoints[0].port, 8000);
    ck_assert_uint_eq(reported->differences[0].endpoint.port, 8000);
}

static void in_answer(void *arg, const struct discover_answer *answer)
{
    if (calls == 0)
        do_everything();
    discover_cancel(arg ? *(struct discover_call **)arg : NULL); /* itself */
    ck_assert_str_eq(answer->error, answer->result < 0 ? "because" : "");
    if (answer->status)
        ck_assert_str_eq(answer->status->host, "web-1");
}

static void in_status(void *arg, const struct discover_status *status)
{
    (void)arg;
    do_everything();
    ck_assert_str_eq(status->host, "web-1");
}

static void in_reload(void *arg, const struct discover_reload_result *result)
{
    (void)arg;
    do_everything();
    ck_assert_str_eq(result->taken[0], "log.level");
}

static int in_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)arg;
    do_everything();
    ck_assert_str_eq(service, SERVICE);
    ck_assert_uint_eq(n_usable + n_total, 2);
    return 1;
}

static int in_instance(void *arg, const struct discover_instance *instance)
{
    (void)arg;
    do_everything();
    ck_assert_str_eq(instance->tags[0], "blue");
    ck_assert_str_eq(instance->instance, "p0");
    return 1;
}

static int in_host(void *arg, const struct discover_host *host)
{
    (void)arg;
    do_everything();
    ck_assert_str_eq(host->name, "web-1");
    return 1;
}

static void begin(discover_watch_fn *fn)
{
    calls = changes = answers = inside = 0;
    port = 9000;
    before = NULL;
    stage_open(&stage);
    catalog = stage_catalog(1, 8000);
    d = stage_client(&stage, stage_table_fd(catalog));
    ck_assert_int_eq(discover_registration_new(SERVICE, 80, &registration), 0);
    ck_assert_int_eq(discover_registration_set_instance(registration, "p1"), 0);
    ck_assert_int_eq(discover_watch(d, SERVICE, fn, NULL, &second), 0);
    ck_assert_int_eq(discover_watch(d, SERVICE, on_change, NULL, &first), 0); /* called before the second */
}

static void end(void)
{
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(inside, 0);
    discover_registration_free(registration);
    discover_free(d);
    catalog_free(catalog);
    catalog_free(before);
    stage_close(&stage);
}

static void answer_status(void)
{
    Discover__V1__Status body = DISCOVER__V1__STATUS__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    body.host = (char *)"web-1";
    msg.id = d->last_id + 1;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS;
    msg.status = &body;
    stage_send(&stage, &msg, -1);
}

static void answer_reload(void)
{
    char *taken[] = {(char *)"log.level"};
    Discover__V1__Reloaded body = DISCOVER__V1__RELOADED__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    body.taken = taken;
    body.n_taken = 1;
    msg.id = d->last_id + 1;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_RELOADED;
    msg.reloaded = &body;
    stage_send(&stage, &msg, -1);
}

START_TEST(in_that_of_a_watch)
{
    begin(in_watch);
    ck_assert_int_le(discover_dispatch(d), 0);
    end();
}
END_TEST

START_TEST(in_that_of_a_call_by_dispatch)
{
    struct discover_call *own;
    begin(on_change);
    answer_status();
    ck_assert_int_eq(discover_status_async(d, in_answer, &own, &own), 0);
    ck_assert_int_eq(discover_set_timeout(d, 1000), 0);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", on_answer, NULL, &under_way), 0);
    ck_assert_int_eq(discover_set_timeout(d, 0), 0);
    ck_assert_int_le(discover_dispatch(d), 0);
    ck_assert_int_eq(answers, 3);
    end();
}
END_TEST

START_TEST(in_that_of_a_call_that_is_cancelled)
{
    struct discover_call *own;
    begin(on_change);
    stage_error(&stage, d->last_id + 1, DISCOVER__V1__ERROR__CODE__DENIED, "because");
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", in_answer, &own, &own), 0);
    ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p1"), -ETIMEDOUT); /* the other's answer comes meanwhile */
    ck_assert_int_eq(calls, 0);
    discover_cancel(own);
    end();
}
END_TEST

START_TEST(in_those_of_status_and_reload)
{
    begin(on_change);
    answer_status();
    ck_assert_int_eq(discover_status(d, in_status, NULL), 0);
    end();
    begin(on_change);
    answer_reload();
    ck_assert_int_eq(discover_reload(d, in_reload, NULL), 0);
    end();
}
END_TEST

START_TEST(in_those_of_lists)
{
    begin(on_change);
    ck_assert_int_eq(discover_each_service(d, in_service, NULL), 1);
    end();
    begin(on_change);
    ck_assert_int_eq(discover_each_instance(d, SERVICE, in_instance, NULL), 1);
    end();
    begin(on_change);
    ck_assert_int_eq(discover_each_host(d, in_host, NULL), 1);
    end();
}
END_TEST

static void in_end(void *arg, const struct discover_answer *answer)
{
    (void)arg;
    struct discover_endpoint e[1];
    size_t n;
    calls++;
    ck_assert_int_eq(answer->result, -ECANCELED);
    ck_assert_int_eq(discover_dispatch(d), -EINVAL);
    ck_assert_int_eq(discover_start(d), -EINVAL);
    ck_assert_int_eq(discover_status(d, ignore_status, NULL), -EINVAL);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", on_answer, NULL, NULL), -EINVAL);
    ck_assert_int_ge(discover_resolve(d, SERVICE, e, 1, &n), 0);
    discover_cancel(under_way);
    under_way = NULL;
    discover_unwatch(first);
    discover_unwatch(second);
}

/* Nothing begins any more, and look-ups answer. */
START_TEST(in_one_called_by_free)
{
    begin(on_change);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", in_end, NULL, NULL), 0);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p1", on_answer, NULL, &under_way), 0);
    discover_free(d);
    d = NULL;
    ck_assert_int_eq(answers, 1);
    end();
}
END_TEST

static void dispatch_within(void *arg, const struct discover_change *reported)
{
    (void)reported;
    ck_assert_int_eq(++inside, 1);
    ++*(int *)arg;
    if (changes++ == 0) {
        stage_put(catalog, "shop.payment.web-1.p9", DISCOVER_PASSING, 9999);
        stage_table_moved(&stage, stage_table_fd(catalog)); /* all look again */
        hear_all();
    }
    inside--;
}

/* A change that comes while a watch is being told is not lost for it. */
START_TEST(what_came_meanwhile_is_reported_afterwards)
{
    int n = 0;
    struct discover_watch *w;
    begin(on_change);
    discover_unwatch(first);
    discover_unwatch(second);
    ck_assert_int_eq(discover_watch(d, SERVICE, dispatch_within, &n, &w), 0);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(n, 2);
    discover_unwatch(w);
    calls = 1;
    end();
}
END_TEST

UNIT_TESTS("callbacks", in_that_of_a_watch, in_that_of_a_call_by_dispatch, in_that_of_a_call_that_is_cancelled,
           in_those_of_status_and_reload, in_those_of_lists, in_one_called_by_free,
           what_came_meanwhile_is_reported_afterwards)
