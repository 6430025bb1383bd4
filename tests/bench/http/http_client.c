/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to an HTTP server that ask again and again. */
#include "tests/bench/http/http_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"

#define CONNECTIONS_MAX 256
#define ANSWER_CAP      (1 << 14)

int http_dial(int port)
{
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(sock, 0);
    ck_assert_int_eq(connect(sock, (const struct sockaddr *)&sa, sizeof sa), 0);
    (void)setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return sock;
}

void http_ask(int sock, const char *path, const char *more)
{
    char request[512];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, more);
    ck_assert_int_eq(send(sock, request, (size_t)n, MSG_NOSIGNAL), n);
}

/* Whether the answer ends here: by its length, or by the last chunk. */
static int is_whole(const char *answer, size_t n)
{
    const char *body = memmem(answer, n, "\r\n\r\n", 4);
    if (!body)
        return 0;
    const char *length = memmem(answer, (size_t)(body - answer), "Content-Length: ", 16);
    size_t head = (size_t)(body - answer) + 4;
    if (length)
        return n >= head + strtoul(length + 16, NULL, 10);
    return n >= head + 5 && memcmp(answer + n - 5, "0\r\n\r\n", 5) == 0;
}

size_t http_take(int sock, char *ret_answer, size_t cap)
{
    size_t used = 0;
    do {
        ssize_t n = recv(sock, ret_answer + used, cap - used, 0);
        ck_assert_int_gt(n, 0);
        used += (size_t)n;
    } while (!is_whole(ret_answer, used));
    return used;
}

struct asker {
    int sock;
    size_t used;
    char bytes[ANSWER_CAP];
};

static int take_some(struct asker *a)
{
    ssize_t n = recv(a->sock, a->bytes + a->used, sizeof a->bytes - a->used, MSG_DONTWAIT);
    ck_assert_int_gt(n, 0);
    a->used += (size_t)n;
    return is_whole(a->bytes, a->used);
}

double http_rate(int port, const char *path, size_t connections, int64_t for_ns)
{
    static struct asker askers[CONNECTIONS_MAX];
    struct epoll_event events[CONNECTIONS_MAX];
    size_t answered = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    ck_assert_uint_le(connections, CONNECTIONS_MAX);
    for (size_t i = 0; i < connections; i++) {
        askers[i].sock = http_dial(port);
        askers[i].used = 0;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &askers[i]};
        ck_assert_int_eq(epoll_ctl(poll, EPOLL_CTL_ADD, askers[i].sock, &event), 0);
        http_ask(askers[i].sock, path, "");
    }
    int64_t began_ns = clock_now_ns();
    while (clock_now_ns() - began_ns < for_ns) {
        int n = epoll_wait(poll, events, CONNECTIONS_MAX, 1000);
        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++) {
            struct asker *a = events[i].data.ptr;
            if (!take_some(a))
                continue;
            a->used = 0;
            answered++;
            http_ask(a->sock, path, "");
        }
    }
    double seconds = (double)(clock_now_ns() - began_ns) / NS_PER_S;
    for (size_t i = 0; i < connections; i++)
        close(askers[i].sock);
    close(poll);
    return (double)answered / seconds;
}
