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
    size_t names_max, queries_max; /* queries_max: under way at once */
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

#define NAMES_ADDRESSES_MAX 32 /* those beyond are not looked at */

struct names_answer {
    enum names_outcome outcome;
    uint32_t ttl_s; /* of what was found */
    size_t n;
    uint8_t address[NAMES_ADDRESSES_MAX][16]; /* of IPv4, the first 4 bytes */
};

/* How a name does, when that has become something else: for the log. */
enum names_news { NAMES_NO_NEWS, NAMES_RESOLVED, NAMES_NOT_FOUND, NAMES_CANNOT_ASK };

struct names;

/* counters outlives it. -ENOMEM. */
int names_new(const struct names_options *options, struct names_counters *counters, struct names **ret_names);
void names_free(struct names *n);

/*
 * Asked for at once; last: what it resolved to once. 0; or 1 when it was removed a moment ago: *ret_address is what it
 * resolved to then, and it is not asked for more often than if it had stayed. -EEXIST; -E2BIG: too many; -ENOMEM.
 */
int names_add(struct names *n, const char *name, const struct addresses *last, int64_t now_ns,
              struct addresses *ret_address);
void names_remove(struct names *n, const char *name, int64_t now_ns);

/* A question that is due; it is under way then, until it is answered. False: none, or enough are under way.
 */
bool names_next(struct names *n, int64_t now_ns, struct names_question *ret_question);

/* When the next question is due; INT64_MAX: not before another is answered, or a name is added. */
int64_t names_next_ns(const struct names *n);

/*
 * True when the name's address is another one now: *ret_address. An answer for a name that was removed
 * meanwhile only ends its question. random: any 32 bits.
 */
bool names_answered(struct names *n, const struct names_question *question, const struct names_answer *answer,
                    uint32_t random, int64_t now_ns, struct addresses *ret_address, enum names_news *ret_news);

#endif
