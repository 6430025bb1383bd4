/* SPDX-License-Identifier: Apache-2.0 */
/* States that an operator sets: who may, and for what. */
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
    send_override(&root, "shop", DISCOVER__V1__STATE__DRAINING);
    expect_error(&root, CODE(BAD_REQUEST), "not a service");
    ck_assert_uint_eq(agent_overrides(s.agent)->n, 1);
    hang_up(&member);
    hang_up(&root);
    server_stop();
}
END_TEST

UNIT_TESTS("api override", operators_alone_set_states)
