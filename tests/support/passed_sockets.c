/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a program with listening sockets passed to it, as systemd does (sd_listen_fds(3)). */
#include "tests/support/passed_sockets.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/e2e.h"

#define RECEIVE_BYTES (16 << 20) /* as discoverd-dns.socket has it */
#define FIRST_FD      40         /* out of the way of the numbers that the daemon gets them by */

static int bound(int type, const void *address, socklen_t n, int as)
{
    const struct sockaddr *sa = address;
    int on = 1, fd = socket(sa->sa_family, type | SOCK_NONBLOCK, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_msg(bind(fd, sa, n) == 0, "bind: %s", strerror(errno));
    if (type == SOCK_STREAM)
        ck_assert_int_eq(listen(fd, SOMAXCONN), 0);
    ck_assert_int_eq(dup2(fd, as), as);
    close(fd);
    return as;
}

static int bound_port(int type, int port, int as)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return bound(type, &sa, sizeof sa, as);
}

static int bound_path(const char *path, int as)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    ck_assert_uint_lt(strlen(path), sizeof sa.sun_path);
    memcpy(sa.sun_path, path, strlen(path));
    return bound(SOCK_STREAM, &sa, sizeof sa, as);
}

void passed_sockets_open(struct passed_sockets *s, const struct host *h)
{
    const int bytes = RECEIVE_BYTES;

    s->fds[0] = bound_port(SOCK_DGRAM, h->dns_port, FIRST_FD);
    s->fds[1] = bound_port(SOCK_STREAM, h->dns_port, FIRST_FD + 1);
    s->fds[2] = bound_port(SOCK_STREAM, h->http_port, FIRST_FD + 2);
    s->fds[3] = bound_path(h->socket, FIRST_FD + 3);
    if (setsockopt(s->fds[0], SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(s->fds[0], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void passed_sockets_launch(const struct passed_sockets *s, struct host *h)
{
    char script[1024];
    const char *argv[] = {"bash", "-c", script, NULL};

    snprintf(script, sizeof script,
             "exec 3<&%d 4<&%d 5<&%d 6<&%d %d<&- %d<&- %d<&- %d<&-;"
             "LISTEN_PID=$$ LISTEN_FDS=4 LISTEN_FDNAMES=dns:dns:http:api exec %s -c %s",
             s->fds[0], s->fds[1], s->fds[2], s->fds[3], s->fds[0], s->fds[1], s->fds[2], s->fds[3],
             e2e_binary("discoverd"), h->config);
    proc_start(&h->proc, "discoverd-passed", argv, NULL);
}
