/* SPDX-License-Identifier: Apache-2.0 */
/* Picking and reporting (discover.h). Any thread. */
#include <errno.h>

#include "libdiscover/balance/draw.h"
#include "libdiscover/balance/picker.h"
#include "libdiscover/balance/random.h"
#include "libdiscover/lookup/verdict.h"

/* After this long without a report or a dispatch that makes the next set, a pick does. */
#define OVERDUE_MS 1000

/* So many instances are drawn one after the other that turn out to have gone since the set was made. */
#define GONE_MAX 8

/* What one pick is about. */
struct pick {
    const uint64_t *key_hash; /* NULL: by load */
    const uint64_t *tried;
    size_t n_tried;
    struct drawer by;
};

/* Each stripe has a sequence of its own, begun at a place of its own. */
static void begin_draw(struct discover_picker *p, uint32_t stripe, struct drawer *by)
{
    struct picker_stripe *own = &p->stripes[stripe];
    uint64_t even = atomic_load_explicit(&own->even, memory_order_relaxed);
    if (even == 0)
        even = random_mix(p->seed + stripe);
    by->even = even + RANDOM_EVEN_STEP;
    by->random = random_mix(by->even ^ p->seed);
    atomic_store_explicit(&own->even, by->even, memory_order_relaxed);
}

/* Threads that share a stripe may lose some, which the retry budget can do without; an atomic addition costs 6 ns. */
static void count_pick(struct picker_stripe *stripe)
{
    uint32_t picks = atomic_load_explicit(&stripe->picks, memory_order_relaxed);
    atomic_store_explicit(&stripe->picks, picks + 1, memory_order_relaxed);
}

static uint32_t lane_of(const struct discover_picker *p, uint32_t stripe)
{
    return stripe & atomic_load_explicit(&p->lane_mask, memory_order_relaxed);
}

static const struct candidate *draw_by(const struct choice *c, const struct pick *pick)
{
    if (pick->key_hash)
        return draw_owner(c, *pick->key_hash);
    return pick->n_tried ? draw_again(c, &pick->by, pick->tried, pick->n_tried) : draw(c, &pick->by);
}

/* The endpoint as it is now. */
static bool is_still_there(const struct discover_picker *p, const struct pick_set *set, const struct candidate *it,
                           struct discover_endpoint *ret_endpoint)
{
    const struct discover_query *q = &p->query;
    return table_select_again(&set->mapping->table, q->service, set->key_bytes, &q->filter, &it->endpoint,
                              ret_endpoint) == 0;
}

/* A probe that was taken for a call that does not come is free again. */
static void give_back(const struct candidate *it)
{
    uint32_t taken = PROBE_TAKEN;
    (void)atomic_compare_exchange_strong(&it->backend->probe, &taken, PROBE_READY);
}

/* 0: done. -ESRCH: nobody of the set is left. */
static int take_from(struct discover_picker *p, struct pick_set *set, struct pick *pick,
                     struct discover_endpoint *ret_endpoint)
{
    bool same = picker_is_present(p, set);
    for (int i = 0; i < GONE_MAX; i++) {
        const struct candidate *it = draw_by(&set->choice, pick);
        if (!it)
            return same ? DISCOVER_E_NONE : -ESRCH;
        if (same)
            *ret_endpoint = it->endpoint;
        if (same || is_still_there(p, set, it, ret_endpoint)) {
            backend_took(it->backend, pick->by.lane);
            return 0;
        }
        give_back(it);
        pick->by.even += RANDOM_EVEN_STEP;
        pick->by.random = random_mix(pick->by.even);
    }
    return -ESRCH;
}

static bool is_overdue(struct discover_picker *p, const struct pick_set *set, int64_t now_ms)
{
    return now_ms - set->due_ms >= OVERDUE_MS || (now_ms - set->made_ms >= OVERDUE_MS && !picker_is_present(p, set)) ||
           (now_ms - set->made_ms >= OVERDUE_MS && atomic_load_explicit(&p->dirty, memory_order_relaxed));
}

/* The set that is there, entered, renewed if need be. NULL and the result in *ret_error: there is none. */
static struct pick_set *enter_renewed(struct discover_picker *p, uint32_t stripe, int64_t now_ms, int *ret_error)
{
    pthread_mutex_lock(&p->lock);
    *ret_error = picker_renew(p, stripe, now_ms);
    struct pick_set *set = picker_enter(p, stripe); /* while nobody else can take it away */
    pthread_mutex_unlock(&p->lock);
    return set;
}

static void renew_overdue(struct discover_picker *p, uint32_t stripe, int64_t now_ms)
{
    if (pthread_mutex_trylock(&p->lock) != 0)
        return; /* somebody is at it */
    (void)picker_renew(p, stripe, now_ms);
    pthread_mutex_unlock(&p->lock);
}

/* Nobody could be taken from the set that was there: what is there now decides. */
static int pick_anew(struct discover_picker *p, uint32_t stripe, int64_t now_ms, struct pick *pick,
                     struct discover_endpoint *ret_endpoint)
{
    int err;
    struct pick_set *set = enter_renewed(p, stripe, now_ms, &err);
    if (err == DISCOVER_E_UNKNOWN)
        err = query_judge_missing(p->d, &p->query);
    if (!set)
        return err < 0 ? err : DISCOVER_E_BUSY;
    if (err == 0)
        err = take_from(p, set, pick, ret_endpoint);
    if (err == DISCOVER_E_NONE && set->choice.n_owners == 0)
        err = verdict_found(set->mapping, 0);
    picker_leave(set, stripe);
    return err == -ESRCH ? DISCOVER_E_BUSY : err;
}

static int run(struct discover_picker *p, struct pick *pick, struct discover_endpoint *ret_endpoint)
{
    int64_t now_ms = verdict_clock_ns() / NS_PER_MS;
    uint32_t stripe = readers_stripe();
    begin_draw(p, stripe, &pick->by);
    if (pick->n_tried == 0)
        count_pick(&p->stripes[stripe]);
    pick->by.lane = lane_of(p, stripe);
    struct pick_set *set = picker_enter(p, stripe);
    if (set && is_overdue(p, set, now_ms)) {
        picker_leave(set, stripe);
        renew_overdue(p, stripe, now_ms);
        set = picker_enter(p, stripe);
    }
    if (!set)
        return pick_anew(p, stripe, now_ms, pick, ret_endpoint);
    int err = set->choice.n_owners ? take_from(p, set, pick, ret_endpoint) : -ESRCH;
    picker_leave(set, stripe);
    return err == -ESRCH ? pick_anew(p, stripe, now_ms, pick, ret_endpoint) : err;
}

int discover_pick(struct discover_picker *p, struct discover_endpoint *ret_endpoint)
{
    struct pick pick = {.n_tried = 0};
    return p && ret_endpoint ? run(p, &pick, ret_endpoint) : -EINVAL;
}

int discover_pick_key(struct discover_picker *p, const void *key, size_t n, struct discover_endpoint *ret_endpoint)
{
    if (!p || !key || !ret_endpoint)
        return -EINVAL;
    uint64_t hash = table_hash(key, n);
    struct pick pick = {.key_hash = &hash};
    return run(p, &pick, ret_endpoint);
}

int discover_pick_retry(struct discover_picker *p, const uint64_t *tried, size_t n_tried,
                        struct discover_endpoint *ret_endpoint)
{
    if (!p || (n_tried && !tried) || !ret_endpoint)
        return -EINVAL;
    if (!retry_budget_spend(&p->budget))
        return DISCOVER_E_BUDGET;
    struct pick pick = {.tried = tried, .n_tried = n_tried};
    int result = run(p, &pick, ret_endpoint);
    if (result < 0)
        retry_budget_give_back(&p->budget);
    return result;
}

/* Whether so many calls failed in a row, of whomever, that a review should look whether a whole group does. */
static bool count_streak(struct discover_picker *p, enum discover_outcome outcome)
{
    if (outcome == DISCOVER_CANCELLED)
        return false;
    if (outcome == DISCOVER_OK) {
        if (atomic_load_explicit(&p->streak, memory_order_relaxed) != 0)
            atomic_store_explicit(&p->streak, 0, memory_order_relaxed);
        return false;
    }
    uint32_t n = atomic_fetch_add_explicit(&p->streak, 1, memory_order_relaxed) + 1;
    return n == 3 || n == 5 || n % 16 == 0;
}

void discover_report(struct discover_picker *p, uint64_t id, uint32_t latency_us, enum discover_outcome outcome)
{
    if (!p)
        return;
    int64_t now_ms = verdict_clock_ns() / NS_PER_MS;
    uint32_t stripe = readers_stripe();
    struct pick_set *set = picker_enter(p, stripe);
    if (!set)
        return;
    struct backend *it = choice_backend(&set->choice, id);
    bool turn = it && backend_report(it, lane_of(p, stripe), latency_us, outcome, set->choice.median_us, now_ms);
    if (it && count_streak(p, outcome))
        turn = true;
    picker_leave(set, stripe);
    if (turn)
        atomic_store_explicit(&p->dirty, true, memory_order_relaxed);
    picker_maintain(p, stripe, now_ms);
}
