/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UDP worker. It blocks in recvmmsg itself, not in poll: with one query at a time that is a system call less in
 * three. Everything it touches is its own, except the shared table, which it only reads.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_impl.h"
#include "daemon/dns/dns_rate.h"
#include "libdiscover/core/clock.h"

#define SAMPLE 64 /* of so many batches one is timed */
#define BATCH  64

/*
 * A second query is looked for while batches have several, and else once in so many: where queries come one at a time the
 * look is in vain, and costs a part of a system call.
 */
#define ALONE_MAX 8

/*
 * Queries are below 300 octets, with all the options of RFC 6891 and after it hardly above 500; a longer one is cut
 * and answered FORMERR. An odd number of cache lines, so that the headers of a batch fall into different sets.
 */
#define QUERY_BYTES (33 * 64)

/* Queries worked on in step: their answers should fit into the first cache together. */
#define ABREAST 16

#define CONTROL_BYTES CMSG_SPACE(sizeof(struct in6_pktinfo))

struct work {
    bool wanted;
    struct dns_client client;
    size_t control_bytes;
    struct dns_lookup lookup;
};

struct dns_udp {
    uint32_t batches;
    uint32_t alone; /* batches in a row that had no second query */
    struct worker *worker;
    const struct dns_socket *socket;
    size_t reply_max; /* octets of the largest reply */
    int fd;
    bool wildcard;
    bool fragments; /* allowed, because an interface takes less than our answers */
    int64_t now_ns;
    struct dns_client client; /* what all queries have in common */
    size_t n_replies;
    uint8_t *replies, *reply_at; /* one after the other, each at the start of a cache line */
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_iov[BATCH], out_iov[BATCH];
    union dns_peer peers[BATCH];
    _Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
    struct dns_rate rate;
    struct work work[ABREAST];
    uint8_t queries[BATCH][QUERY_BYTES];
};

static size_t round_up_to_line(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static void set_own_address(struct dns_client *client, const uint8_t *bytes, size_t n)
{
    client->own_address_bytes = (uint8_t)n;
    memcpy(client->own_address, bytes, n);
}

/* The kernel has overwritten the lengths of what it filled in. */
static void ready_to_receive(struct dns_udp *u, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct msghdr *h = &u->in[i].msg_hdr;
        h->msg_namelen = sizeof u->peers[i];
        h->msg_controllen = u->wildcard ? CONTROL_BYTES : 0;
        h->msg_flags = 0;
    }
}

static void set_up_batch(struct dns_udp *u)
{
    for (size_t i = 0; i < BATCH; i++) {
        u->in_iov[i] = (struct iovec){u->queries[i], QUERY_BYTES};
        u->in[i].msg_hdr = (struct msghdr){.msg_name = &u->peers[i],
                                           .msg_iov = &u->in_iov[i],
                                           .msg_iovlen = 1,
                                           .msg_control = u->wildcard ? u->control[i] : NULL};
        u->out[i].msg_hdr = (struct msghdr){.msg_iov = &u->out_iov[i], .msg_iovlen = 1};
    }
    ready_to_receive(u, BATCH);
}

/* The queries of a network come from many ports, so the workers of an address get about the same part of them. */
static uint32_t share_of(uint32_t limit, uint32_t workers)
{
    return (limit + workers - 1) / workers;
}

int dns_udp_new(struct worker *w, const struct dns_socket *socket)
{
    const struct dns_options *o = &w->dns->options;
    struct dns_udp *u = w->udp = calloc(1, sizeof *u);
    const uint8_t *own;
    if (!u)
        return -ENOMEM;
    u->reply_max = o->loopback_payload > o->udp_payload ? o->loopback_payload : o->udp_payload;
    u->replies = aligned_alloc(64, BATCH * round_up_to_line(u->reply_max));
    if (!u->replies)
        return -ENOMEM;
    u->worker = w;
    u->socket = socket;
    u->fd = socket->fd;
    u->wildcard = dns_peer_is_wildcard(&socket->address);
    u->rate.rate = share_of(o->rate_limit, o->workers);
    size_t n = dns_peer_address(&socket->address, &own);
    set_own_address(&u->client, own, n);
    set_up_batch(u);
    return 0;
}

void dns_udp_free(struct dns_udp *u)
{
    if (!u)
        return;
    free(u->replies);
    free(u);
}

/*
 * Where the query was sent to, from its control message. The reply takes the message along to leave from there;
 * returns its length, 0 if there is none.
 */
static size_t read_own_address(struct msghdr *h, struct dns_client *client)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        info.ipi_ifindex = 0; /* the way back is for the routes to say */
        memcpy(CMSG_DATA(c), &info, sizeof info);
        set_own_address(client, (const uint8_t *)&info.ipi_spec_dst, 4);
        return CMSG_SPACE(sizeof info);
    }
    if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(c), &info, sizeof info);
        const uint8_t *own;
        size_t n = dns_ipv6_address(&info.ipi6_addr, &own);
        set_own_address(client, own, n);
        return CMSG_SPACE(sizeof info);
    }
    return 0;
}

/* False: over the limit, and not one of those that slip through. */
static bool check_peer(struct dns_udp *u, const union dns_peer *peer, struct dns_client *client)
{
    client->loopback = dns_peer_is_loopback(peer);
    if (client->loopback)
        return true;
    const uint8_t *bytes;
    size_t n = dns_peer_address(peer, &bytes);
    enum dns_rate_verdict verdict = dns_rate_take(&u->rate, bytes, n, u->now_ns);
    client->denied = !dns_access_allows(&u->worker->dns->access, peer);
    client->slip = verdict == DNS_RATE_SLIP;
    if (verdict != DNS_RATE_REPLY)
        dns_count(&u->worker->counters->rate_limited);
    return verdict != DNS_RATE_DROP;
}

/* False: no reply is to be sent. */
static bool begin_one(struct dns_udp *u, size_t i)
{
    struct msghdr *h = &u->in[i].msg_hdr;
    struct work *w = &u->work[i % ABREAST];
    if (dns_peer_port(&u->peers[i]) == 0 || h->msg_namelen == 0)
        return false;
    w->client = u->client;
    w->control_bytes = u->wildcard ? read_own_address(h, &w->client) : 0;
    if (!check_peer(u, &u->peers[i], &w->client))
        return false;
    dns_lookup_begin(u->worker->responder, u->queries[i], u->in[i].msg_len, &w->client, u->reply_max, &w->lookup);
    return true;
}

static void reply_one(struct dns_udp *u, size_t i)
{
    const struct work *w = &u->work[i % ABREAST];
    const struct msghdr *h = &u->in[i].msg_hdr;
    size_t n = dns_lookup_reply(u->worker->responder, &w->lookup, u->reply_at);
    if (n == 0)
        return;
    struct msghdr *out = &u->out[u->n_replies].msg_hdr;
    out->msg_name = h->msg_name;
    out->msg_namelen = h->msg_namelen;
    out->msg_control = w->control_bytes ? h->msg_control : NULL;
    out->msg_controllen = w->control_bytes;
    u->out_iov[u->n_replies++] = (struct iovec){u->reply_at, n};
    u->reply_at += round_up_to_line(n);
}

/* Some queries in step, so that their memory is fetched side by side. */
static void answer_some(struct dns_udp *u, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        u->work[i % ABREAST].wanted = begin_one(u, i);
    for (size_t i = from; i < to; i++)
        if (u->work[i % ABREAST].wanted)
            dns_lookup_fetch(u->worker->responder, &u->work[i % ABREAST].lookup);
    for (size_t i = from; i < to; i++)
        if (u->work[i % ABREAST].wanted)
            dns_lookup_find(u->worker->responder, &u->work[i % ABREAST].lookup);
    for (size_t i = from; i < to; i++)
        if (u->work[i % ABREAST].wanted)
            reply_one(u, i);
}

/* Returns whether it is worth another try. */
static bool after_send_error(struct dns_udp *u)
{
    if (errno == EMSGSIZE && !u->fragments) {
        u->fragments = true;
        dns_socket_allow_fragments(u->socket);
        return true;
    }
    if (errno == EINTR)
        return true;
    dns_count(&u->worker->counters->send_errors);
    return false;
}

/* Never waits: a reply that the kernel does not take now is lost, as any datagram may be. */
static void send_replies(struct dns_udp *u)
{
    size_t sent = 0;
    while (sent < u->n_replies) {
        int n = sendmmsg(u->fd, u->out + sent, (unsigned)(u->n_replies - sent), MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else if (!after_send_error(u))
            sent++;
    }
}

static void answer_batch(struct dns_udp *u, size_t n)
{
    u->n_replies = 0;
    u->reply_at = u->replies;
    for (size_t i = 0; i < n; i += ABREAST)
        answer_some(u, i, n - i < ABREAST ? n : i + ABREAST);
    send_replies(u);
    ready_to_receive(u, n);
}

/* Errors of single messages pass; one that stays must not make the thread spin. */
static void after_error(struct dns_udp *u)
{
    const struct timespec pause = {.tv_nsec = 10 * NS_PER_MS};
    if (errno == EAGAIN || errno == EINTR)
        return;
    dns_count(&u->worker->counters->receive_errors);
    nanosleep(&pause, NULL);
}

/* Waits for a query, and takes those with it that have come as well. */
static int receive(struct dns_udp *u)
{
    unsigned wanted = u->alone % ALONE_MAX == 0 ? BATCH : 1;
    int n = recvmmsg(u->fd, u->in, wanted, MSG_WAITFORONE, NULL);
    u->alone = n > 1 ? 0 : u->alone + 1;
    return n;
}

void dns_udp_run(struct dns_udp *u)
{
    while (!atomic_load_explicit(&u->worker->dns->stop, memory_order_relaxed)) {
        int n = receive(u);
        if (n < 0)
            after_error(u);
        u->now_ns = clock_now_ns();
        progress_turn(&u->worker->progress);
        dns_responder_begin(u->worker->responder, u->now_ns);
        if (n > 0)
            answer_batch(u, (size_t)n);
        if (n > 0 && ++u->batches % SAMPLE == 0)
            histogram_observe(&u->worker->counters->service, clock_now_ns() - u->now_ns);
    }
}
