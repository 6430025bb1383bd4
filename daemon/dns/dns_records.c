/* SPDX-License-Identifier: Apache-2.0 */
/* Resource records in wire form (RFC 1035 3.2.1). */
#include "daemon/dns/dns_records.h"

#include "libdiscover/core/hex.h"

#define SOA_REFRESH_S 3600
#define SOA_RETRY_S   600
#define SOA_EXPIRE_S  86400

/* Points at an octet of the name in the question. */
static void put_pointer(struct dns_out *out, size_t at)
{
    dns_put16(out, (uint16_t)(DNS_POINTER | (DNS_HEADER_BYTES + at)));
}

/* Type, class, TTL, and room for the length, which end_data fills in. */
static uint8_t *begin_data(const struct dns_records *r, enum dns_type type)
{
    dns_put16(r->out, (uint16_t)type);
    dns_put16(r->out, DNS_CLASS_IN);
    dns_put32(r->out, r->ttl_s);
    dns_put16(r->out, 0);
    return r->out->at;
}

static void end_data(const struct dns_records *r, uint8_t *data)
{
    if (!r->out->full)
        dns_store16(data - 2, (uint16_t)(r->out->at - data));
}

static uint8_t *begin_own(const struct dns_records *r, enum dns_type type)
{
    put_pointer(r->out, 0);
    return begin_data(r, type);
}

static void put_data(const struct dns_records *r, enum dns_type type, const void *bytes, size_t n)
{
    uint8_t *data = begin_data(r, type);
    dns_put(r->out, bytes, n);
    end_data(r, data);
}

static void put_address(const struct dns_records *r, const uint8_t *address, size_t n)
{
    put_data(r, n == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA, address, n);
}

void dns_put_address(const struct dns_records *r, const uint8_t *address, size_t n)
{
    put_pointer(r->out, 0);
    put_address(r, address, n);
}

size_t dns_hex_address(uint8_t families, const uint8_t *ipv4, const uint8_t *ipv6, char ret_hex[static 40])
{
    char *end = ret_hex;
    if (families & DISCOVER_HAS_IPV4)
        end = hex_write(end, ipv4, 4);
    if (families & DISCOVER_HAS_IPV6)
        end = hex_write(end, ipv6, 16);
    return (size_t)(end - ret_hex);
}

/* "<hex>.addr": what stands in front of the domain in an address's name. */
static void put_address_labels(struct dns_out *out, const struct discover_endpoint *e)
{
    char hex[40];
    dns_put_label(out, hex, dns_hex_address(e->families, e->ipv4, e->ipv6, hex));
    dns_put_label(out, "addr", 4);
}

/* The rest of a target's name as it stands in the question: the domain, the region that answers, the zone. */
static bool put_region_labels(const struct dns_records *r)
{
    enum { FRONT_MAX = 41 + 5, REGION_LABEL = 7 };
    const struct dns_name *name = r->name;
    size_t n = strlen(r->region), rest = r->query->name_bytes - name->domain_at;
    if (n == 0 || FRONT_MAX + rest + n + 1 + REGION_LABEL > DNS_NAME_MAX)
        return false;
    dns_put(r->out, r->query->question + name->domain_at, name->zone_at - name->domain_at);
    dns_put_label(r->out, r->region, n);
    dns_put_label(r->out, "region", REGION_LABEL - 1);
    return true;
}

void dns_put_srv(const struct dns_records *r, const struct dns_target *target)
{
    const struct discover_endpoint *e = target->endpoint;
    const struct dns_query *q = r->query;
    uint8_t *data = begin_own(r, DNS_TYPE_SRV);
    dns_put16(r->out, e->priority);
    dns_put16(r->out, (uint16_t)target->weight);
    dns_put16(r->out, e->port);
    if (target->hostname[0]) {
        dns_put_labels(r->out, target->hostname);
        dns_put8(r->out, 0);
    } else {
        put_address_labels(r->out, e);
        size_t from = put_region_labels(r) ? r->name->zone_at : r->name->domain_at;
        dns_put(r->out, q->question + from, q->name_bytes - from);
    }
    end_data(r, data);
}

void dns_put_ns(const struct dns_records *r)
{
    uint8_t *data = begin_own(r, DNS_TYPE_NS);
    dns_put_label(r->out, "ns", 2);
    put_pointer(r->out, r->name->zone_at);
    end_data(r, data);
}

void dns_put_ptr_domain(const struct dns_records *r)
{
    uint8_t *data = begin_own(r, DNS_TYPE_PTR);
    put_pointer(r->out, r->name->domain_at);
    end_data(r, data);
}

void dns_put_ptr_type(const struct dns_records *r, const char *service, size_t n, enum discover_protocol protocol)
{
    uint8_t *data = begin_own(r, DNS_TYPE_PTR);
    dns_put8(r->out, (uint8_t)(n + 1));
    dns_put8(r->out, '_');
    dns_put(r->out, service, n);
    dns_put_label(r->out, protocol == DISCOVER_UDP ? "_udp" : "_tcp", 4);
    put_pointer(r->out, r->name->domain_at);
    end_data(r, data);
}

void dns_put_ptr_label(const struct dns_records *r, const char *label, size_t n)
{
    uint8_t *data = begin_own(r, DNS_TYPE_PTR);
    dns_put_label(r->out, label, n);
    put_pointer(r->out, 0);
    end_data(r, data);
}

void dns_put_ptr_in_zone(const struct dns_records *r, const uint8_t *labels, size_t n, const struct dns_zone *zone)
{
    uint8_t *data = begin_own(r, DNS_TYPE_PTR);
    dns_put(r->out, labels, n);
    dns_put(r->out, zone->wire, zone->bytes);
    end_data(r, data);
}

void dns_put_txt(const struct dns_records *r, const uint8_t *strings, size_t n)
{
    put_pointer(r->out, 0);
    put_data(r, DNS_TYPE_TXT, strings, n);
}

void dns_put_soa(const struct dns_records *r, uint32_t serial, uint32_t minimum_s)
{
    put_pointer(r->out, r->name->zone_at);
    uint8_t *data = begin_data(r, DNS_TYPE_SOA);
    dns_put_label(r->out, "ns", 2);
    put_pointer(r->out, r->name->zone_at);
    dns_put_label(r->out, "hostmaster", 10);
    put_pointer(r->out, r->name->zone_at);
    dns_put32(r->out, serial);
    dns_put32(r->out, SOA_REFRESH_S);
    dns_put32(r->out, SOA_RETRY_S);
    dns_put32(r->out, SOA_EXPIRE_S);
    dns_put32(r->out, minimum_s);
    end_data(r, data);
}

void dns_put_owned_address(const struct dns_records *r, const uint8_t *address, size_t n)
{
    dns_put16(r->out, 0);
    put_address(r, address, n);
}

void dns_put_target_address(const struct dns_records *r, const struct discover_endpoint *e, const uint8_t *address,
                            size_t n)
{
    put_address_labels(r->out, e);
    put_pointer(r->out, put_region_labels(r) ? r->name->zone_at : r->name->domain_at);
    put_address(r, address, n);
}

void dns_put_server_address(const struct dns_records *r, const uint8_t *address, size_t n)
{
    dns_put_label(r->out, "ns", 2);
    put_pointer(r->out, r->name->zone_at);
    put_address(r, address, n);
}
