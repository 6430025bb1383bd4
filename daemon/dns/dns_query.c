/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded parser of queries. No name is ever followed: where a name ends can be seen without. */
#include "daemon/dns/dns_query.h"

#include <errno.h>

#define EACH_OCTET UINT64_C(0x0101010101010101)

/* Eight octets at once: the high bit of an octet is a comparison's result, octets above 127 are left alone. */
static uint64_t fold_word(uint64_t w)
{
    uint64_t low = w & (EACH_OCTET * 0x7f);
    uint64_t from_a = low + EACH_OCTET * (0x80 - 'A');
    uint64_t above_z = low + EACH_OCTET * (0x7f - 'Z');
    uint64_t upper = (from_a & ~above_z & ~w) & (EACH_OCTET * 0x80);
    return w | upper >> 2;
}

/* Copies n octets with A-Z lowered, and nothing else (RFC 4343 3). */
static void fold(uint8_t *to, const uint8_t *from, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, from + i, 8);
        w = fold_word(w);
        memcpy(to + i, &w, 8);
    }
    for (; i < n; i++)
        to[i] = from[i] >= 'A' && from[i] <= 'Z' ? from[i] + ('a' - 'A') : from[i];
}

/*
 * The octets of the first name in a message; 0 if it is none. Nothing stands before it, so a pointer could only
 * point at or behind itself; it is refused with the reserved label types (RFC 1035 4.1.4, RFC 9267 2).
 */
static size_t question_name_bytes(const struct dns_in *in)
{
    size_t left = (size_t)(in->end - in->at), i = 0;
    while (i < left && i < DNS_NAME_MAX) {
        uint8_t label = in->at[i];
        if (label == 0)
            return i + 1;
        if (label > DNS_LABEL_MAX)
            return 0;
        i += 1 + label;
    }
    return 0;
}

/* Length octets are below 'A', so the whole name may be folded at once. */
static void take_question(struct dns_in *in, struct dns_query *q)
{
    size_t n = question_name_bytes(in);
    const uint8_t *bytes = dns_take(in, n + 4);
    if (n == 0 || !bytes) {
        in->cut = true;
        return;
    }
    fold(q->question, bytes, n);
    memcpy(q->question + n, bytes + n, 4);
    q->name_bytes = (uint16_t)n;
    q->question_bytes = (uint16_t)(n + 4);
    q->qtype = dns_load16(bytes + n);
    q->qclass = dns_load16(bytes + n + 2);
}

/* Any name; a pointer ends it. Returns its first octet. */
static uint8_t skip_name(struct dns_in *in)
{
    uint8_t first = dns_take8(in);
    for (uint8_t label = first; label != 0 && !in->cut; label = dns_take8(in)) {
        if (label >= 0xc0) {
            (void)dns_take8(in);
            return first;
        }
        if (label > DNS_LABEL_MAX)
            in->cut = true;
        (void)dns_take(in, label);
    }
    return first;
}

/* Unknown options are no error, cut ones are (RFC 6891 6.1.2). */
static void check_options(struct dns_in *in, const uint8_t *bytes, size_t n)
{
    struct dns_in options = {bytes, bytes + n, false};
    while (options.at < options.end && !options.cut) {
        (void)dns_take16(&options);
        (void)dns_take(&options, dns_take16(&options));
    }
    in->cut |= options.cut;
}

/* Returns the EDNS version. A reply carries OPT as soon as the query shows one, whatever else is wrong with it. */
static uint8_t take_opt(struct dns_in *in, uint8_t owner, struct dns_query *q)
{
    uint16_t payload = dns_take16(in);
    uint32_t ttl = dns_take32(in);
    uint16_t n = dns_take16(in);
    bool second = q->edns;
    q->edns = true;
    q->payload = payload < DNS_UDP_MIN ? DNS_UDP_MIN : payload;
    q->dnssec_ok = ttl & 0x8000;
    const uint8_t *options = dns_take(in, n);
    if (options)
        check_options(in, options, n);
    if (second || owner != 0)
        in->cut = true;
    return (uint8_t)(ttl >> 16);
}

static void skip_record_tail(struct dns_in *in)
{
    (void)dns_take(in, 6);
    (void)dns_take(in, dns_take16(in));
}

static void skip_records(struct dns_in *in, size_t n)
{
    for (size_t i = 0; i < n && !in->cut; i++) {
        (void)skip_name(in);
        (void)dns_take16(in);
        skip_record_tail(in);
    }
}

/* Returns the EDNS version, 0 if there is none. */
static uint8_t take_additional(struct dns_in *in, size_t n, struct dns_query *q)
{
    uint8_t version = 0;
    for (size_t i = 0; i < n && !in->cut; i++) {
        uint8_t owner = skip_name(in);
        if (dns_take16(in) == DNS_TYPE_OPT)
            version = take_opt(in, owner, q);
        else
            skip_record_tail(in);
    }
    return version;
}

static void skip_questions(struct dns_in *in, size_t n)
{
    for (size_t i = 0; i < n && !in->cut; i++) {
        (void)skip_name(in);
        (void)dns_take(in, 4);
    }
}

int dns_query_parse(const uint8_t *packet, size_t n, struct dns_query *q)
{
    if (n < DNS_HEADER_BYTES || packet[2] & DNS_FLAG_QR)
        return -EBADMSG;
    struct dns_in in = {packet + DNS_HEADER_BYTES, packet + n, false};
    uint16_t questions = dns_load16(packet + 4);
    q->packet = packet;
    q->question_bytes = q->name_bytes = q->qtype = q->qclass = 0;
    q->payload = DNS_UDP_MIN;
    q->edns = q->dnssec_ok = false;
    if (questions == 1)
        take_question(&in, q);
    else
        skip_questions(&in, questions);
    skip_records(&in, (size_t)dns_load16(packet + 6) + dns_load16(packet + 8));
    uint8_t version = take_additional(&in, dns_load16(packet + 10), q);
    if (packet[2] & DNS_OPCODE_MASK)
        q->rcode = DNS_NOTIMP;
    else if (in.cut || questions != 1) /* RFC 9619 4 */
        q->rcode = DNS_FORMERR;
    else
        q->rcode = version > 0 ? DNS_BADVERS : DNS_NOERROR; /* RFC 6891 6.1.3 */
    return 0;
}
