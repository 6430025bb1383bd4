/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the protocol, and the two cursors that all message bytes go through: each is bounded and remembers
 * the first thing that did not fit, so callers check once, at the end. Pure; any thread.
 */
#ifndef DNS_DNS_WIRE_H
#define DNS_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DNS_HEADER_BYTES  12
#define DNS_NAME_MAX      255 /* RFC 1035 2.3.4, with the root's zero */
#define DNS_LABEL_MAX     63
#define DNS_LABELS_MAX    127
#define DNS_QUESTION_MAX  (DNS_NAME_MAX + 4)
#define DNS_MESSAGE_MAX   65535
#define DNS_UDP_MIN       512 /* RFC 1035 4.2.1: what everybody takes */
#define DNS_OPT_BYTES     11
#define DNS_POINTER       0xc000 /* RFC 1035 4.1.4 */

/* In the header's third octet: the flags of the second 16 bits' upper half. */
#define DNS_FLAG_QR 0x80
#define DNS_FLAG_AA 0x04
#define DNS_FLAG_TC 0x02
#define DNS_FLAG_RD 0x01
#define DNS_OPCODE_MASK 0x78

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16, /* RFC 6891 9 */
};

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_ANY = 255,
};

#define DNS_CLASS_IN 1

/* Extended errors, RFC 8914 4. */
enum dns_ede {
    DNS_EDE_NONE = -1,
    DNS_EDE_STALE_ANSWER = 3,
    DNS_EDE_NOT_READY = 14,
    DNS_EDE_PROHIBITED = 18,
    DNS_EDE_STALE_NXDOMAIN = 19,
    DNS_EDE_NOT_AUTHORITATIVE = 20,
};

struct dns_in {
    const uint8_t *at, *end;
    bool cut;
};

/* n bytes, or NULL from the first time on that there are not as many. */
static inline const uint8_t *dns_take(struct dns_in *in, size_t n)
{
    if (in->cut || (size_t)(in->end - in->at) < n) {
        in->cut = true;
        return NULL;
    }
    const uint8_t *bytes = in->at;
    in->at += n;
    return bytes;
}

static inline uint8_t dns_take8(struct dns_in *in)
{
    const uint8_t *b = dns_take(in, 1);
    return b ? b[0] : 0;
}

static inline uint16_t dns_load16(const uint8_t *b)
{
    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint16_t dns_take16(struct dns_in *in)
{
    const uint8_t *b = dns_take(in, 2);
    return b ? dns_load16(b) : 0;
}

static inline uint32_t dns_take32(struct dns_in *in)
{
    const uint8_t *b = dns_take(in, 4);
    return b ? (uint32_t)dns_load16(b) << 16 | dns_load16(b + 2) : 0;
}

struct dns_out {
    uint8_t *start, *at, *end;
    bool full;
};

static inline struct dns_out dns_out(uint8_t *bytes, size_t cap)
{
    return (struct dns_out){bytes, bytes, bytes + cap, false};
}

static inline size_t dns_out_bytes(const struct dns_out *out)
{
    return (size_t)(out->at - out->start);
}

/* Takes back what was put since `at`, and the knowledge that it did not fit. */
static inline void dns_rewind(struct dns_out *out, uint8_t *at)
{
    out->at = at;
    out->full = false;
}

static inline void dns_put(struct dns_out *out, const void *bytes, size_t n)
{
    if (out->full || (size_t)(out->end - out->at) < n) {
        out->full = true;
        return;
    }
    memcpy(out->at, bytes, n);
    out->at += n;
}

static inline void dns_store16(uint8_t *b, uint16_t v)
{
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static inline void dns_put8(struct dns_out *out, uint8_t v)
{
    dns_put(out, &v, 1);
}

static inline void dns_put16(struct dns_out *out, uint16_t v)
{
    uint8_t b[2];
    dns_store16(b, v);
    dns_put(out, b, 2);
}

static inline void dns_put32(struct dns_out *out, uint32_t v)
{
    dns_put16(out, (uint16_t)(v >> 16));
    dns_put16(out, (uint16_t)v);
}

static inline void dns_put_label(struct dns_out *out, const char *text, size_t n)
{
    dns_put8(out, (uint8_t)n);
    dns_put(out, text, n);
}

#endif
