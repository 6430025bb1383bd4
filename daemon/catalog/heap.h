/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for blocks in a range of words: size classes a quarter apart, a free list each. Main thread only. Keeps its
 * lists outside the range, which readers may be looking at.
 */
#ifndef CATALOG_HEAP_H
#define CATALOG_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_CLASSES 96

struct heap {
    uint64_t next, end; /* the part never used yet */
    uint64_t reserve;   /* of that part, words that are not handed out; the owner's to set, 0 at first */
    uint64_t used;      /* words handed out, rounded up to their class */
    struct heap_class {
        uint64_t *free;
        size_t n, cap;
    } classes[HEAP_CLASSES];
};

void heap_init(struct heap *h, uint64_t start, uint64_t end);
void heap_fini(struct heap *h);

/* -ENOSPC. */
int heap_take(struct heap *h, uint64_t words, uint64_t *ret_offset);

/* Gives back what heap_take gave for the same number of words. */
void heap_give(struct heap *h, uint64_t offset, uint64_t words);

#endif
