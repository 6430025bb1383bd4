/* SPDX-License-Identifier: Apache-2.0 */
/* The services that are asked for in DNS, by name. */
#include "libdiscover/dns/dns_names.h"

#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/clock.h"

static _Atomic(struct dns_service *) *bucket_of(struct dns_names *names, const char *key)
{
    return &names->buckets[table_hash(key, strlen(key)) % DNS_BUCKETS];
}

static struct dns_service *find_from(struct dns_service *s, const char *key)
{
    while (s && strcmp(s->key, key) != 0)
        s = atomic_load(&s->next);
    return s;
}

uint32_t dns_names_enter(struct dns_names *names)
{
    uint32_t stripe = readers_stripe();
    readers_enter(&names->readers, stripe);
    return stripe;
}

void dns_names_leave(struct dns_names *names, uint32_t entered)
{
    readers_leave(&names->readers, entered);
}

struct dns_service *dns_names_find(struct dns_names *names, const char *key)
{
    return find_from(atomic_load(bucket_of(names, key)), key);
}

/* Counted first, so that there are never too many. */
static struct dns_service *make(struct dns_names *names, const char *key)
{
    struct dns_service *s = NULL;
    if (atomic_fetch_add(&names->n, 1) < DNS_SERVICES_MAX)
        s = malloc(sizeof *s);
    if (s)
        dns_service_init(s, key, (uint64_t)clock_now_ns() ^ (uint64_t)(uintptr_t)s << 16);
    else
        atomic_fetch_sub(&names->n, 1);
    return s;
}

struct dns_service *dns_names_add(struct dns_names *names, const char *key, bool *ret_added)
{
    _Atomic(struct dns_service *) *bucket = bucket_of(names, key);
    struct dns_service *head = atomic_load(bucket), *own = NULL, *found;
    while (!(found = find_from(head, key))) {
        if (!own && !(own = make(names, key)))
            return NULL;
        atomic_store(&own->next, head);
        if (atomic_compare_exchange_strong(bucket, &head, own)) {
            *ret_added = true;
            return own;
        }
    }
    if (own) { /* somebody else was faster */
        free(own);
        atomic_fetch_sub(&names->n, 1);
    }
    *ret_added = false;
    return found;
}

struct dns_service *dns_names_next(struct dns_names *names, struct dns_service *after)
{
    _Atomic(struct dns_service *) *bucket = after ? bucket_of(names, after->key) + 1 : names->buckets;
    struct dns_service *next = after ? atomic_load(&after->next) : NULL;
    while (!next && bucket < names->buckets + DNS_BUCKETS)
        next = atomic_load(bucket++);
    return next;
}

/* The predecessor is the owner's alone to change, but for the bucket, whose head others may have put more before. */
void dns_names_remove(struct dns_names *names, struct dns_service *s)
{
    _Atomic(struct dns_service *) *at = bucket_of(names, s->key);
    struct dns_service *expected = s, *next = atomic_load(&s->next);
    if (!atomic_compare_exchange_strong(at, &expected, next)) {
        while (atomic_load(at) != s)
            at = &atomic_load(at)->next;
        atomic_store(at, next);
    }
    atomic_fetch_sub(&names->n, 1);
    s->next_removed = names->removed;
    names->removed = s;
}

/* Nobody can find them any more; their tables may still be read, for as long as pickers have them. */
static bool reclaim_removed(struct dns_names *names)
{
    struct dns_service *kept = NULL, *next;
    if (names->removed && readers_any(&names->readers))
        return true;
    for (struct dns_service *s = names->removed; s; s = next) {
        next = s->next_removed;
        if (mappings_clear(&s->mappings)) {
            s->next_removed = kept;
            kept = s;
        } else {
            dns_service_fini(s);
            free(s);
        }
    }
    names->removed = kept;
    return kept != NULL;
}

bool dns_names_reclaim(struct dns_names *names)
{
    bool read = false;
    for (struct dns_service *s = NULL; (s = dns_names_next(names, s));)
        read |= s->mappings.retired && mappings_reclaim(&s->mappings);
    return reclaim_removed(names) || read;
}

void dns_names_fini(struct dns_names *names)
{
    struct dns_service *next;
    for (struct dns_service *s = NULL; (s = dns_names_next(names, s));)
        dns_names_remove(names, s);
    for (struct dns_service *s = names->removed; s; s = next) {
        next = s->next_removed;
        dns_service_fini(s);
        free(s);
    }
    names->removed = NULL;
}
