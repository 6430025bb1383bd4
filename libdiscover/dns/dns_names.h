/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that are asked for in DNS, by name. Any thread finds and adds, without a lock and without a wait;
 * one owner walks and removes. What was removed is freed once nobody can read it any more (readers.h).
 *
 * A bucket is a list: services are added at its head, and only the owner takes them out; a removed one goes on
 * pointing to the rest. No service is freed while anybody is between enter and leave, so a head that is the same
 * is unchanged.
 */
#ifndef LIBDISCOVER_DNS_DNS_NAMES_H
#define LIBDISCOVER_DNS_DNS_NAMES_H

#include "libdiscover/dns/dns_lookup.h"

#define DNS_BUCKETS      64
#define DNS_SERVICES_MAX 256

struct dns_names {
    struct readers readers;
    _Atomic(struct dns_service *) buckets[DNS_BUCKETS];
    _Atomic uint32_t n;
    struct dns_service *removed; /* the owner's */
};

/* Zeroed memory is an empty one. No reader may be left for fini. */
void dns_names_fini(struct dns_names *names);

/* What find and add return is there until leave, in the same thread; returns what leave wants. */
uint32_t dns_names_enter(struct dns_names *names);
void dns_names_leave(struct dns_names *names, uint32_t entered);

/* NULL: it is not there. */
struct dns_service *dns_names_find(struct dns_names *names, const char *key);

/* Finds it or adds it, *ret_added says which; key is valid. NULL: there are too many, or no memory. */
struct dns_service *dns_names_add(struct dns_names *names, const char *key, bool *ret_added);

/*
 * One service after the other; after: NULL for the first. NULL: there are no more. The owner's, who may have removed `after`
 * meanwhile, but reclaimed nothing; any thread between enter and leave.
 */
struct dns_service *dns_names_next(struct dns_names *names, struct dns_service *after);

/* The owner's. */
void dns_names_remove(struct dns_names *names, struct dns_service *s);

/* The owner's: frees what was removed or replaced. Returns whether some is still read: try again later. */
bool dns_names_reclaim(struct dns_names *names);

#endif
