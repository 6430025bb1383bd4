/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a picker (discover.h), and its prepared sets.
 *
 * A set is shared and never changes; picks read it, and the peers' own counters. It holds on to the table it was made from,
 * so that one look at the service's sequence tells whether the service is still the same. Where it is not, a pick makes sure
 * of the one instance that it has drawn, and goes on: the next set is made by a report, which comes when the call is
 * over and nobody waits any more, or by dispatch; by a pick only if neither has for a second, or if it finds nobody.
 * One thread makes it, under the lock; others go on with the old one. Sets are let go as mappings are (readers.h).
 */
#ifndef LIBDISCOVER_BALANCE_PICKER_H
#define LIBDISCOVER_BALANCE_PICKER_H

#include "libdiscover/balance/choice.h"
#include "libdiscover/balance/pick.h"
#include "libdiscover/balance/retry_budget.h"
#include "libdiscover/balance/roster.h"
#include "libdiscover/context.h"
#include "libdiscover/lookup/query.h"

struct pick_set {
    struct readers readers;
    struct choice choice;
    struct mapping *mapping; /* pinned */
    bool found;              /* the service is in the table; else the set has but peers */
    uint32_t slot;
    uint64_t seq;
    int64_t made_ms, due_ms;
    struct pick_set *next;
};

/* What the threads of a stripe (readers.h) keep to themselves. */
struct picker_stripe {
    _Alignas(CACHE_LINE) _Atomic uint64_t even; /* of a sequence (random.h); 0: not begun */
    _Atomic uint32_t picks;
};

struct discover_picker {
    struct picker_stripe stripes[READER_STRIPES];
    uint64_t seed; /* of the stripes' sequences */
    struct discover *d;
    struct discover_picker *next; /* the handle's thread */
    struct discover_query query;  /* what is picked from; never changes */
    _Atomic(struct pick_set *) current;
    _Atomic bool dirty;         /* a report asks for a review */
    _Atomic uint32_t streak;    /* of calls that failed, whoever was called */
    _Atomic uint32_t lane_mask; /* PEER_LANES - 1; 0: calls go from lane to lane, so there is but one */
    struct retry_budget budget;

    pthread_mutex_t lock; /* for all below */
    struct pick_set *retired, *spare;
    struct roster roster;
    struct table_view view;
    struct discover_endpoint *filtered; /* what the query lets through: usable ones, then those that are down */
    size_t n_filtered_max;
    int64_t slow_start_ms;
    uint32_t subset_size, subset_client; /* 0: all of them */
    unsigned urgent_left;                /* reviews that may come soon after another; filled each second */
    int64_t urgent_ms;
    bool shared; /* others are to be told of ejections */
};

/* The present set, until picker_leave with the same stripe; NULL: there is none. Any thread. */
struct pick_set *picker_enter(struct discover_picker *p, uint32_t stripe);

static inline void picker_leave(struct pick_set *set, uint32_t stripe)
{
    readers_leave(&set->readers, stripe);
}

/* Whether the service is as the set has it. Between enter and leave. */
static inline bool picker_is_present(struct discover_picker *p, const struct pick_set *set)
{
    return set->found && table_slot_seq(&set->mapping->table, set->slot) == set->seq &&
           context_is_present(p->d, p->query.key, set->mapping);
}

/* Makes the next set if the present one is not right any more. Under the lock. 0, or a result of discover_pick's. */
int picker_renew(struct discover_picker *p, uint32_t stripe, int64_t now_ms);

/* The same where it is worth while, and nobody is at it: any thread, without the lock. */
void picker_maintain(struct discover_picker *p, uint32_t stripe, int64_t now_ms);

/* Frees sets that nobody reads any more. Under the lock. */
void picker_reclaim(struct discover_picker *p);

/* Nobody picks any more. */
void picker_drop_sets(struct discover_picker *p);

#endif
