/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TCP connection: octets in, framed queries (RFC 1035 4.2.2), octets out. Knows neither epoll nor limits; its
 * thread calls it when the socket is ready. Pure but for the socket.
 *
 *   reading: input is read, each whole message answered into the thread's buffer, that sent
 *   blocked: what the socket did not take waits in `pending`; nothing is read
 *   more:    its turn is over, and there may be more to answer; it gets another behind all who wait
 */
#ifndef DNS_DNS_CONNECTION_H
#define DNS_DNS_CONNECTION_H

#include "daemon/dns/dns_access.h"
#include "daemon/dns/dns_respond.h"

/* Where a thread puts answers together; room for several small ones or one of any size. */
#define DNS_TCP_REPLIES_BYTES (2 * (DNS_MESSAGE_MAX + 2))

struct dns_connection {
    int fd;
    union dns_peer peer;
    struct dns_client client;
    bool ended;         /* the client sends no more; what it sent is still answered */
    uint32_t have, cap; /* of input */
    uint8_t *input;
    uint8_t *pending;
    uint32_t pending_at, pending_end;
    int64_t active_ns;   /* when it was opened, or the last answer was taken */
    int64_t deadline_ns; /* when it is closed unless something happens */
    bool served;         /* has had an answer */
    int64_t turn_ns;     /* when its turn is over */
    bool more;           /* it was over before all was answered that is here */
    bool in_message;     /* the deadline is for finishing something, and does not move before that */
};

struct dns_tcp_times {
    int64_t idle_ns, message_ns;
    int64_t turn_ns; /* how long one connection is answered before the others have their turn */
};

/* fd: connected, non-blocking; owned by the connection from then on. -ENOMEM: fd is closed. */
int dns_connection_new(int fd, const union dns_peer *peer, struct dns_connection **ret_c);
void dns_connection_free(struct dns_connection *c);

/* Whether it goes on when the socket takes octets, rather than when it has some. */
static inline bool dns_connection_blocked(const struct dns_connection *c)
{
    return c->pending != NULL || c->more;
}

/* Whether it has not had the answer yet that it was opened for, or to what it has begun to ask. */
static inline bool dns_connection_is_owed(const struct dns_connection *c)
{
    return !c->served || c->in_message;
}

/*
 * The socket is ready: does what can be done without waiting. 0, or -ECONNRESET when the connection is to be closed.
 * replies: the thread's buffer of DNS_TCP_REPLIES_BYTES.
 */
int dns_connection_ready(struct dns_connection *c, struct dns_responder *r, uint8_t *replies, int64_t now_ns,
                         const struct dns_tcp_times *times);

#endif
