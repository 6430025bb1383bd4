/* SPDX-License-Identifier: Apache-2.0 */
/* Zone names: parsing, and the search for the zone of a name. */
#include "daemon/dns/dns_zone.h"

#include <ctype.h>
#include <errno.h>

#include "libdiscover/core/label.h"

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

static int add_label(struct dns_zone *z, const char *text, size_t n)
{
    char label[LABEL_CAP];
    if (n == 0 || n > LABEL_MAX || z->bytes + n + 2 > DNS_ZONE_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        label[i] = (char)tolower((unsigned char)text[i]);
    if (!label_valid(label, n))
        return -EINVAL;
    z->wire[z->bytes++] = (uint8_t)n;
    memcpy(z->wire + z->bytes, label, n);
    z->bytes = (uint8_t)(z->bytes + n);
    z->labels++;
    return 0;
}

static const char *last_label_of(const char *text)
{
    const char *dot = strrchr(text, '.');
    return dot ? dot + 1 : text;
}

int dns_zone_parse(const char *text, struct dns_zone *ret_zone, const char **ret_why)
{
    struct dns_zone z = {0};
    char copy[DNS_ZONE_MAX + 2];
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] == '.')
        n--;
    *ret_why = "not a domain name of letters, digits and hyphens, at most 125 octets long";
    if (n == 0 || n > DNS_ZONE_MAX)
        return -EINVAL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    for (const char *at = copy; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL)
        if (add_label(&z, at, strcspn(at, ".")) < 0)
            return -EINVAL;
    z.wire[z.bytes++] = 0;
    z.reverse = is_reverse(&z);
    *ret_why = "a special name that resolvers do not ask a server for";
    if (is_special(last_label_of(copy)))
        return -EINVAL;
    *ret_why = "below arpa only ranges of in-addr.arpa and ip6.arpa can be served";
    if (strcmp(last_label_of(copy), "arpa") == 0 && !z.reverse)
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
