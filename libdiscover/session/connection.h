/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the daemon's socket: messages out, messages and descriptors in. Never blocks. Knows frames
 * and nothing of what they say. One thread; lives inside the handle.
 *
 * Any negative result but -EAGAIN means that the stream is of no more use: connection_close it.
 */
#ifndef LIBDISCOVER_SESSION_CONNECTION_H
#define LIBDISCOVER_SESSION_CONNECTION_H

#include <stdbool.h>

#include "libdiscover/core/frame.h"
#include "libdiscover/core/poll_set.h"
#include "proto/api.pb-c.h"

struct connection {
    struct known_fd sock;       /* the socket; none while closed */
    const struct poll_set *set; /* the handle's; the socket is in it while open */
    struct frame_reader in;     /* frame_take_fd: the descriptor that came along */
    uint8_t *out;               /* what the socket would not take yet: out_sent .. out_used */
    size_t out_sent, out_used, out_cap;
    int fd;       /* descriptor that is sent with the first queued byte; -1: none */
    bool blocked; /* the socket is watched for room to send more */
};

void connection_init(struct connection *c, const struct poll_set *set);

/*
 * Closes and frees. In a forked child (ours = false) the stream is left alone: it is the parent's. Otherwise it is
 * shut down first, so that it ends for the daemon even if a child still has a copy of the descriptor.
 */
void connection_close(struct connection *c, bool ours);

/* Whether the socket is still its own, or closed; all else is -EBADF when it is not. */
bool connection_is_own(const struct connection *c);

/* Puts the socket into the handle's set, which is a new one. A negative errno. */
int connection_enter_set(const struct connection *c);

/* 0 or a negative errno; a Unix socket connects at once or not at all. Not while open. */
int connection_open(struct connection *c, const char *path);

/* A message of that kind, which points to its body. */
static inline Discover__V1__ClientMessage client_message(Discover__V1__ClientMessage__BodyCase kind,
                                                         ProtobufCMessage *body)
{
    Discover__V1__ClientMessage msg = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    msg.body_case = kind;
    msg.status = (Discover__V1__StatusRequest *)body; /* or another: they share their place */
    return msg;
}

/*
 * Queues a message and sends what the socket takes. -EMSGSIZE: larger than a frame, nothing was queued; -ENOBUFS:
 * too much is waiting to be sent. fd: goes with it and is taken over, -1: none; only when nothing else is queued.
 */
int connection_send(struct connection *c, const Discover__V1__ClientMessage *msg, int fd);
/* The same for a frame that was packed before: header and payload. */
int connection_send_frame(struct connection *c, const uint8_t *frame, size_t n);
bool connection_has_queued(const struct connection *c);

/* Sends what is queued. 0, also when something is left over. */
int connection_flush(struct connection *c);

/* Reads once. > 0, -EAGAIN, -ECONNRESET at the end of the stream, or another negative errno. */
int connection_read(struct connection *c);

/*
 * The next message of what was read: 1, and the caller frees it; 0 when there is none; -EMSGSIZE, -EBADMSG for
 * what is no frame or no message.
 */
int connection_next(struct connection *c, Discover__V1__ServerMessage **ret_msg);

#endif
