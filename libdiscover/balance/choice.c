/* SPDX-License-Identifier: Apache-2.0 */
/* The instances of a service, prepared for picking. */
#include "libdiscover/balance/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OVERPROVISIONING 1.4

/* Draws before giving up on chance when some may not be picked. */
#define DRAWS_MAX 4

#define UNKNOWN_US 1000.0f

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static int allocate(size_t n, size_t n_peers, struct choice *c)
{
    uint32_t size = 4;
    while (size < 2 * n_peers)
        size *= 2;
    c->candidates = calloc(n + 1, sizeof *c->candidates);
    c->probes = calloc(n + 1, sizeof *c->probes);
    c->peers = calloc(n_peers + 1, sizeof(struct peer *));
    c->index = calloc(size, sizeof *c->index);
    c->index_mask = size - 1;
    return c->candidates && c->probes && c->peers && c->index ? 0 : -ENOMEM;
}

void choice_fini(struct choice *c)
{
    free(c->candidates);
    free(c->probes);
    free(c->peers);
    free(c->index);
    memset(c, 0, sizeof *c);
}

static void add_peer(struct choice *c, struct peer *p)
{
    uint32_t at = (uint32_t)mix(p->id) & c->index_mask;
    while (c->index[at])
        at = (at + 1) & c->index_mask;
    c->peers[c->n_peers++] = p;
    c->index[at] = c->n_peers;
}

struct peer *choice_peer(const struct choice *c, uint64_t id)
{
    for (uint32_t at = (uint32_t)mix(id) & c->index_mask; c->index && c->index[at]; at = (at + 1) & c->index_mask)
        if (c->peers[c->index[at] - 1]->id == id)
            return c->peers[c->index[at] - 1];
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int find_median(struct peer *const *peers, size_t n, float *ret_median_us)
{
    float *known = malloc((n + 1) * sizeof *known);
    if (!known)
        return -ENOMEM;
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++)
        if (peers[i]->latency_us > 0)
            known[n_known++] = peers[i]->latency_us;
    qsort(known, n_known, sizeof *known, by_value);
    *ret_median_us = n_known ? known[n_known / 2] : UNKNOWN_US;
    free(known);
    return 0;
}

static bool same_group(const struct discover_endpoint *a, const struct discover_endpoint *b)
{
    return a->priority == b->priority && a->tier == b->tier;
}

/* How many of a group's members there are, healthy or not, beside its candidates. */
typedef uint32_t totals[CHOICE_GROUPS_MAX];

static void begin_group(struct choice *c)
{
    if (c->n_groups < CHOICE_GROUPS_MAX)
        c->groups[c->n_groups++] = (struct choice_group){.first = c->n_candidates};
}

static void fill_groups(struct choice *c, const struct discover_endpoint *endpoints, size_t n,
                        struct peer *const *peers, totals total)
{
    for (size_t i = 0; i < n; i++) {
        const struct candidate it = {endpoints[i], peers[i]};
        if (i == 0 || !same_group(&endpoints[i], &endpoints[i - 1]))
            begin_group(c);
        uint32_t group = c->n_groups - 1;
        total[group]++;
        if (it.peer->ejected && atomic_load(&it.peer->probe) == PROBE_READY)
            c->probes[c->n_probes++] = it;
        if (it.peer->ejected && !c->panic)
            continue;
        c->candidates[c->n_candidates++] = it;
        c->groups[group].n++;
    }
}

/* Shares of 1, one after the other; the last group with candidates takes what is left. */
static void share_out(struct choice *c, const totals total)
{
    double left = 1.0;
    uint32_t last = 0;
    for (uint32_t g = 0; g < c->n_groups; g++) {
        struct choice_group *group = &c->groups[g];
        double takes = OVERPROVISIONING * group->n / total[g];
        left -= takes < left ? takes : left;
        group->load_end = (uint32_t)((1.0 - left) * UINT32_MAX);
        if (group->n)
            last = g;
    }
    for (uint32_t g = last; g < c->n_groups; g++)
        c->groups[g].load_end = UINT32_MAX;
}

int choice_make(const struct discover_endpoint *endpoints, size_t n, struct peer *const *peers, size_t n_peers,
                size_t n_critical, uint32_t lanes, int64_t now_ms, struct choice *ret_choice, int64_t *ret_due_ms)
{
    struct choice c = {0};
    int err = allocate(n, n_peers, &c);
    peers_gather(peers, n_peers, lanes, now_ms);
    if (!err)
        err = find_median(peers, n, &c.median_us);
    if (err < 0) {
        choice_fini(&c);
        return err;
    }
    for (size_t i = 0; i < n_peers; i++)
        add_peer(&c, peers[i]);
    totals total = {0};
    c.n_ejected = (uint32_t)peers_review(peers, n, now_ms, ret_due_ms);
    c.panic = 2 * (n - c.n_ejected) < n + n_critical || n == c.n_ejected;
    fill_groups(&c, endpoints, n, peers, total);
    share_out(&c, total);
    *ret_choice = c;
    return 0;
}

static bool was_tried(const struct candidate *it, const uint64_t *tried, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tried[i] == it->endpoint.id)
            return true;
    return false;
}

static const struct candidate *pick_probe(const struct choice *c, const uint64_t *tried, size_t n_tried)
{
    for (uint32_t i = 0; i < c->n_probes; i++)
        if (!was_tried(&c->probes[i], tried, n_tried) && peer_take_probe(c->probes[i].peer))
            return &c->probes[i];
    return NULL;
}

/* Whose pick it is, and when. */
struct chooser {
    uint32_t lane;
    int64_t now_ms;
};

static struct peer_cost cost_of(const struct choice *c, const struct candidate *it, struct chooser by)
{
    return peer_cost(it->peer, by.lane, it->endpoint.weight, c->median_us, by.now_ms);
}

static const struct candidate *better(const struct choice *c, const struct candidate *a, const struct candidate *b,
                                      struct chooser by)
{
    return peer_cheaper(cost_of(c, b, by), cost_of(c, a, by)) ? b : a;
}

static const struct choice_group *draw_group(const struct choice *c, uint32_t random)
{
    const struct choice_group *group = c->groups;
    while (random > group->load_end || group->n == 0)
        group++;
    return group;
}

/* Two different ones; a number below n out of 32 random bits is their product's upper half. */
static const struct candidate *draw(const struct choice *c, uint64_t random, struct chooser by)
{
    const struct choice_group *group = draw_group(c, (uint32_t)(mix(random) >> 32));
    const struct candidate *first = &c->candidates[group->first];
    if (group->n == 1)
        return first;
    uint32_t i = (uint32_t)((random >> 32) * group->n >> 32);
    uint32_t j = (uint32_t)((random & UINT32_MAX) * (group->n - 1) >> 32);
    return better(c, &first[i], &first[j + (j >= i)], by);
}

/* Where chance found only what was tried: the best of the first group that has any other. */
static const struct candidate *search(const struct choice *c, const uint64_t *tried, size_t n_tried, struct chooser by)
{
    const struct candidate *best = NULL;
    for (uint32_t g = 0; g < c->n_groups && !best; g++)
        for (uint32_t i = 0; i < c->groups[g].n; i++) {
            const struct candidate *it = &c->candidates[c->groups[g].first + i];
            if (!was_tried(it, tried, n_tried))
                best = best ? better(c, best, it, by) : it;
        }
    return best;
}

const struct candidate *choice_pick(const struct choice *c, uint64_t random, const uint64_t *tried, size_t n_tried,
                                    uint32_t lane, int64_t now_ms)
{
    struct chooser by = {lane, now_ms};
    const struct candidate *it = c->n_probes ? pick_probe(c, tried, n_tried) : NULL;
    if (it || c->n_candidates == 0)
        return it;
    it = draw(c, random, by);
    for (int i = 1; i < DRAWS_MAX && was_tried(it, tried, n_tried); i++) {
        random = mix(random + (uint64_t)i);
        it = draw(c, random, by);
    }
    return was_tried(it, tried, n_tried) ? search(c, tried, n_tried, by) : it;
}

/*
 * -ln of a number in (0, 1), out of 64 random bits. By its exponent and a series that is right to six digits: the
 * same on every machine, which a mathematics library does not promise.
 */
static double minus_ln(uint64_t random)
{
    double x = ((double)(random >> 11) + 0.5) * 0x1p-53;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    memcpy(&x, &bits, sizeof x);
    double t = (x - 1.0) / (x + 1.0), t2 = t * t;
    double ln = 2.0 * t * (1.0 + t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 * (1.0 / 7 + t2 * (1.0 / 9 + t2 / 11)))));
    return -(ln + exponent * 0.6931471805599453);
}

const struct candidate *choice_pick_key(const struct choice *c, uint64_t key_hash, const uint64_t *tried,
                                        size_t n_tried)
{
    const struct candidate *best = NULL;
    double least = 0;
    for (uint32_t i = 0; i < c->n_candidates; i++) {
        const struct candidate *it = &c->candidates[i];
        if (best && it->endpoint.priority != best->endpoint.priority)
            break;
        if (was_tried(it, tried, n_tried))
            continue;
        double score = minus_ln(mix(key_hash ^ mix(it->endpoint.id))) / it->endpoint.weight;
        if (!best || score < least) {
            best = it;
            least = score;
        }
    }
    return best;
}
