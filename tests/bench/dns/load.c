/* SPDX-License-Identifier: Apache-2.0 */
/* Load on a DNS server. */
#include "tests/bench/dns/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH       64
#define QUERY_MAX   128
#define REPLY_MAX   8192
#define STREAM_MAX  65536
#define IDS         65536
#define SOCKETS_MAX 16
#define NS          INT64_C(1000000000)

/* Queries are built before the clock starts. */
struct queries {
    uint8_t (*bytes)[QUERY_MAX];
    size_t *n;
    uint32_t count, next;
};

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

/* A name as labels, without the root. */
static uint8_t *put_labels(uint8_t *at, const char *name)
{
    for (size_t n; *name; name += n + (name[n] == '.')) {
        n = strcspn(name, ".");
        *at++ = (uint8_t)n;
        memcpy(at, name, n);
        at += n;
    }
    return at;
}

static size_t build(uint8_t *query, uint32_t service, const struct load_options *o)
{
    static const uint8_t srv_in[] = {0, 0, 33, 0, 1};
    char label[16];
    snprintf(label, sizeof label, "s%u", service);
    memset(query, 0, QUERY_MAX);
    query[2] = 1; /* RD, as stub resolvers set it */
    query[5] = 1;
    uint8_t *at = put_labels(put_labels(query + 12, label), o->domain ? o->domain : "shop.discover.internal");
    memcpy(at, srv_in, sizeof srv_in);
    at += sizeof srv_in;
    if (o->edns) {
        const uint8_t opt[] = {0, 0, 41, (uint8_t)(o->edns >> 8), (uint8_t)o->edns, 0, 0, 0, 0, 0, 0};
        query[11] = 1;
        memcpy(at, opt, sizeof opt);
        at += sizeof opt;
    }
    return (size_t)(at - query);
}

/* In an order without a pattern, so that no cache is helped. */
static int queries_init(struct queries *q, const struct load_options *o)
{
    q->count = o->services < 4096 ? 4096 : 65536;
    q->next = 0;
    q->bytes = malloc(q->count * sizeof *q->bytes);
    q->n = malloc(q->count * sizeof *q->n);
    if (!q->bytes || !q->n)
        return -ENOMEM;
    uint32_t random = 1;
    for (uint32_t i = 0; i < q->count; i++) {
        random = random * 1664525 + 1013904223;
        q->n[i] = build(q->bytes[i], (random >> 8) % o->services, o);
    }
    return 0;
}

static void queries_fini(struct queries *q)
{
    free(q->bytes);
    free(q->n);
}

static size_t next_query(struct queries *q, uint16_t id, uint8_t *ret_query)
{
    uint32_t i = q->next++ % q->count;
    memcpy(ret_query, q->bytes[i], q->n[i]);
    memcpy(ret_query, &id, 2);
    return q->n[i];
}

static int connect_to(int type, int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int bytes = 4 << 20, one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    else
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -errno;
}

static void count(struct load_result *r, const uint8_t *reply, size_t n)
{
    r->answers++;
    r->bytes += n;
    r->truncated += (reply[2] & 2) != 0;
    r->failed += (reply[3] & 15) != 0;
}

struct batch {
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_iov[BATCH], out_iov[BATCH];
    uint8_t queries[BATCH][QUERY_MAX];
    uint8_t replies[BATCH][REPLY_MAX];
};

static struct batch *batch_new(void)
{
    struct batch *b = calloc(1, sizeof *b);
    for (int i = 0; b && i < BATCH; i++) {
        b->out_iov[i].iov_base = b->queries[i];
        b->in_iov[i] = (struct iovec){b->replies[i], REPLY_MAX};
        b->out[i].msg_hdr = (struct msghdr){.msg_iov = &b->out_iov[i], .msg_iovlen = 1};
        b->in[i].msg_hdr = (struct msghdr){.msg_iov = &b->in_iov[i], .msg_iovlen = 1};
    }
    return b;
}

static void send_batch(int fd, struct batch *b, struct queries *q, uint32_t n, uint16_t *id)
{
    for (uint32_t i = 0; i < n; i++)
        b->out_iov[i].iov_len = next_query(q, (*id)++, b->queries[i]);
    for (uint32_t sent = 0; sent < n;) {
        int k = sendmmsg(fd, b->out + sent, n - sent, 0);
        if (k > 0)
            sent += (uint32_t)k;
    }
}

static uint32_t receive_batch(int fd, struct batch *b, struct load_result *r)
{
    int n = recvmmsg(fd, b->in, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        count(r, b->replies[i], b->in[i].msg_len);
    return n > 0 ? (uint32_t)n : 0;
}

struct sockets {
    struct pollfd fds[SOCKETS_MAX];
    uint32_t n, next;
};

static int sockets_open(struct sockets *s, const struct load_options *o)
{
    s->next = 0;
    for (s->n = 0; s->n < (o->sockets ? o->sockets : 1) && s->n < SOCKETS_MAX; s->n++) {
        s->fds[s->n] = (struct pollfd){.fd = connect_to(SOCK_DGRAM, o->port), .events = POLLIN};
        if (s->fds[s->n].fd < 0)
            return s->fds[s->n].fd;
    }
    return 0;
}

static void sockets_close(struct sockets *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        close(s->fds[i].fd);
}

/* What came on any socket, or 0 after 50 ms of silence: then what was outstanding is lost. */
static uint32_t receive_any(struct sockets *s, struct batch *b, struct load_result *r)
{
    uint32_t got = 0;
    for (int i = 0; i < 2 && got == 0; i++) {
        if (i > 0 && poll(s->fds, s->n, 50) <= 0)
            break;
        for (uint32_t k = 0; k < s->n; k++)
            got += receive_batch(s->fds[k].fd, b, r);
    }
    return got;
}

int load_udp(const struct load_options *o, struct load_result *ret_r)
{
    struct queries q;
    struct sockets s;
    struct batch *b = batch_new();
    if (sockets_open(&s, o) < 0 || !b || queries_init(&q, o) < 0)
        return -ENOMEM;
    *ret_r = (struct load_result){0};
    int64_t start = now_ns(), end = start + (int64_t)(o->seconds * 1e9);
    uint32_t outstanding = 0;
    uint16_t id = 0;
    while (now_ns() < end) {
        uint32_t room = o->window - outstanding;
        uint32_t n = room < BATCH ? room : BATCH;
        send_batch(s.fds[s.next++ % s.n].fd, b, &q, n, &id);
        outstanding += n;
        uint32_t got = receive_any(&s, b, ret_r);
        if (got == 0) {
            ret_r->lost += outstanding;
            outstanding = 0;
        }
        outstanding -= got < outstanding ? got : outstanding;
    }
    ret_r->seconds = (double)(now_ns() - start) / 1e9;
    queries_fini(&q);
    sockets_close(&s);
    free(b);
    return 0;
}

static size_t fill_stream(struct queries *q, uint32_t n, uint16_t *id, uint8_t *stream)
{
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t bytes = next_query(q, (*id)++, stream + at + 2);
        stream[at] = (uint8_t)(bytes >> 8);
        stream[at + 1] = (uint8_t)bytes;
        at += 2 + bytes;
    }
    return at;
}

/* Counts whole replies and moves the rest to the front. */
static size_t eat_stream(uint8_t *stream, size_t have, struct load_result *r)
{
    size_t at = 0;
    while (have - at >= 2) {
        size_t n = (size_t)stream[at] << 8 | stream[at + 1];
        if (have - at < 2 + n)
            break;
        count(r, stream + at + 2, n);
        at += 2 + n;
    }
    memmove(stream, stream + at, have - at);
    return have - at;
}

/* One connection; the next queries are sent as answers come. */
int load_tcp(const struct load_options *o, struct load_result *ret_r)
{
    struct queries q;
    uint8_t *out = malloc(STREAM_MAX), *in = malloc(4 * STREAM_MAX);
    int fd = connect_to(SOCK_STREAM, o->port);
    if (fd < 0 || !out || !in || queries_init(&q, o) < 0)
        return -ENOMEM;
    *ret_r = (struct load_result){0};
    int64_t start = now_ns(), end = start + (int64_t)(o->seconds * 1e9);
    uint64_t sent = 0;
    size_t have = 0;
    uint16_t id = 0;
    while (now_ns() < end) {
        uint32_t room = o->window - (uint32_t)(sent - ret_r->answers);
        if (room >= o->window / 2) {
            size_t n = fill_stream(&q, room, &id, out);
            if (send(fd, out, n, MSG_NOSIGNAL) != (ssize_t)n)
                break;
            sent += room;
        }
        ssize_t n = recv(fd, in + have, 4 * STREAM_MAX - have, 0);
        if (n <= 0)
            break;
        have = eat_stream(in, have + (size_t)n, ret_r);
    }
    ret_r->seconds = (double)(now_ns() - start) / 1e9;
    queries_fini(&q);
    close(fd);
    free(out);
    free(in);
    return 0;
}

/* One server, and when each query went out to it. */
struct asked {
    struct load_times *times;
    struct queries queries;
    int64_t *sent_at;
    uint16_t id;
    int fd;
};

static int asked_init(struct asked *a, struct load_times *times)
{
    *a = (struct asked){.times = times, .fd = connect_to(SOCK_DGRAM, times->load->port)};
    a->sent_at = calloc(IDS, sizeof *a->sent_at);
    return a->fd < 0 || !a->sent_at || queries_init(&a->queries, times->load) < 0 ? -ENOMEM : 0;
}

static void asked_fini(struct asked *a)
{
    queries_fini(&a->queries);
    free(a->sent_at);
    close(a->fd);
}

static void ask(struct asked *a)
{
    uint8_t query[QUERY_MAX];
    size_t bytes = next_query(&a->queries, ++a->id, query);
    a->sent_at[a->id] = now_ns();
    (void)!send(a->fd, query, bytes, 0);
}

static void take_answer(struct asked *a)
{
    uint8_t reply[REPLY_MAX];
    uint16_t id;
    if (recv(a->fd, reply, sizeof reply, MSG_DONTWAIT) < 12)
        return;
    memcpy(&id, reply, sizeof id);
    if (a->sent_at[id] && a->times->n < a->times->max)
        a->times->ns[a->times->n++] = now_ns() - a->sent_at[id];
    a->sent_at[id] = 0;
}

/* Spins: a generator that sleeps would measure its own waking up. */
int load_latency(struct load_times *times, size_t n, double rate)
{
    struct asked asked[LOAD_TIMES_MAX];
    for (size_t i = 0; i < n; i++)
        if (asked_init(&asked[i], &times[i]) < 0)
            return -ENOMEM;
    int64_t start = now_ns(), step = (int64_t)(1e9 / rate) / (int64_t)n;
    uint64_t turns = (uint64_t)(times->load->seconds * rate) * n;
    for (uint64_t turn = 0; turn < turns; turn++) {
        ask(&asked[turn % n]);
        do
            for (size_t i = 0; i < n; i++)
                take_answer(&asked[i]);
        while (now_ns() < start + (int64_t)(turn + 1) * step);
    }
    for (size_t i = 0; i < n; i++)
        asked_fini(&asked[i]);
    return 0;
}

int load_wait(const struct load_options *o, uint32_t *ret_bytes)
{
    uint8_t query[QUERY_MAX], reply[REPLY_MAX];
    struct pollfd p = {.events = POLLIN};
    size_t bytes = build(query, 0, o);
    int64_t end = now_ns() + 20 * NS;
    int err = -ETIMEDOUT;
    while (err && now_ns() < end) {
        p.fd = connect_to(SOCK_DGRAM, o->port);
        (void)!send(p.fd, query, bytes, 0);
        ssize_t n = poll(&p, 1, 100) > 0 ? recv(p.fd, reply, sizeof reply, 0) : -1;
        /* A refused datagram comes back at once; a server still loading answers SERVFAIL. */
        if (n >= 12 && (reply[3] & 15) == 0) {
            *ret_bytes = (uint32_t)n;
            err = 0;
        } else {
            usleep(20000);
        }
        close(p.fd);
    }
    return err;
}
