/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the DNS protocol, and the cursor that all message bytes are read through: it is bounded and remembers the
 * first thing that did not fit, so callers check once, at the end. Pure; any thread.
 */
#ifndef CORE_DNS_WIRE_H
#define CORE_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_BYTES 12
#define DNS_NAME_MAX     255 /* RFC 1035 2.3.4, with the root's zero */
#define DNS_LABEL_MAX    63
#define DNS_LABELS_MAX   127
#define DNS_QUESTION_MAX (DNS_NAME_MAX + 4)
#define DNS_MESSAGE_MAX  65535
#define DNS_UDP_MIN      512 /* RFC 1035 4.2.1: what everybody takes */
#define DNS_OPT_BYTES    11
#define DNS_POINTER      0xc000 /* RFC 1035 4.1.4 */

/* In the header's third octet: the flags of the second 16 bits' upper half. */
#define DNS_FLAG_QR     0x80
#define DNS_FLAG_AA     0x04
#define DNS_FLAG_TC     0x02
#define DNS_FLAG_RD     0x01
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
    DNS_EDE_OTHER = 0, /* with a text */
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

#endif
