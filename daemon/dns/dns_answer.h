/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Composes the answer to a well-formed query, from its name, its type and the table. Knows which names and records
 * exist, and what may be said when the table cannot vouch for all of them. One thread's (it reuses its scratch).
 *
 *   there, and has such records    the records
 *   there, without such records    NODATA: no error, SOA (RFC 2308 2.2)
 *   nothing there or below         NXDOMAIN, SOA (RFC 2308 2.1, RFC 8020)
 *   cannot know                    SERVFAIL, extended error 14 (RFC 8914 4.15)
 *   not in our zones               REFUSED, extended error 20
 */
#ifndef DNS_DNS_ANSWER_H
#define DNS_DNS_ANSWER_H

#include "daemon/dns/dns_draft.h"
#include "daemon/dns/dns_name.h"
#include "daemon/dns/dns_reverse.h"
#include "daemon/dns/dns_targets.h"

struct dns_ask {
    const struct dns_query *query;
    const struct dns_name *name;
    const struct table *table;      /* NULL: none yet */
    struct dns_reverse *reverse;    /* NULL: no addresses are served */
    const struct dns_zone *forward; /* where their names are; or NULL */
    enum dns_mode mode;
    uint32_t serial;
    int64_t now_ns;
    uint32_t ttl_s;
    bool plain;                 /* over UDP without EDNS: 512 octets, and often nobody who would ask again over TCP */
    size_t limit;               /* octets of the whole reply */
    const uint8_t *own_address; /* where the query came in */
    size_t own_address_bytes;   /* 4 or 16 */
    struct dns_random *random;
};

/* Zeroed at first; at the end table_view_fini of the view. */
struct dns_scratch {
    struct dns_name name; /* where what the table says changes what a name means */
    struct table_view view;
    struct dns_targets targets;
    struct dns_draft draft;
};

/* The answer is in the scratch until the next call. */
struct dns_prepared *dns_answer(const struct dns_ask *ask, struct dns_scratch *s);

#endif
