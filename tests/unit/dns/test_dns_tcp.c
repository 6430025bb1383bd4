/* SPDX-License-Identifier: Apache-2.0 */
/* DNS over TCP: segmentation, pipelining, limits and timeouts. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/live.h"

static const char payment[] = "payment.shop." ZONE;

static void with_instances(unsigned n)
{
    put_many("shop.payment", n);
    live_options();
}

START_TEST(test_r41_octet_by_octet)
{
    uint8_t query[512];
    with_instances(3);
    live_start();
    int fd = live_connect(SOCK_STREAM);
    size_t n = build(payment, SRV, query + 2);
    query[0] = 0;
    query[1] = (uint8_t)n;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < n + 2; i++)
            ck_assert_int_eq(send(fd, query + i, 1, 0), 1);
        ck_assert_uint_eq(count(live_receive_tcp(fd), 0, SRV), 3);
    }
    close(fd);
    live_stop();
}
END_TEST

START_TEST(test_r41_messages_too_short_close)
{
    static const uint8_t zero[] = {0, 0}, eleven[] = {0, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    with_instances(3);
    live_start();
    int fd = live_connect(SOCK_STREAM);
    live_send_tcp(fd, payment, SRV); /* what came before is still answered */
    ck_assert_int_eq(send(fd, zero, sizeof zero, 0), sizeof zero);
    ck_assert_uint_eq(count(live_receive_tcp(fd), 0, SRV), 3);
    live_expect_close(fd);
    fd = live_connect(SOCK_STREAM);
    ck_assert_int_eq(send(fd, eleven, sizeof eleven, 0), sizeof eleven);
    live_expect_close(fd);
    live_stop();
}
END_TEST

START_TEST(test_r42_pipelined_queries_are_all_answered)
{
    uint8_t queries[100 * 64];
    size_t at = 0;
    with_instances(3);
    live_start();
    int fd = live_connect(SOCK_STREAM);
    for (unsigned i = 0; i < 100; i++) {
        size_t n = build(payment, SRV, queries + at + 2);
        queries[at] = 0;
        queries[at + 1] = (uint8_t)n;
        queries[at + 3] = (uint8_t)i;
        at += 2 + n;
    }
    ck_assert_int_eq(send(fd, queries, at, 0), (ssize_t)at);
    for (unsigned i = 0; i < 100; i++) {
        const struct reply *r = live_receive_tcp(fd);
        ck_assert_uint_eq(r->id & 0xff, i);
        ck_assert_uint_eq(count(r, 0, SRV), 3);
    }
    close(fd);
    live_stop();
}
END_TEST

/* The client sends many and does not read for a while: nothing is lost, and it is not read from without end. */
START_TEST(test_r42_a_client_that_reads_late_loses_nothing)
{
    with_instances(500); /* about 50 KB an answer */
    live_start();
    int fd = live_connect(SOCK_STREAM);
    for (unsigned i = 0; i < 200; i++)
        live_send_tcp(fd, payment, SRV);
    for (unsigned i = 0; i < 200; i++)
        ck_assert_uint_eq(count(live_receive_tcp(fd), 0, SRV), 500);
    close(fd);
    live_stop();
}
END_TEST

START_TEST(test_r43_half_closed_connections_are_answered)
{
    with_instances(3);
    live_start();
    int fd = live_connect(SOCK_STREAM);
    live_send_tcp(fd, payment, SRV);
    live_send_tcp(fd, payment, A);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_uint_eq(count(live_receive_tcp(fd), 0, SRV), 3);
    ck_assert_uint_eq(count(live_receive_tcp(fd), 0, A), 3);
    live_expect_close(fd);
    live_stop();
}
END_TEST

START_TEST(test_r43_idle_connections_are_closed)
{
    with_instances(3);
    options.tcp_idle_ms = 100;
    live_start();
    int fd = live_connect(SOCK_STREAM);
    live_send_tcp(fd, payment, SRV);
    ck_assert_uint_eq(count(live_receive_tcp(fd), 0, SRV), 3);
    live_expect_close(fd);
    live_stop();
}
END_TEST

/* An octet now and then keeps nobody: the deadline is for the whole message. */
START_TEST(test_r43_slow_senders_are_closed)
{
    with_instances(3);
    options.tcp_message_ms = 200;
    live_start();
    int fd = live_connect(SOCK_STREAM), sent = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (; poll(&p, 1, 20) == 0 && sent < 200; sent++)
        (void)send(fd, "\377", 1, MSG_NOSIGNAL); /* the first two announce 65535 of them */
    ck_assert_int_lt(sent, 100);
    live_expect_close(fd);
    live_stop();
}
END_TEST

START_TEST(test_r43_slow_readers_are_closed)
{
    with_instances(900);
    options.tcp_message_ms = 200;
    live_start();
    int fd = live_connect(SOCK_STREAM), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    uint8_t query[512];
    size_t n = build(payment, SRV, query + 2);
    query[0] = 0;
    query[1] = (uint8_t)n;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int err = 0;
    while (!err && poll(&p, 1, 5000) > 0) /* until the server hangs up */
        err = send(fd, query, n + 2, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN;
    ck_assert(err);
    close(fd);
    live_stop();
}
END_TEST

static void expect_answer(int fd)
{
    live_send_tcp(fd, payment, SRV);
    ck_assert_uint_eq(count(live_receive_tcp(fd), 0, SRV), 3);
}

/* Who comes is served, and the one that had no answer for longest goes; whoever talks stays. */
START_TEST(test_r43_the_idlest_makes_room)
{
    int fds[4];
    with_instances(3);
    options.tcp_connections = 4;
    live_start();
    for (int i = 0; i < 4; i++)
        expect_answer(fds[i] = live_connect(SOCK_STREAM));
    expect_answer(fds[0]);
    for (int round = 0; round < 20; round++) {
        int fd = live_connect(SOCK_STREAM);
        expect_answer(fd);
        expect_answer(fds[0]);
        close(fd);
    }
    for (int i = 1; i < 4; i++)
        close(fds[i]);
    close(fds[0]);
    live_stop();
}
END_TEST

/* One who holds all connections that its address may have, with half a query in each, keeps no other of it out. */
START_TEST(test_r43_nobody_is_kept_out)
{
    enum { HELD = 300 };
    static int held[HELD];
    with_instances(3);
    options.tcp_connections = 40;
    options.tcp_per_client = 8;
    live_start();
    for (int i = 0; i < HELD; i++) {
        held[i] = live_connect(SOCK_STREAM);
        ck_assert_int_le(send(held[i], "\0", 1, MSG_NOSIGNAL), 1);
    }
    int fd = live_connect(SOCK_STREAM);
    expect_answer(fd);
    live_expect_close(held[0]);
    close(fd);
    for (int i = 1; i < HELD; i++)
        close(held[i]);
    live_stop();
}
END_TEST

START_TEST(test_r43_one_connection_at_a_time)
{
    with_instances(3);
    options.tcp_per_client = 1;
    live_start();
    for (int i = 0; i < 20; i++) {
        int fd = live_connect(SOCK_STREAM), other;
        expect_answer(fd);
        expect_answer(other = live_connect(SOCK_STREAM));
        live_expect_close(fd);
        close(other);
    }
    live_stop();
}
END_TEST

/* Messages above what a connection's buffer holds at first, up to the largest there can be. */
START_TEST(test_large_queries)
{
    uint8_t *query = calloc(1, 2 + 65535);
    with_instances(3);
    live_start();
    int fd = live_connect(SOCK_STREAM);
    for (size_t size = 4000; size <= 65535; size = size == 65535 ? 65536 : size * 5 > 65535 ? 65535 : size * 5) {
        size_t n = build(payment, SRV, query + 2), left = size - n - 11;
        const uint8_t opt[] = {0,
                               0,
                               41,
                               16,
                               0,
                               0,
                               0,
                               0,
                               0,
                               (uint8_t)(left >> 8),
                               (uint8_t)left,
                               0,
                               12,
                               (uint8_t)((left - 4) >> 8),
                               (uint8_t)(left - 4)}; /* padding, RFC 7830 */
        memcpy(query + 2 + n, opt, sizeof opt);
        query[13] = 1;
        query[0] = (uint8_t)(size >> 8);
        query[1] = (uint8_t)size;
        ck_assert_int_eq(send(fd, query, 2 + size, 0), (ssize_t)(2 + size));
        const struct reply *r = live_receive_tcp(fd);
        ck_assert_uint_eq(count(r, 0, SRV), 3);
        ck_assert_uint_eq(r->opt_options, 0);
    }
    close(fd);
    free(query);
    live_stop();
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns tcp", test_r41_octet_by_octet, test_r41_messages_too_short_close,
              test_r42_pipelined_queries_are_all_answered, test_r42_a_client_that_reads_late_loses_nothing,
              test_r43_half_closed_connections_are_answered, test_r43_idle_connections_are_closed,
              test_r43_slow_senders_are_closed, test_r43_slow_readers_are_closed, test_r43_the_idlest_makes_room,
              test_r43_nobody_is_kept_out, test_r43_one_connection_at_a_time, test_large_queries)
