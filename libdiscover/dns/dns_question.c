/* SPDX-License-Identifier: Apache-2.0 */
/* The name under which a service's instances are asked for in DNS. */
#include "libdiscover/dns/dns_question.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/label.h"

static bool is_host_octet(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* RFC 1035 3.1. A dot at the end is allowed. */
static int name_from_text(const char *text, struct dns_wire_name *ret_name)
{
    uint8_t *octets = ret_name->octets;
    size_t length_at = 0, at = 1;
    for (const char *c = text;; c++) {
        bool end = *c == '\0' || (c[0] == '.' && c[1] == '\0');
        if (end || *c == '.') {
            size_t n = at - length_at - 1;
            if (n == 0 || n > DNS_LABEL_MAX)
                return -EINVAL;
            octets[length_at] = (uint8_t)n;
            length_at = at;
        } else if (!is_host_octet(dns_lower((uint8_t)*c))) {
            return -EINVAL;
        }
        if (at == DNS_NAME_MAX)
            return -EINVAL;
        octets[at++] = end ? 0 : dns_lower((uint8_t)*c);
        if (end)
            break;
    }
    ret_name->n = (uint8_t)at;
    return 0;
}

/* What stands before the domain. */
static int put_front(const char *name, const struct lookup_condition *condition, char *ret_text, size_t cap)
{
    if (!condition)
        return snprintf(ret_text, cap, "%s.", name);
    switch (condition->sign) {
    case LOOKUP_TAG:
        return snprintf(ret_text, cap, "%s.tag.%s.", condition->label, name);
    case LOOKUP_PLACE:
        return snprintf(ret_text, cap, "%s.at.%s.", condition->label, name);
    default:
        return snprintf(ret_text, cap, "_%s._%s.", name, condition->label);
    }
}

int dns_question_make(const struct lookup_key *key, size_t which, const char *zone, struct dns_question *ret_q)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP], front[2 * LABEL_CAP + 8];
    struct dns_question *q = ret_q;
    if (service_ref_parse(key->service, domain, name, region) < 0 || *zone == '\0')
        return -EINVAL;
    int front_n = put_front(name, key->n ? &key->conditions[which] : NULL, front, sizeof front);
    int n = snprintf(q->text, sizeof q->text, "%s%s.%s%s%s", front, domain, region, *region ? ".region." : "", zone);
    if (n < 0 || (size_t)n >= sizeof q->text)
        return -EINVAL;
    q->domain_at = (uint8_t)front_n;
    q->zone_at = (uint8_t)((size_t)n - strlen(zone));
    return name_from_text(q->text, &q->name);
}

bool dns_zone_valid(const char *zone)
{
    const struct lookup_key key = {.service = "d/s"};
    struct dns_question q;
    return dns_question_make(&key, 0, zone, &q) == 0;
}

bool dns_is_below(const struct dns_wire_name *name, const struct dns_question *q, uint8_t at)
{
    size_t n = (size_t)(q->name.n - at);
    size_t skip = 0;
    while (skip < name->n && (size_t)(name->n - skip) > n)
        skip += 1U + name->octets[skip];
    return skip < name->n && (size_t)(name->n - skip) == n && memcmp(name->octets + skip, q->name.octets + at, n) == 0;
}

bool dns_same_name(const struct dns_wire_name *x, const struct dns_wire_name *y)
{
    return x->n == y->n && memcmp(x->octets, y->octets, x->n) == 0;
}

int dns_name_text(const struct dns_wire_name *name, char ret_text[static DNS_TEXT_CAP])
{
    const size_t end = name->n - 1U; /* the root's zero; any other one is in a label */
    for (size_t at = 0, next = 0; at < end; at++) {
        bool is_length = at == next;
        if (is_length)
            next = at + 1U + name->octets[at];
        else if (!is_host_octet(name->octets[at]))
            return -EINVAL;
        if (at > 0)
            ret_text[at - 1] = is_length ? '.' : (char)name->octets[at];
    }
    if (end == 0)
        return -EINVAL;
    ret_text[end - 1] = '\0';
    return 0;
}
