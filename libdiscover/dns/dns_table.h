/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of one service in this process's own memory, made of a DNS answer: in the form of the daemon's
 * (table_format.h), so that look-ups, lists, pickers and watches read it as they read that one. Pure.
 *
 * What DNS does not have is at its default: instances are passing, TCP, elsewhere, and have no names; each has its
 * id from the target's name and port, so it stays the same from answer to answer.
 */
#ifndef LIBDISCOVER_DNS_DNS_TABLE_H
#define LIBDISCOVER_DNS_DNS_TABLE_H

#include "libdiscover/core/table_reader.h"
#include "libdiscover/dns/dns_reply.h"

/*
 * A table with what the answer says of the key's service, whose instances have what the key's conditions ask for.
 * -ENOMEM. Ends with table_unmap.
 */
int dns_table_make(const struct lookup_key *key, const struct dns_answer *answer, struct table *ret_table);

/* Whether both say the same of the service. */
bool dns_table_same(const struct table *x, const struct table *y);

/* Whether it has a usable instance. */
bool dns_table_any(const struct table *t);

/*
 * How sure it is. stale_since_ns may lie ahead: from then on it counts as stale, with an age that begins there, even if
 * nobody says so. Its maker's thread.
 */
void dns_table_vouch(const struct table *t, enum table_sync sync, int64_t stale_since_ns);

#endif
