/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the local API: bytes and descriptors of a stream socket, cut into messages. */
#include "libdiscover/core/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE  (FRAME_HEADER + FRAME_MAX)
#define BUFFER_FIRST 4096

/* What Linux passes in one message at most (SCM_MAX_FD): with room for all, MSG_CTRUNC means just one thing. */
#define FDS_MAX 253

void frame_reader_init(struct frame_reader *r)
{
    memset(r, 0, sizeof *r);
    r->fd = -1;
}

static void keep_fd(struct frame_reader *r, int fd)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = fd;
}

void frame_reader_fini(struct frame_reader *r)
{
    keep_fd(r, -1);
    free(r->buf);
    frame_reader_init(r);
}

static size_t read_length(const uint8_t *header)
{
    return header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;
}

/*
 * A reader is one of hundreds, and idle most of the time: it has room for the frame that has begun, twice as much as
 * before when the last look filled it, and little when nothing waits.
 */
static size_t wanted_size(const struct frame_reader *r)
{
    size_t size = r->filled ? 2 * r->size : r->used > 0 ? r->size : BUFFER_FIRST;
    size_t frame = r->used >= FRAME_HEADER ? FRAME_HEADER + read_length(r->buf) : 0;
    if (frame <= BUFFER_SIZE && frame > size)
        size = frame;
    return size < BUFFER_FIRST ? BUFFER_FIRST : size > BUFFER_SIZE ? BUFFER_SIZE : size;
}

/* Makes room behind what is used: drops what was handed out. 0 or -ENOMEM. */
static int reader_settle(struct frame_reader *r)
{
    if (r->taken > 0)
        memmove(r->buf, r->buf + r->taken, r->used - r->taken);
    r->used -= r->taken;
    r->taken = 0;
    size_t size = wanted_size(r);
    if (size == r->size)
        return 0;
    uint8_t *buf = realloc(r->buf, size);
    if (!buf)
        return -ENOMEM;
    r->buf = buf;
    r->size = size;
    return 0;
}

static void take_descriptors(struct frame_reader *r, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            keep_fd(r, fd);
        }
    }
}

/*
 * Looks, without receiving, how many bytes come next. -EPROTO: a descriptor comes with them, for which the look has no
 * room (MSG_CTRUNC). A descriptor that was received has to be closed, which may take as long as its sender likes: so
 * it must not be received at all.
 */
static ssize_t look(int sock, struct iovec iov)
{
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_PEEK);
    if (n < 0)
        return -errno;
    return msg.msg_flags & MSG_CTRUNC ? -EPROTO : n;
}

int frame_recv(struct frame_reader *r, int sock)
{
    int err = reader_settle(r);
    if (err < 0)
        return err;
    size_t room = r->size - r->used;
    if (room == 0)
        return -ENOSPC;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {r->buf + r->used, room};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n;
    r->filled = false;
    if (r->no_descriptors) {
        if ((n = look(sock, iov)) <= 0)
            return (int)n;
        iov.iov_len = (size_t)n;
    }
    n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    r->filled = n == (ssize_t)room;
    if (n < 0)
        return -errno;
    take_descriptors(r, &msg);
    r->used += (size_t)n;
    return msg.msg_flags & MSG_CTRUNC ? -EMFILE : (int)n;
}

int frame_next(struct frame_reader *r, const uint8_t **ret_payload, size_t *ret_n)
{
    size_t left = r->used - r->taken;
    if (left < FRAME_HEADER)
        return 0;
    const uint8_t *frame = r->buf + r->taken;
    size_t n = read_length(frame);
    if (n == 0 || n > FRAME_MAX)
        return -EMSGSIZE;
    if (left < FRAME_HEADER + n)
        return 0;
    *ret_payload = frame + FRAME_HEADER;
    *ret_n = n;
    r->taken += FRAME_HEADER + n;
    return 1;
}

int frame_take_fd(struct frame_reader *r)
{
    int fd = r->fd;
    r->fd = -1;
    return fd;
}

void frame_header(uint8_t ret_header[static FRAME_HEADER], size_t n)
{
    for (size_t i = 0; i < FRAME_HEADER; i++)
        ret_header[i] = (uint8_t)(n >> (8 * i));
}

int frame_send_parts(int sock, const struct iovec *parts, size_t n, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = (struct iovec *)parts, .msg_iovlen = n};
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t sent = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : (int)sent;
}

int frame_send_fd(int sock, const uint8_t *bytes, size_t n, int fd)
{
    return frame_send_parts(sock, &(struct iovec){(void *)bytes, n}, 1, fd);
}
