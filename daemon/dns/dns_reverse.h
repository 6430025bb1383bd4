/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which names go with an address: for PTR. The table has no keys by address, so a thread of its own reads all of the
 * table into a sorted index whenever the table has changed, asked or not: who asks once an hour gets the truth too.
 *
 * Lookups are any thread's, under a lock that is held for a binary search; they are few, and never on the way to
 * other answers. What may be more than a second behind the table is not used: the answer is then that it cannot be known.
 */
#ifndef DNS_DNS_REVERSE_H
#define DNS_DNS_REVERSE_H

#include "daemon/base/watchdog.h"
#include "daemon/dns/dns_tables.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"

/* An address with the name it has: "<host>.host", or where no host has it "<hex>.addr.<domain>". */
struct dns_reverse_name {
    bool is_host;
    char label[LABEL_CAP];  /* the host or the domain */
    char region[LABEL_CAP]; /* "": the own one; else below "<region>.region" */
};

#define DNS_REVERSE_BEHIND_NS NS_PER_S

/* What an answer is held against. */
struct dns_reverse_now {
    uint32_t serial; /* of the table */
    int64_t ns;
};

struct dns_reverse;

/* tables outlives it. -ENOMEM. */
int dns_reverse_new(struct dns_tables *tables, struct dns_reverse **ret_r);
void dns_reverse_free(struct dns_reverse *r); /* not while it runs */

/* The thread, until it is stopped. */
void dns_reverse_run(struct dns_reverse *r, struct progress *progress);
void dns_reverse_stop(struct dns_reverse *r);

/*
 * The first address that begins with these bits (bits = 8 * n: the address itself); n is 4 or 16. -ENOENT: none;
 * -EAGAIN: cannot know, there is no index yet or it is too old. Any thread.
 */
int dns_reverse_find(struct dns_reverse *r, const struct dns_reverse_now *now, const uint8_t *address, size_t n,
                     unsigned bits, struct dns_reverse_name *ret_name);

/* Reads the table now, in the caller's thread. -ENOMEM; -EAGAIN: there is no table yet. */
int dns_reverse_build(struct dns_reverse *r, int64_t now_ns);

#endif
