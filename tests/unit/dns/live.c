/* SPDX-License-Identifier: Apache-2.0 */
/* The whole responder under test. */
#include "tests/unit/dns/live.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/port.h"

struct dns *dns;
struct dns_options options;
int port;

static struct reply reply;

void live_listen(const char *address)
{
    static char text[64], *items[] = {text};
    static const struct string_list listen = {items, 1};
    port = port_take();
    snprintf(text, sizeof text, "%s:%d", address, port);
    options.listen = &listen;
}

void live_options(void)
{
    static char *items[] = {(char *)ZONE};
    static const struct string_list zones = {items, 1}, nobody;
    options = (struct dns_options){.zones = &zones,
                                   .allow = &nobody,
                                   .ttl_s = 1,
                                   .workers = 1,
                                   .udp_payload = 1232,
                                   .loopback_payload = 16384,
                                   .cache_bytes = 1 << 20,
                                   .tcp_connections = 512,
                                   .tcp_per_client = 256,
                                   .tcp_idle_ms = 10000,
                                   .tcp_message_ms = 5000};
    live_listen("127.0.0.1");
    now_ns = clock_now_ns();
    set_sync(TABLE_LIVE);
}

void live_start(void)
{
    char reason[DNS_REASON_CAP] = "";
    ck_assert_msg(dns_new(&options, NULL, &dns, reason) == 0, "%s", reason);
    ck_assert_int_eq(dns_set_table(dns, table_writer_fd(catalog_table(catalog))), 0);
    ck_assert_int_eq(dns_start(dns), 0);
}

void live_stop(void)
{
    dns_free(dns);
    dns = NULL;
}

int live_connect(int type)
{
    const struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval timeout = {.tv_sec = 5};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

const struct reply *live_ask(const char *name, uint16_t type)
{
    uint8_t query[512];
    int fd = live_connect(SOCK_DGRAM);
    size_t n = build(name, type, query);
    ck_assert_int_eq(send(fd, query, n, 0), (ssize_t)n);
    ssize_t got = recv(fd, reply.bytes, sizeof reply.bytes, 0);
    close(fd);
    ck_assert_int_gt(got, 0);
    ck_assert(read_reply(reply.bytes, (size_t)got, &reply));
    return &reply;
}

void live_send_tcp(int fd, const char *name, uint16_t type)
{
    uint8_t query[512];
    size_t n = build(name, type, query + 2);
    query[0] = 0;
    query[1] = (uint8_t)n;
    ck_assert_int_eq(send(fd, query, n + 2, MSG_NOSIGNAL), (ssize_t)n + 2);
}

static void receive_all(int fd, uint8_t *to, size_t n)
{
    for (size_t have = 0; have < n;) {
        ssize_t got = recv(fd, to + have, n - have, 0);
        ck_assert_int_gt(got, 0);
        have += (size_t)got;
    }
}

const struct reply *live_receive_tcp(int fd)
{
    uint8_t prefix[2];
    receive_all(fd, prefix, 2);
    size_t n = (size_t)prefix[0] << 8 | prefix[1];
    receive_all(fd, reply.bytes, n);
    ck_assert(read_reply(reply.bytes, n, &reply));
    return &reply;
}

void live_expect_close(int fd)
{
    uint8_t octet;
    ssize_t n;
    do
        n = recv(fd, &octet, 1, 0);
    while (n > 0);
    ck_assert_msg(n == 0 || errno == ECONNRESET, "still open");
    close(fd);
}
