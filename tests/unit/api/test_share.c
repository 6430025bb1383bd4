/* SPDX-License-Identifier: Apache-2.0 */
/* Ejections on the socket: passed on to whom they concern, once, for their time, and not without bound. */
#include "tests/unit/api/client.h"

#define NOBODY 65534

static struct test_client greeted_as(uid_t uid)
{
    struct test_client c = dial_as(uid, 1000);
    send_hello(&c, 1, 1);
    release(receive(&c));
    return c;
}

static void send_share(struct test_client *c, const char *service, bool stop)
{
    Discover__V1__Share share = DISCOVER__V1__SHARE__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    share.service = (char *)service;
    share.stop = stop;
    m.id = 11;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_SHARE;
    m.share = &share;
    send_message(c, &m);
    turn();
}

static void send_eject(struct test_client *c, const char *service, uint64_t id, uint32_t for_ms)
{
    Discover__V1__Eject eject = DISCOVER__V1__EJECT__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    eject.service = (char *)service;
    eject.id = id;
    eject.for_ms = for_ms;
    m.id = 12;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_EJECT;
    m.eject = &eject;
    send_message(c, &m);
    turn();
}

static void expect_ejected(struct test_client *c, uint64_t id, uint32_t at_most_ms)
{
    Discover__V1__ServerMessage *m = receive(c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_EJECTED);
    ck_assert_uint_eq(m->id, 0);
    ck_assert_str_eq(m->ejected->service, "shop/payment");
    ck_assert_uint_eq(m->ejected->id, id);
    ck_assert_uint_le(m->ejected->for_ms, at_most_ms);
    ck_assert_uint_gt(m->ejected->for_ms, at_most_ms / 2);
    release(m);
}

static void expect_silence(struct test_client *c)
{
    turn();
    ck_assert_int_eq(frame_recv(&c->reader, c->sock), -EAGAIN);
}

START_TEST(passed_on_once_to_those_who_share_the_service)
{
    server_start((struct api_options){0});
    struct test_client a = dial_and_greet(), b = dial_and_greet(), other = dial_and_greet();
    send_share(&a, "shop/payment", false);
    send_share(&b, "shop/payment", false);
    send_share(&other, "shop/cart", false);
    send_eject(&a, "shop/payment", 7, 30000);
    expect_ejected(&b, 7, 30000);
    send_eject(&a, "shop/payment", 7, 60000);
    send_eject(&b, "shop/payment", 7, 60000);
    expect_silence(&a);
    expect_silence(&b);
    expect_silence(&other);
    struct test_client late = dial_and_greet();
    send_share(&late, "shop/payment", false);
    expect_ejected(&late, 7, 30000);
    send_share(&late, "shop/payment", false); /* once more: for another picker */
    expect_ejected(&late, 7, 30000);
    send_share(&b, "shop/payment", true);
    send_eject(&a, "shop/payment", 8, 4000000); /* no longer than any picker's own */
    expect_silence(&b);
    expect_ejected(&late, 8, 300000);
    hang_up(&a);
    hang_up(&b);
    hang_up(&late);
    hang_up(&other);
    server_stop();
}
END_TEST

START_TEST(a_user_who_may_not_register_is_heard_by_its_own_alone)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){0});
    struct test_client root = greeted_as(0), reader = greeted_as(NOBODY), friend = greeted_as(NOBODY);
    send_share(&root, "shop/payment", false);
    send_share(&friend, "shop/payment", false);
    send_eject(&reader, "shop/payment", 7, 30000);
    expect_ejected(&friend, 7, 30000);
    expect_silence(&root);
    send_eject(&root, "shop/payment", 7, 60000); /* its own word, though the same was said by others */
    expect_ejected(&friend, 7, 60000);
    hang_up(&root);
    hang_up(&reader);
    hang_up(&friend);
    server_stop();
}
END_TEST

START_TEST(no_more_than_may_be_and_a_reader_takes_no_more_than_its_part)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.ejections_max = 8, .watches_max = 1});
    struct test_client root = greeted_as(0), reader = greeted_as(NOBODY);
    for (uint64_t id = 1; id <= 2; id++)
        send_eject(&reader, "shop/payment", id, 30000);
    expect_silence(&reader);
    send_eject(&reader, "shop/payment", 3, 30000);
    expect_error(&reader, DISCOVER__V1__ERROR__CODE__LIMIT, "limits.ejections");
    for (uint64_t id = 1; id <= 6; id++)
        send_eject(&root, "shop/payment", id, 30000);
    expect_silence(&root);
    send_eject(&root, "shop/payment", 7, 30000);
    expect_error(&root, DISCOVER__V1__ERROR__CODE__LIMIT, "limits.ejections");
    ck_assert_uint_eq(counter("discoverd_api_ejections_total"), 8);
    ck_assert_uint_eq(counter("discoverd_api_ejections_limited_total"), 2);
    send_share(&reader, "shop/cart", false);
    send_share(&reader, "shop/cart", false);
    expect_silence(&reader);
    send_share(&reader, "shop/book", false);
    expect_error(&reader, DISCOVER__V1__ERROR__CODE__LIMIT, "as many");
    send_share(&reader, "shop", false);
    expect_error(&reader, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, "service");
    send_eject(&reader, "shop", 1, 1);
    expect_error(&reader, DISCOVER__V1__ERROR__CODE__BAD_REQUEST, "service");
    hang_up(&root);
    hang_up(&reader);
    server_stop();
}
END_TEST

UNIT_TESTS("api share", passed_on_once_to_those_who_share_the_service,
           a_user_who_may_not_register_is_heard_by_its_own_alone,
           no_more_than_may_be_and_a_reader_takes_no_more_than_its_part)
