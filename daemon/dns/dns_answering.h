/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question on its way to an answer: shared by dns_answer.c (which names there are) and dns_service_names.c (what a
 * service's block says). Nobody else includes this.
 */
#ifndef DNS_DNS_ANSWERING_H
#define DNS_DNS_ANSWERING_H

#include "daemon/dns/dns_answer.h"
#include "daemon/dns/dns_records.h"

struct dns_answering {
    const struct dns_ask *ask;
    const struct dns_name *name;
    struct dns_scratch *scratch;
    struct dns_draft *draft;
    struct dns_prepared *prepared;
    struct dns_records records;
    uint16_t qtype;
    enum dns_mode mode; /* of the region that is asked for */
    uint8_t family;     /* DISCOVER_HAS_..., where only instances with such an address are looked for; else 0 */
    size_t most;        /* usable instances of a large service that are looked for */
    bool cut;           /* `most` were found: there may be more */
};

/* The address family that a type asks for, DISCOVER_HAS_...; 0: it is no address record. */
static inline uint8_t dns_family_of(uint16_t qtype)
{
    return qtype == DNS_TYPE_A ? DISCOVER_HAS_IPV4 : qtype == DNS_TYPE_AAAA ? DISCOVER_HAS_IPV6 : 0;
}

/* No more answers; at most `most` of them are shown in one reply, 0: all that fit. */
void dns_end_answers(struct dns_answering *a, size_t most);

/* There is nothing: SOA with NXDOMAIN, or with NOERROR for a name that is there. */
void dns_negative(struct dns_answering *a, enum dns_rcode rcode);

/* The same where another host may have some: an error while only this host is known. */
void dns_absent(struct dns_answering *a, enum dns_rcode rcode);

/* The answer is that of another region, which may be stale where the own one is not. */
void dns_note_failover(struct dns_answering *a);

/* dns_service_names.c: from the service's block in the scratch. */
void dns_answer_service(struct dns_answering *a);

#endif
