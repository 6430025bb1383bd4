/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource records, one function each; what does not fit shows in the cursor. Pure; any thread.
 *
 * Owners are pointers into the question, so they carry its case (RFC 1035 4.1.4); SRV targets are never compressed
 * (RFC 2782).
 */
#ifndef DNS_DNS_RECORDS_H
#define DNS_DNS_RECORDS_H

#include "daemon/dns/dns_name.h"
#include "daemon/dns/dns_query.h"
#include "daemon/dns/dns_targets.h"

/* What all records of an answer have in common. */
struct dns_records {
    struct dns_out *out;
    const struct dns_query *query;
    const struct dns_name *name;
    uint32_t ttl_s;
    const char *region; /* another one that answers for the own one, whose targets are named; or "" */
};

/* Owned by the name that was asked for. Addresses here and below have 4 octets, for A, or 16, for AAAA. */
void dns_put_address(const struct dns_records *r, const uint8_t *address, size_t n);
void dns_put_srv(const struct dns_records *r, const struct dns_target *target);
void dns_put_ns(const struct dns_records *r);
void dns_put_ptr_domain(const struct dns_records *r);
void dns_put_ptr_type(const struct dns_records *r, const char *service, size_t n, enum discover_protocol protocol);
void dns_put_ptr_label(const struct dns_records *r, const char *label, size_t n);
/* labels: of the target, in front of the zone, in wire form. */
void dns_put_ptr_in_zone(const struct dns_records *r, const uint8_t *labels, size_t n, const struct dns_zone *zone);
/* strings: each a length octet and its octets. */
void dns_put_txt(const struct dns_records *r, const uint8_t *strings, size_t n);

/* The zone's SOA record. */
void dns_put_soa(const struct dns_records *r, uint32_t serial, uint32_t minimum_s);

/* Owned by what is pointed at later (dns_draft_owned). */
void dns_put_owned_address(const struct dns_records *r, const uint8_t *address, size_t n);

/* Owned by a target, or by this server ("ns" in the zone). */
void dns_put_target_address(const struct dns_records *r, const struct discover_endpoint *e, const uint8_t *address,
                            size_t n);
void dns_put_server_address(const struct dns_records *r, const uint8_t *address, size_t n);

/* Writes "<hex>" of an address, or "<hex>" of an IPv4 and an IPv6 one behind it; returns the digits, 8, 32 or 40. */
size_t dns_hex_address(uint8_t families, const uint8_t *ipv4, const uint8_t *ipv6, char ret_hex[static 40]);

#endif
