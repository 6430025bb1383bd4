/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: receives, turns the header into that of an answer, pads to the answer's size, sends. It is what no
 * server can do without, in the best way that sockets offer.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/dns/server.h"

#define BATCH     64
#define BYTES_MAX 8192

static uint8_t buffers[BATCH][BYTES_MAX];
static struct sockaddr_in peers[BATCH];

static int open_socket(int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int bytes = 4 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (bind(fd, (struct sockaddr *)&a, n) < 0 || getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        return -1;
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static size_t reply(uint8_t *message, size_t n, size_t bytes)
{
    message[2] |= 0x84;
    if (n >= bytes)
        return n;
    memset(message + n, 0, bytes - n);
    return bytes;
}

static void echo_one_by_one(int fd, size_t bytes)
{
    for (;;) {
        socklen_t peer_bytes = sizeof peers[0];
        ssize_t n = recvfrom(fd, buffers[0], BYTES_MAX, 0, (struct sockaddr *)&peers[0], &peer_bytes);
        if (n >= 12)
            (void)!sendto(fd, buffers[0], reply(buffers[0], (size_t)n, bytes), 0, (struct sockaddr *)&peers[0],
                          peer_bytes);
    }
}

static void echo_batches(int fd, size_t bytes)
{
    struct mmsghdr m[BATCH] = {0};
    struct iovec iov[BATCH];
    for (int i = 0; i < BATCH; i++)
        m[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_iov = &iov[i], .msg_iovlen = 1};
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){buffers[i], BYTES_MAX};
            m[i].msg_hdr.msg_namelen = sizeof peers[i];
        }
        int n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++)
            iov[i].iov_len = reply(buffers[i], m[i].msg_len, bytes);
        for (int sent = 0, k = 1; sent < n && k > 0; sent += k)
            k = sendmmsg(fd, m + sent, (unsigned)(n - sent), 0);
    }
}

void serve_floor(const struct server_options *o, int ready_fd)
{
    int port, fd = open_socket(&port);
    if (fd < 0 || write(ready_fd, &port, sizeof port) != sizeof port)
        return;
    if (o->one_by_one)
        echo_one_by_one(fd, o->reply_bytes);
    else
        echo_batches(fd, o->reply_bytes);
}
