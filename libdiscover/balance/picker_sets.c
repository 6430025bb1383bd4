/* SPDX-License-Identifier: Apache-2.0 */
/* The prepared sets of a picker. */
#include "libdiscover/balance/picker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/balance/outliers.h"
#include "libdiscover/balance/subset.h"
#include "libdiscover/lookup/verdict.h"

/* Latencies, ejections that end and the retry budget are looked at this often, as long as anybody picks. */
#define REVIEW_MS 1000

/* And this often where threads pass calls to each other, or an instance starts slowly. */
#define REVIEW_SOON_MS 250

/* Sets are made no more often than this, but for some urgent ones. */
#define PAUSE_MS   20
#define URGENT_MAX 16

static void release(struct pick_set *set)
{
    for (uint32_t i = 0; i < set->choice.n_backends; i++)
        set->choice.backends[i]->sets--;
    choice_fini(&set->choice);
    mapping_unpin(set->mapping);
}

void picker_reclaim(struct discover_picker *p)
{
    struct pick_set *set = p->retired, *next;
    p->retired = NULL;
    for (; set; set = next) {
        next = set->next;
        bool read = readers_any(&set->readers);
        struct pick_set **list = read ? &p->retired : &p->spare;
        if (!read)
            release(set);
        set->next = *list;
        *list = set;
    }
}

/* Makes set (NULL: none) the present one. */
static void publish(struct discover_picker *p, struct pick_set *set)
{
    struct pick_set *old = atomic_exchange(&p->current, set);
    if (old) {
        old->next = p->retired;
        p->retired = old;
    }
    picker_reclaim(p);
}

void picker_drop_sets(struct discover_picker *p)
{
    publish(p, NULL);
    while (p->spare) {
        struct pick_set *next = p->spare->next;
        free(p->spare);
        p->spare = next;
    }
}

static struct pick_set *get_spare(struct discover_picker *p)
{
    struct pick_set *set = p->spare;
    if (!set)
        return cache_line_alloc(sizeof *set);
    p->spare = set->next;
    return set;
}

struct pick_set *picker_enter(struct discover_picker *p, uint32_t stripe)
{
    struct pick_set *set;
    while ((set = atomic_load(&p->current))) {
        readers_enter(&set->readers, stripe);
        if (atomic_load(&p->current) == set)
            break;
        readers_leave(&set->readers, stripe);
    }
    return set;
}

/* Wakes dispatch, which sends ejections to others that they do not have yet. */
static void announce(struct discover_picker *p, const struct choice *c)
{
    bool any = false;
    for (uint32_t i = 0; p->shared && i < c->n_backends; i++)
        any = any || outlier_is_unreported(c->backends[i]);
    if (any)
        poll_set_wake(&p->d->set);
}

static bool has_conditions(const struct table_filter *f)
{
    return f->n_tags || f->place[0] || f->by_protocol || f->states;
}

/* What of the view passes the query, in its order; the usable ones come first. */
static void filter(struct discover_picker *p, struct choice_source *s)
{
    size_t n = 0;
    s->n = 0;
    for (uint32_t i = 0; i < p->view.n_total; i++) {
        bool usable = i < p->view.n_first;
        if (usable && !table_view_passes(&p->view, i, &p->query.filter))
            continue;
        p->filtered[n++] = *table_view_endpoint(&p->view, i);
        s->n += usable;
    }
    s->endpoints = p->filtered;
    s->down = p->filtered + s->n;
    s->n_down = n - s->n;
}

/* Of each group of the usable ones, those that are this client's. */
static int choose_subset(struct discover_picker *p, struct choice_source *s)
{
    uint32_t *chosen = malloc((s->n + 1) * sizeof *chosen);
    size_t kept = 0, end;
    int err = chosen ? 0 : -ENOMEM;
    for (size_t first = 0; first < s->n && !err; first = end) {
        const struct discover_endpoint *group = &p->filtered[first];
        for (end = first + 1; end < s->n; end++)
            if (p->filtered[end].priority != group->priority || p->filtered[end].tier != group->tier)
                break;
        size_t n = end - first, size = n < p->subset_size ? n : p->subset_size;
        err = size < n ? subset_choose(group, n, size, p->subset_client, chosen) : 0;
        for (size_t i = 0; i < size && !err; i++)
            p->filtered[kept++] = group[size < n ? chosen[i] : i];
    }
    s->n = kept;
    free(chosen);
    return err;
}

static uint32_t largest_weight(const struct table_view *v)
{
    uint32_t largest = 1;
    for (uint32_t i = 0; i < v->n_total; i++) {
        uint32_t weight = table_view_endpoint(v, i)->weight;
        largest = weight > largest ? weight : largest;
    }
    return largest < UINT16_MAX ? largest : UINT16_MAX;
}

static int make_room(struct discover_picker *p)
{
    if (p->view.n_total <= p->n_filtered_max)
        return 0;
    struct discover_endpoint *filtered = realloc(p->filtered, p->view.n_total * sizeof *filtered);
    if (!filtered)
        return -ENOMEM;
    p->filtered = filtered;
    p->n_filtered_max = p->view.n_total;
    return 0;
}

/* What there is to pick from, by the view. */
static int gather_source(struct discover_picker *p, const struct table *t, struct choice_source *s)
{
    const struct table_view *v = &p->view;
    bool plain = !has_conditions(&p->query.filter) && !p->subset_size;
    s->slow_start_ms = p->slow_start_ms;
    s->largest_weight = table_has_daemon(t) ? largest_weight(v) : 0;
    if (plain && v->n_total > 0) {
        s->endpoints = table_view_endpoint(v, 0);
        s->n = v->n_first;
        s->down = s->endpoints + v->n_first;
        s->n_down = v->n_total - v->n_first;
        return 0;
    }
    int err = make_room(p);
    if (err < 0 || v->n_total == 0)
        return err;
    filter(p, s);
    return p->subset_size ? choose_subset(p, s) : 0;
}

/* Threads that pick for each other share a lane from now on. */
static void watch_lanes(struct discover_picker *p, const struct choice_source *s)
{
    if (atomic_load(&p->lane_mask) != 0 && !backends_cross_lanes(s->backends, s->n_backends))
        return;
    atomic_store(&p->lane_mask, 0);
    backends_fold_lanes(s->backends, s->n_backends);
}

static int prepare(struct discover_picker *p, const struct table *t, int64_t now_ms, struct choice *ret_choice,
                   int64_t *ret_due_ms)
{
    struct choice_source source = {0};
    const struct discover_endpoint *all = p->view.n_total ? table_view_endpoint(&p->view, 0) : NULL;
    int err = roster_meet(&p->roster, all, p->view.n_total, now_ms);
    if (!err)
        err = gather_source(p, t, &source);
    struct backend **backends = err ? NULL : malloc((p->roster.n + 1) * sizeof(struct backend *));
    if (!backends)
        return -ENOMEM;
    roster_line_up(&p->roster, source.endpoints, source.n, now_ms, backends);
    source.backends = backends;
    source.n_backends = p->roster.n;
    watch_lanes(p, &source);
    err = choice_make(&source, now_ms, ret_choice, ret_due_ms);
    free(backends);
    return err;
}

static int64_t review_ms(const struct discover_picker *p, const struct choice *c)
{
    return c->ramping || atomic_load(&p->lane_mask) == 0 ? REVIEW_SOON_MS : REVIEW_MS;
}

/* slot: UINT32_MAX if the service is not in the table. */
static int make_set(struct discover_picker *p, struct mapping *mapping, uint32_t slot, int64_t now_ms)
{
    struct choice choice;
    int64_t due_ms;
    struct pick_set *set = get_spare(p);
    int err = set ? prepare(p, &mapping->table, now_ms, &choice, &due_ms) : -ENOMEM;
    if (err < 0) {
        if (set) {
            set->next = p->spare;
            p->spare = set;
        }
        return err;
    }
    for (uint32_t i = 0; i < choice.n_backends; i++)
        choice.backends[i]->sets++;
    mapping_pin(mapping);
    set->choice = choice;
    set->mapping = mapping;
    set->slot = slot;
    set->seq = p->view.seq;
    set->key_bytes = p->view.key_bytes;
    set->made_ms = now_ms;
    int64_t again_ms = now_ms + review_ms(p, &choice);
    set->due_ms = due_ms < again_ms ? due_ms : again_ms;
    announce(p, &set->choice);
    publish(p, set);
    return 0;
}

static int read_service(struct discover_picker *p, const struct table *t, uint32_t *ret_slot)
{
    const struct discover_query *q = &p->query;
    size_t length = verdict_key_length(t, q->service);
    int err = table_find(t, q->service, length, ret_slot);
    if (!err)
        err = table_view_read(t, *ret_slot, &p->view);
    if (err < 0)
        return err;
    bool same = p->view.kind == TABLE_SERVICE && p->view.key_bytes == length &&
                memcmp(table_view_key(&p->view), q->service, length) == 0;
    return same ? 0 : -EBUSY; /* the slot has become another key's in this moment */
}

/* What was learnt stays, and calls in flight are waited for, even where there is nobody. */
static int make_empty(struct discover_picker *p, struct mapping *mapping, int64_t now_ms)
{
    p->view.n_first = p->view.n_total = 0;
    if (p->roster.n > 0)
        return make_set(p, mapping, UINT32_MAX, now_ms);
    publish(p, NULL);
    return 0;
}

static int rebuild_from(struct discover_picker *p, struct mapping *mapping, int64_t now_ms)
{
    uint32_t slot;
    int err = read_service(p, &mapping->table, &slot);
    if (!err)
        return make_set(p, mapping, slot, now_ms);
    if (err == -EBUSY)
        return DISCOVER_E_BUSY;
    if (err != -ENOENT && err != -EBADMSG)
        return err;
    int made = make_empty(p, mapping, now_ms);
    if (made < 0)
        return made;
    return err == -EBADMSG ? DISCOVER_E_PROTOCOL : verdict_of(mapping, p->query.service, false, 0);
}

static uint32_t take_picks(struct discover_picker *p)
{
    uint32_t picks = 0;
    for (uint32_t i = 0; i < READER_STRIPES; i++)
        picks += atomic_exchange_explicit(&p->stripes[i].picks, 0, memory_order_relaxed);
    return picks;
}

static int rebuild(struct discover_picker *p, int64_t now_ms)
{
    struct mapping *mapping = context_enter(p->d, p->query.key);
    if (!mapping)
        return verdict_missing(NULL, p->query.service);
    atomic_store(&p->dirty, false);
    retry_budget_fill(&p->budget, take_picks(p), now_ms);
    int err = rebuild_from(p, mapping, now_ms);
    mapping_leave(mapping);
    return err;
}

static bool is_right(struct discover_picker *p, const struct pick_set *set, int64_t now_ms)
{
    return picker_is_present(p, set) && now_ms < set->due_ms && !atomic_load_explicit(&p->dirty, memory_order_relaxed);
}

int picker_renew(struct discover_picker *p, uint32_t stripe, int64_t now_ms)
{
    struct pick_set *set = picker_enter(p, stripe);
    bool right = set && is_right(p, set, now_ms);
    if (set)
        picker_leave(set, stripe);
    return right ? 0 : rebuild(p, now_ms);
}

/* Whether a set may be made so soon after the last one. Under the lock. */
static bool may_hurry(struct discover_picker *p, int64_t made_ms, int64_t now_ms)
{
    if (now_ms - p->urgent_ms >= REVIEW_MS) {
        p->urgent_ms = now_ms;
        p->urgent_left = URGENT_MAX;
    }
    if (now_ms - made_ms >= PAUSE_MS)
        return true;
    if (!atomic_load(&p->dirty) || p->urgent_left == 0)
        return false;
    p->urgent_left--;
    return true;
}

void picker_maintain(struct discover_picker *p, uint32_t stripe, int64_t now_ms)
{
    struct pick_set *set = picker_enter(p, stripe);
    if (!set)
        return;
    bool right = is_right(p, set, now_ms);
    int64_t made_ms = set->made_ms;
    picker_leave(set, stripe);
    if (right || pthread_mutex_trylock(&p->lock) != 0)
        return;
    if (may_hurry(p, made_ms, now_ms))
        (void)picker_renew(p, stripe, now_ms);
    pthread_mutex_unlock(&p->lock);
}
