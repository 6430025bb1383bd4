/* SPDX-License-Identifier: Apache-2.0 */
/* What a picker has learnt of one instance. */
#include "libdiscover/balance/peer.h"

#include <string.h>

/* Below this a latency says nothing, and in-flight calls are all that counts. */
#define LATENCY_MIN_US 1.0f

static uint64_t heard_make(float ewma_us, int64_t now_ms)
{
    uint32_t bits;
    memcpy(&bits, &ewma_us, sizeof bits);
    return (uint64_t)bits << 32 | (uint32_t)now_ms;
}

static float heard_ewma(uint64_t heard)
{
    uint32_t bits = (uint32_t)(heard >> 32);
    float ewma_us;
    memcpy(&ewma_us, &bits, sizeof ewma_us);
    return ewma_us;
}

/* How much it has decayed since, as a divisor: e^x by its first terms, which is what a division less costs. */
static float heard_decay(uint64_t heard, int64_t now_ms)
{
    int32_t past_ms = (int32_t)((uint32_t)now_ms - (uint32_t)heard);
    float x = past_ms > 0 ? (float)past_ms / PEER_DECAY_MS : 0.0f;
    return 1.0f + x + x * x * 0.5f;
}

static float heard_latency_us(uint64_t heard, int64_t now_ms)
{
    return heard ? heard_ewma(heard) / heard_decay(heard, now_ms) : 0.0f;
}

static int32_t lane_in_flight(struct peer_lane *lane)
{
    int32_t n = atomic_load_explicit(&lane->in_flight, memory_order_relaxed) +
                atomic_load_explicit(&lane->elsewhere, memory_order_relaxed);
    return n > 0 ? n : 0;
}

struct peer_cost peer_cost(struct peer *p, uint32_t lane, uint32_t weight, float median_us, int64_t now_ms)
{
    uint64_t heard = atomic_load_explicit(&p->lanes[lane].heard, memory_order_relaxed);
    int32_t in_flight = lane_in_flight(&p->lanes[lane]);
    float ewma_us = heard ? heard_ewma(heard) : median_us;
    float decay = heard ? heard_decay(heard, now_ms) : 1.0f;
    if (ewma_us < LATENCY_MIN_US * decay)
        ewma_us = LATENCY_MIN_US * decay;
    return (struct peer_cost){ewma_us * (float)(in_flight + 1), (float)weight * decay};
}

bool peer_take_probe(struct peer *p)
{
    uint32_t ready = PROBE_READY;
    return atomic_compare_exchange_strong(&p->probe, &ready, PROBE_TAKEN);
}

/* Rises at once; falls as the distance to the last report says. A failure that came quickly is no good latency. */
static float next_ewma(uint64_t heard, float latency_us, bool failed, int64_t now_ms)
{
    if (latency_us < LATENCY_MIN_US)
        latency_us = LATENCY_MIN_US;
    if (!heard)
        return latency_us;
    float ewma_us = heard_ewma(heard);
    if (latency_us >= ewma_us)
        return latency_us;
    if (failed)
        return ewma_us;
    float kept = 1.0f / heard_decay(heard, now_ms);
    return ewma_us * kept + latency_us * (1.0f - kept);
}

static void hear(struct peer_lane *lane, float latency_us, bool failed, int64_t now_ms)
{
    uint64_t heard = atomic_load_explicit(&lane->heard, memory_order_relaxed), next;
    if (!heard && failed)
        return;
    do
        next = heard_make(next_ewma(heard, latency_us, failed, now_ms), now_ms);
    while (
        !atomic_compare_exchange_weak_explicit(&lane->heard, &heard, next, memory_order_relaxed, memory_order_relaxed));
}

static bool end_probe(struct peer *p, enum peer_probe result)
{
    uint32_t taken = PROBE_TAKEN;
    return atomic_compare_exchange_strong(&p->probe, &taken, result);
}

bool peer_report(struct peer *p, uint32_t lane, uint32_t latency_us, enum discover_outcome outcome, int64_t now_ms)
{
    atomic_fetch_sub_explicit(&p->lanes[lane].in_flight, 1, memory_order_relaxed);
    if (outcome == DISCOVER_CANCELLED) {
        (void)end_probe(p, PROBE_READY);
        return false;
    }
    bool failed = outcome != DISCOVER_OK;
    hear(&p->lanes[lane], (float)latency_us, failed, now_ms);
    if (!failed) {
        if (atomic_load_explicit(&p->points, memory_order_relaxed) != 0)
            atomic_store_explicit(&p->points, 0, memory_order_relaxed);
        return atomic_load_explicit(&p->probe, memory_order_relaxed) == PROBE_TAKEN && end_probe(p, PROBE_PASSED);
    }
    uint32_t more = outcome == DISCOVER_UNREACHABLE ? PEER_UNREACHABLE_POINTS : PEER_FAILED_POINTS;
    uint32_t points = atomic_fetch_add_explicit(&p->points, more, memory_order_relaxed) + more;
    return end_probe(p, PROBE_FAILED) || points >= PEER_EJECT_POINTS;
}

/* What was reported without a pick must not make it less than none. */
static int32_t gather_in_flight(struct peer *p, uint32_t lanes)
{
    int32_t total = 0;
    for (uint32_t i = 0; i < PEER_LANES; i++)
        if (lanes & 1u << i)
            total += atomic_load_explicit(&p->lanes[i].in_flight, memory_order_relaxed);
    if (total >= 0)
        return total;
    atomic_fetch_sub_explicit(&p->lanes[__builtin_ctz(lanes)].in_flight, total, memory_order_relaxed);
    return 0;
}

/* The worst that any has heard, decayed: it rises at once, and falls with time alone. */
static uint64_t gather_heard(struct peer *p, uint32_t lanes, int64_t now_ms)
{
    uint64_t worst = 0;
    for (uint32_t i = 0; i < PEER_LANES; i++) {
        uint64_t heard = lanes & 1u << i ? atomic_load_explicit(&p->lanes[i].heard, memory_order_relaxed) : 0;
        if (heard && (!worst || heard_latency_us(heard, now_ms) > heard_latency_us(worst, now_ms)))
            worst = heard;
    }
    return worst;
}

/* What the lane hears in this moment is newer. */
static void tell_lane(struct peer_lane *lane, int32_t in_flight, uint64_t worst, int64_t now_ms)
{
    int32_t own = atomic_load_explicit(&lane->in_flight, memory_order_relaxed);
    atomic_store_explicit(&lane->elsewhere, in_flight - own, memory_order_relaxed);
    uint64_t heard = atomic_load_explicit(&lane->heard, memory_order_relaxed);
    if (heard != worst && heard_latency_us(heard, now_ms) < heard_latency_us(worst, now_ms))
        (void)atomic_compare_exchange_strong_explicit(&lane->heard, &heard, worst, memory_order_relaxed,
                                                      memory_order_relaxed);
}

static void gather(struct peer *p, uint32_t lanes, int64_t now_ms)
{
    int32_t in_flight = gather_in_flight(p, lanes);
    uint64_t worst = gather_heard(p, lanes, now_ms);
    p->latency_us = heard_latency_us(worst, now_ms);
    for (uint32_t i = 0; i < PEER_LANES; i++)
        if (lanes & 1u << i)
            tell_lane(&p->lanes[i], in_flight, worst, now_ms);
}

void peers_gather(struct peer *const *peers, size_t n, uint32_t lanes, int64_t now_ms)
{
    for (size_t i = 0; i < n && lanes; i++)
        gather(peers[i], lanes, now_ms);
}

static void eject(struct peer *p, int64_t now_ms)
{
    p->ejected = true;
    p->warned = p->told = false;
    p->ejections++;
    int64_t span_ms = (int64_t)PEER_EJECT_MS * p->ejections;
    p->until_ms = now_ms + (span_ms < PEER_EJECT_MAX_MS ? span_ms : PEER_EJECT_MAX_MS);
    atomic_store(&p->probe, PROBE_NONE);
    atomic_store(&p->points, 0);
}

static void eject_warned(struct peer *p)
{
    p->ejected = p->warned = p->told = true;
    p->until_ms = p->warned_until_ms;
    atomic_store(&p->probe, PROBE_NONE);
}

void peer_warn(struct peer *p, int64_t until_ms, int64_t now_ms)
{
    int64_t most_ms = now_ms + PEER_EJECT_MAX_MS;
    if (!p->ejected)
        p->warned_until_ms = until_ms < most_ms ? until_ms : most_ms;
}

static void readmit(struct peer *p, int64_t now_ms)
{
    p->ejected = p->warned = false;
    p->warned_until_ms = 0;
    p->eased_ms = now_ms;
    atomic_store(&p->probe, PROBE_NONE);
}

/* A probe whose caller never reports is given to another one when its time is over. */
static void offer_probe(struct peer *p, int64_t now_ms)
{
    atomic_store(&p->probe, PROBE_READY);
    p->until_ms = now_ms + PEER_EJECT_MS;
}

static void review_ejected(struct peer *p, int64_t now_ms)
{
    switch (atomic_load(&p->probe)) {
    case PROBE_PASSED:
        readmit(p, now_ms);
        break;
    case PROBE_FAILED:
        eject(p, now_ms);
        break;
    default:
        if (now_ms >= p->until_ms)
            offer_probe(p, now_ms);
    }
}

static bool is_failing(struct peer *p)
{
    return atomic_load(&p->points) >= PEER_EJECT_POINTS;
}

static void review_served(struct peer *p, bool room, int64_t now_ms)
{
    if (is_failing(p)) {
        if (room)
            eject(p, now_ms);
    } else if (p->warned_until_ms > now_ms) {
        if (room)
            eject_warned(p);
    } else if (p->ejections > 0 && now_ms - p->eased_ms >= PEER_EJECT_MS) {
        p->ejections--;
        p->eased_ms = now_ms;
    }
}

/* Lets one back in that was ejected on another's word. Returns how many. */
static size_t give_way(struct peer *const *peers, size_t n, int64_t now_ms)
{
    for (size_t i = 0; i < n; i++)
        if (peers[i]->ejected && peers[i]->warned) {
            readmit(peers[i], now_ms);
            return 1;
        }
    return 0;
}

size_t peers_review(struct peer *const *peers, size_t n, int64_t now_ms, int64_t *ret_due_ms)
{
    size_t most = n > 1 ? n / 10 : 0, ejected = 0;
    if (n > 1 && most == 0)
        most = 1;
    for (size_t i = 0; i < n; i++)
        if (peers[i]->ejected) {
            review_ejected(peers[i], now_ms);
            ejected += peers[i]->ejected;
        }
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!peers[i]->ejected) {
            if (ejected >= most && is_failing(peers[i]))
                ejected -= give_way(peers, n, now_ms);
            review_served(peers[i], ejected < most, now_ms);
            ejected += peers[i]->ejected;
        }
        if (peers[i]->ejected && peers[i]->until_ms < due_ms)
            due_ms = peers[i]->until_ms;
    }
    *ret_due_ms = due_ms;
    return ejected;
}
