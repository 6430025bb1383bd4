/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the local API: 4 bytes length, little endian, then that many bytes of protobuf. Pure but for
 * frame_send_fd and frame_recv; any thread, one reader and one writer per stream.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define API_VERSION  1
#define FRAME_HEADER 4
#define FRAME_MAX    65536 /* bytes of a payload, at most: far above any message, far below a burden */

/* Collects a byte stream into frames. */
struct frame_reader {
    uint8_t *buf; /* allocated at the first byte; as large as what comes needs, at most FRAME_HEADER + FRAME_MAX */
    size_t size;
    size_t used;
    size_t taken;        /* bytes at the front that were handed out */
    bool filled;         /* the last frame_recv left no room */
    int fd;              /* a descriptor that came as ancillary data and was not taken yet, or -1 */
    bool no_descriptors; /* what comes with one is not read: set after frame_reader_init */
};

void frame_reader_init(struct frame_reader *r);
void frame_reader_fini(struct frame_reader *r);

/*
 * Reads once from a non-blocking stream socket. Returns the bytes read (> 0), 0 at the end of the stream,
 * -EAGAIN, or another negative errno: -EMFILE when a descriptor came and this process may have no more, -ENOSPC
 * when a whole frame waits to be taken, -EPROTO when a descriptor comes next and none is wanted (nothing is read then).
 * The newest descriptor is kept, all others are closed; all are CLOEXEC.
 */
int frame_recv(struct frame_reader *r, int sock);

/*
 * The next whole frame: 1 and its payload, valid until the next call on r; 0 when there is none yet;
 * -EMSGSIZE when the length is 0 or above FRAME_MAX (the stream cannot be resynchronised: close it).
 */
int frame_next(struct frame_reader *r, const uint8_t **ret_payload, size_t *ret_n);

/* Takes the descriptor that came along, or -1. The caller owns it. */
int frame_take_fd(struct frame_reader *r);

/* Writes the header for a payload of n bytes. */
void frame_header(uint8_t ret_header[static FRAME_HEADER], size_t n);

/*
 * Sends what it can of n bytes, or of n parts, with fd as ancillary data unless it is -1. Returns the bytes sent, -EAGAIN or
 * another negative errno. Never raises SIGPIPE.
 */
int frame_send_fd(int sock, const uint8_t *bytes, size_t n, int fd);
int frame_send_parts(int sock, const struct iovec *parts, size_t n, int fd);

#endif
