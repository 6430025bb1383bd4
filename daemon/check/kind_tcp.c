/* SPDX-License-Identifier: Apache-2.0 */
/* A check of kind tcp: a connection must be accepted, by one address of the host after the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/check/addresses_of.h"
#include "daemon/check/kind.h"

struct tcp {
    const struct check_setup *setup;
    struct addresses_of addresses_of;
    size_t next;    /* index of the next address to try */
    int last_error; /* errno of the last address tried */
    int sock;
    struct event *event; /* on sock; made once, and used for each connection */
};

static void close_socket(struct tcp *t)
{
    if (t->sock < 0)
        return;
    (void)event_del(t->event);
    close(t->sock);
    t->sock = -1;
}

static void pass(struct tcp *t)
{
    close_socket(t);
    check_report_line(t->setup, CHECK_PASS, false, "the connection is accepted");
}

/*
 * Whether the connection leads to itself: nobody listens on a port of this host, and the kernel chose that very port
 * for our end (RFC 9293 section 3.5, simultaneous open).
 */
static bool reached_itself(int sock)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_n = sizeof here, there_n = sizeof there;
    return getsockname(sock, (struct sockaddr *)&here, &here_n) == 0 &&
           getpeername(sock, (struct sockaddr *)&there, &there_n) == 0 && here_n == there_n &&
           memcmp(&here, &there, here_n) == 0;
}

/* Returns 0 when connected; -EINPROGRESS: on_connected follows; or another negative errno. */
static int start_connect(struct tcp *t, size_t i)
{
    const union check_address *address = &t->addresses_of.found[i];
    socklen_t size = address->any.sa_family == AF_INET6 ? sizeof address->ipv6 : sizeof address->ipv4;
    close_socket(t);
    t->sock = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->sock < 0)
        return -errno;
    int err = connect(t->sock, &address->any, size) == 0 ? 0 : -errno;
    if (err == 0)
        return reached_itself(t->sock) ? -ECONNREFUSED : 0;
    return err;
}

static void on_connected(evutil_socket_t fd, short what, void *arg);

static void try_next(struct tcp *t)
{
    while (t->next < t->addresses_of.n) {
        int err = start_connect(t, t->next++);
        if (err == -EINPROGRESS &&
            (event_assign(t->event, t->setup->tools->base, t->sock, EV_WRITE, on_connected, t) < 0 ||
             event_add(t->event, NULL) < 0))
            err = -ENOMEM;
        if (err == -EINPROGRESS)
            return;
        if (err == 0) {
            pass(t);
            return;
        }
        t->last_error = -err;
    }
    close_socket(t);
    check_report_line(t->setup, CHECK_FAIL, false, "%s", strerror(t->last_error));
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
    struct tcp *t = arg;
    int err = 0;
    socklen_t size = sizeof err;
    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        err = errno;
    if (err == 0 && reached_itself(fd))
        err = ECONNREFUSED;
    if (err == 0) {
        pass(t);
        return;
    }
    t->last_error = err;
    try_next(t);
}

static void on_addresses(void *arg, const char *why)
{
    struct tcp *t = arg;
    if (why) {
        check_report_line(t->setup, CHECK_FAIL, false, "%s: %s", t->addresses_of.host, why);
        return;
    }
    t->next = 0;
    try_next(t);
}

static void tcp_start(void *check)
{
    struct tcp *t = check;
    addresses_of_start(&t->addresses_of);
}

static const char *tcp_cancel(void *check)
{
    struct tcp *t = check;
    const char *at = t->addresses_of.request ? "looking the name up" : "connecting";
    addresses_of_cancel(&t->addresses_of);
    close_socket(t);
    return at;
}

static void tcp_close(void *check)
{
    struct tcp *t = check;
    if (!t)
        return;
    (void)tcp_cancel(t);
    event_free(t->event);
    free(t);
}

static int tcp_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->setup = setup;
    t->sock = -1;
    int err = addresses_of_init(&t->addresses_of, setup->tools->dns, setup->spec->tcp, on_addresses, t);
    if (err == -EINVAL)
        *ret_why = "tcp: not a host and a port";
    if (!err && !(t->event = event_new(setup->tools->base, -1, EV_WRITE, on_connected, t)))
        err = -ENOMEM;
    if (err) {
        free(t);
        return err;
    }
    *ret_check = t;
    return 0;
}

const struct check_kind check_tcp = {tcp_open, tcp_start, tcp_cancel, tcp_close};
