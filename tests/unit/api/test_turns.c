/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long goes on in later rounds of the loop: how much of it there is at a time. */
#include <sys/ioctl.h>

#include "daemon/api/api_impl.h"
#include "tests/unit/api/client.h"

#define SENT_MAX (32768 + FRAME_HEADER + FRAME_MAX)

static size_t unread(const struct test_client *c)
{
    int n = 0;
    ck_assert_int_eq(ioctl(c->sock, FIONREAD, &n), 0);
    return (size_t)n;
}

static uint64_t connections(void)
{
    return counter("discoverd_api_connections");
}

/* Until the kernel takes no more, and so much waits here. */
static void let_it_pile_up(struct test_client *c, size_t waiting)
{
    while (s.api->clients->out_bytes < waiting) {
        ask_status(c);
        turn();
    }
}

START_TEST(what_has_piled_up_goes_in_pieces)
{
    enum { WAITING = 3 * SENT_MAX };
    static uint8_t bytes[1 << 20];
    server_start((struct api_options){.output_max = 2 * WAITING});
    struct test_client c = dial_and_greet();
    let_it_pile_up(&c, WAITING);
    while (s.api->clients->out_bytes > 0) {
        ck_assert_int_gt(recv(c.sock, bytes, sizeof bytes, 0), 0);
        go_round();
        ck_assert_uint_le(unread(&c), SENT_MAX);
    }
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(those_who_come_together_are_taken_in_turn)
{
    enum { COMING = 40, TAKEN_MAX = 16 };
    static int socks[COMING];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    server_start((struct api_options){0});
    strcpy(address.sun_path, s.path);
    for (int i = 0; i < COMING; i++) {
        socks[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(socks[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    for (uint64_t before; (before = connections()) < COMING;) {
        go_round();
        ck_assert_uint_le(connections() - before, TAKEN_MAX);
    }
    for (int i = 0; i < COMING; i++)
        close(socks[i]);
    server_stop();
}
END_TEST

START_TEST(those_who_go_together_are_freed_in_turn)
{
    enum { GOING = 40, FREED_MAX = 8 }; /* by who heard it first, and by the queue */
    struct test_client c[GOING];
    server_start((struct api_options){0});
    for (int i = 0; i < GOING; i++)
        c[i] = dial_and_greet();
    for (int i = 0; i < GOING; i++)
        hang_up(&c[i]);
    for (uint64_t before; (before = connections()) > 0;) {
        go_round();
        ck_assert_uint_le(before - connections(), FREED_MAX);
    }
    server_stop();
}
END_TEST

START_TEST(watches_end_in_pieces)
{
    enum { WATCHES = 400, ENDED_MAX = 128 };
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet(), other = dial_and_greet();
    for (int i = 0; i < WATCHES; i++) {
        char service[32];
        snprintf(service, sizeof service, "shop/s-%d", i);
        ask_watch(&c, service);
        expect_reported(&c);
    }
    hang_up(&c);
    for (uint32_t left = WATCHES; left > 0;) {
        uint32_t before = left;
        go_round();
        left = s.api->watch_shares.n;
        ck_assert_uint_le(before - left, ENDED_MAX);
    }
    turn();
    ck_assert_uint_eq(connections(), 1);
    hang_up(&other);
    server_stop();
}
END_TEST

/* The new rule, from the first request on. */
START_TEST(rights_are_looked_at_in_turn)
{
    enum { OTHERS = 40, LOOKED_AT_MAX = 8 };
    struct test_client others[OTHERS];
    server_start((struct api_options){0});
    for (int i = 0; i < OTHERS; i++)
        others[i] = dial_and_greet();
    struct access_rule strict;
    ck_assert_int_eq(access_rule_init(&strict, ""), 0);
    strict.own_uid = 12345;
    api_set_access(s.api, &strict);
    for (size_t before; (before = s.api->n_unreviewed) > 0;) {
        go_round();
        ck_assert_uint_le(before - s.api->n_unreviewed, LOOKED_AT_MAX);
    }
    for (const struct api_client *c = s.api->clients; c; c = c->next)
        ck_assert_uint_eq(c->reviewed, s.api->access_round);
    for (int i = 0; i < OTHERS; i++)
        hang_up(&others[i]);
    server_stop();
}
END_TEST

START_TEST(who_asks_has_the_right_of_now)
{
    if (geteuid() != 0)
        return;
    struct access_rule rule;
    server_start((struct api_options){.group = ""});
    struct test_client c = dial_as(4000, 1000);
    send_hello(&c, 1, 1);
    release(receive(&c));
    send_register(&c, "shop/payment", "i", 80, 0, 0);
    expect_error(&c, DISCOVER__V1__ERROR__CODE__DENIED, "may not register");
    ck_assert_int_eq(access_rule_init(&rule, ""), 0);
    rule.has_group = true;
    rule.group = 1000;
    send_register(&c, "shop/payment", "i", 80, 0, 0);
    api_set_access(s.api, &rule);
    expect_registered(&c, "i");
    hang_up(&c);
    server_stop();
}
END_TEST

UNIT_TESTS("api/turns", what_has_piled_up_goes_in_pieces, those_who_come_together_are_taken_in_turn,
           those_who_go_together_are_freed_in_turn, watches_end_in_pieces, rights_are_looked_at_in_turn,
           who_asks_has_the_right_of_now)
