/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instances that a picker knows, by id, with what it has learnt of them: those of the catalog, usable or not, and
 * for a minute those that have left it. The reviewer's, one thread at a time.
 */
#ifndef LIBDISCOVER_BALANCE_ROSTER_H
#define LIBDISCOVER_BALANCE_ROSTER_H

#include "libdiscover/balance/backend.h"

struct roster {
    struct backend **backends; /* by id */
    size_t n, cap;
    uint64_t round; /* number of the last review (roster_line_up) */
    bool served;    /* some instance was usable in the last round */
    int64_t
        settled_ms; /* instances that come before get no slow start: the picker itself is new; 0: none was usable yet */
};

/* Zeroed memory is an empty one. Frees all backends. */
void roster_fini(struct roster *r);

/* NULL: not one of them. */
struct backend *roster_find(const struct roster *r, uint64_t id);

/* Adds those that are new, and forgets who has gone and is in no set. -ENOMEM. */
int roster_meet(struct roster *r, const struct discover_endpoint *endpoints, size_t n, int64_t now_ms);

/*
 * The backends of the usable instances in their order, then all others; r->n in all. Who is usable now and was not in
 * the round before, while others were, begins to serve now. All of them were met.
 */
void roster_line_up(struct roster *r, const struct discover_endpoint *usable, size_t n, int64_t now_ms,
                    struct backend **ret_backends);

#endif
