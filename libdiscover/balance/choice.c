/* SPDX-License-Identifier: Apache-2.0 */
/* The instances of a service, prepared for picking. */
#include "libdiscover/balance/choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/balance/outliers.h"
#include "libdiscover/balance/random.h"
#include "libdiscover/balance/rendezvous.h"
#include "libdiscover/core/srv_weight.h"

#define OVERPROVISIONING 1.4

/* As long as few have been heard of, the others are taken for no slower than this, so that each is tried. */
#define UNKNOWN_US 1000.0f

#define SLOW_START_FROM 0.1f

static int allocate(const struct choice_source *s, struct choice *c)
{
    uint32_t size = 4;
    while (size < 2 * s->n_backends)
        size *= 2;
    c->candidates = aligned_alloc(CACHE_LINE, (s->n + 1) * sizeof *c->candidates);
    c->owners = calloc(s->n + 1, sizeof *c->owners);
    c->probes = calloc(s->n + 1, sizeof *c->probes);
    c->backends = calloc(s->n_backends + 1, sizeof(struct backend *));
    c->index = calloc(size, sizeof *c->index);
    c->index_mask = size - 1;
    return c->candidates && c->owners && c->probes && c->backends && c->index ? 0 : -ENOMEM;
}

void choice_fini(struct choice *c)
{
    free(c->candidates);
    free(c->owners);
    free(c->probes);
    free(c->backends);
    free(c->index);
    memset(c, 0, sizeof *c);
}

static void add_backend(struct choice *c, struct backend *p)
{
    uint32_t at = (uint32_t)random_mix(p->id) & c->index_mask;
    while (c->index[at])
        at = (at + 1) & c->index_mask;
    c->backends[c->n_backends++] = p;
    c->index[at] = c->n_backends;
}

struct backend *choice_backend(const struct choice *c, uint64_t id)
{
    for (uint32_t at = (uint32_t)random_mix(id) & c->index_mask; c->index[at]; at = (at + 1) & c->index_mask)
        if (c->backends[c->index[at] - 1]->id == id)
            return c->backends[c->index[at] - 1];
    return NULL;
}

static bool same_group(const struct discover_endpoint *a, const struct discover_endpoint *b)
{
    return a->priority == b->priority && a->tier == b->tier;
}

/* Where the groups end. */
struct groups {
    uint32_t ends[CHOICE_GROUPS_MAX];
    double weights[CHOICE_GROUPS_MAX]; /* of all members, whether they serve or not, usable or not */
    uint32_t n;
};

static void add_down(const struct choice_source *s, struct groups *g)
{
    for (size_t i = 0; i < s->n_down; i++)
        for (uint32_t k = 0; k < g->n; k++)
            if (same_group(&s->down[i], &s->endpoints[g->ends[k] - 1]))
                g->weights[k] += s->down[i].weight;
}

static void find_groups(const struct choice_source *s, struct groups *g)
{
    memset(g, 0, sizeof *g);
    for (uint32_t i = 0; i < s->n; i++) {
        bool same = i > 0 && same_group(&s->endpoints[i], &s->endpoints[i - 1]);
        if (!same && g->n < CHOICE_GROUPS_MAX)
            g->n++;
        g->ends[g->n - 1] = i + 1;
        g->weights[g->n - 1] += s->endpoints[i].weight;
    }
    add_down(s, g);
}

static float assumed_us(const struct choice_source *s, float median_us, size_t n_known)
{
    bool few = 2 * n_known <= s->n;
    return n_known == 0 || (few && median_us > UNKNOWN_US) ? UNKNOWN_US : median_us;
}

static bool is_ramping(const struct choice_source *s, const struct backend *p, int64_t now_ms)
{
    return p->since_ms != 0 && now_ms - p->since_ms < s->slow_start_ms;
}

/*
 * Where the slow start begins: so low that the others get no more than twice what they get in the end, since many that
 * start at once must not be waited for by a few.
 */
static float ramp_floor(const struct choice_source *s, int64_t now_ms)
{
    double steady = 0, starting = 0;
    for (size_t i = 0; i < s->n; i++)
        *(is_ramping(s, s->backends[i], now_ms) ? &starting : &steady) += s->endpoints[i].weight;
    double least = starting > 0 ? (0.5 * (steady + starting) - steady) / starting : 0;
    return least > SLOW_START_FROM ? (float)least : SLOW_START_FROM;
}

/* Part of its weight that an instance gets. */
static float ramp(const struct choice_source *s, const struct backend *p, float least, int64_t now_ms)
{
    if (!is_ramping(s, p, now_ms))
        return 1.0f;
    return least + (1.0f - least) * (float)(now_ms - p->since_ms) / (float)s->slow_start_ms;
}

/* What is the same for all owners. */
struct owner_terms {
    float unknown_us, ramp_floor;
    int64_t now_ms;
};

static void add_owner(struct choice *c, const struct choice_source *s, uint32_t i, const struct owner_terms *terms)
{
    struct backend *p = s->backends[i];
    struct owner *o = &c->owners[c->n_owners];
    float latency_us = backend_latency_us(p), part = ramp(s, p, terms->ramp_floor, terms->now_ms);
    o->it = (struct candidate){.endpoint = s->endpoints[i], .backend = p};
    o->it.latency_us = latency_us > 0.0f ? latency_us : terms->unknown_us;
    o->it.weight = part * (float)(o->it.endpoint.weight ? o->it.endpoint.weight : 1);
    o->site = rendezvous_site(&o->it.endpoint);
    o->weight = s->largest_weight ? srv_weight(o->it.endpoint.weight, s->largest_weight) : o->it.endpoint.weight;
    o->weight = o->weight ? o->weight : 1;
    o->serves = p->standing == BACKEND_SERVES;
    if (!o->serves && atomic_load(&p->probe) == PROBE_READY)
        c->probes[c->n_probes++] = c->n_owners;
    c->ramping = c->ramping || part < 1.0f;
    c->n_owners++;
}

/* All that serve; if nobody does, all. */
static void fill_groups(struct choice *c, const struct groups *g, bool all)
{
    c->n_candidates = 0;
    c->n_groups = g->n;
    for (uint32_t k = 0, i = 0; k < g->n; k++) {
        struct choice_group *group = &c->groups[k];
        *group = (struct choice_group){.first = c->n_candidates};
        for (; i < g->ends[k]; i++)
            if (all || c->owners[i].serves)
                c->candidates[c->n_candidates++] = c->owners[i].it;
        group->n = c->n_candidates - group->first;
    }
}

/* What the group can take, as a part of all calls. */
static double capacity(const struct choice *c, const struct groups *g, uint32_t k)
{
    double healthy = 0;
    for (uint32_t i = 0; i < c->groups[k].n; i++)
        healthy += c->candidates[c->groups[k].first + i].endpoint.weight;
    return c->groups[k].n && g->weights[k] > 0 ? OVERPROVISIONING * healthy / g->weights[k] : 0.0;
}

/* Shares of 1, one after the other. If all together cannot take it, each takes more. */
static void share_out(struct choice *c, const struct groups *g)
{
    double sum = 0, given = 0;
    uint32_t last = 0;
    for (uint32_t k = 0; k < c->n_groups; k++)
        sum += capacity(c, g, k);
    for (uint32_t k = 0; k < c->n_groups; k++) {
        given += capacity(c, g, k) / (sum < 1.0 ? sum : 1.0);
        c->groups[k].load_end = given >= 1.0 ? UINT32_MAX : (uint32_t)(given * UINT32_MAX);
        if (c->groups[k].n)
            last = k;
    }
    for (uint32_t k = last; k < c->n_groups; k++)
        c->groups[k].load_end = UINT32_MAX;
}

/* The index is not filled yet: it has room for the stacks. */
static void prepare_draws(struct choice *c)
{
    for (uint32_t k = 0; k < c->n_groups; k++) {
        struct choice_group *group = &c->groups[k];
        if (group->n)
            group->even = alias_build(&c->candidates[group->first], group->n, c->index);
    }
    memset(c->index, 0, (c->index_mask + 1) * sizeof *c->index);
}

int choice_make(const struct choice_source *source, int64_t now_ms, struct choice *ret_choice, int64_t *ret_due_ms)
{
    struct choice c = {0};
    struct groups groups;
    size_t n_known;
    float median_us = backends_gather(source->backends, source->n, now_ms, &n_known);
    if (median_us < 0 || allocate(source, &c) < 0) {
        choice_fini(&c);
        return -ENOMEM;
    }
    find_groups(source, &groups);
    outliers_review(source->backends, source->n, groups.ends, groups.n, now_ms, ret_due_ms);
    c.median_us = assumed_us(source, median_us, n_known);
    const struct owner_terms terms = {c.median_us, ramp_floor(source, now_ms), now_ms};
    for (uint32_t i = 0; i < source->n; i++)
        add_owner(&c, source, i, &terms);
    fill_groups(&c, &groups, false);
    if (c.n_candidates == 0)
        fill_groups(&c, &groups, true);
    share_out(&c, &groups);
    prepare_draws(&c);
    for (size_t i = 0; i < source->n_backends; i++)
        add_backend(&c, source->backends[i]);
    *ret_choice = c;
    return 0;
}
