/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a picker (discover.h), and its prepared sets.
 *
 * A set is shared and never changes; picks read it, and the backends' own counters. It holds on to the table it was
 * made from, so that one look at the service's sequence shows whether the service is still the same. Where it is not, a
 * pick makes sure of the one instance that it has drawn, and goes on: the next set is made by a report, which comes
 * when the call is over and nobody waits any more, or by dispatch; by a pick only if neither has for a second, or if it
 * finds nobody. One thread makes it, under the lock; others go on with the old one. Sets are let go as mappings are
 * (readers.h).
 */
#ifndef LIBDISCOVER_BALANCE_PICKER_H
#define LIBDISCOVER_BALANCE_PICKER_H

#include <pthread.h>

#include "libdiscover/balance/choice.h"
#include "libdiscover/balance/retry_budget.h"
#include "libdiscover/balance/roster.h"
#include "libdiscover/context.h"
#include "libdiscover/lookup/query.h"

/* An instance that is left out for some time from now on. */
struct ejection {
    uint64_t id;
    int64_t for_ms;
};

struct pick_set {
    struct readers readers;
    struct choice choice;
    struct mapping *mapping; /* the table that it was made from; pinned */
    uint32_t slot;           /* the service's in the table; UINT32_MAX: it is not there, the set has backends only */
    uint64_t seq;            /* and the slot's sequence when the set was made */
    size_t key_bytes;        /* length of the service's key in the table (verdict_key_length) */
    int64_t made_ms, due_ms; /* when it was made, and when its next review is due */
    struct pick_set *next;   /* in the list of retired or spare ones */
};

/* Counters that the threads of one stripe (readers.h) share with no other. */
struct picker_stripe {
    _Alignas(CACHE_LINE) _Atomic uint64_t even; /* state of the stripe's even sequence (random.h); 0: not begun */
    _Atomic uint32_t picks;                     /* since the retry budget was last filled */
};

struct discover_picker {
    struct picker_stripe stripes[READER_STRIPES];
    uint64_t seed; /* where the stripes' sequences begin */
    struct discover *d;
    struct discover_picker *next; /* in the handle's list; the handle's thread */
    struct discover_query query;  /* the instances to pick from; never changes */
    _Atomic(struct pick_set *) current;
    _Atomic bool dirty;         /* a report asks for a review */
    _Atomic uint32_t streak;    /* number of calls in a row that failed, to any instance */
    _Atomic uint32_t lane_mask; /* BACKEND_LANES - 1; 0: calls end in other lanes than they began in, so one is used */
    struct retry_budget budget;

    pthread_mutex_t lock;             /* protects all below */
    struct pick_set *retired, *spare; /* replaced sets that may still be read; sets to be used again */
    struct roster roster;
    struct table_view view;
    struct discover_endpoint *filtered; /* instances that meet the query: usable ones, then those that are down */
    size_t n_filtered_max;
    int64_t slow_start_ms;
    uint32_t subset_size, subset_client; /* as of discover_picker_set_subset; size 0: no subset */
    unsigned urgent_left;                /* urgent reviews left in this second (they come soon after another) */
    int64_t urgent_ms;                   /* when that second began */
    bool shared;                         /* ejections are shared with other processes */
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
    return set->slot != UINT32_MAX && table_slot_seq(&set->mapping->table, set->slot) == set->seq &&
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

/* --- for the rest of the library: the handle's thread, while others pick --- */

/* Lets the handle's pickers prepare what is due, so that picks need not. */
void pickers_run(struct discover *d);

/* Lets the handle's pickers go over to the present table, so that idle ones keep no replaced one. */
void pickers_move(struct discover *d);

/* From now on dispatch is woken when there are ejections to be sent, and when the picker is freed. */
void picker_share(struct discover_picker *p);

/* Takes ejections that were not sent yet, at most cap; returns how many: call again when it was cap. */
size_t picker_take_ejections(struct discover_picker *p, struct ejection *ret_ejections, size_t cap);

/* Another process has ejected that instance. */
void picker_warn(struct discover_picker *p, const struct ejection *ejection);

#endif
