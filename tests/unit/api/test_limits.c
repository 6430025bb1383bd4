/* SPDX-License-Identifier: Apache-2.0 */
/* Shares of the socket: however many connections and watches some users have, others get theirs. */
#include <netinet/in.h>

#include "daemon/base/loop.h"
#include "tests/support/wait.h"
#include "tests/unit/api/client.h"

#define CODE(name) DISCOVER__V1__ERROR__CODE__##name

static bool is_root(void)
{
    return geteuid() == 0;
}

static struct test_client greeted_as(uid_t uid, gid_t group)
{
    struct test_client c = dial_as(uid, group);
    send_hello(&c, 1, 1);
    Discover__V1__ServerMessage *m = receive(&c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME);
    release(m);
    return c;
}

START_TEST(root_has_a_reserve)
{
    if (!is_root())
        return;
    server_start((struct api_options){.clients_max = 8, .clients_reserve = 2});
    struct test_client others[6], late, root[2];
    for (uid_t i = 0; i < 6; i++)
        others[i] = greeted_as(4000 + i, 1000);
    late = dial_as(4006, 1000);
    expect_error(&late, CODE(LIMIT), "limits.api_clients");
    for (int i = 0; i < 2; i++)
        root[i] = dial_and_greet();
    ck_assert_uint_eq(counter("discoverd_api_connections"), 8);
    for (int i = 0; i < 6; i++)
        hang_up(&others[i]);
    hang_up(&late);
    hang_up(&root[0]);
    hang_up(&root[1]);
    server_stop();
}
END_TEST

/* Two users have all there are; a third gets what one of them has too many, and nobody loses more than that. */
START_TEST(a_newcomer_gets_a_share)
{
    if (!is_root())
        return;
    server_start((struct api_options){.clients_max = 9, .clients_reserve = 1, .clients_per_uid_max = 5});
    struct test_client a[5], b[3], c[3];
    for (int i = 0; i < 5; i++)
        a[i] = greeted_as(4001, 1000);
    for (int i = 0; i < 3; i++)
        b[i] = greeted_as(4002, 1000);
    for (int i = 0; i < 2; i++)
        c[i] = greeted_as(4003, 1000);
    expect_error(&a[4], CODE(LIMIT), "others have fewer");
    expect_closed(&a[4]);
    expect_error(&a[3], CODE(LIMIT), "others have fewer");
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"displaced\"}"), 2);
    c[2] = dial_as(4003, 1000); /* all have about as many by now */
    expect_error(&c[2], CODE(LIMIT), "limits.api_clients");
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"displaced\"}"), 2);
    for (int i = 0; i < 5; i++)
        hang_up(&a[i]);
    for (int i = 0; i < 3; i++)
        hang_up(&b[i]), hang_up(&c[i]);
    server_stop();
}
END_TEST

/* However many users there are who may not register: whoever may is let in. */
START_TEST(who_may_register_goes_before_who_may_not)
{
    if (!is_root())
        return;
    server_start((struct api_options){.clients_max = 8, .clients_reserve = 2, .group = "daemon"}); /* gid 1 */
    struct test_client others[6], member[2];
    for (uid_t i = 0; i < 6; i++)
        others[i] = greeted_as(4000 + i, 1000);
    for (int i = 0; i < 2; i++)
        member[i] = greeted_as(5000, 1);
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"displaced\"}"), 2);
    ck_assert_uint_eq(counter("discoverd_api_connections"), 6);
    for (int i = 0; i < 6; i++)
        hang_up(&others[i]);
    hang_up(&member[0]);
    hang_up(&member[1]);
    server_stop();
}
END_TEST

START_TEST(watches_of_a_user_are_limited)
{
    if (!is_root())
        return;
    server_start((struct api_options){.watches_per_uid_max = 2});
    struct test_client a = greeted_as(4001, 1000), b = greeted_as(4001, 1000), other = greeted_as(4002, 1000);
    ask_watch(&a, "shop/a");
    expect_reported(&a);
    ask_watch(&b, "shop/a");
    expect_reported(&b);
    ask_watch(&b, "shop/b");
    expect_error(&b, CODE(LIMIT), "limits.api_watches_per_uid");
    ask_watch(&other, "shop/b");
    expect_reported(&other);
    hang_up(&a); /* and gives its own back */
    turn();
    ask_watch(&b, "shop/b");
    expect_reported(&b);
    for (int i = 0; i < 3; i++) { /* root may register: no limit but the connection's */
        char service[] = "shop/a";
        service[5] = (char)('a' + i);
        if (i == 0)
            a = dial_and_greet();
        ask_watch(&a, service);
        expect_reported(&a);
    }
    ck_assert_uint_eq(counter("discoverd_api_watches_limited_total"), 1);
    hang_up(&a);
    hang_up(&b);
    hang_up(&other);
    server_stop();
}
END_TEST

START_TEST(half_of_all_watches_are_for_who_may_register)
{
    if (!is_root())
        return;
    server_start((struct api_options){.watches_all_max = 4});
    struct test_client others[3], root = dial_and_greet();
    for (uid_t i = 0; i < 3; i++) {
        others[i] = greeted_as(4000 + i, 1000);
        ask_watch(&others[i], "shop/a");
        if (i < 2)
            expect_reported(&others[i]);
    }
    expect_error(&others[2], CODE(LIMIT), "limits.api_watches_all");
    ask_watch(&root, "shop/a");
    expect_reported(&root);
    ask_watch(&root, "shop/b");
    expect_reported(&root);
    for (int i = 0; i < 3; i++)
        hang_up(&others[i]);
    hang_up(&root);
    server_stop();
}
END_TEST

/* A thousand watches, all due at once: somebody else's request does not wait for the last of them. */
START_TEST(many_who_watch_are_told_in_turn)
{
    enum { WATCHES = 500 };
    server_start((struct api_options){0});
    struct test_client greedy = dial_and_greet(), modest = dial_and_greet();
    for (int i = 0; i < WATCHES; i++) {
        char service[32];
        snprintf(service, sizeof service, "shop/s-%d", i);
        ask_watch(&greedy, service);
        expect_reported(&greedy);
    }
    ask_watch(&modest, "shop/s-0");
    expect_reported(&modest);
    for (int i = 0; i < WATCHES; i++) {
        char service[32];
        snprintf(service, sizeof service, "shop/s-%d", i);
        api_changed(s.api, service, NULL);
    }
    for (int i = 0; i < WATCHES; i++)
        expect_reported(&greedy);
    expect_reported(&modest);
    hang_up(&greedy); /* while it is due again */
    api_changed(s.api, "shop/s-0", NULL);
    turn();
    expect_reported(&modest);
    hang_up(&modest);
    server_stop();
}
END_TEST

/* A TCP connection that takes a minute to close, because its other end reads nothing. Returns that end. */
static int slow_to_close(int *ret_sock)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    struct linger minute = {1, 60};
    static char bytes[65536];
    int listener = socket(AF_INET, SOCK_STREAM, 0), sock = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&address, sizeof address), 0);
    int other = accept(listener, NULL, NULL);
    while (send(sock, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    ck_assert_int_eq(setsockopt(sock, SOL_SOCKET, SO_LINGER, &minute, sizeof minute), 0);
    close(listener);
    *ret_sock = sock;
    return other;
}

static void wait_for(const char *gauge, uint64_t value)
{
    int64_t give_up_ns = clock_now_ns() + 10 * NS_PER_S;
    while (counter(gauge) != value && clock_now_ns() < give_up_ns)
        turn();
    ck_assert_uint_eq(counter(gauge), value);
}

/* Whoever has the last copy of such a descriptor waits in close: that must not be the main thread. */
START_TEST(a_descriptor_that_is_slow_to_close_keeps_nobody_waiting)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet(), late = dial_and_greet();
    int sock, other = slow_to_close(&sock);
    ck_assert_int_gt(frame_send_fd(c.sock, (const uint8_t *)"\x01", 1, sock), 0);
    close(sock);
    expect_error(&c, CODE(BAD_FRAME), "descriptors");
    expect_closed(&c);
    ask_watch(&late, "shop/a");
    expect_reported(&late);
    wait_for("discoverd_api_connections_closing", 0);
    close(other);
    hang_up(&c);
    hang_up(&late);
    server_stop();
}
END_TEST

static unsigned threads_of_this_process(void)
{
    char line[128];
    unsigned n = 0;
    FILE *in = fopen("/proc/self/status", "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof line, in))
        (void)sscanf(line, "Threads: %u", &n);
    fclose(in);
    return n;
}

/* However many there are, and for as long as whoever sent them likes: nobody who comes later waits for them. */
START_TEST(what_is_slow_to_close_takes_nothing_from_others)
{
    enum { SLOW = 90 };
    static int others[SLOW];
    server_start((struct api_options){0});
    unsigned before = threads_of_this_process();
    for (unsigned i = 0; i < SLOW; i++) {
        struct test_client c = dial_and_greet();
        int sock;
        others[i] = slow_to_close(&sock);
        ck_assert_int_gt(frame_send_fd(c.sock, (const uint8_t *)"\x01", 1, sock), 0);
        close(sock);
        expect_error(&c, CODE(BAD_FRAME), "descriptors");
        hang_up(&c);
        /* One, and those that are about to end; each would stay for a minute if it waited in close. */
        (void)wait_until(4000, threads_of_this_process() - before <= 4, "a thread for each");
    }
    wait_for("discoverd_api_connections_closing", 0);
    struct test_client late = dial_and_greet();
    ask_watch(&late, "shop/a");
    expect_reported(&late);
    for (unsigned i = 0; i < SLOW; i++)
        close(others[i]);
    hang_up(&late);
    server_stop();
}
END_TEST

enum { MANY = 20 };

static uint64_t requests(void)
{
    return counter("discoverd_api_requests_total");
}

/* Each request is longer than a slice: so there is one a round, whatever else the loop has to do waits for no more. */
START_TEST(all_connections_take_one_slice_together)
{
    server_start((struct api_options){0});
    struct test_client clients[MANY];
    for (int i = 0; i < MANY; i++)
        clients[i] = dial_and_greet();
    s.status_takes_ns = LOOP_SLICE_NS;
    for (int i = 0; i < MANY; i++)
        ask_status(&clients[i]);
    uint64_t before = requests();
    for (uint64_t n = 1; n <= MANY; n++) {
        go_round();
        ck_assert_uint_eq(requests() - before, n);
    }
    for (int i = 0; i < MANY; i++) {
        expect_status(&clients[i]);
        hang_up(&clients[i]);
    }
    server_stop();
}
END_TEST

START_TEST(a_user_does_not_wait_for_all_of_another)
{
    if (!is_root())
        return;
    server_start((struct api_options){0});
    struct test_client flood[MANY], other = greeted_as(4001, 1000);
    for (int i = 0; i < MANY; i++)
        flood[i] = greeted_as(4000, 1000);
    s.status_takes_ns = LOOP_SLICE_NS;
    for (int i = 0; i < MANY; i++)
        ask_status(&flood[i]);
    go_round();
    ask_status(&other);
    uint64_t before = requests();
    for (int i = 0; i < 3; i++)
        go_round();
    ck_assert_uint_le(requests() - before, 3);
    ck_assert_int_gt(recv(other.sock, &(char){0}, 1, MSG_PEEK | MSG_DONTWAIT), 0);
    expect_status(&other);
    for (int i = 0; i < MANY; i++) {
        expect_status(&flood[i]);
        hang_up(&flood[i]);
    }
    hang_up(&other);
    server_stop();
}
END_TEST

UNIT_TESTS("api/limits", root_has_a_reserve, a_newcomer_gets_a_share, who_may_register_goes_before_who_may_not,
           watches_of_a_user_are_limited, half_of_all_watches_are_for_who_may_register, many_who_watch_are_told_in_turn,
           a_descriptor_that_is_slow_to_close_keeps_nobody_waiting, what_is_slow_to_close_takes_nothing_from_others,
           all_connections_take_one_slice_together, a_user_does_not_wait_for_all_of_another)
