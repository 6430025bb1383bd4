/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that look-ups read, and the ones it replaced while somebody was still reading them.
 *
 * Readers are any threads: mapping_enter and mapping_leave, a few nanoseconds each, no lock, no wait. One owner
 * at a time installs and reclaims. A mapping that was replaced is unmapped once its last reader has left.
 *
 * Why it is safe. A reader (1) raises a counter of the mapping it found, (2) looks again whether that mapping is
 * the present one, and only then reads. The owner (3) makes another mapping the present one, then (4) looks at
 * the counters. All four are sequentially consistent: either (2) sees (3) and the reader goes away, or (4) sees
 * (1) and the owner keeps the mapping. The structures with the counters are freed at the very end only, so that
 * (1) always hits a counter. Counters are striped over cache lines: threads that read at once do not share one.
 */
#ifndef LIBDISCOVER_MAPPING_H
#define LIBDISCOVER_MAPPING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "libdiscover/core/table_reader.h"

#define MAPPING_STRIPES 16 /* a power of two */
#define CACHE_LINE      64

struct mapping_stripe {
    _Alignas(CACHE_LINE) _Atomic uint32_t readers;
};

struct mapping {
    struct table table;    /* immutable while anybody reads */
    _Atomic int64_t aged;  /* for the look-up's cache of the table's age; 0 when installed */
    struct mapping *next;
    struct mapping_stripe stripes[MAPPING_STRIPES];
};

struct mappings {
    _Atomic(struct mapping *) current; /* NULL: none yet */
    struct mapping *retired;           /* replaced, perhaps still read */
    struct mapping *spare;             /* unmapped, to be used again */
};

void mappings_init(struct mappings *m);

/* No reader may be left. */
void mappings_fini(struct mappings *m);

/* Makes *table, which it takes over, the present one. -ENOMEM: then it is still the caller's. */
int mappings_install(struct mappings *m, const struct table *table);

/* Unmaps what nobody reads any more. Returns whether some are still read: try again later. */
bool mappings_reclaim(struct mappings *m);

/*
 * The present mapping, until mapping_leave in the same thread; NULL when there is none. A reader may be sent
 * round again only by as many installs as come in between.
 */
struct mapping *mapping_enter(struct mappings *m);
void mapping_leave(struct mapping *mapping);

#endif
