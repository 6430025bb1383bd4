/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DNS client for tests: builds queries and reads answers with code of its own, so that a mistake of the daemon is
 * not made twice. Loopback IPv4. Any thread; no state.
 */
#ifndef SUPPORT_DNSQ_H
#define SUPPORT_DNSQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNSQ_A = 1,
    DNSQ_NS = 2,
    DNSQ_SOA = 6,
    DNSQ_PTR = 12,
    DNSQ_TXT = 16,
    DNSQ_AAAA = 28,
    DNSQ_SRV = 33,
    DNSQ_OPT = 41
};
enum { DNSQ_NOERROR = 0, DNSQ_FORMERR = 1, DNSQ_SERVFAIL = 2, DNSQ_NXDOMAIN = 3, DNSQ_NOTIMP = 4, DNSQ_REFUSED = 5 };

#define DNSQ_RECORDS_MAX 128

struct dnsq_record {
    uint8_t section; /* 0 answer, 1 authority, 2 additional */
    uint16_t type;
    uint32_t ttl;
    uint16_t priority, weight, port; /* SRV */
    char name[256];
    char data[256]; /* address or name as text */
};

struct dnsq_reply {
    uint8_t rcode;
    bool aa, tc;
    int ede; /* extended error (RFC 8914), or -1 */
    size_t n_answers, n_records;
    struct dnsq_record record[DNSQ_RECORDS_MAX];
};

/* Asks with EDNS (4096). 0, -ETIMEDOUT (five seconds), -EPROTO when the answer does not parse or does not match. */
int dnsq_udp(int port, const char *name, uint16_t type, struct dnsq_reply *ret_reply);
int dnsq_tcp(int port, const char *name, uint16_t type, struct dnsq_reply *ret_reply);

/* Sends bytes as they are by UDP: the answer's length, or -ETIMEDOUT after timeout_ms. */
int dnsq_raw(int port, const void *bytes, size_t length, int timeout_ms, uint8_t *ret_answer, size_t cap);

/* Builds a query without EDNS: its length. */
size_t dnsq_build(const char *name, uint16_t type, uint16_t id, uint8_t *ret_query, size_t cap);

/* Parses an answer. 0 or -EPROTO. */
int dnsq_parse(const uint8_t *bytes, size_t length, struct dnsq_reply *ret_reply);

#endif
