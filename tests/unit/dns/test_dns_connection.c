/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP connection, without its thread: whose socket is ready has one turn, however much there is to answer. */
#include "daemon/dns/dns_connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

#define QUERIES 600

static const struct dns_tcp_times times = {
    .idle_ns = 10 * NS_PER_S, .message_ns = 5 * NS_PER_S, .turn_ns = 0}; /* a turn is over after one answer */
static struct dns_connection *connection;
static int client_sock;
static uint8_t replies[DNS_TCP_REPLIES_BYTES], bytes[256 * 1024];
static size_t n_bytes;

static void open_pair(void)
{
    int pair[2];
    const union dns_peer peer = {.any = {.sa_family = AF_INET}};
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    client_sock = pair[0];
    n_bytes = 0;
    ck_assert_int_eq(dns_connection_new(pair[1], &peer, &connection), 0);
}

static void send_queries(void)
{
    static uint8_t queries[QUERIES * 80];
    size_t used = 0;
    char name[64];
    for (unsigned i = 0; i < QUERIES; i++) {
        snprintf(name, sizeof name, "none-%u.shop." ZONE, i);
        size_t n = build(name, SRV, queries + used + 2);
        queries[used] = 0;
        queries[used + 1] = (uint8_t)n;
        queries[used + 2] = (uint8_t)(i >> 8);
        queries[used + 3] = (uint8_t)i;
        used += 2 + n;
    }
    ck_assert_int_eq(send(client_sock, queries, used, 0), (ssize_t)used);
}

/* How many whole replies have come so far; they are in the order of the queries. */
static unsigned replies_read(void)
{
    unsigned count = 0;
    ssize_t got = recv(client_sock, bytes + n_bytes, sizeof bytes - n_bytes, 0);
    n_bytes += got > 0 ? (size_t)got : 0;
    for (size_t at = 0, n; at + 2 <= n_bytes; at += 2 + n, count++) {
        n = (size_t)bytes[at] << 8 | bytes[at + 1];
        if (at + 2 + n > n_bytes)
            break;
        ck_assert_uint_eq((unsigned)bytes[at + 2] << 8 | bytes[at + 3], count);
    }
    return count;
}

static int ready(void)
{
    return dns_connection_ready(connection, responder, replies, now_ns, &times);
}

START_TEST(a_turn_ends_before_all_is_answered)
{
    put_many("shop.payment", 3);
    flush();
    open_pair();
    send_queries();
    for (unsigned i = 1; i <= QUERIES; i++) {
        ck_assert_int_eq(ready(), 0);
        ck_assert_uint_eq(replies_read(), i);
        /* else nobody would call again: what is read already need not be followed by anything */
        ck_assert(dns_connection_blocked(connection) || connection->have == 0);
    }
    ck_assert_int_eq(ready(), 0);
    ck_assert(!dns_connection_blocked(connection));
    close(client_sock);
    dns_connection_free(connection);
}
END_TEST

START_TEST(who_sends_no_more_has_all_turns_he_needs)
{
    put_many("shop.payment", 3);
    flush();
    open_pair();
    send_queries();
    ck_assert_int_eq(shutdown(client_sock, SHUT_WR), 0);
    for (unsigned i = 1; i <= QUERIES; i++) {
        ck_assert_int_eq(ready(), i < QUERIES ? 0 : -ECONNRESET);
        ck_assert_uint_eq(replies_read(), i);
    }
    close(client_sock);
    dns_connection_free(connection);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns/connection", a_turn_ends_before_all_is_answered,
              who_sends_no_more_has_all_turns_he_needs)
