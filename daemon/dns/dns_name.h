/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what a DNS name asks for from its form alone; whether there is such a service or host is looked up in the table later. Pure; any thread.
 *
 * The names, relative to a zone (dns_name.c has them as a table of shapes):
 *
 *   <service>.<domain>                       a service
 *   _<service>._tcp.<domain>, ._udp.         the same, by protocol (RFC 2782)
 *   <tag>.tag.<service>.<domain>             instances with a tag
 *   <place>.at.<service>.<domain>            instances of a zone or region
 *   <instance>.<host>.id.<service>.<domain>  one instance
 *   <hex>.addr.<domain>                      an address, in the name itself
 *   <host>.host                              a host
 *   <label>._<service>._tcp.<domain>         one instance, for browsers (RFC 6763)
 *   _services._dns-sd._udp.<domain>          the services of a domain, for browsers
 *   b._dns-sd._udp.<domain>, lb.             where to browse (RFC 6763 11)
 *   ns                                       this server
 *   <region>.region                          another region, or the own one: a node above its names
 *   ....<region>.region                      all but the last of these, of that region alone: "payment.shop.b.region"
 *
 * Zones below in-addr.arpa and ip6.arpa have addresses instead (RFC 1035 3.5, RFC 3596 2.5).
 */
#ifndef DNS_DNS_NAME_H
#define DNS_DNS_NAME_H

#include "daemon/dns/dns_zone.h"
#include "libdiscover/core/address.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/table_format.h"

enum dns_kind {
    DNS_NAME_OUTSIDE, /* in no zone of ours */
    DNS_NAME_MISSING, /* in a zone, but nothing can ever have such a name */
    DNS_NAME_NODE,    /* nothing but names below it, always there */
    DNS_NAME_APEX,
    DNS_NAME_SERVER,
    DNS_NAME_ADDRESS,
    /* From here on the table decides: */
    DNS_NAME_REVERSE, /* an address, or a node above addresses */
    DNS_NAME_REGION,  /* a node that is there when the region is one that is read */
    DNS_NAME_DOMAIN,  /* a node that is there while the domain has services */
    DNS_NAME_BROWSE,  /* as a domain */
    DNS_NAME_TYPES,   /* as a domain */
    DNS_NAME_HOST,
    DNS_NAME_SERVICE_NODE, /* a node that is there while the service is known */
    DNS_NAME_SERVICE,
    DNS_NAME_PROTOCOL,
    DNS_NAME_TAG,
    DNS_NAME_PLACE,
    DNS_NAME_ON_HOST, /* a node above the instances of one host */
    DNS_NAME_INSTANCE,
    DNS_NAME_SD_INSTANCE,
};

/* A label within the name that was read. */
struct dns_label {
    const char *text;
    size_t n;
};

struct dns_name {
    enum dns_kind kind;
    const struct dns_zone *zone;
    uint8_t zone_at;            /* where the zone begins in the name */
    uint8_t domain_at;          /* where the domain's label begins, for those that have one */
    uint8_t protocol;           /* enum discover_protocol: PROTOCOL, SD_INSTANCE */
    uint8_t bits;               /* REVERSE: as many of the address are given */
    struct addresses addresses; /* ADDRESS, REVERSE */
    struct dns_label domain, service;
    struct dns_label what;   /* tag, place, instance or host, by kind */
    struct dns_label host;   /* INSTANCE */
    struct dns_label region; /* n 0: none is named */
    char key[TABLE_KEY_MAX]; /* in the table: a name, and behind it the region */
    size_t key_bytes, key_name_bytes;
};

/* name: lower case, as in dns_query.question. */
void dns_name_read(const struct dns_zones *zones, const uint8_t *name, struct dns_name *ret_name);

/*
 * Puts a region into a name whose form alone does not name it ("<region>.at"); of n 0: the own one, which no key has behind
 * it.
 */
void dns_name_set_region(struct dns_name *name, struct dns_label region);

static inline bool dns_label_is(struct dns_label l, const char *text)
{
    return l.n == strlen(text) && memcmp(l.text, text, l.n) == 0;
}

#endif
