/* SPDX-License-Identifier: Apache-2.0 */
/* What a client gets: the reply that a worker would send, made the same way, without sending it. Main thread. */
#ifndef DNS_DNS_EXPLAIN_H
#define DNS_DNS_EXPLAIN_H

#include "daemon/dns/dns.h"
#include "daemon/dns/dns_text.h"

struct dns_explain_ask {
    const char *name;   /* "payment.shop", labels below the first zone that has names */
    uint16_t type;      /* enum dns_type */
    uint16_t payload;   /* what the client takes over UDP, by EDNS; 0: no EDNS */
    unsigned lines_max; /* of records that are shown */
};

/* Tells the answers' lines by fn. -ENOENT: no zone has names; -ENOMEM; -EBADMSG. */
int dns_explain(struct dns *dns, const struct dns_explain_ask *ask, dns_text_fn *fn, void *arg,
                struct dns_text_head *ret_head);

#endif
