/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the DNS names that a look-up asks for from its key. Pure; any thread.
 *
 * A key (lookup_key.h) with its conditions is one or more names:
 *
 *     shop/payment            payment.shop.<zone>
 *     shop/payment #canary    canary.tag.payment.shop.<zone>
 *     shop/payment @eu-1      eu-1.at.payment.shop.<zone>
 *     shop/payment %udp       _payment._udp.shop.<zone>
 *
 * No name stands for two conditions: each is a question of its own.
 */
#ifndef LIBDISCOVER_DNS_DNS_QUESTION_H
#define LIBDISCOVER_DNS_DNS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/dns_wire.h"
#include "libdiscover/lookup/lookup_key.h"

#define DNS_TEXT_CAP (DNS_NAME_MAX - 1) /* a name as text: no first length, a NUL for the root */

/* A name in wire form, in lower case: labels with their length octets, and the root's zero. */
struct dns_wire_name {
    uint8_t octets[DNS_NAME_MAX];
    uint8_t n;
};

static inline uint8_t dns_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

struct dns_question {
    struct dns_wire_name name;
    uint8_t domain_at, zone_at; /* where they begin in the name */
    char text[DNS_TEXT_CAP];    /* the same name */
};

/* Whether a zone can be asked: labels of letters, digits, '-' and '_', and room for a service in front. */
bool dns_zone_valid(const char *zone);

/* One of the questions that a key is. -EINVAL: zone is none, or the name would be too long. */
int dns_question_make(const struct lookup_key *key, size_t which, const char *zone, struct dns_question *ret_q);

/* Whether name is that part of the question's name which begins at `at`, or lies below it. */
bool dns_is_below(const struct dns_wire_name *name, const struct dns_question *q, uint8_t at);

bool dns_same_name(const struct dns_wire_name *x, const struct dns_wire_name *y);

/* A host's name as text; -EINVAL when it has other octets than letters, digits, '-' and '_', or is the root. */
int dns_name_text(const struct dns_wire_name *name, char ret_text[static DNS_TEXT_CAP]);

#endif
