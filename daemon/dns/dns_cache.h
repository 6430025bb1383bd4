/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prepared answers of one worker, found by their question. One thread's.
 *
 * Memory is one ring: answers are appended, and the oldest are overwritten; so it is bounded, nothing is ever
 * allocated or freed, and memory never needed is never touched. An answer that is made anew takes its old place if
 * it fits there, else one with room to spare, so a service that changes often pushes out nobody, and needs no more memory. Only names that are in the table are kept: a
 * flood of invented ones goes past this.
 */
#ifndef DNS_DNS_CACHE_H
#define DNS_DNS_CACHE_H

#include "daemon/dns/dns_prepared.h"

/* Larger answers are made for each query; few clients ask for them, and over TCP. */
#define DNS_CACHE_ANSWER_MAX 32768

struct dns_cache {
    uint8_t *ring;
    uint64_t *index; /* buckets of a cache line: high 16 bits of the hash, position in the ring */
    uint64_t bytes, bucket_mask;
    uint64_t puts;        /* grows with each answer kept: what was found before may be overwritten */
    uint64_t head, floor; /* positions grow for ever; below floor everything was overwritten */
};

/* What a question is kept under. */
struct dns_cache_key {
    const uint8_t *question;
    uint16_t bytes;
    uint8_t class; /* questions over different transports get different answers */
    uint64_t hash;
};

/* bytes: of the ring, at least 1 MB. -ENOMEM. */
int dns_cache_init(struct dns_cache *c, size_t bytes);
void dns_cache_fini(struct dns_cache *c);
void dns_cache_clear(struct dns_cache *c);

struct dns_cache_key dns_cache_key(const struct dns_query *q, uint8_t class);

/* Ask the processor for the memory that finding the key will need; the second needs what the first asked for. */
void dns_cache_fetch_index(const struct dns_cache *c, const struct dns_cache_key *key);
void dns_cache_fetch_answer(const struct dns_cache *c, const struct dns_cache_key *key);

/* The answer kept under a key; NULL: none. Valid until the next dns_cache_put. */
struct dns_prepared *dns_cache_find(const struct dns_cache *c, const struct dns_cache_key *key);

/* Bytes of the ring that were ever needed. */
static inline uint64_t dns_cache_used(const struct dns_cache *c)
{
    return c->head < c->bytes ? c->head : c->bytes;
}

/* Copies the answer, unless it is too large. */
void dns_cache_put(struct dns_cache *c, const struct dns_cache_key *key, struct dns_prepared *p);

#endif
