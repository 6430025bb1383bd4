/* SPDX-License-Identifier: Apache-2.0 */
/* The name under which a service's instances are asked for in DNS: "payment.shop.<zone>". Pure; any thread. */
#ifndef LIBDISCOVER_DNS_QUESTION_H
#define LIBDISCOVER_DNS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/dns_wire.h"

#define DNS_TEXT_CAP (DNS_NAME_MAX - 1) /* a name as text: no first length, a NUL for the root */

/* A name in wire form, in lower case: labels with their length octets, and the root's zero. */
struct dns_wire_name {
    uint8_t octets[DNS_NAME_MAX];
    uint8_t n;
};

struct dns_question {
    struct dns_wire_name name;
    uint8_t domain_at, zone_at; /* where they begin in the name */
    char text[DNS_TEXT_CAP];    /* the same name */
};

/* Whether a zone can be asked: labels of letters, digits, '-' and '_', and room for a service in front. */
bool dns_zone_valid(const char *zone);

/* -EINVAL: service is not "domain/service", or zone is none, or both are too long for one name. */
int dns_question_make(const char *service, const char *zone, struct dns_question *ret_q);

/* Whether name is that part of the question's name which begins at `at`, or lies below it. */
bool dns_is_below(const struct dns_wire_name *name, const struct dns_question *q, uint8_t at);

bool dns_same_name(const struct dns_wire_name *x, const struct dns_wire_name *y);

/* A host's name as text; -EINVAL when it has other octets than letters, digits, '-' and '_', or is the root. */
int dns_name_text(const struct dns_wire_name *name, char ret_text[static DNS_TEXT_CAP]);

#endif
