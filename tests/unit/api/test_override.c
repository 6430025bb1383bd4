/* SPDX-License-Identifier: Apache-2.0 */
/* What is an operator's to say: states of instances, and that the host leaves. Who may, and what comes of it. */
#include "daemon/api/access.h"
#include "tests/unit/api/client.h"

#define CODE(name) DISCOVER__V1__ERROR__CODE__##name

static void send_override(struct test_client *c, const char *service, Discover__V1__State state)
{
    Discover__V1__Override override = DISCOVER__V1__OVERRIDE__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    override.service = (char *)service;
    override.state = state;
    m.id = 9;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_OVERRIDE;
    m.override = &override;
    send_message(c, &m);
}

/* It concerns instances of others: members of the group have no right to that. */
START_TEST(operators_alone_set_states)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.group = "daemon"});
    struct test_client member = dial_as(4321, 1), root = dial_and_greet();
    send_hello(&member, 1, 1);
    release(receive(&member));
    send_override(&member, "", DISCOVER__V1__STATE__DRAINING);
    expect_error(&member, CODE(DENIED), "only root");
    send_override(&root, "shop/payment", DISCOVER__V1__STATE__DRAINING);
    expect_ok(&root);
    send_override(&root, "shop/payment", DISCOVER__V1__STATE__PASSING);
    expect_error(&root, CODE(BAD_REQUEST), "an operator sets");
    send_override(&root, "shop/payment",
                  (Discover__V1__State)(256 + DISCOVER__V1__STATE__MAINTENANCE)); /* of a byte it is that */
    expect_error(&root, CODE(BAD_REQUEST), "an operator sets");
    send_override(&root, "shop", DISCOVER__V1__STATE__DRAINING);
    expect_error(&root, CODE(BAD_REQUEST), "service: not \"domain/service\"");
    ck_assert_uint_eq(agent_overrides(s.agent)->n, 1);
    hang_up(&member);
    hang_up(&root);
    server_stop();
}
END_TEST

/* After a reload it is another one, for those who are connected, too. */
START_TEST(the_group_that_may_is_named)
{
    struct access_rule rule;
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.group = "daemon"});
    struct test_client member = dial_as(4321, 1);
    send_hello(&member, 1, 1);
    release(receive(&member));
    send_register(&member, "shop/payment", "p0", 80, 10000, 0);
    expect_registered(&member, "p0");
    ck_assert_int_eq(access_rule_init(&rule, "sys"), 0);
    api_set_access(s.api, &rule);
    struct test_client stranger = dial_as(4321, 4321);
    send_hello(&stranger, 1, 1);
    release(receive(&stranger));
    send_register(&stranger, "shop/payment", "p1", 80, 10000, 0);
    expect_error(&stranger, CODE(DENIED), "and for group sys");
    send_register(&member, "shop/payment", "p2", 80, 10000, 0);
    expect_error(&member, CODE(DENIED), "and for group sys");
    hang_up(&member);
    hang_up(&stranger);
    server_stop();
}
END_TEST

static void send_leave(struct test_client *c, uint32_t id)
{
    Discover__V1__Leave leave = DISCOVER__V1__LEAVE__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    m.id = id;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_LEAVE;
    m.leave = &leave;
    send_message(c, &m);
}

/* Answered when it is done, and the connection is left for the process to end. */
START_TEST(operators_alone_let_the_host_leave)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.group = "daemon"});
    struct test_client member = dial_as(4321, 1), root = dial_and_greet(), other = dial_and_greet();
    send_hello(&member, 1, 1);
    release(receive(&member));
    send_leave(&member, 9);
    expect_error(&member, CODE(DENIED), "only root");
    ck_assert_uint_eq(s.leaves, 0);
    send_leave(&root, 9);
    send_leave(&other, 9);
    while (s.leaves < 2)
        event_base_loop(s.base, EVLOOP_NONBLOCK);
    api_left(s.api, "nobody heard it");
    expect_error(&root, CODE(INTERNAL), "nobody heard it");
    expect_error(&other, CODE(INTERNAL), "nobody heard it");
    api_left(s.api, NULL);
    expect_ok(&root);
    hang_up(&member);
    server_stop();
    char byte;
    ck_assert_int_lt(recv(root.sock, &byte, 1, MSG_DONTWAIT), 0);
    ck_assert_int_eq(errno, EAGAIN);
    hang_up(&root);
    hang_up(&other);
}
END_TEST

static void send_reload(struct test_client *c)
{
    Discover__V1__Reload reload = DISCOVER__V1__RELOAD__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    m.id = 9;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_RELOAD;
    m.reload = &reload;
    send_message(c, &m);
}

START_TEST(operators_alone_reload)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.group = "daemon"});
    struct test_client member = dial_as(4321, 1), root = dial_and_greet(), later = dial_and_greet();
    struct reload_report report = {0};
    char byte;
    ck_assert_int_eq(string_list_add(&report.taken, "log.level"), 0);
    ck_assert_int_eq(string_list_add(&report.refused, "web.conf:1: no"), 0);
    send_hello(&member, 1, 1);
    release(receive(&member));
    send_reload(&member);
    expect_error(&member, CODE(DENIED), "only root");
    send_reload(&root);
    send_reload(&root); /* the first is not done */
    expect_error(&root, CODE(LIMIT), "is not done yet");
    send_reload(&later);
    while (s.reloads < 2)
        event_base_loop(s.base, EVLOOP_NONBLOCK);
    api_reloaded(s.api, 1, &report);
    Discover__V1__ServerMessage *m = receive(&root);
    ck_assert_uint_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_RELOADED);
    ck_assert_uint_eq(m->reloaded->n_taken, 1);
    ck_assert_str_eq(m->reloaded->taken[0], "log.level");
    ck_assert_uint_eq(m->reloaded->n_needs_restart, 0);
    ck_assert_str_eq(m->reloaded->refused[0], "web.conf:1: no");
    release(m);
    ck_assert_int_lt(recv(later.sock, &byte, 1, MSG_DONTWAIT), 0); /* has asked when that one was under way */
    api_reloaded(s.api, 2, &report);
    release(receive(&later));
    string_list_fini(&report.taken);
    string_list_fini(&report.refused);
    hang_up(&later);
    hang_up(&member);
    hang_up(&root);
    server_stop();
}
END_TEST

UNIT_TESTS("api override", operators_alone_set_states, the_group_that_may_is_named, operators_alone_let_the_host_leave,
           operators_alone_reload)
