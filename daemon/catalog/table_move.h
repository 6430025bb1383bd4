/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves the table into another segment, in pieces, so that it may be of any size without anybody waiting. Until all is there
 * readers see the old one alone, and what is put or removed meanwhile is so in both: a key is in the new segment
 * when its slot in the old one is below `slot`, unless it is to be copied again. A service of pages is itself copied
 * in pieces: of what changes meanwhile only the pages that did are copied once more. Main thread only.
 */
#ifndef CATALOG_TABLE_MOVE_H
#define CATALOG_TABLE_MOVE_H

#include "daemon/catalog/table_segment.h"

#define MOVE_AGAIN_MAX 16

/* A service of pages that is being copied: the pages of its directory when it was last looked at, and their copies. */
struct paged_move {
    bool on;
    uint32_t slot;
    uint64_t ref,
        published; /* of the directory; publications by when this began: memory freed before them is no page of it */
    uint64_t *from, *to; /* 0: not copied yet */
    size_t n, at;        /* all before `at` are copied */
};

struct table_move {
    struct segment to;
    bool on;
    uint32_t slot;
    uint32_t again[MOVE_AGAIN_MAX], n_again; /* slots */
    struct paged_move paged;
};

/* Into a new segment (segment_init) in fd, which it takes over also on failure. -ENOMEM, or a negative errno. */
int table_move_begin(struct table_move *m, int fd, uint64_t words, uint64_t seed);

/* Copies until it was about so many words. 1: all keys are there; 0: not yet; -ENOSPC, -ELOOP, -ENOMEM: it cannot go on. */
int table_move_some(struct table_move *m, const struct segment *from, uint64_t words);

/* Whether what is in that slot is in the new segment. */
bool table_move_has(const struct table_move *m, uint32_t slot);

/*
 * For a slot that has been copied, and has changed since: takes its copy out, to copy it again later. -ENOSPC: there
 * are too many of those.
 */
int table_move_again(struct table_move *m, uint32_t slot, const char *key, size_t key_bytes);

/* Ends it; all is as if it had never begun. Nothing happens if it has not. */
void table_move_cancel(struct table_move *m);

#endif
