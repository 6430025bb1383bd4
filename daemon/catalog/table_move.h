/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves the table into another segment, in pieces, so that it may be of any size without anybody waiting. Until all is there
 * readers see the old one alone, and what is put or removed meanwhile is so in both: a key is in the new segment
 * when its slot in the old one is below `slot`. Main thread only.
 */
#ifndef CATALOG_TABLE_MOVE_H
#define CATALOG_TABLE_MOVE_H

#include "daemon/catalog/table_segment.h"

struct table_move {
    struct segment to;
    bool on;
    uint32_t slot;
};

/* Into a new segment of so many words in fd, which it takes over also on failure. -ENOMEM, or a negative errno. */
int table_move_begin(struct table_move *m, int fd, uint64_t words);

/* Copies until it was about so many words. 1: all keys are there; 0: not yet; -ENOSPC, -ENOMEM: it cannot go on. */
int table_move_some(struct table_move *m, const struct segment *from, uint64_t words);

/* Ends it; all is as if it had never begun. Nothing happens if it has not. */
void table_move_cancel(struct table_move *m);

#endif
