/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a picker has learnt of one instance: how fast it answers, how many calls it has, and whether they fail. Pure.
 *
 * backend_in_flight, backend_took, backend_take_probe and backend_report: any thread, at any time, no lock.
 * backends_gather: the reviewer's, one thread at a time, which also decides who is left out (outliers.h); the rest of
 * the structure is its own.
 *
 * Threads keep to a *lane* of their own, with a number, so that threads on several processors do not pass one piece of
 * memory to and fro with every pick. Calls in flight are counted by lane, and a lane counts its own only: what it could
 * learn of the others' would be as old as the last exchange, and would send all lanes to the same instance until the next.
 * Latency changes slowly: it is gathered from all lanes.
 */
#ifndef LIBDISCOVER_BALANCE_BACKEND_H
#define LIBDISCOVER_BALANCE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "discover/discover.h"
#include "libdiscover/lookup/readers.h"

/* Known to fail after 5 failed or 3 unreachable in a row, or a mixture. */
#define BACKEND_FAILED_POINTS      3
#define BACKEND_UNREACHABLE_POINTS 5
#define BACKEND_FAILING_POINTS     15

/*
 * What a latency shows is worth half after this time: a single call of 5 s among some of 1 ms is forgotten in half a
 * minute.
 */
#define BACKEND_HALF_LIFE_MS 3000

/* The mean is one over about this time, but of no fewer calls than 8 and no more than 64. */
#define BACKEND_LATENCY_SPAN_MS   1000.0f
#define BACKEND_LATENCY_SHARE_MAX (1.0f / 8)
#define BACKEND_LATENCY_SHARE_MIN (1.0f / 64)

enum backend_probe { PROBE_NONE, PROBE_READY, PROBE_TAKEN, PROBE_PASSED, PROBE_FAILED };

/* Whether it gets calls. Others are tried with one call from time to time. */
enum backend_standing {
    BACKEND_SERVES,
    BACKEND_EJECTED, /* left out for a while */
    BACKEND_FAILING, /* it fails, and as many as may be are ejected: tried soon and again */
};

#define BACKEND_LANES 8

struct backend_lane {
    _Alignas(CACHE_LINE) _Atomic uint64_t heard; /* mean latency (bits of a float, us) << 32 | time, ms; 0: never */
    _Atomic int32_t in_flight;                   /* below 0: picked in another lane, reported in this one */
};

struct backend {
    struct backend_lane lanes[BACKEND_LANES];
    _Alignas(CACHE_LINE) uint64_t id;
    _Atomic uint32_t points;     /* BACKEND_..._POINTS of consecutive failures */
    _Atomic uint32_t probe;      /* enum backend_probe */
    _Atomic uint32_t failed_ms;  /* when the last failure was */
    _Atomic uint32_t latency_us; /* bits of a float: gathered from all lanes, for picking; 0: never measured */

    /* All below is the reviewer's. */
    uint32_t sets;     /* number of prepared sets that it is in */
    uint32_t heard_ms; /* when a call last succeeded; valid if heard */
    bool heard;        /* a call has succeeded */
    enum backend_standing standing;
    bool warned;             /* ejected because another process did so */
    bool shared;             /* this ejection was sent to other processes */
    bool with_group;         /* ejected because all of its group failed, though it had not failed often enough alone */
    uint32_t ejections;      /* number of ejections that are not forgotten yet */
    uint32_t probes;         /* number of probes that failed since it stopped serving */
    int64_t warned_until_ms; /* until when another process wants it left out; 0: none does */
    int64_t until_ms;        /* while it does not serve: when to probe, or when to give the probe up */
    int64_t eased_ms;        /* when an ejection was last forgotten */
    int64_t seen_ms;         /* when it was last in the catalog */
    int64_t since_ms;        /* when it began to serve, for the slow start; 0: from the beginning */
    uint64_t round;          /* number of the last review in which it was usable */
};

static inline int32_t backend_in_flight(const struct backend *p, uint32_t lane)
{
    int32_t n = atomic_load_explicit(&p->lanes[lane].in_flight, memory_order_relaxed);
    return n > 0 ? n : 0;
}

static inline void backend_took(struct backend *p, uint32_t lane)
{
    atomic_fetch_add_explicit(&p->lanes[lane].in_flight, 1, memory_order_relaxed);
}

static inline bool backend_is_failing(const struct backend *p)
{
    return atomic_load_explicit(&p->points, memory_order_relaxed) >= BACKEND_FAILING_POINTS;
}

/* Microseconds; 0: never heard of. */
float backend_latency_us(const struct backend *p);

/* Whether this caller's call is the probe. */
bool backend_take_probe(struct backend *p);

/* Returns whether a review should follow soon. typical_us: the median latency of the service's backends. */
bool backend_report(struct backend *p, uint32_t lane, uint32_t latency_us, enum discover_outcome outcome,
                    float typical_us, int64_t now_ms);

/*
 * Gathers what the lanes have heard; returns the median of the latencies that are known (0: none is), towards which
 * those fade that were not heard of lately. *ret_n_known is how many are. -ENOMEM as a negative number.
 */
float backends_gather(struct backend *const *backends, size_t n, int64_t now_ms, size_t *ret_n_known);

/* Whether calls are picked in one lane and reported in another. */
bool backends_cross_lanes(struct backend *const *backends, size_t n);

/* Moves all calls in flight to lane 0, for a picker whose threads keep to that one from now on. */
void backends_fold_lanes(struct backend *const *backends, size_t n);

#endif
