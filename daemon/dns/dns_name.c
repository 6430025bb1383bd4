/* SPDX-License-Identifier: Apache-2.0 */
/* The form of names: one table of shapes, tried from the top. */
#include "daemon/dns/dns_name.h"

#include "libdiscover/core/hex.h"

/* What a label of a shape must be, and where it goes. */
enum part {
    ANY_SERVICE,         /* a service's label */
    ANY_DOMAIN,          /* a domain's label */
    ANY_WHAT,            /* a label of ours: tag, place, instance, host */
    ANY_TEXT,            /* any octets: the instance labels of RFC 6763 4.1.1 */
    ANY_HOST,            /* a host's label, where another label is `what` */
    ANY_HEX,             /* an address */
    UNDERSCORE_SERVICE,  /* an underscore and a service's label */
    UNDERSCORE_PROTOCOL, /* _tcp or _udp */
    WORD_UDP,            /* literally, as are all below */
    WORD_ADDR,
    WORD_AT,
    WORD_BROWSE,
    WORD_DNS_SD,
    WORD_HOST,
    WORD_ID,
    WORD_LEGACY_BROWSE,
    WORD_NS,
    WORD_REGION,
    WORD_SERVICES,
    WORD_TAG,
};

static const char *const words[] = {
    [WORD_UDP] = "_udp",       [WORD_ADDR] = "addr",          [WORD_AT] = "at",   [WORD_BROWSE] = "b",
    [WORD_DNS_SD] = "_dns-sd", [WORD_HOST] = "host",          [WORD_ID] = "id",   [WORD_LEGACY_BROWSE] = "lb",
    [WORD_NS] = "ns",          [WORD_SERVICES] = "_services", [WORD_TAG] = "tag", [WORD_REGION] = "region",
};

#define PARTS_MAX 5

static const struct shape {
    enum dns_kind kind;
    uint8_t n;
    enum part parts[PARTS_MAX]; /* from left to right */
} shapes[] = {
    {DNS_NAME_APEX, 0, {0}},
    {DNS_NAME_NODE, 1, {WORD_HOST}},
    {DNS_NAME_NODE, 1, {WORD_REGION}},
    {DNS_NAME_SERVER, 1, {WORD_NS}},
    {DNS_NAME_DOMAIN, 1, {ANY_DOMAIN}},
    {DNS_NAME_HOST, 2, {ANY_WHAT, WORD_HOST}},
    {DNS_NAME_DOMAIN, 2, {UNDERSCORE_PROTOCOL, ANY_DOMAIN}},
    {DNS_NAME_SERVICE, 2, {ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_DOMAIN, 3, {WORD_DNS_SD, WORD_UDP, ANY_DOMAIN}},
    {DNS_NAME_PROTOCOL, 3, {UNDERSCORE_SERVICE, UNDERSCORE_PROTOCOL, ANY_DOMAIN}},
    {DNS_NAME_ADDRESS, 3, {ANY_HEX, WORD_ADDR, ANY_DOMAIN}},
    {DNS_NAME_SERVICE_NODE, 3, {WORD_TAG, ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_SERVICE_NODE, 3, {WORD_AT, ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_SERVICE_NODE, 3, {WORD_ID, ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_TYPES, 4, {WORD_SERVICES, WORD_DNS_SD, WORD_UDP, ANY_DOMAIN}},
    {DNS_NAME_BROWSE, 4, {WORD_BROWSE, WORD_DNS_SD, WORD_UDP, ANY_DOMAIN}},
    {DNS_NAME_BROWSE, 4, {WORD_LEGACY_BROWSE, WORD_DNS_SD, WORD_UDP, ANY_DOMAIN}},
    {DNS_NAME_TAG, 4, {ANY_WHAT, WORD_TAG, ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_PLACE, 4, {ANY_WHAT, WORD_AT, ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_ON_HOST, 4, {ANY_WHAT, WORD_ID, ANY_SERVICE, ANY_DOMAIN}},
    {DNS_NAME_SD_INSTANCE, 4, {ANY_TEXT, UNDERSCORE_SERVICE, UNDERSCORE_PROTOCOL, ANY_DOMAIN}},
    {DNS_NAME_INSTANCE, 5, {ANY_WHAT, ANY_HOST, WORD_ID, ANY_SERVICE, ANY_DOMAIN}},
};

static bool is_label(struct dns_label l)
{
    return label_valid(l.text, l.n);
}

/* 8 digits: IPv4; 32: IPv6; 40: IPv4, then IPv6. */
static bool read_address(struct dns_label l, struct dns_name *name)
{
    uint8_t bytes[20];
    if ((l.n != 8 && l.n != 32 && l.n != 40) || !hex_read(l.text, bytes, l.n / 2))
        return false;
    name->addresses.families = 0;
    if (l.n != 32)
        addresses_set(&name->addresses, DISCOVER_HAS_IPV4, bytes);
    if (l.n != 8)
        addresses_set(&name->addresses, DISCOVER_HAS_IPV6, bytes + l.n / 2 - 16);
    return true;
}

static bool read_protocol(struct dns_label l, struct dns_name *name)
{
    name->protocol = dns_label_is(l, "_udp") ? DISCOVER_UDP : DISCOVER_TCP;
    return name->protocol == DISCOVER_UDP || dns_label_is(l, "_tcp");
}

static bool read_part(enum part part, struct dns_label l, struct dns_name *name)
{
    switch (part) {
    case ANY_SERVICE:
        name->service = l;
        return is_label(l);
    case ANY_DOMAIN:
        name->domain = l;
        return is_label(l);
    case ANY_WHAT:
        name->what = l;
        return is_label(l);
    case ANY_TEXT:
        name->what = l;
        return true;
    case ANY_HOST:
        name->host = l;
        return is_label(l);
    case ANY_HEX:
        return read_address(l, name);
    case UNDERSCORE_SERVICE:
        name->service = (struct dns_label){l.text + 1, l.n - 1};
        return l.text[0] == '_' && is_label(name->service);
    case UNDERSCORE_PROTOCOL:
        return read_protocol(l, name);
    default:
        return dns_label_is(l, words[part]);
    }
}

static struct dns_label label_at(const uint8_t *name, size_t at)
{
    return (struct dns_label){(const char *)name + at + 1, name[at]};
}

static bool fits(const struct shape *s, const uint8_t *bytes, const struct dns_labels *labels, struct dns_name *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (!read_part(s->parts[i], label_at(bytes, labels->at[i]), name))
            return false;
    return true;
}

static enum dns_kind find_shape(const uint8_t *bytes, const struct dns_labels *labels, size_t n, struct dns_name *name)
{
    for (const struct shape *s = shapes; s < shapes + sizeof shapes / sizeof *shapes; s++)
        if (s->n == n && fits(s, bytes, labels, name))
            return s->kind;
    return DNS_NAME_MISSING;
}

/* An octet in decimal without leading zeros. */
static bool read_octet(struct dns_label l, uint8_t *ret_octet)
{
    unsigned value = 0;
    if (l.n > 3 || (l.n > 1 && l.text[0] == '0'))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        if (l.text[i] < '0' || l.text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(l.text[i] - '0');
    }
    *ret_octet = (uint8_t)value;
    return value <= UINT8_MAX;
}

static bool read_nibble(struct dns_label l, size_t place, uint8_t *bytes)
{
    int digit = l.n == 1 ? hex_value(l.text[0]) : -1;
    if (digit < 0)
        return false;
    bytes[place / 2] |= (uint8_t)(place % 2 ? digit : digit << 4);
    return true;
}

/* The last label before "in-addr" or "ip6" is the first part of the address. */
static enum dns_kind read_reverse(const uint8_t *bytes, const struct dns_labels *labels, struct dns_name *name)
{
    size_t n = labels->n - 2u;
    bool v4 = dns_label_is(label_at(bytes, labels->at[n]), "in-addr"), ok = n <= (v4 ? 4 : 32);
    name->addresses = (struct addresses){.families = v4 ? DISCOVER_HAS_IPV4 : DISCOVER_HAS_IPV6};
    for (size_t i = 0; i < n && ok; i++) {
        struct dns_label l = label_at(bytes, labels->at[n - 1 - i]);
        ok = v4 ? read_octet(l, &name->addresses.ipv4[i]) : read_nibble(l, i, name->addresses.ipv6);
    }
    name->bits = (uint8_t)(n * (v4 ? 8 : 4));
    return ok ? DNS_NAME_REVERSE : DNS_NAME_MISSING;
}

/* In the longest name of an address: "<40 hex digits>.addr". */
#define ADDRESS_LABELS_BYTES (1 + 40 + 1 + 4)

/*
 * What stands in front of "<region>.region" is read as it would be without that. What could have no targets, for their names
 * would be longer than a name may be, is not there at all.
 */
static enum dns_kind find_in_region(const uint8_t *bytes, const struct dns_labels *labels, size_t n,
                                    struct dns_name *name)
{
    enum { REGION_LABELS = 2 };
    name->region = label_at(bytes, labels->at[n - REGION_LABELS]);
    if (!is_label(name->region))
        return DNS_NAME_MISSING;
    if (n == REGION_LABELS)
        return DNS_NAME_REGION;
    name->domain_at = labels->at[n - REGION_LABELS - 1];
    if (labels->bytes - name->domain_at + ADDRESS_LABELS_BYTES > DNS_NAME_MAX)
        return DNS_NAME_MISSING;
    enum dns_kind kind = find_shape(bytes, labels, n - REGION_LABELS, name);
    if (kind == DNS_NAME_SERVER || (kind == DNS_NAME_NODE && n > REGION_LABELS + 1))
        return DNS_NAME_MISSING;
    return kind == DNS_NAME_NODE ? DNS_NAME_REGION : kind;
}

static bool is_in_region(const uint8_t *bytes, const struct dns_labels *labels, size_t n)
{
    return n >= 2 && dns_label_is(label_at(bytes, labels->at[n - 1]), words[WORD_REGION]);
}

static enum dns_kind find_kind(const uint8_t *bytes, const struct dns_labels *labels, size_t n, struct dns_name *name)
{
    bool server = n == 1 && dns_label_is(label_at(bytes, labels->at[0]), words[WORD_NS]);
    if (name->zone->reverse && n > 0 && !server)
        return read_reverse(bytes, labels, name);
    if (is_in_region(bytes, labels, n))
        return find_in_region(bytes, labels, n, name);
    return find_shape(bytes, labels, n, name);
}

static void add(struct dns_name *name, const char *text, size_t n)
{
    memcpy(name->key + name->key_bytes, text, n);
    name->key_bytes += n;
}

static void add_region(struct dns_name *name)
{
    name->key_name_bytes = name->key_bytes;
    if (name->region.n == 0)
        return;
    add(name, "@", 1);
    add(name, name->region.text, name->region.n);
}

void dns_name_set_region(struct dns_name *name, struct dns_label region)
{
    name->region = region;
    name->key_bytes = name->key_name_bytes;
    add_region(name);
}

static void make_key(struct dns_name *name)
{
    name->key_bytes = name->key_name_bytes = 0;
    if (name->kind == DNS_NAME_REGION)
        return;
    if (name->kind == DNS_NAME_HOST) {
        add(name, "@", 1);
        add(name, name->what.text, name->what.n);
    } else if (name->kind >= DNS_NAME_DOMAIN) {
        add(name, name->domain.text, name->domain.n);
        add(name, "/", 1);
        if (name->kind >= DNS_NAME_SERVICE_NODE)
            add(name, name->service.text, name->service.n);
    }
    if (name->key_bytes > 0)
        add_region(name);
}

void dns_name_read(const struct dns_zones *zones, const uint8_t *bytes, struct dns_name *ret_name)
{
    struct dns_labels labels;
    dns_labels_of(bytes, &labels);
    ret_name->zone = dns_zone_of(zones, bytes, &labels);
    ret_name->kind = DNS_NAME_OUTSIDE;
    ret_name->key_bytes = 0;
    ret_name->region.n = 0;
    if (!ret_name->zone)
        return;
    size_t n = labels.n - ret_name->zone->labels;
    ret_name->zone_at = labels.at[n];
    ret_name->domain_at = n > 0 ? labels.at[n - 1] : ret_name->zone_at;
    ret_name->kind = find_kind(bytes, &labels, n, ret_name);
    make_key(ret_name);
}
