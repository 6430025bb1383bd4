/* SPDX-License-Identifier: Apache-2.0 */
/* What local users can do. */
#include "tests/bench/loop/attack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libdiscover/core/frame.h"
#include "proto/api.pb-c.h"

enum { SOMEBODY = 12345, CONNECTIONS_MAX = 256, WATCHES = 60, STORM = 100, AT_ONCE = 100 };

pid_t attack_begin(void (*attack)(const struct host *h), const struct host *h, bool allowed)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    if (!allowed && geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(SOMEBODY, SOMEBODY, SOMEBODY) < 0 ||
         setresuid(SOMEBODY, SOMEBODY, SOMEBODY) < 0))
        _exit(1);
    attack(h);
    _exit(0);
}

void attack_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* --- connections --- */

static int dial_http(const struct host *h)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)h->http_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(sock, (struct sockaddr *)&sa, sizeof sa);
    return sock;
}

static int dial_api(const struct host *h)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memcpy(sa.sun_path, h->socket, strnlen(h->socket, sizeof sa.sun_path - 1));
    (void)connect(sock, (struct sockaddr *)&sa, sizeof sa);
    return sock;
}

static size_t put_message(const Discover__V1__ClientMessage *m, uint8_t *to)
{
    size_t n = discover__v1__client_message__pack(m, to + FRAME_HEADER);
    frame_header(to, n);
    return FRAME_HEADER + n;
}

static size_t put_hello(uint8_t *to)
{
    Discover__V1__Hello hello = DISCOVER__V1__HELLO__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    hello.version_min = hello.version_max = API_VERSION;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO;
    m.hello = &hello;
    return put_message(&m, to);
}

struct attacker {
    int (*dial)(const struct host *h);
    const uint8_t *bytes; /* said again and again by each connection; */
    size_t n, repeat_at;  /* from here on, after the first time */
    bool leaves;          /* after the first bytes of an answer */
};

/* Sends, and takes what comes; false: the connection is of no use any more. */
static bool turn(const struct attacker *a, struct pollfd *fd, size_t *sent)
{
    static char answer[65536];
    ssize_t n;
    if (fd->revents & POLLIN && ((n = recv(fd->fd, answer, sizeof answer, 0)) == 0 || (n > 0 && a->leaves)))
        return false;
    if (fd->revents & (POLLERR | POLLHUP))
        return false;
    if (!(fd->revents & POLLOUT) || *sent == a->n)
        return true;
    n = send(fd->fd, a->bytes + *sent, a->n - *sent, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == ENOTCONN;
    *sent += (size_t)n;
    if (*sent == a->n && a->repeat_at < a->n)
        *sent = a->repeat_at;
    return true;
}

__attribute__((noreturn)) static void go_on(const struct attacker *a, const struct host *h, nfds_t connections)
{
    struct pollfd fds[CONNECTIONS_MAX];
    size_t sent[CONNECTIONS_MAX] = {0};
    for (nfds_t i = 0; i < connections; i++)
        fds[i] = (struct pollfd){.fd = a->dial(h)};
    for (;;) {
        for (nfds_t i = 0; i < connections; i++)
            fds[i].events = sent[i] < a->n ? POLLIN | POLLOUT : POLLIN;
        (void)poll(fds, connections, 100);
        for (nfds_t i = 0; i < connections; i++) {
            if (turn(a, &fds[i], &sent[i]))
                continue;
            close(fds[i].fd);
            fds[i].fd = a->dial(h);
            sent[i] = 0;
        }
    }
}

/* --- attacks --- */

void attack_http(const struct host *h)
{
    static const char request[] = "GET /v1/http_sd HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct attacker a = {dial_http, (const uint8_t *)request, sizeof request - 1, sizeof request - 1, true};
    go_on(&a, h, 120);
}

void attack_frames(const struct host *h)
{
    static uint8_t bytes[1024 + FRAME_HEADER + FRAME_MAX];
    const uint8_t head[] = {0x08, 0x07, 0x1a, 0x84, 0xf4, 0x03, 0x1a, 0x80, 0xf4, 0x03}; /* Register of an Instance */
    size_t at = put_hello(bytes), frame = at;
    memcpy(bytes + frame + FRAME_HEADER, head, sizeof head);
    for (at += FRAME_HEADER + sizeof head; at < frame + FRAME_HEADER + sizeof head + 64000; at += 2)
        bytes[at] = 0x62; /* an empty pair */
    frame_header(bytes + frame, at - frame - FRAME_HEADER);
    struct attacker a = {dial_api, bytes, at, frame, false};
    go_on(&a, h, 100);
}

void attack_watches(const struct host *h)
{
    static uint8_t bytes[16384];
    size_t at = put_hello(bytes);
    for (int i = 0; i < WATCHES; i++) {
        char service[64];
        Discover__V1__Watch watch = DISCOVER__V1__WATCH__INIT;
        Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
        snprintf(service, sizeof service, "area-%d/service-%d", i % 50, i);
        watch.service = service;
        m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH;
        m.watch = &watch;
        at += put_message(&m, bytes + at);
    }
    struct attacker a = {dial_api, bytes, at, at, false};
    go_on(&a, h, 60);
}

void attack_status(const struct host *h)
{
    static uint8_t bytes[4096];
    Discover__V1__StatusRequest request = DISCOVER__V1__STATUS_REQUEST__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    size_t hello = put_hello(bytes), at = hello;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS;
    m.status = &request;
    for (int i = 0; i < AT_ONCE; i++)
        at += put_message(&m, bytes + at);
    struct attacker a = {dial_api, bytes, at, hello, false};
    go_on(&a, h, 180);
}

void attack_connects(const struct host *h)
{
    static uint8_t bytes[64];
    struct attacker a = {dial_api, bytes, put_hello(bytes), sizeof bytes, true};
    go_on(&a, h, 100);
}

static size_t put_register(uint8_t *to, char *service, char *instance, uint32_t port)
{
    Discover__V1__Instance record = DISCOVER__V1__INSTANCE__INIT;
    Discover__V1__Register body = DISCOVER__V1__REGISTER__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    record.port = port;
    record.weight = 1;
    body.service = service;
    body.instance = instance;
    body.record = &record;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER;
    m.register_ = &body;
    return put_message(&m, to);
}

static size_t put_deregister(uint8_t *to, char *service, char *instance)
{
    Discover__V1__Deregister body = DISCOVER__V1__DEREGISTER__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    body.service = service;
    body.instance = instance;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER;
    m.deregister = &body;
    return put_message(&m, to);
}

void attack_registrations(const struct host *h)
{
    static uint8_t bytes[65536];
    size_t hello = put_hello(bytes), at = hello;
    for (int away = 0; away < 2; away++)
        for (uint32_t i = 0; i < STORM; i++) {
            char service[64], instance[64];
            snprintf(service, sizeof service, "storm/service-%u", i % 20);
            snprintf(instance, sizeof instance, "i%u", i);
            at += away ? put_deregister(bytes + at, service, instance)
                       : put_register(bytes + at, service, instance, 80 + i);
        }
    struct attacker a = {dial_api, bytes, at, hello, false};
    go_on(&a, h, 1);
}
