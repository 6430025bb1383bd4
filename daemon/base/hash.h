/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uthash, with a seed of this process, so that nobody can choose names that all come into one bucket; and with one answer
 * to memory that is used up for the whole tree: left to itself it ends the process. Here
 * HASH_ADD_... leaves the element out instead, and hash_added(&element->hh) says false: then it is the caller's to free,
 * and -ENOMEM to return. A table that cannot grow its buckets goes on with those it has.
 *
 * A table that doubles goes through all its elements at once, wherever they lie: 1 ms for 10,000. So it grows by a bucket at a time
 * (linear hashing): bucket n takes from the bucket that has all its bits but the highest what belongs to it from then on.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#define HASH_NONFATAL_OOM               1
#define HASH_FUNCTION(key, n, ret_hash) ((ret_hash) = (unsigned)hash_bytes(key, n))
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <uthash.h>

#if !defined(HASH_TO_BKT) || !defined(HASH_ADD_TO_BKT) || !defined(HASH_DEL_IN_BKT)
#error "this uthash grows in another way"
#endif
#undef HASH_TO_BKT
#define HASH_TO_BKT(hash, n_buckets, ret_bucket) ((ret_bucket) = hash_bucket(hash, n_buckets))
#undef HASH_ADD_TO_BKT
#define HASH_ADD_TO_BKT(bucket, hh, added, oomed) hash_link(&(bucket), added)

#ifndef hash_realloc
#define hash_realloc realloc
#endif

#define HASH_PER_BUCKET 2

/*
 * The seed of this process's hash tables. It never leaves the process, or names could be chosen to collide. Any
 * thread.
 */
uint64_t hash_seed(void);
uint64_t hash_bytes(const void *bytes, size_t n);

static inline unsigned hash_bucket(unsigned hash, unsigned n_buckets)
{
    unsigned mask = UINT32_MAX >> __builtin_clz(n_buckets), at = hash & mask;
    return at < n_buckets ? at : at & mask >> 1;
}

static inline void hash_push(UT_hash_bucket *b, UT_hash_handle *hh)
{
    b->count++;
    hh->hh_prev = NULL;
    hh->hh_next = b->hh_head;
    if (b->hh_head)
        b->hh_head->hh_prev = hh;
    b->hh_head = hh;
}

/* There is room for the next power of two. */
static inline bool hash_reserve(UT_hash_table *t)
{
    size_t n = t->num_buckets;
    if (n & (n - 1))
        return true;
    UT_hash_bucket *buckets = hash_realloc(t->buckets, 2 * n * sizeof *buckets);
    if (buckets)
        t->buckets = buckets;
    return buckets;
}

static inline void hash_split(UT_hash_table *t)
{
    unsigned at = t->num_buckets++, mask = UINT32_MAX >> __builtin_clz(at);
    UT_hash_bucket *from = &t->buckets[at & mask >> 1], *to = &t->buckets[at];
    *to = (UT_hash_bucket){0};
    for (UT_hash_handle *hh = from->hh_head, *next; hh; hh = next) {
        next = hh->hh_next;
        if ((hh->hashv & mask) != at)
            continue;
        HASH_DEL_IN_BKT(*from, hh);
        hash_push(to, hh);
    }
}

static inline void hash_link(UT_hash_bucket *b, UT_hash_handle *hh)
{
    hash_push(b, hh);
    if (hh->tbl->num_items > HASH_PER_BUCKET * hh->tbl->num_buckets && hash_reserve(hh->tbl))
        hash_split(hh->tbl);
}

/* Right after HASH_ADD_...: whether the element is in the table. */
static inline bool hash_added(const UT_hash_handle *hh)
{
    return hh->tbl != NULL;
}

#endif
