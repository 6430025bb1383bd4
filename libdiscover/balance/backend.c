/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what a picker has learnt of one instance: latency, calls in flight, failures. */
#include "libdiscover/balance/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Below this a latency says nothing, and calls in flight are all that counts. */
#define LATENCY_MIN_US 1.0f

/* A latency that is this much more than all know of the instance, and of its backends, is news. */
#define NEWS 2.0f

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float value_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t heard_make(float mean_us, int64_t now_ms)
{
    return (uint64_t)bits_of(mean_us) << 32 | (uint32_t)now_ms;
}

static float heard_mean(uint64_t heard)
{
    return value_of((uint32_t)(heard >> 32));
}

static int32_t passed_ms(uint32_t then_ms, int64_t now_ms)
{
    int32_t past_ms = (int32_t)((uint32_t)now_ms - then_ms);
    return past_ms > 0 ? past_ms : 0;
}

/* What is left after that time: a half for each half-life, straight lines in between. */
static float fade(int32_t past_ms)
{
    float left = 1.0f;
    for (; past_ms >= BACKEND_HALF_LIFE_MS && left > 1e-12f; past_ms -= BACKEND_HALF_LIFE_MS)
        left *= 0.5f;
    return past_ms < BACKEND_HALF_LIFE_MS ? left * (1.0f - 0.5f * (float)past_ms / BACKEND_HALF_LIFE_MS) : 0.0f;
}

float backend_latency_us(const struct backend *p)
{
    return value_of(atomic_load_explicit(&p->latency_us, memory_order_relaxed));
}

bool backend_take_probe(struct backend *p)
{
    uint32_t ready = PROBE_READY;
    return atomic_load_explicit(&p->probe, memory_order_relaxed) == PROBE_READY &&
           atomic_compare_exchange_strong(&p->probe, &ready, PROBE_TAKEN);
}

/* How much a new latency counts: where there are many, each a little, or chance would look like news. */
static float share_of(int32_t past_ms)
{
    float share = (float)past_ms / BACKEND_LATENCY_SPAN_MS;
    if (share > BACKEND_LATENCY_SHARE_MAX)
        return BACKEND_LATENCY_SHARE_MAX;
    return share < BACKEND_LATENCY_SHARE_MIN ? BACKEND_LATENCY_SHARE_MIN : share;
}

/*
 * What is not known is typical, and what was learnt long ago fades towards that, so that neither a first call nor a stall
 * decides.
 * A failure that came quickly is no good latency.
 */
static float next_mean(uint64_t heard, float latency_us, bool failed, float typical_us, int64_t now_ms)
{
    if (!heard)
        return typical_us + BACKEND_LATENCY_SHARE_MAX * (latency_us - typical_us);
    float mean_us = heard_mean(heard);
    if (failed && latency_us <= mean_us)
        return mean_us;
    int32_t past_ms = passed_ms((uint32_t)heard, now_ms);
    mean_us = typical_us + (mean_us - typical_us) * fade(past_ms);
    return mean_us + share_of(past_ms) * (latency_us - mean_us);
}

/* Returns the lane's new mean; 0: there is none. */
static float hear(struct backend_lane *lane, float latency_us, bool failed, float typical_us, int64_t now_ms)
{
    uint64_t heard = atomic_load_explicit(&lane->heard, memory_order_relaxed), next;
    if (!heard && failed)
        return 0.0f;
    if (latency_us < LATENCY_MIN_US)
        latency_us = LATENCY_MIN_US;
    do
        next = heard_make(next_mean(heard, latency_us, failed, typical_us, now_ms), failed ? (uint32_t)heard : now_ms);
    while (
        !atomic_compare_exchange_weak_explicit(&lane->heard, &heard, next, memory_order_relaxed, memory_order_relaxed));
    return heard_mean(next);
}

static bool is_news(const struct backend *p, float mean_us, float typical_us)
{
    return mean_us > NEWS * typical_us && mean_us > NEWS * backend_latency_us(p);
}

static bool end_probe(struct backend *p, enum backend_probe result)
{
    uint32_t taken = PROBE_TAKEN;
    return atomic_load_explicit(&p->probe, memory_order_relaxed) == PROBE_TAKEN &&
           atomic_compare_exchange_strong(&p->probe, &taken, result);
}

static bool succeed(struct backend *p)
{
    if (atomic_load_explicit(&p->points, memory_order_relaxed) != 0)
        atomic_store_explicit(&p->points, 0, memory_order_relaxed);
    return end_probe(p, PROBE_PASSED);
}

static bool fail(struct backend *p, enum discover_outcome outcome, int64_t now_ms)
{
    uint32_t more = outcome == DISCOVER_UNREACHABLE ? BACKEND_UNREACHABLE_POINTS : BACKEND_FAILED_POINTS;
    uint32_t before = atomic_fetch_add_explicit(&p->points, more, memory_order_relaxed);
    atomic_store_explicit(&p->failed_ms, (uint32_t)now_ms, memory_order_relaxed);
    bool fails_now = before < BACKEND_FAILING_POINTS && before + more >= BACKEND_FAILING_POINTS;
    return end_probe(p, PROBE_FAILED) || fails_now;
}

bool backend_report(struct backend *p, uint32_t lane, uint32_t latency_us, enum discover_outcome outcome,
                    float typical_us, int64_t now_ms)
{
    atomic_fetch_sub_explicit(&p->lanes[lane].in_flight, 1, memory_order_relaxed);
    if (outcome == DISCOVER_CANCELLED) {
        (void)end_probe(p, PROBE_READY);
        return false;
    }
    bool failed = outcome != DISCOVER_OK;
    float mean_us = hear(&p->lanes[lane], (float)latency_us, failed, typical_us, now_ms);
    bool ended = failed ? fail(p, outcome, now_ms) : succeed(p);
    return ended || is_news(p, mean_us, typical_us);
}

/* The mean of what the lanes have heard, the newest counting most; and when that was. 0: nothing was. */
static float gather_mean(struct backend *p, int64_t now_ms, int32_t *ret_age_ms)
{
    float sum = 0.0f, weights = 0.0f;
    int32_t least_ms = INT32_MAX;
    for (uint32_t i = 0; i < BACKEND_LANES; i++) {
        uint64_t heard = atomic_load_explicit(&p->lanes[i].heard, memory_order_relaxed);
        if (!heard)
            continue;
        int32_t age_ms = passed_ms((uint32_t)heard, now_ms);
        float weight = fade(age_ms) + 1e-9f;
        sum += weight * heard_mean(heard);
        weights += weight;
        least_ms = age_ms < least_ms ? age_ms : least_ms;
    }
    p->heard = weights > 0.0f;
    if (p->heard)
        p->heard_ms = (uint32_t)now_ms - (uint32_t)least_ms;
    *ret_age_ms = least_ms;
    return p->heard ? sum / weights : 0.0f;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The lower one of two: of two instances the slow one is not the measure. */
static float median(float *values, size_t n)
{
    if (n == 0)
        return 0.0f;
    qsort(values, n, sizeof *values, by_value);
    return values[(n - 1) / 2];
}

float backends_gather(struct backend *const *backends, size_t n, int64_t now_ms, size_t *ret_n_known)
{
    float *known = malloc((n + 1) * sizeof *known);
    size_t n_known = 0;
    int32_t age_ms;
    if (!known)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        float mean_us = gather_mean(backends[i], now_ms, &age_ms);
        if (mean_us > 0.0f)
            known[n_known++] = mean_us;
    }
    float median_us = median(known, n_known);
    free(known);
    for (size_t i = 0; i < n; i++) {
        float mean_us = gather_mean(backends[i], now_ms, &age_ms);
        if (mean_us > 0.0f)
            mean_us = median_us + (mean_us - median_us) * fade(age_ms);
        atomic_store_explicit(&backends[i]->latency_us, bits_of(mean_us), memory_order_relaxed);
    }
    *ret_n_known = n_known;
    return median_us;
}

bool backends_cross_lanes(struct backend *const *backends, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t lane = 0; lane < BACKEND_LANES; lane++)
            if (atomic_load_explicit(&backends[i]->lanes[lane].in_flight, memory_order_relaxed) < 0)
                return true;
    return false;
}

void backends_fold_lanes(struct backend *const *backends, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct backend_lane *lanes = backends[i]->lanes;
        for (uint32_t lane = 1; lane < BACKEND_LANES; lane++) {
            int32_t moved = atomic_exchange_explicit(&lanes[lane].in_flight, 0, memory_order_relaxed);
            if (moved)
                atomic_fetch_add_explicit(&lanes[0].in_flight, moved, memory_order_relaxed);
        }
        /* What was reported without a pick must not make it less than none. */
        int32_t sum = atomic_load_explicit(&lanes[0].in_flight, memory_order_relaxed);
        if (sum < 0)
            atomic_fetch_sub_explicit(&lanes[0].in_flight, sum, memory_order_relaxed);
    }
}
