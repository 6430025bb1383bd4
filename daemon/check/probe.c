/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one check again and again, and ends it when it takes too long. */
#include "daemon/check/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/check/target.h"
#include "libdiscover/core/clock.h"

/* A look-up outlives a probe that is freed: evdns calls back in any case. */
struct lookup {
    struct probe *probe; /* NULL: nobody waits any more */
    struct evdns_getaddrinfo_request *request;
};

struct probe {
    struct event_base *base;
    struct evdns_base *dns;
    struct check_config config;
    struct target target;
    probe_done_fn *done;
    void *arg;
    struct loop_timer timeout;
    bool running;
    struct lookup *lookup;
    struct evutil_addrinfo *addresses, *next_address;
    int connect_error; /* of the last address */
    int sock;
    struct event *event; /* on sock */
    char answer[64];
    size_t answer_n;
};

/* --- the end of a run --- */

static void close_socket(struct probe *p)
{
    if (p->event)
        event_free(p->event);
    if (p->sock >= 0)
        close(p->sock);
    p->event = NULL;
    p->sock = -1;
}

static void cancel_lookup(struct probe *p)
{
    if (!p->lookup)
        return;
    struct lookup *lookup = p->lookup;
    p->lookup = NULL;
    lookup->probe = NULL;
    if (lookup->request)
        evdns_getaddrinfo_cancel(lookup->request);
}

static void stop(struct probe *p)
{
    p->running = false;
    loop_timer_arm(&p->timeout, INT64_MAX, 0);
    cancel_lookup(p);
    close_socket(p);
    if (p->addresses)
        evutil_freeaddrinfo(p->addresses);
    p->addresses = p->next_address = NULL;
}

/* The last thing in whatever calls it: the probe may be gone afterwards. */
static void finish(struct probe *p, bool pass, const char *reason)
{
    stop(p);
    p->done(p->arg, pass, reason);
}

/* --- HTTP --- */

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    char reason[64];
    (void)what;
    ssize_t n = recv(fd, p->answer + p->answer_n, sizeof p->answer - p->answer_n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        finish(p, false, n < 0 ? strerror(errno) : "closed without an answer");
        return;
    }
    p->answer_n += (size_t)n;
    int status = target_http_status(p->answer, p->answer_n);
    if (status == 0)
        return;
    snprintf(reason, sizeof reason, "status %d", status);
    finish(p, status >= 200 && status <= 299, status < 0 ? "the answer is not HTTP" : reason);
}

static int watch_socket(struct probe *p, short what, event_callback_fn fn)
{
    if (p->event)
        event_free(p->event);
    p->event = event_new(p->base, p->sock, what, fn, p);
    return p->event && event_add(p->event, NULL) == 0 ? 0 : -ENOMEM;
}

static void ask(struct probe *p)
{
    char request[HTTP_REQUEST_CAP];
    size_t n = target_http_request(&p->target, request);
    p->answer_n = 0;
    /* Below a kilobyte into the buffer of a fresh connection: it goes whole or not at all. */
    if (send(p->sock, request, n, MSG_NOSIGNAL) != (ssize_t)n)
        finish(p, false, "the connection takes no request");
    else if (watch_socket(p, EV_READ | EV_PERSIST, on_answer) < 0)
        finish(p, false, "no memory");
}

/* --- connecting --- */

/*
 * Nobody listens on a port of this host, and the kernel chose that very port for us: the two ends of the connection are
 * one (RFC 9293 section 3.5, simultaneous open), and whoever asks would answer himself.
 */
static bool reached_itself(int sock)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_n = sizeof here, there_n = sizeof there;
    return getsockname(sock, (struct sockaddr *)&here, &here_n) == 0 &&
           getpeername(sock, (struct sockaddr *)&there, &there_n) == 0 && here_n == there_n &&
           memcmp(&here, &there, here_n) == 0;
}

static void try_next(struct probe *p);

static void connected(struct probe *p)
{
    if (reached_itself(p->sock)) {
        p->connect_error = ECONNREFUSED;
        try_next(p);
    } else if (p->config.kind == CHECK_HTTP) {
        ask(p);
    } else {
        finish(p, true, "");
    }
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
    struct probe *p = arg;
    int err = 0;
    socklen_t size = sizeof err;
    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        err = errno;
    if (err == 0) {
        connected(p);
        return;
    }
    p->connect_error = err;
    try_next(p);
}

/* 0: connected; -EINPROGRESS: on_connected follows; another negative errno. */
static int start_connect(struct probe *p, const struct evutil_addrinfo *a)
{
    close_socket(p);
    p->sock = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->sock < 0)
        return -errno;
    if (connect(p->sock, a->ai_addr, (socklen_t)a->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    int err = watch_socket(p, EV_WRITE, on_connected);
    return err < 0 ? err : -EINPROGRESS;
}

static void try_next(struct probe *p)
{
    while (p->next_address) {
        const struct evutil_addrinfo *a = p->next_address;
        p->next_address = a->ai_next;
        int err = start_connect(p, a);
        if (err == -EINPROGRESS)
            return;
        if (err == 0) {
            connected(p);
            return;
        }
        p->connect_error = -err;
    }
    finish(p, false, strerror(p->connect_error));
}

static void on_resolved(int err, struct evutil_addrinfo *addresses, void *arg)
{
    struct lookup *lookup = arg;
    struct probe *p = lookup->probe;
    free(lookup);
    if (!p) {
        if (addresses)
            evutil_freeaddrinfo(addresses);
        return;
    }
    p->lookup = NULL;
    if (err != 0 || !addresses) {
        finish(p, false, err ? evutil_gai_strerror(err) : "the name has no address");
        return;
    }
    p->addresses = p->next_address = addresses;
    p->connect_error = EHOSTUNREACH;
    try_next(p);
}

static void resolve(struct probe *p)
{
    const struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                          .ai_socktype = SOCK_STREAM,
                                          .ai_protocol = IPPROTO_TCP,
                                          .ai_flags = EVUTIL_AI_NUMERICSERV};
    char port[8];
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) {
        finish(p, false, "no memory");
        return;
    }
    snprintf(port, sizeof port, "%u", p->target.port);
    lookup->probe = p;
    p->lookup = lookup;
    /* An address, or a name in /etc/hosts, calls back before this returns: then there is no request. */
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(p->dns, p->target.host, port, &hints, on_resolved, lookup);
    if (request)
        lookup->request = request;
}

/* --- life --- */

static void on_timeout(void *arg)
{
    finish(arg, false, "timed out");
}

int probe_new(struct event_base *base, struct evdns_base *dns, const struct check_config *config, probe_done_fn *fn,
              void *arg, struct probe **ret_probe)
{
    struct probe *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->base = base;
    p->dns = dns;
    p->config = *config;
    p->done = fn;
    p->arg = arg;
    p->sock = -1;
    int err = target_parse(config->kind, config->target, &p->target);
    if (err == 0)
        err = loop_timer_init(&p->timeout, base, on_timeout, p);
    if (err < 0) {
        free(p);
        return err;
    }
    *ret_probe = p;
    return 0;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    stop(p);
    loop_timer_fini(&p->timeout);
    free(p);
}

void probe_run(struct probe *p)
{
    if (p->running)
        return;
    int64_t now_ns = clock_now_ns();
    p->running = true;
    loop_timer_arm(&p->timeout, now_ns + p->config.timeout_ns, now_ns);
    resolve(p);
}
