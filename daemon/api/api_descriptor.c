/* SPDX-License-Identifier: Apache-2.0 */
/* The one kind of descriptor that clients may send: a pidfd, which costs nothing to close. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/api/api_impl.h"
#include "daemon/api/named_process.h"

/*
 * A copy of the descriptor that comes next, which stays in the socket. -EPROTO: several come at once, or the kernel has
 * no room for it.
 */
static int peek_descriptor(int sock, int *ret_fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char bytes[FRAME_HEADER + FRAME_MAX];
    struct iovec iov = {bytes, sizeof bytes};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(sizeof(int))};
    *ret_fd = -1;
    if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_PEEK | MSG_CMSG_CLOEXEC) < 0)
        return -errno;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
    return msg.msg_flags & MSG_CTRUNC || *ret_fd < 0 ? -EPROTO : 0;
}

/* Closing a copy of a socket never waits, as it is not the last one. Some other files do something at each close. */
static void close_copy(struct api_client *c, int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        close(fd);
    else
        api_close_copy(c->api->closing, fd);
}

static bool is_pidfd(struct api_client *c)
{
    int fd;
    if (!c->peer.may_register || !api_closing_takes_copies(c->api->closing))
        return false;
    int err = peek_descriptor(c->sock, &fd);
    if (fd < 0)
        return false;
    if (!named_process_is_pidfd(fd)) {
        close_copy(c, fd);
        return false;
    }
    close(fd);
    return err == 0;
}

/* Only this thread reads the socket: the descriptor that was looked at is the one that is taken. */
int api_receive_pidfd(struct api_client *c)
{
    if (!is_pidfd(c))
        return -EPROTO;
    c->reader.no_descriptors = false;
    int n = frame_recv(&c->reader, c->sock);
    c->reader.no_descriptors = true;
    return n;
}
