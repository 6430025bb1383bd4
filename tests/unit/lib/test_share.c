/* SPDX-License-Identifier: Apache-2.0 */
/* Shared ejections: reported from dispatch, never from a pick; others' are heard within the picker's own limits.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "discover/discover.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define EJECT DISCOVER__V1__CLIENT_MESSAGE__BODY_EJECT
#define SHARE DISCOVER__V1__CLIENT_MESSAGE__BODY_SHARE

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;
static struct discover_picker *p;

static void begin(size_t n)
{
    stage_open(&stage);
    catalog = stage_catalog(n, 8000);
    d = stage_client(&stage, stage_table_fd(catalog));
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
    ck_assert_int_eq(discover_picker_share(p), 0);
    ck_assert_int_eq(discover_picker_share(p), 0);
    (void)stage_expect(&stage, SHARE);
    ck_assert_ptr_null(stage_take(&stage));
}

static void end(void)
{
    discover_picker_free(p);
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static uint64_t pick(void)
{
    struct discover_endpoint e;
    ck_assert_int_eq(discover_pick(p, &e), DISCOVER_FRESH);
    return e.id;
}

static bool has_work(void)
{
    struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static uint64_t let_one_fail(void)
{
    uint64_t bad = pick();
    for (int i = 0; i < 3; i++)
        discover_report(p, bad, 10, DISCOVER_UNREACHABLE);
    return bad;
}

static void hear(const char *service, uint64_t id, uint32_t for_ms)
{
    Discover__V1__Ejected body = DISCOVER__V1__EJECTED__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    body.service = (char *)service;
    body.id = id;
    body.for_ms = for_ms;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_EJECTED;
    msg.ejected = &body;
    stage_send(&stage, &msg, -1);
    ck_assert_int_eq(discover_dispatch(d), 0);
}

START_TEST(what_is_ejected_here_is_reported_by_dispatch_once)
{
    begin(4);
    ck_assert(!has_work());
    uint64_t bad = let_one_fail();
    ck_assert_ptr_null(stage_take(&stage));
    ck_assert(has_work());
    ck_assert_int_eq(discover_dispatch(d), 0);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(msg->body_case, EJECT);
    ck_assert_str_eq(msg->eject->service, "shop/payment");
    ck_assert_uint_eq(msg->eject->id, bad);
    ck_assert_uint_le(msg->eject->for_ms, 30000);
    ck_assert_uint_gt(msg->eject->for_ms, 29000);
    discover__v1__client_message__free_unpacked(msg, NULL);
    ck_assert(!has_work());
    (void)pick();
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_ptr_null(stage_take(&stage));
    end();
}
END_TEST

/* Also before the first pick, when the picker has seen no instance yet. */
START_TEST(what_others_eject_is_left_out_and_not_told_again)
{
    struct discover_endpoint all[4];
    size_t n;
    begin(4);
    ck_assert_int_eq(discover_resolve(d, "shop/payment", all, 4, &n), DISCOVER_FRESH);
    hear("shop/payment", all[1].id, 30000);
    for (int i = 0; i < 200; i++)
        ck_assert_uint_ne(pick(), all[1].id);
    hear("shop/payment", all[2].id, 30000); /* one of four is as much as may be */
    hear("shop/other", all[3].id, 30000);
    hear("shop/payment", 12345, 30000);
    bool seen[4] = {false};
    for (int i = 0; i < 200; i++)
        for (uint64_t k = 0, id = pick(); k < 4; k++)
            seen[k] = seen[k] || all[k].id == id;
    ck_assert(seen[0] && !seen[1] && seen[2] && seen[3]);
    ck_assert_ptr_null(stage_take(&stage));
    ck_assert_int_eq(discover_resolve(d, "shop/payment", all, 4, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 4);
    end();
}
END_TEST

START_TEST(the_only_one_is_never_left_out)
{
    begin(1);
    uint64_t only = pick();
    hear("shop/payment", only, 30000);
    ck_assert_uint_eq(pick(), only);
    end();
}
END_TEST

START_TEST(the_next_connection_is_told_what_is_shared)
{
    begin(2);
    stage_hang_up(&stage);
    ck_assert_int_eq(discover_dispatch(d), 0);
    (void)let_one_fail(); /* while there is nobody to tell */
    (void)pick();
    while (!discover_connected(d)) {
        struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};
        ck_assert_int_eq(poll(&fd, 1, 5000), 1);
        ck_assert_int_eq(discover_dispatch(d), 0);
        struct pollfd listener = {.fd = stage.listener, .events = POLLIN};
        if (poll(&listener, 1, 0) != 1)
            continue;
        stage_accept(&stage);
        stage_welcome(&stage, stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO), API_VERSION,
                      stage_table_fd(catalog));
    }
    (void)stage_expect(&stage, SHARE);
    ck_assert_ptr_null(stage_take(&stage)); /* what is old is not told late */
    discover_picker_free(p);
    ck_assert(has_work());
    ck_assert_int_eq(discover_dispatch(d), 0);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    ck_assert_int_eq(msg->body_case, SHARE);
    ck_assert(msg->share->stop);
    discover__v1__client_message__free_unpacked(msg, NULL);
    p = NULL;
    end();
}
END_TEST

START_TEST(a_picker_may_share_before_the_start)
{
    stage_open(&stage);
    catalog = stage_catalog(2, 8000);
    d = stage_handle(&stage);
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
    ck_assert_int_eq(discover_picker_share(p), 0);
    ck_assert_int_eq(discover_start(d), 0);
    stage_accept(&stage);
    stage_welcome(&stage, stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO), API_VERSION,
                  stage_table_fd(catalog));
    ck_assert_int_eq(discover_dispatch(d), 0);
    (void)stage_expect(&stage, SHARE);
    (void)let_one_fail();
    (void)pick();
    ck_assert(has_work());
    ck_assert_int_eq(discover_dispatch(d), 0);
    (void)stage_expect(&stage, EJECT);
    end();
}
END_TEST

static _Atomic bool stop;

static void *pick_and_fail(void *arg)
{
    struct discover_endpoint e;
    while (!atomic_load(&stop))
        if (discover_pick(arg, &e) >= 0)
            discover_report(arg, e.id, 10, DISCOVER_UNREACHABLE);
    return NULL;
}

/* Two threads pick and fail while this one dispatches: sends theirs, and receives others'. */
START_TEST(threads_pick_while_ejections_come_and_go)
{
    pthread_t threads[2];
    struct discover_endpoint all[8];
    size_t n;
    int reported = 0;
    begin(8);
    ck_assert_int_eq(discover_resolve(d, "shop/payment", all, 8, &n), DISCOVER_FRESH);
    atomic_store(&stop, false);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pick_and_fail, p), 0);
    for (int i = 0; i < 500 || reported == 0; i++) {
        hear("shop/payment", all[i % 8].id, 1000);
        for (Discover__V1__ClientMessage *msg; (msg = stage_take(&stage)); reported++)
            discover__v1__client_message__free_unpacked(msg, NULL);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    end();
}
END_TEST

UNIT_TESTS("share", what_is_ejected_here_is_reported_by_dispatch_once, what_others_eject_is_left_out_and_not_told_again,
           the_only_one_is_never_left_out, the_next_connection_is_told_what_is_shared,
           a_picker_may_share_before_the_start, threads_pick_while_ejections_come_and_go)
