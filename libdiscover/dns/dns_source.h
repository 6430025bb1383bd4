/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups without a daemon: each service that is looked up is asked for in DNS, and asked for again when its TTL
 * has run out, for as long as it is wanted. The answer becomes a small table, which look-ups read as they read
 * the daemon's. The handle's thread, but for what is marked. Never blocks.
 *
 * The plan:
 *   1. A look-up of a service that was never asked for adds its name and wakes dispatch. Nothing is known so far.
 *   2. Dispatch asks what is due: first SRV, then the addresses of targets that the answer has none of.
 *   3. Answers and failures go to the service (dns_lookup.h); which names have changed is reported when asked.
 *   4. After a failure the servers' list is read anew (a laptop moves), once no question is open any more.
 *   5. What nobody has looked up or said to be wanted (dns_want) for DNS_FORGET_NS is forgotten.
 *   6. A daemon's table has come: all is forgotten. It is what look-ups find from then on.
 */
#ifndef LIBDISCOVER_DNS_DNS_SOURCE_H
#define LIBDISCOVER_DNS_DNS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#define DNS_FORGET_NS (300 * NS_PER_S)

struct dns_source;
struct mapping;
struct poll_set;

/*
 * Begins to answer from DNS. outer: the handle's set, into which the source puts its own. servers ("": those of
 * resolv.conf) and zone stay the caller's and must outlive the source. -ENOMEM, or a negative errno.
 */
int dns_open(const struct poll_set *outer, const char *servers, const char *zone, struct dns_source **ret_src);

/* Puts its set into the handle's, which is a new one. */
void dns_enter_set(struct dns_source *src);

/* No reader may be left. In a forked child (ours = false) the epoll set is the parent's. src: NULL is fine. */
void dns_close(struct dns_source *src, bool ours);

/*
 * Does whatever is due; resting: a daemon's table is there. Returns whether replaced tables are still read: whoever
 * holds on to one without reading it should let it go.
 */
bool dns_step(struct dns_source *src, bool resting);

/* Somebody watches a service or has a picker for it: it is not to be forgotten. */
void dns_want(struct dns_source *src, const char *key);

/* A service whose look-ups answer something else than when it was last returned, until dns_step; NULL: there is none. */
const char *dns_next_changed(struct dns_source *src);

/* As context_enter and context_is_present (context.h), for a service and conditions (lookup_key.h). [any thread] */
struct mapping *dns_enter(struct dns_source *src, const char *key);
bool dns_is_present(struct dns_source *src, const char *key, const struct mapping *mapping);

/* The age of the oldest answer: 0 when all are fresh, -1 when there is none. [any thread] */
int64_t dns_age_ns(struct dns_source *src);

#endif
