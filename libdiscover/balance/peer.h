/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a picker has learnt of one instance: how fast it answers, how many calls it has, and whether they fail. Pure.
 *
 * peer_in_flight, peer_took, peer_take_probe and peer_report: any thread, at any time, no lock. peers_gather: the
 * reviewer's, one thread at a time, which also decides who is left out (outliers.h); the rest of the structure is its own.
 *
 * Threads keep to a *lane* of their own, with a number, so that threads on several processors do not pass one piece of
 * memory to and fro with every pick. Calls in flight are counted by lane, and a lane counts its own only: what it could be
 * told of the others' would be as old as the last telling, and sends all lanes to the same instance until the next. Latency
 * changes slowly: it is gathered from all lanes.
 */
#ifndef LIBDISCOVER_BALANCE_PEER_H
#define LIBDISCOVER_BALANCE_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "discover/discover.h"
#include "libdiscover/lookup/readers.h"

/* Known to fail after 5 failed or 3 unreachable in a row, or a mixture. */
#define PEER_FAILED_POINTS      3
#define PEER_UNREACHABLE_POINTS 5
#define PEER_FAILING_POINTS     15

/* What a latency tells is worth half after this time: a single call of 5 s among some of 1 ms is forgotten in half a minute. */
#define PEER_HALF_LIFE_MS 3000

/* The mean is one over about this time, but of no fewer calls than 8 and no more than 64. */
#define PEER_LATENCY_SPAN_MS   1000.0f
#define PEER_LATENCY_SHARE_MAX (1.0f / 8)
#define PEER_LATENCY_SHARE_MIN (1.0f / 64)

enum peer_probe { PROBE_NONE, PROBE_READY, PROBE_TAKEN, PROBE_PASSED, PROBE_FAILED };

/* Whether it gets calls. Others are tried with one call from time to time. */
enum peer_standing {
    PEER_SERVES,
    PEER_EJECTED, /* left out for a while */
    PEER_FAILING, /* it fails, and as many as may be are ejected: tried soon and again */
};

#define PEER_LANES 8

struct peer_lane {
    _Alignas(CACHE_LINE) _Atomic uint64_t heard; /* mean latency (a float's bits, us) << 32 | when, in ms; 0: never */
    _Atomic int32_t in_flight;                   /* below 0: picked in another lane, reported in this one */
};

struct peer {
    struct peer_lane lanes[PEER_LANES];
    _Alignas(CACHE_LINE) uint64_t id;
    _Atomic uint32_t points;     /* of failures one after the other */
    _Atomic uint32_t probe;      /* enum peer_probe */
    _Atomic uint32_t failed_ms;  /* when the last of them was */
    _Atomic uint32_t latency_us; /* a float's bits: gathered, as calls go by it; 0: never heard of */

    /* The reviewer's. */
    uint32_t sets;     /* in how many prepared sets it is */
    uint32_t heard_ms; /* when it last succeeded, if it ever did */
    bool heard;
    enum peer_standing standing;
    bool warned;             /* ejected on another process's word */
    bool shared;             /* others know of this ejection */
    bool with_group;         /* not seen to fail enough by itself, but all of its group did */
    uint32_t ejections;      /* not forgotten yet */
    uint32_t probes;         /* that failed since it stopped serving */
    int64_t warned_until_ms; /* another process wants it left out until then; 0: none does */
    int64_t until_ms;        /* does not serve: when to probe, or when the probe is given up */
    int64_t eased_ms;        /* when an ejection was last forgotten */
    int64_t seen_ms;         /* when it was last in the catalog */
    int64_t since_ms;        /* since when it serves, for the slow start; 0: from the beginning */
    uint64_t round;          /* of the review in which it was usable */
};

static inline int32_t peer_in_flight(const struct peer *p, uint32_t lane)
{
    int32_t n = atomic_load_explicit(&p->lanes[lane].in_flight, memory_order_relaxed);
    return n > 0 ? n : 0;
}

static inline void peer_took(struct peer *p, uint32_t lane)
{
    atomic_fetch_add_explicit(&p->lanes[lane].in_flight, 1, memory_order_relaxed);
}

static inline bool peer_is_failing(const struct peer *p)
{
    return atomic_load_explicit(&p->points, memory_order_relaxed) >= PEER_FAILING_POINTS;
}

/* Microseconds; 0: never heard of. */
float peer_latency_us(const struct peer *p);

/* Whether this caller's call is the probe. */
bool peer_take_probe(struct peer *p);

/* Returns whether a review should follow soon. typical_us: of its peers. */
bool peer_report(struct peer *p, uint32_t lane, uint32_t latency_us, enum discover_outcome outcome, float typical_us,
                 int64_t now_ms);

/*
 * Gathers what the lanes have heard; returns the median of the latencies that are known (0: none is), towards which
 * those fade that were not heard of lately. *ret_n_known is how many are. -ENOMEM as a negative number.
 */
float peers_gather(struct peer *const *peers, size_t n, int64_t now_ms, size_t *ret_n_known);

/* Whether calls are picked in one lane and reported in another. */
bool peers_cross_lanes(struct peer *const *peers, size_t n);

/* Moves all calls in flight to lane 0, for a picker whose threads keep to that one from now on. */
void peers_fold_lanes(struct peer *const *peers, size_t n);

#endif
