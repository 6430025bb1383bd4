/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a reply, as dig prints them (master files, RFC 1035 5.1). Pure; any thread. */
#ifndef DNS_DNS_TEXT_H
#define DNS_DNS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define DNS_TEXT_CAP                                                                                                   \
    1400 /* a name of 255 octets may be four times as long as text; of anything else the rest is left out */

struct dns_text_head {
    size_t bytes; /* of the whole reply */
    uint16_t rcode;
    int truncated; /* TC: ask again over TCP */
    unsigned answers;
    char question[DNS_TEXT_CAP]; /* "payment.shop.discover.internal." */
};

/* "NOERROR", ... Static. */
const char *dns_rcode_text(uint16_t rcode);

typedef void dns_text_fn(void *arg, const char *line);

/* Calls fn for at most max records of the answer section. -EBADMSG: not a message; fn was called for what could be read. */
int dns_text_answers(const uint8_t *message, size_t n, unsigned max, dns_text_fn *fn, void *arg,
                     struct dns_text_head *ret_head);

#endif
