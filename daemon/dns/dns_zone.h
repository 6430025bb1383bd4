/* SPDX-License-Identifier: Apache-2.0 */
/* The zones served, in wire form, and which of them a name is in. Pure; immutable once filled in, then any thread. */
#ifndef DNS_DNS_ZONE_H
#define DNS_DNS_ZONE_H

#include "daemon/dns/dns.h"
#include "daemon/dns/dns_message.h"

/* So that an address target, "<40 hex digits>.addr.<63 octets>.<zone>", is never longer than a name may be. */
#define DNS_ZONE_MAX 127

struct dns_zone {
    uint8_t wire[DNS_ZONE_MAX]; /* lower case, with the root's zero */
    uint8_t bytes, labels;
    bool reverse; /* below in-addr.arpa or ip6.arpa */
};

struct dns_zones {
    struct dns_zone zone[DNS_ZONES_MAX];
    size_t n;
};

/* "discover.internal": labels (label.h) with dots between. -EINVAL with the reason, a static text: it cannot be served. */
int dns_zone_parse(const char *text, struct dns_zone *ret_zone, const char **ret_why);

/* Where the labels of a name in wire form begin. */
struct dns_labels {
    uint8_t n;
    uint8_t bytes; /* of the whole name */
    uint8_t at[DNS_LABELS_MAX];
};

/* name: valid, as from dns_query_parse. */
void dns_labels_of(const uint8_t *name, struct dns_labels *ret_labels);

/* The longest zone that a lower-case name is in, or NULL. */
const struct dns_zone *dns_zone_of(const struct dns_zones *zones, const uint8_t *name, const struct dns_labels *labels);

/* The first zone that has addresses, or the first that has names; NULL: there is none. */
const struct dns_zone *dns_zones_first(const struct dns_zones *zones, bool reverse);

#endif
