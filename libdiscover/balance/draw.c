/* SPDX-License-Identifier: Apache-2.0 */
/* Picks an instance from a prepared choice. */
#include "libdiscover/balance/draw.h"

#include "libdiscover/balance/random.h"
#include "libdiscover/balance/rendezvous.h"

/* Draws before giving up on chance when some may not be picked. */
#define DRAWS_MAX 4

/* Latencies that differ by less are alike. */
#define ALIKE 2.0f

static const struct candidate *find_probe(const struct choice *c)
{
    for (uint32_t i = 0; i < c->n_probes; i++) {
        const struct candidate *it = &c->owners[c->probes[i]].it;
        if (backend_take_probe(it->backend))
            return it;
    }
    return NULL;
}

static const struct choice_group *draw_group(const struct choice *c, uint32_t random)
{
    const struct choice_group *group = c->groups;
    while (random > group->load_end || group->n == 0)
        group++;
    return group;
}

static uint32_t draw_one(const struct candidate *all, const struct choice_group *group, uint64_t even)
{
    uint32_t within, i = random_place(even, group->n, &within);
    return group->even || within <= all[i].cut ? i : all[i].alias;
}

static uint32_t draw_other(const struct choice_group *group, uint64_t random, uint32_t than)
{
    uint32_t within, i = random_place(random, group->n - 1, &within);
    return i + (i >= than);
}

/* Of unequal weights, one that is drawn twice is taken, or the heavy ones would not get their shares; unless it is slow. */
static uint32_t draw_second(const struct candidate *all, const struct choice_group *group, uint64_t random,
                            uint32_t first, bool another)
{
    if (group->even)
        return draw_other(group, random, first);
    uint32_t k = draw_one(all, group, random);
    for (int i = 0; k == first && another && i < DRAWS_MAX; i++) {
        random = random_mix(random);
        k = draw_one(all, group, random);
    }
    return k == first && another ? draw_other(group, random, first) : k;
}

/* Calls in flight as if the weight were that of the lighter one; a part of a call is one by chance. */
static float load_of(const struct candidate *it, float lighter, uint32_t lane, uint32_t random)
{
    float calls = (float)backend_in_flight(it->backend, lane) * lighter / it->weight;
    float whole = (float)(uint32_t)calls;
    return whole + (calls - whole > (float)random * 0x1p-32f ? 1.0f : 0.0f);
}

/* Whether b has less to do than a, latencies left aside. */
static bool is_better(const struct candidate *a, const struct candidate *b, float load_a, float load_b)
{
    float cost_a = load_a + 1.0f, cost_b = load_b + 1.0f;
    if (a->latency_us > ALIKE * b->latency_us)
        return cost_b * ALIKE * b->latency_us < cost_a * a->latency_us;
    if (b->latency_us > ALIKE * a->latency_us)
        return cost_b * b->latency_us < cost_a * ALIKE * a->latency_us;
    return cost_b < cost_a;
}

/*
 * Of unequal weights the comparison counts every other time only: the lighter one has its calls more by chance, so that the
 * comparison is a little in its favour, and the weights are to be the shares.
 */
static bool prefer(const struct candidate *a, const struct candidate *b, const struct drawer *by)
{
    if (a->weight == b->weight)
        return is_better(a, b, (float)backend_in_flight(a->backend, by->lane),
                         (float)backend_in_flight(b->backend, by->lane));
    float lighter = a->weight < b->weight ? a->weight : b->weight;
    uint64_t random = random_mix(by->random + 2);
    bool far = a->latency_us > ALIKE * b->latency_us || b->latency_us > ALIKE * a->latency_us;
    if (!far && random >> 63)
        return false;
    return is_better(a, b, load_of(a, lighter, by->lane, (uint32_t)random),
                     load_of(b, lighter, by->lane, (uint32_t)(random >> 31)));
}

static const struct candidate *draw_two(const struct choice *c, const struct drawer *by)
{
    const struct choice_group *group = draw_group(c, (uint32_t)by->random);
    const struct candidate *all = &c->candidates[group->first];
    if (group->n == 1)
        return all;
    uint32_t i = draw_one(all, group, by->even);
    bool slow = all[i].latency_us > ALIKE * c->median_us;
    uint32_t k = draw_second(all, group, random_mix(by->random + 1), i, slow);
    return prefer(&all[i], &all[k], by) ? &all[k] : &all[i];
}

const struct candidate *draw(const struct choice *c, const struct drawer *by)
{
    const struct candidate *probe = c->n_probes ? find_probe(c) : NULL;
    if (probe || c->n_candidates == 0)
        return probe;
    return draw_two(c, by);
}

static bool was_tried(const struct candidate *it, const uint64_t *tried, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tried[i] == it->endpoint.id)
            return true;
    return false;
}

/* Its last call failed. */
static bool has_failed(const struct candidate *it)
{
    return atomic_load_explicit(&it->backend->points, memory_order_relaxed) != 0;
}

/* The one with least to do, of those that pass; in the first group that has any. */
static const struct candidate *search(const struct choice *c, const struct drawer *by, const uint64_t *tried,
                                      size_t n_tried, bool failed_too)
{
    const struct candidate *best = NULL;
    for (uint32_t g = 0; g < c->n_groups && !best; g++)
        for (uint32_t i = 0; i < c->groups[g].n; i++) {
            const struct candidate *it = &c->candidates[c->groups[g].first + i];
            if (was_tried(it, tried, n_tried) || (has_failed(it) && !failed_too))
                continue;
            best = !best || prefer(best, it, by) ? it : best;
        }
    return best;
}

/* Those that do not serve: better than nobody. */
static const struct candidate *search_owners(const struct choice *c, const uint64_t *tried, size_t n_tried)
{
    for (uint32_t i = 0; i < c->n_owners; i++)
        if (!was_tried(&c->owners[i].it, tried, n_tried))
            return &c->owners[i].it;
    return NULL;
}

const struct candidate *draw_again(const struct choice *c, const struct drawer *by, const uint64_t *tried,
                                   size_t n_tried)
{
    struct drawer next = *by;
    for (int i = 0; i < DRAWS_MAX && c->n_candidates; i++) {
        const struct candidate *it = draw_two(c, &next);
        if (!was_tried(it, tried, n_tried) && !has_failed(it))
            return it;
        next.random = random_mix(next.random);
        next.even = random_mix(next.random + 3);
    }
    const struct candidate *it = search(c, by, tried, n_tried, false);
    if (!it)
        it = search(c, by, tried, n_tried, true);
    return it ? it : search_owners(c, tried, n_tried);
}

/* Where the owners of the next priority begin. */
static uint32_t end_of_priority(const struct choice *c, uint32_t first)
{
    uint32_t i = first + 1;
    while (i < c->n_owners && c->owners[i].it.endpoint.priority == c->owners[first].it.endpoint.priority)
        i++;
    return i;
}

/* The best of those that serve, and the best of the others if it is better still. Either may be NULL, not both. */
static void find_owners(const struct choice *c, uint32_t first, uint32_t end, uint64_t key_hash,
                        const struct candidate **ret_serving, const struct candidate **ret_idle)
{
    struct rendezvous serving = {0}, idle = {0};
    for (uint32_t i = first; i < end; i++) {
        const struct owner *o = &c->owners[i];
        if (rendezvous_offer(o->serves ? &serving : &idle, key_hash, o->site, o->weight))
            *(o->serves ? ret_serving : ret_idle) = &o->it;
    }
    if (serving.weight && idle.weight && serving.score < idle.score)
        *ret_idle = NULL;
}

const struct candidate *draw_owner(const struct choice *c, uint64_t key_hash)
{
    const struct candidate *fallback = NULL;
    for (uint32_t first = 0, end; first < c->n_owners; first = end) {
        const struct candidate *serving = NULL, *idle = NULL;
        end = end_of_priority(c, first);
        find_owners(c, first, end, key_hash, &serving, &idle);
        if (idle && backend_take_probe(idle->backend))
            return idle;
        if (serving)
            return serving;
        fallback = fallback ? fallback : idle;
    }
    return fallback;
}
