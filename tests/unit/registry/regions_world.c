/* SPDX-License-Identifier: Apache-2.0 */
/* Events in a heap, and what each of them is about. */
#include "tests/unit/registry/regions_world.h"

#include "tests/unit/registry/regions_world_impl.h"

#define EVENTS_MAX 8192
struct world world;

static struct event pool[EVENTS_MAX];
static uint16_t heap[EVENTS_MAX], unused[EVENTS_MAX];
static size_t n_events, n_unused;
static uint64_t order, turn;
static int64_t paused_ns;
static struct world_hooks hooks;

/* ---- random ---- */

uint32_t world_random(void)
{
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return (uint32_t)(world.random >> 32);
}

int64_t world_random_ns(int64_t below_ns)
{
    return (int64_t)((uint64_t)world_random() * (uint64_t)NS_PER_US % (uint64_t)(below_ns > 0 ? below_ns : 1));
}

bool world_chance(unsigned per_mille)
{
    return world_random() % 1000 < per_mille;
}

/* ---- events ---- */

static bool earlier(size_t a, size_t b)
{
    const struct event *x = &pool[heap[a]], *y = &pool[heap[b]];
    return x->at_ns != y->at_ns ? x->at_ns < y->at_ns : x->order < y->order;
}

static void swap(size_t a, size_t b)
{
    uint16_t x = heap[a];
    heap[a] = heap[b];
    heap[b] = x;
}

void world_push(const struct event *e)
{
    must(n_events < EVENTS_MAX, "too many events");
    uint16_t at = unused[--n_unused];
    pool[at] = *e;
    pool[at].order = ++order;
    heap[n_events] = at;
    for (size_t i = n_events++; i > 0 && earlier(i, (i - 1) / 2); i = (i - 1) / 2)
        swap(i, (i - 1) / 2);
}

static void pop(struct event *ret_event)
{
    *ret_event = pool[heap[0]];
    unused[n_unused++] = heap[0];
    heap[0] = heap[--n_events];
    for (size_t i = 0, child; (child = 2 * i + 1) < n_events; i = child) {
        if (child + 1 < n_events && earlier(child + 1, child))
            child++;
        if (!earlier(child, i))
            break;
        swap(child, i);
    }
}

void world_turn_at(int64_t at_ns)
{
    struct event e = {.at_ns = at_ns > world.now_ns ? at_ns : world.now_ns, .kind = EVENT_TURN, .turn = ++turn};
    if (at_ns != INT64_MAX)
        world_push(&e);
}

void world_fault_at(int64_t at_ns)
{
    world_push(&(struct event){.at_ns = at_ns, .kind = EVENT_FAULT});
}

void world_pause(int64_t until_ns)
{
    paused_ns = until_ns;
}

/* ---- running ---- */

static void second(void)
{
    world_push(&(struct event){.at_ns = world.now_ns + NS_PER_S, .kind = EVENT_SECOND});
    hooks.second();
}

static bool is_over(const struct event *e)
{
    switch (e->kind) {
    case EVENT_MAIL:
        return world_mail_is_over(e);
    case EVENT_BEAT:
        return e->life != world.regions[e->region].hosts[e->host].life;
    case EVENT_TURN:
        return e->turn != turn;
    case EVENT_SECOND:
    case EVENT_FAULT:
        return false;
    default:
        return world_way_is_over(e);
    }
}

static bool has_to_wait(const struct event *e)
{
    return paused_ns > world.now_ns && (e->kind == EVENT_MAIL || e->kind == EVENT_TURN || e->kind == EVENT_SECOND);
}

static void happen(struct event *e)
{
    if (is_over(e))
        return;
    if (has_to_wait(e)) {
        e->at_ns = paused_ns;
        e->arrived = true;
        world_push(e);
        return;
    }
    if (e->kind == EVENT_MAIL)
        hooks.mail(e->region, &e->mail);
    else if (e->kind == EVENT_TURN)
        hooks.turn();
    else if (e->kind == EVENT_SECOND)
        second();
    else if (e->kind == EVENT_FAULT)
        hooks.fault();
    else if (e->kind == EVENT_BEAT)
        world_beat(e->region, e->host);
    else
        world_way_event(e);
}

void world_run(int64_t until_ns)
{
    static struct event e;
    while (n_events > 0 && pool[heap[0]].at_ns <= until_ns) {
        pop(&e);
        world.now_ns = e.at_ns;
        happen(&e);
    }
    world.now_ns = until_ns;
}

const char *world_region_name(int region)
{
    static const char *const names[REGIONS] = {"a", "b", "c"};
    return names[region];
}

static void reset_region(int region)
{
    struct world_region *r = &world.regions[region];
    *r = (struct world_region){.up = true, .delay_ns = 2 * NS_PER_MS};
    for (int b = 0; b < BUS_BUCKETS; b++)
        r->streams[b].created = 1 + region;
    for (int h = 0; h < HOSTS; h++) {
        r->hosts[h] = (struct world_host){.wanted = true, .epoch = 100};
        world_start(region, h);
    }
}

void world_reset(uint64_t seed, const struct world_hooks *of_test)
{
    hooks = *of_test;
    n_events = 0;
    n_unused = EVENTS_MAX;
    for (size_t i = 0; i < EVENTS_MAX; i++)
        unused[i] = (uint16_t)i;
    order = turn = 0;
    paused_ns = 0;
    world = (struct world){.now_ns = 1000 * NS_PER_S, .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    for (int i = 0; i < 8; i++)
        (void)world_random();
    world_ways_reset();
    for (int r = 0; r < REGIONS; r++)
        reset_region(r);
    world_push(&(struct event){.at_ns = world.now_ns, .kind = EVENT_SECOND});
}
