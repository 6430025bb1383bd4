/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instances that a picker knows, by id, with what it has learnt of them: those of the catalog, usable or not, and for a
 * minute those that have left it. The reviewer's, one thread at a time.
 */
#ifndef LIBDISCOVER_BALANCE_ROSTER_H
#define LIBDISCOVER_BALANCE_ROSTER_H

#include "libdiscover/balance/peer.h"

struct roster {
    struct peer **peers; /* by id */
    size_t n, cap;
    uint64_t round;
    bool served;        /* some were usable in the last round */
    int64_t settled_ms; /* who comes before that is not new, but the picker is; 0: nobody was usable yet */
};

/* Zeroed memory is an empty one. Frees all peers. */
void roster_fini(struct roster *r);

/* NULL: not one of them. */
struct peer *roster_find(const struct roster *r, uint64_t id);

/* Adds those that are new, and forgets who has gone and is in no set. -ENOMEM. */
int roster_meet(struct roster *r, const struct discover_endpoint *endpoints, size_t n, int64_t now_ms);

/*
 * The peers of the usable instances in their order, then all others; r->n in all. Who is usable now and was not in the
 * round before, while others were, begins to serve now. All of them were met.
 */
void roster_line_up(struct roster *r, const struct discover_endpoint *usable, size_t n, int64_t now_ms,
                    struct peer **ret_peers);

#endif
