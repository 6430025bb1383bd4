/* SPDX-License-Identifier: Apache-2.0 */
/* A DNS client for tests: RFC 1035 messages, EDNS (RFC 6891), SRV (RFC 2782), extended errors (RFC 8914). */
#include "tests/support/dnsq.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS  5000 /* a busy machine takes its time */
#define EDNS_SIZE   4096
#define OPTION_EDE  15
#define MESSAGE_MAX 65535

/* Reads through bytes; ok turns false for good at the first step beyond the end. */
struct cursor {
    const uint8_t *bytes;
    size_t length, at;
    bool ok;
};

static uint32_t take(struct cursor *c, size_t n)
{
    uint32_t value = 0;

    if (!c->ok || c->length - c->at < n) {
        c->ok = false;
        return 0;
    }
    while (n-- > 0)
        value = value << 8 | c->bytes[c->at++];
    return value;
}

/* Appends one label and a dot; the text ends up without the last dot, the root as "". */
static void append_label(struct cursor *c, const uint8_t *label, size_t n, char ret_name[256], size_t *used)
{
    if (*used + n + 2 > 255) {
        c->ok = false;
        return;
    }
    if (*used > 0)
        ret_name[(*used)++] = '.';
    memcpy(ret_name + *used, label, n);
    *used += n;
    ret_name[*used] = 0;
}

/* A name with compression (RFC 1035 4.1.4). A pointer must lead backwards, which also ends every loop. */
static void take_name(struct cursor *c, char ret_name[256])
{
    size_t at = c->at, used = 0, limit = c->at;
    bool jumped = false;

    ret_name[0] = 0;
    while (c->ok && at < c->length && c->bytes[at] != 0) {
        uint8_t n = c->bytes[at];
        if (n >= 0xc0) {
            size_t target = at + 1 < c->length ? (size_t)(n & 0x3f) << 8 | c->bytes[at + 1] : limit;
            if (!jumped)
                c->at = at + 2;
            jumped = true;
            c->ok = target < limit;
            at = limit = target;
        } else if (n > 63 || c->length - at - 1 < n) {
            c->ok = false;
        } else {
            append_label(c, c->bytes + at + 1, n, ret_name, &used);
            at += 1u + n;
        }
    }
    if (at >= c->length)
        c->ok = false;
    else if (!jumped)
        c->at = at + 1;
}

static void take_edns(struct cursor *c, size_t end, struct dnsq_reply *reply)
{
    while (c->ok && c->at < end) {
        uint32_t option = take(c, 2), length = take(c, 2);
        if (option == OPTION_EDE && length >= 2)
            reply->ede = (int)take(c, 2), length -= 2;
        c->at += length;
        c->ok = c->ok && c->at <= end;
    }
}

static void take_data(struct cursor *c, size_t length, struct dnsq_record *r)
{
    if (r->type == DNSQ_A && length == 4) {
        inet_ntop(AF_INET, c->bytes + c->at, r->data, sizeof r->data);
    } else if (r->type == DNSQ_AAAA && length == 16) {
        inet_ntop(AF_INET6, c->bytes + c->at, r->data, sizeof r->data);
    } else if (r->type == DNSQ_SRV) {
        r->priority = (uint16_t)take(c, 2);
        r->weight = (uint16_t)take(c, 2);
        r->port = (uint16_t)take(c, 2);
        take_name(c, r->data);
    } else if (r->type == DNSQ_NS || r->type == DNSQ_PTR || r->type == DNSQ_SOA) {
        take_name(c, r->data);
    }
}

static void take_record(struct cursor *c, uint8_t section, struct dnsq_reply *reply)
{
    struct dnsq_record r = {.section = section};

    take_name(c, r.name);
    r.type = (uint16_t)take(c, 2);
    (void)take(c, 2);
    r.ttl = take(c, 4);
    uint32_t length = take(c, 2);
    size_t end = c->at + length;
    if (!c->ok || end > c->length) {
        c->ok = false;
        return;
    }
    if (r.type == DNSQ_OPT)
        take_edns(c, end, reply);
    else
        take_data(c, length, &r);
    c->at = end;
    if (reply->n_records < DNSQ_RECORDS_MAX)
        reply->record[reply->n_records++] = r;
}

int dnsq_parse(const uint8_t *bytes, size_t length, struct dnsq_reply *ret_reply)
{
    struct cursor c = {.bytes = bytes, .length = length, .ok = true};
    struct dnsq_reply reply = {.ede = -1};
    char name[256];

    (void)take(&c, 2);
    uint32_t flags = take(&c, 2), questions = take(&c, 2), counts[3];
    for (int i = 0; i < 3; i++)
        counts[i] = take(&c, 2);
    while (c.ok && questions-- > 0) {
        take_name(&c, name);
        (void)take(&c, 4);
    }
    for (uint8_t section = 0; section < 3; section++)
        for (uint32_t i = 0; c.ok && i < counts[section]; i++)
            take_record(&c, section, &reply);
    if (!c.ok || c.at != length || !(flags & 0x8000))
        return -EPROTO;
    reply.rcode = flags & 15;
    reply.aa = flags & 0x0400;
    reply.tc = flags & 0x0200;
    reply.n_answers = counts[0];
    *ret_reply = reply;
    return 0;
}

size_t dnsq_build(const char *name, uint16_t type, uint16_t id, uint8_t *ret_query, size_t cap)
{
    const uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
    size_t used = sizeof head;

    if (cap < strlen(name) + 2 + sizeof head + 4)
        return 0;
    memcpy(ret_query, head, sizeof head);
    while (*name) {
        size_t n = strcspn(name, ".");
        ret_query[used++] = (uint8_t)n;
        memcpy(ret_query + used, name, n);
        used += n;
        name += n + (name[n] == '.');
    }
    const uint8_t tail[5] = {0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1};
    memcpy(ret_query + used, tail, sizeof tail);
    return used + sizeof tail;
}

static size_t build_edns(const char *name, uint16_t type, uint16_t id, uint8_t *ret_query, size_t cap)
{
    static const uint8_t opt[11] = {0, 0, DNSQ_OPT, EDNS_SIZE >> 8, EDNS_SIZE & 255};
    size_t used = dnsq_build(name, type, id, ret_query, cap - sizeof opt);

    memcpy(ret_query + used, opt, sizeof opt);
    ret_query[11] = 1;
    return used + sizeof opt;
}

static int connect_to(int port, int type)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int dnsq_raw(int port, const void *bytes, size_t length, int timeout_ms, uint8_t *ret_answer, size_t cap)
{
    int fd = connect_to(port, SOCK_DGRAM), result = -ETIMEDOUT;
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    if (fd < 0)
        return -errno;
    /* A refused datagram shows as an error of recv: nobody listens, so nobody answers. */
    if (send(fd, bytes, length, 0) == (ssize_t)length && poll(&readable, 1, timeout_ms) == 1) {
        ssize_t n = recv(fd, ret_answer, cap, 0);
        result = n >= 0 ? (int)n : -ETIMEDOUT;
    }
    close(fd);
    return result;
}

static uint16_t random_id(void)
{
    uint16_t id = 0;

    return getrandom(&id, sizeof id, 0) == sizeof id ? id : 4711;
}

static int check_and_parse(const uint8_t *query, const uint8_t *answer, size_t n, struct dnsq_reply *ret_reply)
{
    return n >= 12 && memcmp(query, answer, 2) == 0 ? dnsq_parse(answer, n, ret_reply) : -EPROTO;
}

int dnsq_udp(int port, const char *name, uint16_t type, struct dnsq_reply *ret_reply)
{
    uint8_t query[512], answer[EDNS_SIZE];
    size_t n = build_edns(name, type, random_id(), query, sizeof query);
    int got = dnsq_raw(port, query, n, TIMEOUT_MS, answer, sizeof answer);

    return got < 0 ? got : check_and_parse(query, answer, (size_t)got, ret_reply);
}

/* Reads exactly n bytes, or fails. */
static bool read_all(int fd, uint8_t *ret_bytes, size_t n)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    while (n > 0) {
        ssize_t got = poll(&readable, 1, TIMEOUT_MS) == 1 ? recv(fd, ret_bytes, n, 0) : -1;
        if (got <= 0)
            return false;
        ret_bytes += got;
        n -= (size_t)got;
    }
    return true;
}

int dnsq_tcp(int port, const char *name, uint16_t type, struct dnsq_reply *ret_reply)
{
    uint8_t query[2 + 512], answer[2 + MESSAGE_MAX];
    size_t n = build_edns(name, type, random_id(), query + 2, sizeof query - 2);
    int fd = connect_to(port, SOCK_STREAM), result = -ETIMEDOUT;

    if (fd < 0)
        return -ETIMEDOUT;
    query[0] = (uint8_t)(n >> 8);
    query[1] = (uint8_t)n;
    if (send(fd, query, n + 2, MSG_NOSIGNAL) == (ssize_t)n + 2 && read_all(fd, answer, 2)) {
        size_t length = (size_t)answer[0] << 8 | answer[1];
        if (read_all(fd, answer + 2, length))
            result = check_and_parse(query + 2, answer + 2, length, ret_reply);
    }
    close(fd);
    return result;
}
