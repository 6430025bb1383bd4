/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of the shared table (table_format.h): its memory, its index and slots, and where blocks lie in it. Main
 * thread only. What to publish under which key, and when to move to a larger one, is table_writer.h.
 *
 * Readers that have just loaded a reference and are then not scheduled find the sequence changed when they go on,
 * so the memory of a block may be used again at once; nothing waits for anybody. That of a paged service lies idle for a
 * while, which saves its readers from starting over with each change.
 */
#ifndef CATALOG_TABLE_SEGMENT_H
#define CATALOG_TABLE_SEGMENT_H

#include <stdint.h>

#include "daemon/catalog/heap.h"
#include "libdiscover/core/table_reader.h"

/* Paged memory that a publication freed and nobody uses again yet. */
struct retired {
    uint64_t ref, published;
};

struct segment {
    table_word *words;
    int fd;
    struct table table; /* for readers in this process, and for finding slots */
    struct heap heap;
    uint64_t index_used; /* words of the index that are not 0 */
    uint64_t slots_used;
    uint64_t heap_ahead, slots_ahead; /* words: up to there the memory has been asked for */
    uint32_t *free_slots;
    uint64_t n_free_slots;
    uint64_t published;
    struct retired *retired; /* a ring, oldest first */
    size_t retired_at, n_retired, retired_cap;
    uint64_t retired_words;
};

/* A memfd for a segment. A negative errno. */
int segment_memfd(void);

/*
 * Makes fd, which it takes over also on failure, a sealed segment of so many words, empty, whose keys are hashed with that
 * seed; 0: as libraries of version 2 know it. -ENOMEM, or a negative errno.
 */
int segment_init(struct segment *seg, int fd, uint64_t words, uint64_t seed);
void segment_fini(struct segment *seg);

/* How many keys a segment of so many words has room for. */
uint64_t segment_slots_for(uint64_t words);

/*
 * Gives a key that has none a slot. -ENOSPC when index or slots are used up; -ELOOP when so many keys begin their search at
 * the same place, in an index that has room, that their names were made for it: another seed parts them.
 */
int segment_add_slot(struct segment *seg, uint64_t hash, uint32_t *ret_slot);

/* Takes a key's slot away, which must be empty by then. */
void segment_remove_slot(struct segment *seg, uint64_t hash, uint32_t slot);

/* What is under the slot. */
uint64_t segment_ref(const struct segment *seg, uint32_t slot);

/* Makes ref what is under the slot, and returns what was; its memory is the caller's to give back, or to retire. */
uint64_t segment_publish(struct segment *seg, uint32_t slot, uint64_t ref);

/*
 * Room for so many words. -ENOSPC. Some of it is held back, for what takes something out of answers while no larger segment
 * can be had: segment_open_reserve lets that, too, be taken, or not any more.
 */
void segment_open_reserve(struct segment *seg, bool open);
int segment_take(struct segment *seg, uint64_t words, uint64_t *ret_offset);

/* Gives memory back: at once, or after a while what the last publication has freed of a paged service. */
void segment_give(struct segment *seg, uint64_t ref);
void segment_retire(struct segment *seg, uint64_t ref);

/* The writer reads its own words as they are. */
static inline const uint64_t *segment_words(const struct segment *seg, uint64_t ref)
{
    return (const uint64_t *)(seg->words + table_ref_offset(ref & ~TABLE_REF_PAGED));
}

/* Eight at a time, as table_copy: less than half as many instructions. */
static inline void segment_store(table_word *to, const uint64_t *from, uint64_t n)
{
    const uint64_t *end = from + (n & ~UINT64_C(7));
    for (; from != end; from += 8, to += 8) {
        table_store(&to[0], from[0]), table_store(&to[1], from[1]);
        table_store(&to[2], from[2]), table_store(&to[3], from[3]);
        table_store(&to[4], from[4]), table_store(&to[5], from[5]);
        table_store(&to[6], from[6]), table_store(&to[7], from[7]);
    }
    for (unsigned i = 0; i < (n & 7); i++)
        table_store(&to[i], from[i]);
}

#endif
