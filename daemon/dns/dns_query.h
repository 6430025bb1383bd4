/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query as it came in: what of it can be trusted, and the error to answer with where it cannot be. Pure; any
 * thread. Points into the packet, which must outlive it.
 */
#ifndef DNS_DNS_QUERY_H
#define DNS_DNS_QUERY_H

#include "daemon/dns/dns_message.h"

struct dns_query {
    const uint8_t *packet;
    uint16_t rcode;          /* enum dns_rcode to answer with; DNS_NOERROR: look it up */
    uint16_t question_bytes; /* to be copied into the reply, bit for bit; 0: none */
    uint16_t name_bytes;
    uint16_t qtype, qclass;
    uint16_t payload; /* what the client takes over UDP, at least 512 */
    bool edns, dnssec_ok;
    /* The question with its letters lowered: the name in wire form, then type and class as they came. */
    uint8_t question[DNS_QUESTION_MAX];
};

/* -EBADMSG: not to be answered at all (too short, or a response: answering those makes loops). */
int dns_query_parse(const uint8_t *packet, size_t n, struct dns_query *ret_query);

#endif
