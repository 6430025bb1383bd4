/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pickers (discover.h). A pick reads a prepared set, which is shared and never changes, and the peers' own counters.
 *
 * The set holds on to the table it was made from, so that one look at the service's sequence tells whether it is still
 * right. The thread that finds it is not makes the next one, under the lock; the others go on with the old one meanwhile,
 * and none waits but when there is no set at all. Sets are let go as mappings are (readers.h).
 */
#include "libdiscover/balance/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/balance/choice.h"
#include "libdiscover/lookup/verdict.h"

/* The median, the ejections that end and the retry budget are looked at this often, as long as anybody picks. */
#define REVIEW_MS 1000

/* And this often where threads have something to tell each other. */
#define REVIEW_LANES_MS 250

/* What was learnt of an instance is kept this long after it has left the catalog: it may come back. */
#define KEEP_MS 60000

/* Retries, in thousandths: 10 a second and 20 % of the picks, saved up for 10 s. */
#define RETRY           1000
#define RETRY_PER_MS    10
#define RETRY_PER_PICK  200
#define RETRY_SAVED_MAX (100 * RETRY)

struct pick_set {
    struct readers readers;
    struct choice choice;
    struct mapping *mapping; /* pinned */
    uint32_t slot;
    uint64_t seq;
    int64_t due_ms;
    struct pick_set *next;
};

struct discover_picker {
    struct discover *d;
    struct discover_picker *next; /* the handle's thread */
    _Atomic(struct pick_set *) current;
    _Atomic bool dirty;     /* a report asks for a review */
    _Atomic uint32_t lanes; /* of the peers (peer.h): a bit for each that threads use */
    _Atomic int64_t budget;

    pthread_mutex_t lock; /* for all below */
    struct pick_set *retired, *spare;
    struct peer **peers; /* by id */
    size_t n_peers, cap_peers;
    uint64_t round;
    int64_t reviewed_ms;
    bool shared; /* others are to be told of ejections */
    struct table_view view;
    size_t service_length;
    char service[TABLE_KEY_MAX + 1];
};

static void release(struct pick_set *set)
{
    for (uint32_t i = 0; i < set->choice.n_peers; i++)
        set->choice.peers[i]->sets--;
    choice_fini(&set->choice);
    mapping_unpin(set->mapping);
}

static void reclaim(struct discover_picker *p)
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
    reclaim(p);
}

static struct pick_set *get_spare(struct discover_picker *p)
{
    struct pick_set *set = p->spare;
    if (set) {
        p->spare = set->next;
        return set;
    }
    set = aligned_alloc(CACHE_LINE, sizeof *set);
    if (set)
        memset(set, 0, sizeof *set);
    return set;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = (*(struct peer *const *)a)->id, y = (*(struct peer *const *)b)->id;
    return (x > y) - (x < y);
}

/* Among the first n, which are sorted. */
static struct peer *find_peer(const struct discover_picker *p, size_t n, uint64_t id)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = (low + n) / 2;
        if (p->peers[middle]->id < id)
            low = middle + 1;
        else
            n = middle;
    }
    return low < p->n_peers && p->peers[low]->id == id ? p->peers[low] : NULL;
}

static int reserve(struct discover_picker *p, size_t n)
{
    if (n <= p->cap_peers)
        return 0;
    struct peer **peers = realloc(p->peers, n * sizeof(struct peer *));
    if (!peers)
        return -ENOMEM;
    p->peers = peers;
    p->cap_peers = n;
    return 0;
}

static void forget_gone(struct discover_picker *p, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n_peers; i++) {
        struct peer *it = p->peers[i];
        if (it->sets == 0 && now_ms - it->seen_ms > KEEP_MS)
            free(it);
        else
            p->peers[kept++] = it;
    }
    p->n_peers = kept;
}

/* A peer for every instance in the view, usable or not. */
static int meet(struct discover_picker *p, int64_t now_ms)
{
    size_t n_known = p->n_peers;
    int err = reserve(p, n_known + p->view.n_total);
    for (uint32_t i = 0; i < p->view.n_total && !err; i++) {
        uint64_t id = table_view_endpoint(&p->view, i)->id;
        struct peer *it = find_peer(p, n_known, id);
        if (!it && (it = aligned_alloc(CACHE_LINE, sizeof *it))) {
            memset(it, 0, sizeof *it);
            it->id = id;
            p->peers[p->n_peers++] = it;
        }
        if (it)
            it->seen_ms = now_ms;
        else
            err = -ENOMEM;
    }
    if (p->n_peers > n_known)
        qsort(p->peers, p->n_peers, sizeof(struct peer *), by_id);
    forget_gone(p, now_ms);
    return err;
}

/* The peers of the usable instances in their order, then all others. */
static size_t line_up(struct discover_picker *p, struct peer **ret_peers)
{
    size_t n = 0;
    p->round++;
    for (; n < p->view.n_first; n++) {
        ret_peers[n] = find_peer(p, p->n_peers, table_view_endpoint(&p->view, (uint32_t)n)->id);
        ret_peers[n]->round = p->round;
    }
    for (size_t i = 0; i < p->n_peers; i++)
        if (p->peers[i]->round != p->round)
            ret_peers[n++] = p->peers[i];
    return n;
}

static size_t count_critical(const struct table_view *v)
{
    size_t n = 0;
    for (uint32_t i = v->n_first; i < v->n_total; i++)
        n += table_view_endpoint(v, i)->state == DISCOVER_CRITICAL;
    return n;
}

static int prepare(struct discover_picker *p, int64_t now_ms, struct choice *ret_choice, int64_t *ret_due_ms)
{
    int err = meet(p, now_ms);
    if (err < 0)
        return err;
    struct peer **peers = malloc((p->view.n_first + p->n_peers) * sizeof(struct peer *));
    if (!peers)
        return -ENOMEM;
    size_t n_peers = line_up(p, peers);
    err = choice_make(table_view_endpoint(&p->view, 0), p->view.n_first, peers, n_peers, count_critical(&p->view),
                      atomic_load_explicit(&p->lanes, memory_order_relaxed), now_ms, ret_choice, ret_due_ms);
    free(peers);
    return err;
}

/* Telling them is dispatch's: nothing is sent from here. */
static void announce(struct discover_picker *p, const struct choice *c)
{
    bool any = false;
    for (uint32_t i = 0; p->shared && i < c->n_peers; i++)
        any = any || peer_untold(c->peers[i]);
    if (any)
        context_wake(p->d);
}

static int64_t review_after_ms(struct discover_picker *p)
{
    uint32_t lanes = atomic_load_explicit(&p->lanes, memory_order_relaxed);
    return lanes & (lanes - 1) ? REVIEW_LANES_MS : REVIEW_MS;
}

static int make_set(struct discover_picker *p, struct mapping *mapping, uint32_t slot, int64_t now_ms)
{
    struct choice choice;
    int64_t due_ms;
    struct pick_set *set = get_spare(p);
    int err = set ? prepare(p, now_ms, &choice, &due_ms) : -ENOMEM;
    if (err < 0) {
        if (set) {
            set->next = p->spare;
            p->spare = set;
        }
        return err;
    }
    for (uint32_t i = 0; i < choice.n_peers; i++)
        choice.peers[i]->sets++;
    mapping_pin(mapping);
    set->choice = choice;
    set->mapping = mapping;
    set->slot = slot;
    set->seq = p->view.seq;
    int64_t review_ms = now_ms + review_after_ms(p);
    set->due_ms = due_ms < review_ms ? due_ms : review_ms;
    announce(p, &set->choice);
    publish(p, set);
    return 0;
}

static int read_service(struct discover_picker *p, const struct table *t, uint32_t *ret_slot)
{
    int err = table_find(t, p->service, p->service_length, ret_slot);
    if (!err)
        err = table_view_read(t, *ret_slot, &p->view);
    if (err < 0)
        return err;
    bool same = p->view.kind == TABLE_SERVICE && p->view.key_bytes == p->service_length &&
                memcmp(table_view_key(&p->view), p->service, p->service_length) == 0;
    return same ? 0 : -EBUSY; /* the slot has become another key's in this moment */
}

/* Where there is nobody to pick there is no set; what was learnt stays. */
static int rebuild_from(struct discover_picker *p, struct mapping *mapping, int64_t now_ms)
{
    uint32_t slot;
    int err = read_service(p, &mapping->table, &slot);
    if (!err && p->view.n_first > 0)
        return make_set(p, mapping, slot, now_ms);
    if (err == -EBUSY)
        return DISCOVER_E_BUSY;
    if (err < 0 && err != -ENOENT && err != -EBADMSG)
        return err;
    publish(p, NULL);
    if (err == -EBADMSG)
        return DISCOVER_E_PROTOCOL;
    return err ? verdict_missing(mapping, p->service) : verdict_found(mapping, 0);
}

/* What came in since, from the picks that the set that is going has seen. */
static void fill_budget(struct discover_picker *p, int64_t now_ms)
{
    int64_t picks = 0, past_ms = now_ms - p->reviewed_ms;
    struct pick_set *set = atomic_load(&p->current);
    for (uint32_t i = 0; set && i < READER_STRIPES; i++)
        picks += atomic_exchange_explicit(&set->readers.stripes[i].visits, 0, memory_order_relaxed);
    p->reviewed_ms = now_ms;
    int64_t more = picks * RETRY_PER_PICK + (past_ms < 10000 ? past_ms : 10000) * RETRY_PER_MS;
    int64_t most = RETRY_SAVED_MAX + 10 * RETRY_PER_PICK * picks;
    int64_t had = atomic_load(&p->budget), next;
    do
        next = had + more < most ? had + more : most;
    while (!atomic_compare_exchange_weak(&p->budget, &had, next));
}

static int rebuild(struct discover_picker *p, int64_t now_ms)
{
    struct mapping *mapping = context_enter(p->d, p->service);
    if (!mapping)
        return verdict_missing(NULL, p->service);
    atomic_store(&p->dirty, false);
    fill_budget(p, now_ms);
    int err = rebuild_from(p, mapping, now_ms);
    mapping_leave(mapping);
    return err;
}

static struct pick_set *enter(struct discover_picker *p, uint32_t stripe)
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

static bool is_right(struct discover_picker *p, const struct pick_set *set, int64_t now_ms)
{
    return table_slot_seq(&set->mapping->table, set->slot) == set->seq && now_ms < set->due_ms &&
           context_is_present(p->d, p->service, set->mapping) && !atomic_load_explicit(&p->dirty, memory_order_relaxed);
}

/* Rebuilds, unless somebody else has done so in the meantime. */
static int renew(struct discover_picker *p, uint32_t stripe, int64_t now_ms)
{
    struct pick_set *set = enter(p, stripe);
    bool right = set && is_right(p, set, now_ms);
    if (set)
        readers_leave(&set->readers, stripe);
    return right ? 0 : rebuild(p, now_ms);
}

/* A set that can be picked from, entered; NULL and the result in *ret_error. */
static struct pick_set *enter_right(struct discover_picker *p, uint32_t stripe, int64_t now_ms, int *ret_error)
{
    struct pick_set *set = enter(p, stripe);
    if (set && is_right(p, set, now_ms))
        return set;
    if (!set)
        pthread_mutex_lock(&p->lock);
    else if (pthread_mutex_trylock(&p->lock) != 0)
        return set; /* somebody is at it */
    if (set)
        readers_leave(&set->readers, stripe);
    int err = renew(p, stripe, now_ms);
    set = enter(p, stripe); /* while nobody else can take it away */
    pthread_mutex_unlock(&p->lock);
    if (!set)
        *ret_error = err < 0 ? err : DISCOVER_E_BUSY;
    return set;
}

/* Threads that share a stripe may draw the same number: that is chance, too. */
static uint64_t next_random(struct reader_stripe *stripe)
{
    uint64_t x = atomic_load_explicit(&stripe->random, memory_order_relaxed);
    if (x == 0)
        x = ((uint64_t)(uintptr_t)stripe * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)verdict_clock_ns()) | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    atomic_store_explicit(&stripe->random, x, memory_order_relaxed);
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* Threads that share a stripe may lose some, which the retry budget can do without; an atomic addition costs 6 ns. */
static void count_visit(struct reader_stripe *stripe)
{
    uint32_t visits = atomic_load_explicit(&stripe->visits, memory_order_relaxed);
    atomic_store_explicit(&stripe->visits, visits + 1, memory_order_relaxed);
}

/* This thread's lane. The first time, what the others have learnt is to be told to it soon. */
static uint32_t use_lane(struct discover_picker *p, uint32_t stripe)
{
    uint32_t lane = stripe % PEER_LANES;
    if (!(atomic_load_explicit(&p->lanes, memory_order_relaxed) & 1u << lane)) {
        atomic_fetch_or_explicit(&p->lanes, 1u << lane, memory_order_relaxed);
        atomic_store_explicit(&p->dirty, true, memory_order_relaxed);
    }
    return lane;
}

static int take(const struct candidate *it, struct pick_set *set, uint32_t lane, int64_t now_ns,
                struct discover_endpoint *ret_endpoint)
{
    if (!it)
        return DISCOVER_E_NONE;
    peer_took(it->peer, lane);
    *ret_endpoint = it->endpoint;
    return verdict_at(set->mapping, now_ns);
}

/* By chance, but for those in tried; by key when there is one. */
static int pick(struct discover_picker *p, const uint64_t *key_hash, const uint64_t *tried, size_t n_tried,
                struct discover_endpoint *ret_endpoint)
{
    int64_t now_ns = verdict_clock_ns(), now_ms = now_ns / NS_PER_MS;
    uint32_t stripe = readers_stripe(), lane = use_lane(p, stripe);
    int result;
    struct pick_set *set = enter_right(p, stripe, now_ms, &result);
    if (!set)
        return result;
    struct reader_stripe *own = &set->readers.stripes[stripe];
    if (n_tried == 0)
        count_visit(own);
    const struct candidate *it = key_hash ? choice_pick_key(&set->choice, *key_hash, tried, n_tried)
                                          : choice_pick(&set->choice, next_random(own), tried, n_tried, lane, now_ms);
    result = take(it, set, lane, now_ns, ret_endpoint);
    readers_leave(&set->readers, stripe);
    return result;
}

int discover_pick(struct discover_picker *p, struct discover_endpoint *ret_endpoint)
{
    return pick(p, NULL, NULL, 0, ret_endpoint);
}

int discover_pick_key(struct discover_picker *p, const void *key, size_t n, struct discover_endpoint *ret_endpoint)
{
    uint64_t hash = table_hash(key, n);
    return pick(p, &hash, NULL, 0, ret_endpoint);
}

static bool spend(struct discover_picker *p)
{
    int64_t left = atomic_load(&p->budget);
    while (left >= RETRY)
        if (atomic_compare_exchange_weak(&p->budget, &left, left - RETRY))
            return true;
    return false;
}

int discover_pick_retry(struct discover_picker *p, const uint64_t *tried, size_t n_tried,
                        struct discover_endpoint *ret_endpoint)
{
    if (!spend(p))
        return DISCOVER_E_BUDGET;
    int result = pick(p, NULL, tried, n_tried, ret_endpoint);
    if (result < 0)
        atomic_fetch_add(&p->budget, RETRY);
    return result;
}

void discover_report(struct discover_picker *p, uint64_t id, uint32_t latency_us, enum discover_outcome outcome)
{
    uint32_t stripe = readers_stripe(), lane = use_lane(p, stripe);
    struct pick_set *set = enter(p, stripe);
    if (!set)
        return;
    struct peer *it = choice_peer(&set->choice, id);
    if (it && peer_report(it, lane, latency_us, outcome, verdict_clock_ns() / NS_PER_MS))
        atomic_store_explicit(&p->dirty, true, memory_order_relaxed);
    readers_leave(&set->readers, stripe);
}

void pickers_move(struct discover *d)
{
    int64_t now_ms = verdict_clock_ns() / NS_PER_MS;
    for (struct discover_picker *p = d->pickers; p; p = p->next) {
        pthread_mutex_lock(&p->lock);
        if (atomic_load(&p->current))
            (void)renew(p, readers_stripe(), now_ms);
        reclaim(p);
        pthread_mutex_unlock(&p->lock);
    }
}

const char *picker_service(const struct discover_picker *p)
{
    return p->service;
}

struct discover *picker_handle(const struct discover_picker *p)
{
    return p->d;
}

void picker_share(struct discover_picker *p)
{
    pthread_mutex_lock(&p->lock);
    p->shared = true;
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->dirty, true); /* what it has ejected by now is shared, too */
}

size_t picker_take_ejections(struct discover_picker *p, struct ejection *ret_ejections, size_t cap)
{
    int64_t now_ms = verdict_clock_ns() / NS_PER_MS;
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_peers && n < cap; i++) {
        struct peer *it = p->peers[i];
        if (!peer_untold(it))
            continue;
        it->told = true;
        if (it->until_ms > now_ms)
            ret_ejections[n++] = (struct ejection){it->id, it->until_ms - now_ms};
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}

void picker_warn(struct discover_picker *p, const struct ejection *ejection)
{
    int64_t now_ms = verdict_clock_ns() / NS_PER_MS;
    pthread_mutex_lock(&p->lock);
    struct peer *it = find_peer(p, p->n_peers, ejection->id);
    if (!it && renew(p, readers_stripe(), now_ms) == 0) /* nobody has picked yet, or it is new */
        it = find_peer(p, p->n_peers, ejection->id);
    if (it)
        peer_warn(it, now_ms + ejection->for_ms, now_ms);
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->dirty, true);
}

bool picker_is_shared(const struct discover_picker *p)
{
    return p->shared;
}

struct discover_picker *pickers_next_shared(const struct discover *d, const struct discover_picker *after)
{
    struct discover_picker *p = after ? after->next : d->pickers;
    while (p && !p->shared)
        p = p->next;
    return p;
}

void pickers_each(const struct discover *d, picker_key_fn *fn, void *arg)
{
    for (const struct discover_picker *p = d->pickers; p; p = p->next)
        fn(arg, p->service);
}

int discover_picker_new(struct discover *d, const char *service, struct discover_picker **ret_p)
{
    char domain[LABEL_CAP], name[LABEL_CAP];
    if (!service || service_parse(service, domain, name) < 0)
        return DISCOVER_E_NAME;
    struct discover_picker *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->d = d;
    p->service_length = strlen(service);
    memcpy(p->service, service, p->service_length);
    p->reviewed_ms = verdict_clock_ns() / NS_PER_MS;
    atomic_store(&p->budget, 10 * RETRY);
    pthread_mutex_init(&p->lock, NULL);
    table_view_init(&p->view);
    p->next = d->pickers;
    d->pickers = p;
    *ret_p = p;
    return 0;
}

static void free_sets(struct pick_set *set)
{
    while (set) {
        struct pick_set *next = set->next;
        free(set);
        set = next;
    }
}

void discover_picker_free(struct discover_picker *p)
{
    if (!p)
        return;
    struct discover_picker **at = &p->d->pickers;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (p->shared)
        context_wake(p->d);
    publish(p, NULL); /* nobody picks any more: all are spare now */
    free_sets(p->spare);
    for (size_t i = 0; i < p->n_peers; i++)
        free(p->peers[i]);
    free(p->peers);
    table_view_fini(&p->view);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
