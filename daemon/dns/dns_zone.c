/* SPDX-License-Identifier: Apache-2.0 */
/* Zone names: parsing, and the search for the zone of a name. */
#include "daemon/dns/dns_zone.h"

#include <errno.h>

/* Names with a meaning of their own, which resolvers never ask us for (RFC 6761, 6762 3, 7686, 9476). */
static const char *const special[] = {"local", "localhost", "invalid", "onion", "alt", "test", "example"};

static bool is_special(const char *last_label)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(last_label, special[i]) == 0)
            return true;
    return false;
}

static bool ends_with(const struct dns_zone *z, const char *wire, size_t n)
{
    return z->bytes > n && memcmp(z->wire + z->bytes - n, wire, n) == 0;
}

static bool is_reverse(const struct dns_zone *z)
{
    static const char ipv4[] = "\7in-addr\4arpa", ipv6[] = "\3ip6\4arpa";
    return ends_with(z, ipv4, sizeof ipv4) || ends_with(z, ipv6, sizeof ipv6);
}

static const char *last_label_of(const char *text)
{
    const char *dot = strrchr(text, '.');
    return dot ? dot + 1 : text;
}

static const char *why_refused(const struct dns_zone *z, const char *last_label)
{
    if (is_special(last_label))
        return "a special name that resolvers do not ask a server for";
    if (strcmp(last_label, "arpa") == 0 && !z->reverse)
        return "below arpa only ranges of in-addr.arpa and ip6.arpa can be served";
    return NULL;
}

int dns_zone_parse(const char *text, struct dns_zone *ret_zone, const char **ret_why)
{
    struct dns_zone z = {0};
    struct dns_labels labels;
    struct dns_out out = dns_out(z.wire, sizeof z.wire);
    dns_put_labels(&out, text);
    dns_put8(&out, 0);
    *ret_why = "longer than 125 octets";
    if (out.full)
        return -EINVAL;
    dns_labels_of(z.wire, &labels);
    z.bytes = labels.bytes;
    z.labels = labels.n;
    z.reverse = is_reverse(&z);
    *ret_why = why_refused(&z, last_label_of(text));
    if (*ret_why)
        return -EINVAL;
    *ret_zone = z;
    return 0;
}

void dns_labels_of(const uint8_t *name, struct dns_labels *ret_labels)
{
    size_t at = 0;
    ret_labels->n = 0;
    for (; name[at] != 0; at += 1u + name[at])
        ret_labels->at[ret_labels->n++] = (uint8_t)at;
    ret_labels->bytes = (uint8_t)(at + 1);
}

const struct dns_zone *dns_zone_of(const struct dns_zones *zones, const uint8_t *name, const struct dns_labels *labels)
{
    const struct dns_zone *best = NULL;
    for (size_t i = 0; i < zones->n; i++) {
        const struct dns_zone *z = &zones->zone[i];
        if (z->labels > labels->n || (best && z->labels < best->labels))
            continue;
        size_t at = labels->at[labels->n - z->labels];
        /* The same octets from a label's start to the root's zero: the same labels. */
        if (labels->bytes - at == z->bytes && memcmp(name + at, z->wire, z->bytes) == 0)
            best = z;
    }
    return best;
}

const struct dns_zone *dns_zones_first(const struct dns_zones *zones, bool reverse)
{
    for (size_t i = 0; i < zones->n; i++)
        if (zones->zone[i].reverse == reverse)
            return &zones->zone[i];
    return NULL;
}
