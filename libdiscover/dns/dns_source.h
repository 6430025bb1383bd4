/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups without a daemon: each service that is looked up is asked for in DNS, and asked for again when its TTL
 * has run out, for as long as it is wanted. The answer becomes a small table, which look-ups read as they read
 * the daemon's. The handle's thread, but for what is marked. Never blocks.
 *
 * The plan:
 *   1. A look-up of a service that was never asked for adds its name and wakes dispatch. Nothing is known so far.
 *   2. Dispatch asks what is due: first SRV, then the addresses of targets that the answer has none of.
 *   3. Answers and failures go to the service (dns_service.h), changes to the watches.
 *   4. After a failure the servers' list is read anew (a laptop moves), once no question is open any more.
 *   5. What nobody has looked up for DNS_FORGET_NS, and no watch or picker is for, is forgotten.
 *   6. A daemon's table has come: all is forgotten. It is what look-ups find from then on.
 */
#ifndef LIBDISCOVER_DNS_DNS_SOURCE_H
#define LIBDISCOVER_DNS_DNS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define DNS_FORGET_NS (300 * NS_PER_S)

struct discover;
struct dns_source;
struct mapping;

/* Begins to answer from DNS: sets d->dns. -ENOMEM, or a negative errno. */
int dns_open(struct discover *d);

/* No reader may be left. */
void dns_close(struct discover *d);

/* Does whatever is due. */
void dns_step(struct discover *d);

/* As handle_enter and handle_is_present (handle.h), for a service and conditions (dns_question.h). [any thread] */
struct mapping *dns_enter(struct dns_source *src, const char *key);
bool dns_is_present(struct dns_source *src, const char *key, const struct mapping *mapping);

/* The age of the oldest answer: 0 when all are fresh, -1 when there is none. [any thread] */
int64_t dns_age_ns(struct dns_source *src);

#endif
