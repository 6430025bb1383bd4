/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that look-ups read, and the ones it replaced while somebody was still reading them.
 *
 * Readers are any threads: mapping_enter and mapping_leave, a few nanoseconds each, no lock, no wait. One owner
 * at a time installs and reclaims. A mapping that was replaced is unmapped once its last reader has left.
 * Why this is safe: readers.h.
 */
#ifndef LIBDISCOVER_LOOKUP_MAPPING_H
#define LIBDISCOVER_LOOKUP_MAPPING_H

#include "libdiscover/core/table_reader.h"
#include "libdiscover/lookup/readers.h"

struct mapping {
    struct table table;   /* immutable while anybody reads */
    _Atomic int64_t aged; /* whether the table has aged, cached by verdict.h; 0 when installed */
    struct mapping *next;
    struct readers readers;
};

struct mappings {
    _Atomic(struct mapping *) current; /* NULL: none yet */
    _Atomic uint64_t seed;             /* of the last table installed: for who has entered none */
    struct mapping *retired;           /* list of replaced ones that may still be read */
    struct mapping *spare;             /* list of unmapped ones, to be used again */
};

/* Zeroed memory is without one. No reader may be left for fini. */
void mappings_fini(struct mappings *m);

/* Makes *table, which it takes over, the present one. -ENOMEM: then it is still the caller's. */
int mappings_install(struct mappings *m, const struct table *table);

/* Takes the present one away. Returns as mappings_reclaim does. */
bool mappings_clear(struct mappings *m);

/* By which keys of the present table are hashed, unless it is just being replaced. Any thread, which need not enter it. */
static inline uint64_t mappings_seed(const struct mappings *m)
{
    return atomic_load_explicit(&m->seed, memory_order_relaxed);
}

/* Unmaps what nobody reads any more. Returns whether some are still read: try again later. */
bool mappings_reclaim(struct mappings *m);

/*
 * The present mapping, until mapping_leave in the same thread; NULL when there is none. A reader may be sent
 * round again only by as many installs as come in between.
 */
static inline struct mapping *mapping_enter(struct mappings *m)
{
    uint32_t stripe = readers_stripe();
    struct mapping *mapping;
    while ((mapping = atomic_load(&m->current))) {
        readers_enter(&mapping->readers, stripe);
        if (atomic_load(&m->current) == mapping)
            break;
        readers_leave(&mapping->readers, stripe);
    }
    return mapping;
}

static inline void mapping_leave(struct mapping *mapping)
{
    readers_leave(&mapping->readers, readers_stripe());
}

/*
 * Keeps the mapping beyond mapping_leave, until mapping_unpin, in whatever thread. mapping_pin is called between
 * mapping_enter and mapping_leave. No pin counts as a thread's own, which another thread must not lower.
 */
static inline void mapping_pin(struct mapping *mapping)
{
    readers_enter_as_other(&mapping->readers, 0);
}

static inline void mapping_unpin(struct mapping *mapping)
{
    readers_leave_as_other(&mapping->readers, 0);
}

#endif
