/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads NATS' protocol from the server as far as it must to know where messages begin and end: lines, and
 * behind MSG and HMSG as many bytes as their last word says, and CR LF.
 */
#include "tests/faults/lossy.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/port.h"

#define BUFFER     (2u << 20) /* more than the largest message of a server, 1 MiB */
#define POLL_MS    50
#define LOSSY_SEED 1

struct pair {
    int client, server; /* -1: none */
    size_t n;
    char *from_server;
    unsigned random;
};

static int tcp_socket(int port, struct sockaddr_in *ret_address)
{
    *ret_address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void hang_up(struct pair *p)
{
    if (p->client >= 0)
        close(p->client);
    if (p->server >= 0)
        close(p->server);
    p->client = p->server = -1;
    p->n = 0;
}

static void pick_up(struct lossy *l, struct pair *p)
{
    struct sockaddr_in address;

    hang_up(p);
    p->client = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
    p->server = tcp_socket(l->server_port, &address);
    if (p->client < 0 || p->server < 0 || connect(p->server, (struct sockaddr *)&address, sizeof address) != 0)
        hang_up(p);
    else
        setsockopt(p->client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* The length of what begins here, with its subject if it is a message; 0: not all of it is there yet. */
static size_t frame_length(const char *bytes, size_t n, const char **ret_subject)
{
    const char *end = memmem(bytes, n, "\r\n", 2);

    *ret_subject = NULL;
    if (!end)
        return 0;
    size_t line = (size_t)(end - bytes) + 2;
    if (strncmp(bytes, "MSG ", 4) != 0 && strncmp(bytes, "HMSG ", 5) != 0)
        return line;
    const char *last = memrchr(bytes, ' ', line);
    size_t length = line + strtoul(last, NULL, 10) + 2;
    *ret_subject = strchr(bytes, ' ') + 1;
    return length <= n ? length : 0;
}

static bool drops(struct lossy *l, struct pair *p, const char *subject)
{
    if (!subject || strncmp(subject, l->prefix, strlen(l->prefix)) != 0)
        return false;
    p->random = p->random * 1664525 + 1013904223; /* Numerical Recipes' generator: the same losses in each run */
    if ((p->random >> 16) % 100 >= atomic_load(&l->percent))
        return false;
    atomic_fetch_add(&l->dropped, 1);
    return true;
}

static bool from_server(struct lossy *l, struct pair *p)
{
    const char *subject;
    size_t done = 0, length;
    ssize_t got = recv(p->server, p->from_server + p->n, BUFFER - p->n, 0);

    if (got <= 0)
        return false;
    p->n += (size_t)got;
    while ((length = frame_length(p->from_server + done, p->n - done, &subject)) > 0) {
        if (!drops(l, p, subject) && !send_all(p->client, p->from_server + done, length))
            return false;
        done += length;
    }
    p->n -= done;
    memmove(p->from_server, p->from_server + done, p->n);
    return p->n < BUFFER;
}

static bool from_client(struct pair *p)
{
    char bytes[65536];
    ssize_t got = recv(p->client, bytes, sizeof bytes, 0);

    return got > 0 && send_all(p->server, bytes, (size_t)got);
}

static void *lossy_thread(void *arg)
{
    struct lossy *l = arg;
    struct pair p = {.client = -1, .server = -1, .from_server = malloc(BUFFER), .random = LOSSY_SEED};

    while (p.from_server && !atomic_load(&l->stop)) {
        struct pollfd fds[] = {{.fd = l->listener, .events = POLLIN},
                               {.fd = p.client, .events = POLLIN},
                               {.fd = p.server, .events = POLLIN}};
        if (poll(fds, 3, POLL_MS) <= 0)
            continue;
        if (fds[0].revents)
            pick_up(l, &p);
        else if ((fds[1].revents && !from_client(&p)) || (fds[2].revents && !from_server(l, &p)))
            hang_up(&p);
    }
    hang_up(&p);
    free(p.from_server);
    return NULL;
}

void lossy_start(struct lossy *l, int server_port, const char *prefix)
{
    struct sockaddr_in address;

    memset(l, 0, sizeof *l);
    l->port = port_take();
    l->server_port = server_port;
    l->prefix = prefix;
    snprintf(l->url, sizeof l->url, "\"nats://127.0.0.1:%d\"", l->port);
    l->listener = tcp_socket(l->port, &address);
    setsockopt(l->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    ck_assert_msg(bind(l->listener, (struct sockaddr *)&address, sizeof address) == 0, "bind: %s", strerror(errno));
    ck_assert_int_eq(listen(l->listener, 16), 0);
    ck_assert_int_eq(pthread_create(&l->thread, NULL, lossy_thread, l), 0);
}

void lossy_stop(struct lossy *l)
{
    atomic_store(&l->stop, true);
    pthread_join(l->thread, NULL);
    close(l->listener);
}
