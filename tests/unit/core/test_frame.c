/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: any cut of the stream gives the same messages; descriptors come along and never leak. */
#include "libdiscover/core/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"

static size_t put_frame(uint8_t *at, const void *payload, size_t n)
{
    frame_header(at, n);
    memcpy(at + FRAME_HEADER, payload, n);
    return FRAME_HEADER + n;
}

static void make_pair(int ret_pair[static 2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_pair), 0);
}

static int count_open(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Sends bytes through a socket and reads them all. */
static void feed(struct frame_reader *r, const uint8_t *bytes, size_t n)
{
    int pair[2];
    make_pair(pair);
    ck_assert_int_eq(write(pair[0], bytes, n), (ssize_t)n);
    for (int got; n > 0; n -= (size_t)got)
        ck_assert_int_gt(got = frame_recv(r, pair[1]), 0);
    close(pair[0]);
    close(pair[1]);
}

START_TEST(every_cut_gives_the_same_frames)
{
    uint8_t bytes[64];
    size_t n = put_frame(bytes, "a", 1);
    n += put_frame(bytes + n, "hello", 5);
    for (size_t cut = 0; cut <= n; cut++) {
        struct frame_reader r;
        frame_reader_init(&r);
        const uint8_t *payload;
        size_t length, seen = 0;
        size_t parts[] = {cut, n - cut}, from = 0;
        for (size_t i = 0; i < 2; from += parts[i++]) {
            feed(&r, bytes + from, parts[i]);
            while (frame_next(&r, &payload, &length) == 1) {
                ck_assert_mem_eq(payload, seen == 0 ? "a" : "hello", length);
                ck_assert_uint_eq(length, seen++ == 0 ? 1 : 5);
            }
        }
        ck_assert_uint_eq(seen, 2);
        frame_reader_fini(&r);
    }
}
END_TEST

START_TEST(lengths_of_zero_and_above_the_limit_are_refused)
{
    static const uint8_t headers[][FRAME_HEADER] = {{0, 0, 0, 0}, {1, 0, 1, 0}, {0xff, 0xff, 0xff, 0xff}};
    for (size_t i = 0; i < 3; i++) {
        struct frame_reader r;
        frame_reader_init(&r);
        const uint8_t *payload;
        size_t length;
        feed(&r, headers[i], FRAME_HEADER);
        ck_assert_int_eq(frame_next(&r, &payload, &length), -EMSGSIZE);
        ck_assert_int_eq(frame_next(&r, &payload, &length), -EMSGSIZE);
        frame_reader_fini(&r);
    }
}
END_TEST

START_TEST(largest_frame_passes_and_more_than_it_is_not_taken)
{
    static uint8_t bytes[FRAME_HEADER + FRAME_MAX];
    int pair[2];
    make_pair(pair);
    struct frame_reader r;
    frame_reader_init(&r);
    const uint8_t *payload;
    size_t length;
    frame_header(bytes, FRAME_MAX);
    feed(&r, bytes, sizeof bytes);
    ck_assert_int_eq(write(pair[0], bytes, 1), 1);
    ck_assert_int_eq(frame_recv(&r, pair[1]), -ENOSPC);
    ck_assert_int_eq(frame_next(&r, &payload, &length), 1);
    ck_assert_uint_eq(length, FRAME_MAX);
    ck_assert_int_eq(frame_recv(&r, pair[1]), 1);
    frame_reader_fini(&r);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

/* A daemon has hundreds of readers that wait for the next small message. */
START_TEST(room_is_as_large_as_what_comes_needs)
{
    static uint8_t bytes[FRAME_HEADER + FRAME_MAX];
    const uint8_t *payload;
    size_t length, sent = 0, got = 0;
    struct frame_reader r;
    int pair[2];
    make_pair(pair);
    frame_reader_init(&r);
    ck_assert_int_eq(frame_recv(&r, pair[1]), -EAGAIN);
    ck_assert_uint_le(r.size, 4096);
    frame_header(bytes, FRAME_MAX);
    while (sent < sizeof bytes) { /* one large frame, in pieces */
        ssize_t n = write(pair[0], bytes + sent, sizeof bytes - sent);
        sent += n > 0 ? (size_t)n : 0;
        while (frame_recv(&r, pair[1]) > 0)
            ck_assert_int_eq(frame_next(&r, &payload, &length), sent == sizeof bytes && r.used == sent);
    }
    ck_assert_uint_eq(length, FRAME_MAX);
    ck_assert_int_eq(frame_recv(&r, pair[1]), -EAGAIN);
    ck_assert_uint_le(r.size, 4096);
    for (size_t i = 0; i < 1000; i++)
        (void)put_frame(bytes + 5 * i, "x", 1);
    ck_assert_int_eq(write(pair[0], bytes, 5000), 5000); /* many small ones at once: more at each look */
    for (unsigned looks = 0; got < 1000; looks++) {
        ck_assert_int_gt(frame_recv(&r, pair[1]), 0);
        while (frame_next(&r, &payload, &length) == 1)
            got++;
        ck_assert_uint_lt(looks, 3);
    }
    frame_reader_fini(&r);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(descriptor_comes_with_its_frame)
{
    int pair[2];
    make_pair(pair);
    uint8_t bytes[16];
    size_t n = put_frame(bytes, "fd", 2);
    ck_assert_int_eq(frame_send_fd(pair[0], bytes, n, STDERR_FILENO), (int)n);
    struct frame_reader r;
    frame_reader_init(&r);
    ck_assert_int_eq(frame_recv(&r, pair[1]), (int)n);
    int fd = frame_take_fd(&r);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(frame_take_fd(&r), -1);
    ck_assert_int_eq(frame_recv(&r, pair[1]), -EAGAIN);
    close(pair[0]);
    ck_assert_int_eq(frame_recv(&r, pair[1]), 0);
    close(fd);
    close(pair[1]);
    frame_reader_fini(&r);
}
END_TEST

/* Sends one byte with n descriptors. */
static void send_many(int sock, int n)
{
    int fds[64];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {0};
    for (int i = 0; i < n; i++)
        fds[i] = STDERR_FILENO;
    struct iovec iov = {(char[]){1}, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
    msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    ck_assert_int_eq(sendmsg(sock, &msg, 0), 1);
}

START_TEST(descriptors_nobody_takes_are_closed)
{
    int pair[2];
    make_pair(pair);
    int before = count_open();
    struct frame_reader r;
    frame_reader_init(&r);
    for (int i = 0; i < 3; i++) {
        send_many(pair[0], 40);
        ck_assert_int_eq(frame_recv(&r, pair[1]), 1);
    }
    frame_reader_fini(&r);
    ck_assert_int_eq(count_open(), before);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(no_room_for_a_descriptor_is_an_error)
{
    int pair[2];
    make_pair(pair);
    send_many(pair[0], 1);
    struct rlimit old, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){(rlim_t)pair[1] + 1, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct frame_reader r;
    frame_reader_init(&r);
    int err = frame_recv(&r, pair[1]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_int_eq(err, -EMFILE);
    frame_reader_fini(&r);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(sending_to_a_closed_peer_is_an_error_and_no_signal)
{
    int pair[2];
    make_pair(pair);
    close(pair[1]);
    ck_assert_int_eq(frame_send_fd(pair[0], (const uint8_t *)"x", 1, -1), -EPIPE);
    close(pair[0]);
}
END_TEST

UNIT_TESTS("frame", every_cut_gives_the_same_frames, lengths_of_zero_and_above_the_limit_are_refused,
           largest_frame_passes_and_more_than_it_is_not_taken, room_is_as_large_as_what_comes_needs,
           descriptor_comes_with_its_frame, descriptors_nobody_takes_are_closed, no_room_for_a_descriptor_is_an_error,
           sending_to_a_closed_peer_is_an_error_and_no_signal)
