/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host names resolve to, and which of them to ask for when. Pure: time, randomness and answers come in
 * as arguments. Main thread.
 *
 * A name has two sides, IPv4 and IPv6, asked for apart, so that what one server does not know of one of them
 * says nothing about the other. Of each there is at most one address, as an instance has (table_format.h):
 *
 *   found    the address there was, if it is among those found; else the first: servers rotate them, which spreads
 *            the hosts of a fleet. Asked again within the TTL, at a random moment of its last tenth.
 *   denied   (no such name, no address of that family) counts only when it has been said for denied_ns: then the
 *            address goes. Asked again every 30 s.
 *   failed   the address stays, for however long; asked again with back-off.
 */
#ifndef RESOLVER_NAMES_H
#define RESOLVER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "libdiscover/core/record.h"

struct names_options {
    size_t names_max, queries_max; /* queries_max: questions that may be under way at once */
    int64_t min_ttl_ns, max_ttl_ns, denied_ns;
};

struct names_counters {
    metric_value names, failing, queries, failures, denials, changes, dropped, refused;
};

struct names_question {
    uint64_t ticket;
    uint8_t family; /* DISCOVER_HAS_IPV4 or DISCOVER_HAS_IPV6 */
    char name[RECORD_HOSTNAME_CAP];
};

enum names_outcome { NAMES_FOUND, NAMES_DENIED, NAMES_FAILED };

#define NAMES_ADDRESSES_MAX 32 /* addresses beyond these are not looked at */

struct names_answer {
    enum names_outcome outcome;
    uint32_t ttl_s; /* of the addresses that were found */
    size_t n;
    uint8_t address[NAMES_ADDRESSES_MAX][16]; /* of an IPv4 address, the first 4 bytes */
};

/* A change in how a name resolves, for the log. */
enum names_news { NAMES_NO_NEWS, NAMES_RESOLVED, NAMES_NOT_FOUND, NAMES_CANNOT_ASK };

struct names;

/* counters stay the caller's, and outlive it. -ENOMEM. */
int names_new(const struct names_options *options, struct names_counters *counters, struct names **ret_names);
void names_free(struct names *n);

/*
 * Adds a name, which is asked for at once; last: what it resolved to before; without families: not known. Returns 0; or 1 when
 * it was removed a moment ago: *ret_address is what it resolved to then, and it is asked for no more often than if it
 * had stayed. -EEXIST; -E2BIG: too many names; -ENOMEM.
 */
int names_add(struct names *n, const char *name, const struct addresses *last, int64_t now_ns,
              struct addresses *ret_address);
void names_remove(struct names *n, const char *name, int64_t now_ns);

/*
 * Takes a question that is due, which is under way until names_answered. Returns false: none is due, or too many are
 * under way.
 */
bool names_next(struct names *n, int64_t now_ns, struct names_question *ret_question);

/* When the next question is due; INT64_MAX: not before another is answered, or a name is added. */
int64_t names_next_ns(const struct names *n);

/*
 * Takes an answer. Returns true when the name's address has changed, to *ret_address. An answer for a name that was
 * removed meanwhile only ends its question. random: any 32 bits.
 */
bool names_answered(struct names *n, const struct names_question *question, const struct names_answer *answer,
                    uint32_t random, int64_t now_ns, struct addresses *ret_address, enum names_news *ret_news);

#endif
