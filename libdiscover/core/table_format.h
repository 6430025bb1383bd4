/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared table, word by word. Written by one thread of one process, read by any number of threads and
 * processes that never write, never lock and never wait.
 *
 *   header | index (open addressing) | slots | heap of blocks
 *
 * A *block* holds all that is known under one *key*, for example "shop/payment". A block is never changed once
 * it is published: a change is written as a new block, and the old one's memory is used again.
 *
 * A *slot* belongs to a key and has two references to blocks; the lowest bit of its sequence says which is the
 * present one. To publish, the writer stores the other reference, then the sequence plus one. So there is no
 * moment in which a slot cannot be read: a writer that is stopped or killed in the middle leaves a whole table.
 *
 * To read: load the sequence, the reference it names, the block's words; load the sequence again. If it moved,
 * the block's memory may have been used again meanwhile: start over.
 *
 * A large service is *paged*: its block is a directory of pages, and a change writes a page and the directory anew;
 * all other pages stay. Its reference is marked. Reading one takes longer than the time between two changes may be,
 * so its memory is not used again at once, and the sequence may move: TABLE_H_PUBLISHED grows with each publication,
 * before it uses memory again that one of them freed the writer puts that one's number into TABLE_H_RECYCLED. Who
 * loads PUBLISHED before the sequence, and afterwards finds RECYCLED no larger, has read what was there.
 *
 * Why this is free of data races: every word is stored with release and loaded with acquire. If a reader saw a
 * word of a later block in memory it was still reading, that load synchronises with that store, which comes
 * after the store of the new sequence: the second load of the sequence cannot miss it. (Words, not memcpy: on
 * x86 and for ThreadSanitizer alike this is the difference between correct and lucky; the loads are plain moves.)
 *
 * Everything is in 64-bit words of the machine's order: the table never leaves the host.
 */
#ifndef CORE_TABLE_FORMAT_H
#define CORE_TABLE_FORMAT_H

#include <stdatomic.h>
#include <stdint.h>

#include "discover/discover.h"

#define TABLE_MAGIC   UINT64_C(0x3142545643534944) /* "DISCVTB1" */
#define TABLE_VERSION 2

/* As version 2, but keys are hashed with TABLE_H_SEED: a reader of version 2 alone would find none of them. */
#define TABLE_VERSION_SEEDED 3

typedef _Atomic uint64_t table_word;

/* Header words. Those of the first group are written once, before the table is shared. */
enum table_header {
    TABLE_H_MAGIC,
    TABLE_H_VERSION,
    TABLE_H_WORDS,       /* size of the whole table */
    TABLE_H_INDEX,       /* offset of the index */
    TABLE_H_INDEX_WORDS, /* its length: a power of two */
    TABLE_H_SLOTS,       /* offset of the slots */
    TABLE_H_SLOT_COUNT,
    TABLE_H_HEAP, /* offset of the heap; it reaches to the end */

    TABLE_H_ABANDONED = 8, /* not 0: a newer segment exists, this one changes no more */
    TABLE_H_SYNC,          /* enum table_sync */
    TABLE_H_STALE_SINCE, /* clock_now_ns() when the contents were last known to be true; 0: they are, or nothing is known */
    TABLE_H_ALIVE,       /* clock_now_ns() of the daemon's last sign of life, every second */
    TABLE_H_SERIAL,      /* grows whenever an answer changes (SOA serial) */
    TABLE_H_SLOTS_USED, /* slots at or above this were never used */
    TABLE_H_PUBLISHED,  /* how often a slot came to refer to something else */
    TABLE_H_RECYCLED,   /* memory of paged blocks that the publications up to this number freed may be in use again */
    TABLE_H_SEED,       /* written before the table is shared: of the hash of keys, in version 3; else 0 */

    TABLE_HEADER_WORDS = 32,
};

enum table_sync {
    TABLE_UNSYNCED = 0, /* what is here is what this host registered itself, and what the daemon's last life left on
                           disk (then TABLE_H_STALE_SINCE is set); what is not here, nobody knows */
    TABLE_LIVE = 1,
    TABLE_STALE = 2,    /* the last known state; TABLE_H_STALE_SINCE says since when */
    TABLE_DEGRADED = 3, /* live, but the mass-loss guard holds vanished hosts, or changes could not be written */
};

/* A daemon that gave no sign for this long is taken for dead: what it left is stale. */
#define TABLE_DEAD_NS INT64_C(5000000000)

/*
 * An index word: 0 never used (a search ends here), else slot + 1 in the low half (0: was removed, search on)
 * and the high half of the key's hash in the high half.
 */
#define TABLE_TOMBSTONE UINT64_C(0xffffffff00000000)

/* A search looks at no more index words than this; the writer moves to a larger segment before it would take more. */
#define TABLE_PROBES_MAX 1024

enum table_slot {
    TABLE_S_SEQ,
    TABLE_S_REF0, /* offset << 24 | length, in words, or that | TABLE_REF_PAGED; 0: nothing under this key (any more) */
    TABLE_S_REF1,
    TABLE_S_HASH, /* of the key; a hint for walks */
    TABLE_SLOT_WORDS,
};

#define TABLE_BLOCK_WORDS_MAX ((UINT64_C(1) << 24) - 1)

/*
 * To a reader that does not know this bit it is part of an offset that lies beyond any table: it finds the reference
 * out of bounds.
 */
#define TABLE_REF_PAGED (UINT64_C(1) << 63)

/*
 * A block: TABLE_B_... words, the key's bytes (padded with 0 to a word), then by kind
 *   service: n_total endpoints of TABLE_ENDPOINT_WORDS each, the n_first usable ones first (they are ordered by
 *            priority, tier, id; so are the others); then for each its offset from the block's start to its
 *            details (entry.h), two in a word; then the details.
 *   paged service: TABLE_D_... words, then a reference to each page. The endpoints are those of all pages, in order.
 *   domain:  n_total names of services, each a length byte and its bytes; of a large one, as many as an answer can have.
 *   host:    n_total is the number of its instances; then details (entry.h).
 *   region:  TABLE_R_... words.
 *   failover: TABLE_F_... words.
 *   labels:  marks over all labels of a paged service (table_label.h), in blocks of TABLE_MARK_BLOCK_WORDS: who looks for one
 *            that no instance has need not look at a page. There may be none; where there is one, no label is missing.
 */
enum table_block_words {
    TABLE_B_KIND,   /* key length << 8 | enum table_kind */
    TABLE_B_COUNTS, /* n_total << 32 | n_first */
    TABLE_BLOCK_HEADER_WORDS,
};

enum table_kind {
    TABLE_SERVICE = 1,
    TABLE_DOMAIN = 2,
    TABLE_HOST = 3,
    TABLE_REGION = 4,
    TABLE_FAILOVER = 5,
    TABLE_LABELS = 6
};

/* The body of a directory; the references to the pages follow. */
enum table_directory {
    TABLE_D_WEIGHT, /* the largest of any endpoint */
    TABLE_DIRECTORY_WORDS,
};

/*
 * A page: TABLE_P_... words, then endpoints, offsets (from the page's start) and details as in a service's block.
 * The marks are a Bloom filter over the labels of its instances (table_label.h): who looks for a label can pass over
 * a page that does not have it.
 */
enum table_page_words {
    TABLE_P_COUNT,
    TABLE_P_MARKS,
    TABLE_MARK_BLOCK_WORDS = 8,
    TABLE_PAGE_MARK_BLOCKS = 2,
    TABLE_PAGE_MARK_WORDS = TABLE_PAGE_MARK_BLOCKS * TABLE_MARK_BLOCK_WORDS,
    TABLE_PAGE_HEADER_WORDS = TABLE_P_MARKS + TABLE_PAGE_MARK_WORDS,
};

/* The body of a region. What the table holds of the own one is as true as the header says. */
enum table_region_words {
    TABLE_R_SYNC,        /* enum table_sync */
    TABLE_R_STALE_SINCE, /* as TABLE_H_STALE_SINCE */
    TABLE_R_OWN,         /* 1: this is the own region */
    TABLE_REGION_WORDS,
};

/* The body of a failover: which region answers for a service instead of the own one. */
enum table_failover_words {
    TABLE_F_SINCE,  /* clock_now_ns() */
    TABLE_F_REGION, /* its name, padded with 0 */
    TABLE_FAILOVER_WORDS = 9,
};

#define TABLE_KEY_MAX 192

/*
 * Keys: "shop/payment" a service, "shop/" a domain, "@web-1" a host; "%b" a region. What is of another region has that
 * behind it: "shop/payment@b", "shop/@b", "@web-1@b". While another region answers for "shop/payment", there is
 * "=shop/payment" (a failover), under "shop/payment" what that region has, and what the own one has, if anything, with the own
 * one's name behind it. The labels of a service have its key with "?" before it: "?shop/payment", "?shop/payment@b".
 */

#define TABLE_ENDPOINT_WORDS 5
_Static_assert(sizeof(struct discover_endpoint) == TABLE_ENDPOINT_WORDS * 8, "endpoints are copied as words");

/* The words that so many bytes take up. */
static inline uint64_t table_words(uint64_t bytes)
{
    return (bytes + 7) / 8;
}

static inline uint64_t table_load(const table_word *w)
{
    return atomic_load_explicit((table_word *)w, memory_order_acquire);
}
static inline void table_store(table_word *w, uint64_t v)
{
    atomic_store_explicit(w, v, memory_order_release);
}

/* Four registers, which a loop has without saving others; a loop of single words takes twice as long. */
static inline void table_copy_four(uint64_t *to, const table_word *from)
{
    uint64_t a = table_load(&from[0]), b = table_load(&from[1]), c = table_load(&from[2]), d = table_load(&from[3]);
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
}

static inline void table_copy(uint64_t *to, const table_word *from, uint64_t n_words)
{
    const table_word *end = from + (n_words & ~UINT64_C(7));
    for (; from != end; from += 8, to += 8) {
        table_copy_four(to, from);
        table_copy_four(to + 4, from + 4);
    }
    for (unsigned i = 0; i < (n_words & 7); i++)
        to[i] = table_load(&from[i]);
}

static inline uint64_t table_ref(uint64_t offset, uint64_t words)
{
    return offset << 24 | words;
}
static inline uint64_t table_ref_offset(uint64_t ref)
{
    return ref >> 24;
}
static inline uint64_t table_ref_words(uint64_t ref)
{
    return ref & TABLE_BLOCK_WORDS_MAX;
}

#endif
