/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads answers to SRV, A and AAAA questions. Pure; any thread.
 *
 * Trusts nothing: all octets go through a bounded cursor, names can only point backwards, and what does not parse is
 * an error. So is what answers without saying anything of the zone: a resolver that has never heard of the zone asks
 * the root, which denies it; believing that would be "nobody is there" instead of "I could not ask". A denial counts
 * when it carries a SOA record of the zone (RFC 2308 3), which authoritative servers must add. Caches may leave
 * it out: so one without any SOA counts, too, once the zone was heard from.
 */
#ifndef LIBDISCOVER_DNS_DNS_REPLY_H
#define LIBDISCOVER_DNS_DNS_REPLY_H

#include "libdiscover/dns/dns_question.h"

enum dns_outcome {
    DNS_FAILED, /* says nothing: SERVFAIL, REFUSED, another's denial, ... */
    DNS_FOUND,
    DNS_NONE,    /* the name is there, without targets (RFC 2308 2.2, or RFC 2782 target ".") */
    DNS_UNKNOWN, /* there is no such name (RFC 2308 2.1) */
};

struct dns_srv_target {
    struct dns_wire_name name;
    struct addresses addresses; /* as far as the answer has them; none: they have to be asked for */
    bool computed;              /* they were computed from its name, which is made of them */
    uint16_t port, priority, weight;
};

struct dns_answer {
    enum dns_outcome outcome;
    bool stale;     /* the responder says that it is stale (RFC 8914 4.4, 4.20) */
    bool from_zone; /* it proves that the responder knows the zone */
    uint32_t ttl_s; /* the lowest TTL of the records that were read */
    struct dns_srv_target *targets;
    size_t n_targets;
};

void dns_answer_init(struct dns_answer *a);
void dns_answer_fini(struct dns_answer *a);

/*
 * The answer to an SRV question. heard: the zone was heard from before. -EBADMSG: it does not parse, or answers
 * another question; -ENOMEM. ret_answer is to be finished with dns_answer_fini when this succeeded.
 */
int dns_answer_read(const struct dns_question *q, bool heard, const uint8_t *bytes, size_t n,
                    struct dns_answer *ret_answer);

/* Makes of both what meets both: the targets that they have in common. */
void dns_answer_intersect(struct dns_answer *a, const struct dns_answer *other);

/*
 * Adds to a target the first address of an answer to an A or AAAA question about its name, wherever aliases led, and
 * lowers *ttl_s. -EBADMSG; -EAGAIN: the server could not say (the target may have addresses).
 */
int dns_answer_read_address(const uint8_t *bytes, size_t n, struct dns_srv_target *target, uint32_t *ttl_s);

#endif
