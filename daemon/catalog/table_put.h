/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts blocks into a segment, whole ones and paged services. Main thread only. A put that fails leaves the segment as
 * it was: -ENOSPC when there is no room, -ENOMEM.
 */
#ifndef CATALOG_TABLE_PUT_H
#define CATALOG_TABLE_PUT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/catalog/table_segment.h"
#include "daemon/catalog/table_writer.h"

/* A block's parts, before it has a place. */
struct block_parts {
    uint64_t kind, counts;
    uint64_t key[TABLE_KEY_MAX / 8];
    uint64_t key_words;
    const uint64_t *body;
    uint64_t body_words;
};

static inline const char *block_parts_key(const struct block_parts *p)
{
    return (const char *)p->key;
}

static inline size_t block_parts_key_bytes(const struct block_parts *p)
{
    return p->kind >> 8;
}

static inline uint64_t block_parts_words(const struct block_parts *p)
{
    return TABLE_BLOCK_HEADER_WORDS + p->key_words + p->body_words;
}

/* 1 when it changed something, 0 when that very block is there already. */
int segment_put(struct segment *seg, const struct block_parts *p);

/*
 * The same with pages: the body is made of them and of directory, a buffer of TABLE_DIRECTORY_WORDS and one more for each
 * page. Pages that lie in the segment already stay the caller's if it fails.
 */
int segment_put_pages(struct segment *seg, struct block_parts *p, uint64_t *directory, uint64_t largest_weight,
                      const struct table_page_parts *parts, size_t n_parts);

/* Whether a page of what is under the key reads as this one, which is to take its place. */
bool segment_has_page(const struct segment *seg, const char *key, size_t key_bytes,
                      const struct table_page_parts *page);

/* A page that lies in the segment, and is in no directory yet. */
int segment_put_page(struct segment *seg, const uint64_t *words, uint64_t n, uint64_t *ret_ref);

/* The references to the pages of what a paged reference is to. */
struct page_refs {
    const uint64_t *at;
    size_t n;
};
struct page_refs segment_page_refs(const struct segment *seg, uint64_t ref);

/* The parts of what a reference is to; the body stays where it is. */
struct block_parts segment_parts(const struct segment *seg, uint64_t ref);

/* Nothing is under the key any more. */
void segment_remove(struct segment *seg, const char *key, size_t key_bytes);

#endif
