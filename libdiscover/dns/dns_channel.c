/* SPDX-License-Identifier: Apache-2.0 */
/* Asks DNS servers with c-ares (1.18 or later), which no other file uses. */
#include "libdiscover/dns/dns_channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Functions that newer versions of c-ares deprecate are called all the same: their successors are not in older ones. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <utlist.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/dns_wire.h"
#include "libdiscover/core/known_fd.h"

/* 0.5, 1 and 2 s: a lost packet costs little, and a server that is away is given up after 3.5 s. */
#define TRY_MS 500
#define TRIES  3

/* DNS flag day 2020: goes through everywhere in one piece. What is longer comes by TCP. */
#define EDNS_BYTES 1232

/*
 * A socket of c-ares. The program around us may close it and use its number for another file, which is then left
 * alone.
 */
struct dns_socket {
    struct known_fd fd;
    struct dns_socket *next;
};

struct dns_channel {
    ares_channel ares;
    int epoll;
    bool ours;
    struct dns_socket *sockets;
};

struct question {
    dns_answer_fn *fn;
    void *arg;
};

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    const struct dns_channel *c = arg;
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U), .data.fd = fd};
    if (!c->ours)
        return;
    if (!readable && !writable)
        (void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, fd, &event) < 0)
        (void)epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event); /* if not: c-ares's time-out ends the question */
}

static struct dns_socket *find(const struct dns_channel *c, int fd)
{
    struct dns_socket *s = c->sockets;
    while (s && s->fd.fd != fd)
        s = s->next;
    return s;
}

static bool is_own(const struct dns_channel *c, int fd)
{
    const struct dns_socket *s = find(c, fd);
    return s && known_fd_is_own(&s->fd);
}

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
    struct dns_channel *c = arg;
    struct dns_socket *s = malloc(sizeof *s);
    if (!s)
        return ARES_SOCKET_BAD;
    known_fd_note(&s->fd, socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (s->fd.fd < 0) {
        free(s);
        return ARES_SOCKET_BAD;
    }
    LL_PREPEND(c->sockets, s);
    return s->fd.fd;
}

static int close_socket(ares_socket_t fd, void *arg)
{
    struct dns_channel *c = arg;
    struct dns_socket *s = find(c, fd);
    if (!s)
        return 0;
    LL_DELETE(c->sockets, s);
    known_fd_close(&s->fd);
    free(s);
    return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t n, void *arg)
{
    (void)arg;
    return connect(fd, address, n);
}

static ares_ssize_t gone(void)
{
    errno = EBADF;
    return -1;
}

static ares_ssize_t receive(ares_socket_t fd, void *bytes, size_t n, int flags, struct sockaddr *address,
                            ares_socklen_t *ret_n, void *arg)
{
    return is_own(arg, fd) ? recvfrom(fd, bytes, n, flags, address, ret_n) : gone();
}

static ares_ssize_t send_all(ares_socket_t fd, const struct iovec *parts, int n, void *arg)
{
    const struct msghdr msg = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n};
    return is_own(arg, fd) ? sendmsg(fd, &msg, MSG_NOSIGNAL) : gone();
}

static const struct ares_socket_functions socket_functions = {open_socket, close_socket, connect_socket, receive,
                                                              send_all};

static int error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_EBADSTR:
        return -EINVAL;
    case ARES_ENOMEM:
        return -ENOMEM;
    default:
        return -ENOENT;
    }
}

/* c-ares needs no initialisation of its own on this system; its names live in the channel. */
static int open_ares(struct dns_channel *c, const char *servers)
{
    struct ares_options options = {
        .flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = TRY_MS,
        .tries = TRIES,
        .ednspsz = EDNS_BYTES,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = c,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    options.qcache_max_ttl = 0; /* from 1.31 on it would keep answers beyond their TTL by up to a second */
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    int status = ares_init_options(&c->ares, &options, mask);
    if (status != ARES_SUCCESS)
        return error_of(status);
    ares_set_socket_functions(c->ares, &socket_functions, c);
    if (*servers)
        status = ares_set_servers_ports_csv(c->ares, servers);
    if (status != ARES_SUCCESS)
        ares_destroy(c->ares);
    return error_of(status);
}

int dns_channel_open(const char *servers, int epoll, struct dns_channel **ret_c)
{
    struct dns_channel *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->epoll = epoll;
    c->ours = true;
    int err = open_ares(c, servers);
    if (err < 0)
        free(c);
    else
        *ret_c = c;
    return err;
}

void dns_channel_close(struct dns_channel *c, bool ours)
{
    if (!c)
        return;
    c->ours = ours;
    ares_destroy(c->ares);
    free(c);
}

static bool is_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= 5 && text[n] == '\0' && atoi(text) > 0 && atoi(text) <= UINT16_MAX;
}

/* Checked here, since c-ares silently leaves out servers that it cannot read, and asks the others. */
static bool is_server(char *text)
{
    uint8_t address[sizeof(struct in6_addr)];
    bool bracketed = *text == '[';
    char *host = text + bracketed, *end = host + strcspn(host, bracketed ? "]" : ":");
    if (!bracketed && *end && strchr(end + 1, ':')) /* IPv6 without a port */
        return inet_pton(AF_INET6, host, address) == 1;
    if (bracketed && *end++ != ']')
        return false;
    if (*end && (*end != ':' || !is_port(end + 1)))
        return false;
    end[bracketed ? -1 : 0] = '\0';
    return inet_pton(bracketed ? AF_INET6 : AF_INET, host, address) == 1;
}

bool dns_servers_valid(const char *servers)
{
    char text[64];
    do {
        size_t n = strcspn(servers, ",");
        if (n >= sizeof text)
            return false;
        memcpy(text, servers, n);
        text[n] = '\0';
        if (!is_server(text))
            return false;
        servers += n;
    } while (*servers++ == ',');
    return true;
}

/* An answer with bytes is passed on even where c-ares has made an error of it (NXDOMAIN, SERVFAIL). */
static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
    struct question q = *(struct question *)arg;
    free(arg);
    (void)timeouts;
    bool read = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
    q.fn(q.arg, read ? bytes : NULL, read && bytes && n > 0 ? (size_t)n : 0);
}

void dns_channel_ask(struct dns_channel *c, const char *name, uint16_t type, dns_answer_fn *fn, void *arg)
{
    struct question *q = malloc(sizeof *q);
    if (!q) {
        fn(arg, NULL, 0);
        return;
    }
    *q = (struct question){fn, arg};
    ares_query(c->ares, name, DNS_CLASS_IN, type, on_answer, q);
}

void dns_channel_ready(struct dns_channel *c, int fd, uint32_t events)
{
    bool failed = events & (EPOLLERR | EPOLLHUP);
    ares_process_fd(c->ares, events & EPOLLIN || failed ? fd : ARES_SOCKET_BAD,
                    events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

void dns_channel_tick(struct dns_channel *c)
{
    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

int64_t dns_channel_left_ns(const struct dns_channel *c)
{
    struct timeval left;
    if (!ares_timeout(c->ares, NULL, &left))
        return -1;
    return left.tv_sec * NS_PER_S + left.tv_usec * NS_PER_US;
}
