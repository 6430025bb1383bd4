/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a picker has learnt of one instance: how fast it answers, how much it has to do, and whether it fails. Pure.
 *
 * peer_cost, peer_took and peer_report: any thread, at any time, no lock. peers_gather and peers_review: one thread at
 * a time, which decides who is left out (*ejected*); the rest of the structure is its own.
 *
 * Threads keep to a *lane* of their own, with a number: calls in flight and latency are counted there, so that threads
 * on several processors do not pass one piece of memory to and fro with every pick. peers_gather, about once a second,
 * tells each lane what the others have in flight and have heard; in between a lane sees its own changes.
 *
 *   - Failures one after the other, FAILED or UNREACHABLE, eject: for 30 s, the next time 60 s, ... 300 s at most; but
 *     never more than max(1, 10 %) of the usable ones at once, and never the only one.
 *   - Then one call, the probe, decides: back for good, or out again. For every 30 s in which all goes well, one
 *     ejection is forgotten.
 *   - What another process ejected is left out as well, as long as that said and within the same limits; what fails
 *     here comes first, and another's word makes no later ejection longer.
 */
#ifndef LIBDISCOVER_BALANCE_PEER_H
#define LIBDISCOVER_BALANCE_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "discover/discover.h"
#include "libdiscover/lookup/readers.h"

/* Out after 5 failed or 3 unreachable, or a mixture. */
#define PEER_FAILED_POINTS      3
#define PEER_UNREACHABLE_POINTS 5
#define PEER_EJECT_POINTS       15
#define PEER_EJECT_MS           30000
#define PEER_EJECT_MAX_MS       300000
#define PEER_DECAY_MS           10000.0f

enum peer_probe { PROBE_NONE, PROBE_READY, PROBE_TAKEN, PROBE_PASSED, PROBE_FAILED };

#define PEER_LANES 8

struct peer_lane {
    _Alignas(CACHE_LINE) _Atomic uint64_t heard; /* EWMA (a float's bits, microseconds) << 32 | when, in ms; 0: never */
    _Atomic int32_t in_flight;                   /* below 0: picked in another lane, reported in this one */
    _Atomic int32_t elsewhere;                   /* in flight in the other lanes when they were gathered */
};

struct peer {
    struct peer_lane lanes[PEER_LANES];
    _Alignas(CACHE_LINE) uint64_t id;
    _Atomic uint32_t points; /* of failures one after the other */
    _Atomic uint32_t probe;  /* enum peer_probe */

    /* The reviewer's. */
    float latency_us;   /* when gathered: the decayed EWMA; 0: never heard of */
    uint32_t sets;      /* in how many prepared sets it is */
    uint32_t ejections; /* not forgotten yet */
    bool ejected;
    bool warned;             /* ejected on another process's word */
    bool told;               /* others know of this ejection */
    int64_t warned_until_ms; /* another process wants it left out until then; 0: none does */
    int64_t until_ms;        /* ejected: when to probe, or when the probe is given up */
    int64_t eased_ms;        /* when an ejection was last forgotten */
    int64_t seen_ms;         /* when it was last in the catalog */
    uint64_t round;          /* of the review in which it was usable */
};

/*
 * Cost as a fraction, so that comparing needs no division: latency x (in flight + 1) over weight, the latency of one that
 * was never heard of being that of its peers.
 */
struct peer_cost {
    float above, below;
};

struct peer_cost peer_cost(struct peer *p, uint32_t lane, uint32_t weight, float median_us, int64_t now_ms);

static inline bool peer_cheaper(struct peer_cost a, struct peer_cost b)
{
    return a.above * b.below < b.above * a.below;
}

static inline void peer_took(struct peer *p, uint32_t lane)
{
    atomic_fetch_add_explicit(&p->lanes[lane].in_flight, 1, memory_order_relaxed);
}

/* Whether this caller's call is the probe. */
bool peer_take_probe(struct peer *p);

/* Returns whether a review should follow soon. */
bool peer_report(struct peer *p, uint32_t lane, uint32_t latency_us, enum discover_outcome outcome, int64_t now_ms);

/* Another process has ejected it. The reviewer's; the next review decides. */
void peer_warn(struct peer *p, int64_t until_ms, int64_t now_ms);

/* Whether it is out because of what happened here, and others were not told yet. The reviewer's. */
static inline bool peer_untold(const struct peer *p)
{
    return p->ejected && !p->told;
}

/* lanes: a bit for each that was used. */
void peers_gather(struct peer *const *peers, size_t n, uint32_t lanes, int64_t now_ms);

/*
 * Decides who of the usable peers is ejected, and returns how many are. *ret_due_ms is when a next review has
 * something to do by itself (INT64_MAX: never).
 */
size_t peers_review(struct peer *const *peers, size_t n, int64_t now_ms, int64_t *ret_due_ms);

#endif
