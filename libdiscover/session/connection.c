/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the daemon's socket. */
#include "libdiscover/session/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OUT_CAP_MIN 1024
#define OUT_CAP_MAX (4 << 20) /* a daemon that only talks and never reads is not listened to for ever */

void connection_init(struct connection *c, const struct poll_set *set)
{
    memset(c, 0, sizeof *c);
    c->sock.fd = c->fd = -1;
    c->set = set;
    frame_reader_init(&c->in);
}

static void keep_fd(struct connection *c, int fd)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = fd;
}

bool connection_is_own(const struct connection *c)
{
    return c->sock.fd < 0 || known_fd_is_own(&c->sock);
}

void connection_close(struct connection *c, bool ours)
{
    if (!connection_is_own(c)) {
        c->fd = -1; /* with the socket, what goes or came with it may be another's by now: it is not closed */
        (void)frame_take_fd(&c->in);
    } else if (c->sock.fd >= 0 && ours) {
        /* A child's copy would keep a closed socket in the epoll set, too. */
        poll_set_remove(c->set, c->sock.fd);
        (void)shutdown(c->sock.fd, SHUT_RDWR);
    }
    known_fd_close(&c->sock);
    keep_fd(c, -1);
    frame_reader_fini(&c->in);
    free(c->out);
    connection_init(c, c->set);
}

static uint32_t events_of(const struct connection *c)
{
    return c->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

int connection_enter_set(const struct connection *c)
{
    return c->sock.fd < 0 ? 0 : poll_set_add(c->set, c->sock.fd, events_of(c));
}

int connection_open(struct connection *c, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    known_fd_note(&c->sock, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (c->sock.fd < 0)
        return -errno;
    int err = connect(c->sock.fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
    if (!err)
        err = connection_enter_set(c);
    if (err)
        connection_close(c, true);
    return err;
}

static int reserve(struct connection *c, size_t n)
{
    if (c->out_sent > 0)
        memmove(c->out, c->out + c->out_sent, c->out_used - c->out_sent);
    c->out_used -= c->out_sent;
    c->out_sent = 0;
    size_t cap = c->out_cap ? c->out_cap : OUT_CAP_MIN;
    while (cap < c->out_used + n)
        cap *= 2;
    if (cap > OUT_CAP_MAX)
        return -ENOBUFS;
    if (cap == c->out_cap)
        return 0;
    uint8_t *out = realloc(c->out, cap);
    if (!out)
        return -ENOMEM;
    c->out = out;
    c->out_cap = cap;
    return 0;
}

bool connection_has_queued(const struct connection *c)
{
    return c->out_sent < c->out_used;
}

int connection_send(struct connection *c, const Discover__V1__ClientMessage *msg, int fd)
{
    if (fd >= 0)
        keep_fd(c, fd);
    size_t n = discover__v1__client_message__get_packed_size(msg);
    if (n > FRAME_MAX)
        return -EMSGSIZE;
    int err = reserve(c, FRAME_HEADER + n);
    if (err < 0)
        return err;
    frame_header(c->out + c->out_used, n);
    discover__v1__client_message__pack(msg, c->out + c->out_used + FRAME_HEADER);
    c->out_used += FRAME_HEADER + n;
    return connection_flush(c);
}

int connection_send_frame(struct connection *c, const uint8_t *frame, size_t n)
{
    int err = reserve(c, n);
    if (err < 0)
        return err;
    memcpy(c->out + c->out_used, frame, n);
    c->out_used += n;
    return connection_flush(c);
}

int connection_flush(struct connection *c)
{
    if (c->out_sent == c->out_used)
        return 0;
    if (!connection_is_own(c))
        return -EBADF;
    int n = frame_send_fd(c->sock.fd, c->out + c->out_sent, c->out_used - c->out_sent, c->fd);
    /* The daemon may have said why before it closed: reading finds that, and then the end. */
    if (n == -EPIPE || n == -ECONNRESET)
        n = (int)(c->out_used - c->out_sent);
    if (n < 0 && n != -EAGAIN)
        return n;
    if (n > 0) {
        c->out_sent += (size_t)n;
        keep_fd(c, -1);
    }
    bool left = c->out_sent < c->out_used;
    if (left == c->blocked)
        return 0;
    c->blocked = left;
    return poll_set_change(c->set, c->sock.fd, events_of(c));
}

int connection_read(struct connection *c)
{
    if (!connection_is_own(c))
        return -EBADF;
    int n = frame_recv(&c->in, c->sock.fd);
    return n == 0 ? -ECONNRESET : n;
}

int connection_next(struct connection *c, Discover__V1__ServerMessage **ret_msg)
{
    const uint8_t *payload;
    size_t n;
    int got = frame_next(&c->in, &payload, &n);
    if (got <= 0)
        return got;
    Discover__V1__ServerMessage *msg = discover__v1__server_message__unpack(NULL, n, payload);
    if (!msg)
        return -EBADMSG;
    *ret_msg = msg;
    return 1;
}
