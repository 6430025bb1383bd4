/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP connection. */
#include "daemon/dns/dns_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"

#define INPUT_BYTES  2048
#define PREFIX_BYTES 2

/* Reads of one connection before the others have their turn. */
#define READS_AT_ONCE 16

int dns_connection_new(int fd, const union dns_peer *peer, struct dns_connection **ret_c)
{
    struct dns_connection *c = calloc(1, sizeof *c);
    uint8_t *input = malloc(INPUT_BYTES);
    if (!c || !input) {
        free(c);
        free(input);
        close(fd);
        return -ENOMEM;
    }
    union dns_peer own = {0};
    socklen_t n = sizeof own;
    const uint8_t *bytes;
    (void)getsockname(fd, &own.any, &n);
    c->fd = fd;
    c->peer = *peer;
    c->input = input;
    c->cap = INPUT_BYTES;
    c->client.tcp = true;
    c->client.loopback = dns_peer_is_loopback(peer);
    c->client.own_address_bytes = (uint8_t)dns_peer_address(&own, &bytes);
    memcpy(c->client.own_address, bytes, c->client.own_address_bytes);
    *ret_c = c;
    return 0;
}

void dns_connection_free(struct dns_connection *c)
{
    if (!c)
        return;
    close(c->fd);
    free(c->input);
    free(c->pending);
    free(c);
}

/* Sends what the socket takes, and returns how much that is. */
static int send_some(int fd, const uint8_t *bytes, size_t n, size_t *ret_sent)
{
    ssize_t sent = send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return -ECONNRESET;
    *ret_sent = sent < 0 ? 0 : (size_t)sent;
    return 0;
}

static int send_pending(struct dns_connection *c)
{
    size_t sent;
    if (!c->pending)
        return 0;
    int err = send_some(c->fd, c->pending + c->pending_at, c->pending_end - c->pending_at, &sent);
    if (err)
        return err;
    c->pending_at += (uint32_t)sent;
    if (c->pending_at == c->pending_end) {
        free(c->pending);
        c->pending = NULL;
    }
    return 0;
}

static int send_replies(struct dns_connection *c, const uint8_t *bytes, size_t n)
{
    size_t sent = 0;
    int err = n == 0 ? 0 : send_some(c->fd, bytes, n, &sent);
    if (err || sent == n)
        return err;
    c->pending = malloc(n - sent);
    if (!c->pending)
        return -ECONNRESET;
    memcpy(c->pending, bytes + sent, n - sent);
    c->pending_at = 0;
    c->pending_end = (uint32_t)(n - sent);
    return 0;
}

/* Octets of the first message, prefix included, as far as it can be seen; 0: not even its length. */
static size_t first_message(const struct dns_connection *c, size_t at)
{
    return c->have - at < PREFIX_BYTES ? 0 : PREFIX_BYTES + (size_t)dns_load16(c->input + at);
}

static bool turn_is_over(const struct dns_connection *c)
{
    return clock_now_ns() >= c->turn_ns;
}

/*
 * Answers whole messages from *at on, as long as the turn lasts and the largest answer would still fit behind the
 * others, and moves *at behind them. Returns the octets to send. A message too short to be one ends the conversation.
 */
static size_t answer_some(struct dns_connection *c, struct dns_responder *r, uint8_t *replies, size_t *at)
{
    size_t n = 0, first = *at;
    while (DNS_TCP_REPLIES_BYTES - n >= PREFIX_BYTES + DNS_MESSAGE_MAX && (*at == first || !turn_is_over(c))) {
        size_t message = first_message(c, *at);
        if (message != 0 && message < PREFIX_BYTES + DNS_HEADER_BYTES) {
            c->ended = true;
            *at = c->have;
            break;
        }
        if (message == 0 || message > c->have - *at)
            break;
        size_t reply = dns_respond(r, c->input + *at + PREFIX_BYTES, message - PREFIX_BYTES, &c->client,
                                   replies + n + PREFIX_BYTES, DNS_MESSAGE_MAX);
        *at += message;
        if (reply == 0)
            continue;
        dns_store16(replies + n, (uint16_t)reply);
        n += PREFIX_BYTES + reply;
    }
    return n;
}

/* Answers what is there until all is answered, the client takes no more, or the turn is over. Returns whether any was. */
static int answer_input(struct dns_connection *c, struct dns_responder *r, uint8_t *replies)
{
    size_t at = 0, n = 1;
    int err = 0;
    while (!err && n > 0 && !c->pending && (at == 0 || !turn_is_over(c))) {
        n = answer_some(c, r, replies, &at);
        err = send_replies(c, replies, n);
    }
    c->have -= (uint32_t)at;
    memmove(c->input, c->input + at, c->have);
    return err ? err : at > 0;
}

/* Makes room for the message that has begun; most fit anyway. */
static int make_room(struct dns_connection *c)
{
    size_t message = first_message(c, 0);
    if (message <= c->cap)
        return 0;
    uint8_t *input = realloc(c->input, message);
    if (!input)
        return -ECONNRESET;
    c->input = input;
    c->cap = (uint32_t)message;
    return 0;
}

/* 1 when something came, 0 when nothing is there now or nothing will come any more. */
static int read_some(struct dns_connection *c)
{
    if (c->ended || c->have == c->cap)
        return 0;
    ssize_t n = recv(c->fd, c->input + c->have, c->cap - c->have, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -ECONNRESET;
    c->ended |= n == 0;
    c->have += (uint32_t)n;
    return n > 0;
}

/* A deadline once set for a message stays, however slowly its octets drip in. */
static void set_deadline(struct dns_connection *c, bool progress, int64_t now_ns, const struct dns_tcp_times *times)
{
    bool in_message = c->have > 0 || c->pending;
    if (in_message && (progress || !c->in_message))
        c->deadline_ns = now_ns + times->message_ns;
    else if (!in_message)
        c->deadline_ns = now_ns + times->idle_ns;
    c->in_message = in_message;
}

/* Reads and answers in turn. *ret_progress: a message was answered, or all that was pending is sent. */
static int exchange(struct dns_connection *c, struct dns_responder *r, uint8_t *replies, bool *ret_progress)
{
    bool was_pending = c->pending != NULL;
    int err = send_pending(c), got = 1;
    *ret_progress = was_pending && !c->pending;
    for (int i = 0; i < READS_AT_ONCE && !err && !c->pending && got > 0 && (i == 0 || !turn_is_over(c)); i++) {
        got = read_some(c);
        int answered = got < 0 ? got : answer_input(c, r, replies);
        *ret_progress |= answered > 0;
        err = answered < 0 ? answered : make_room(c);
    }
    c->more = c->have > 0 && turn_is_over(c);
    return err;
}

int dns_connection_ready(struct dns_connection *c, struct dns_responder *r, uint8_t *replies, int64_t now_ns,
                         const struct dns_tcp_times *times)
{
    bool progress;
    c->turn_ns = clock_now_ns() + times->turn_ns;
    int err = exchange(c, r, replies, &progress);
    if (err)
        return err;
    if (c->ended && !dns_connection_blocked(c))
        return -ECONNRESET;
    if (progress && !c->pending) {
        c->active_ns = now_ns;
        c->served = true;
    }
    set_deadline(c, progress, now_ns, times);
    return 0;
}
