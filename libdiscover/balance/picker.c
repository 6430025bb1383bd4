/* SPDX-License-Identifier: Apache-2.0 */
/* Making and freeing pickers, their settings, and what the rest of the library asks of them. */
#include "libdiscover/balance/picker.h"

#include <errno.h>
#include <stdlib.h>

#include <utlist.h>

#include "libdiscover/balance/outliers.h"
#include "libdiscover/lookup/verdict.h"
#include "libdiscover/core/entropy.h"

#define SLOW_START_MS_DEFAULT 15000

/* States that can be picked from. */
#define PICKED_STATES (1u << DISCOVER_PASSING | 1u << DISCOVER_WARNING)

static int64_t now_in_ms(void)
{
    return verdict_clock_ns() / NS_PER_MS;
}

int discover_picker_new_query(struct discover *d, const struct discover_query *q, struct discover_picker **ret_p)
{
    if (!d || !q || !ret_p || q->filter.states & ~PICKED_STATES)
        return -EINVAL;
    struct discover_picker *p = cache_line_alloc(sizeof *p);
    if (!p)
        return -ENOMEM;
    p->seed = entropy_64();
    p->d = d;
    p->query = *q;
    p->slow_start_ms = SLOW_START_MS_DEFAULT;
    atomic_store(&p->lane_mask, BACKEND_LANES - 1);
    retry_budget_init(&p->budget, now_in_ms());
    pthread_mutex_init(&p->lock, NULL);
    table_view_init(&p->view);
    LL_PREPEND(d->pickers, p);
    *ret_p = p;
    return 0;
}

int discover_picker_new(struct discover *d, const char *service, struct discover_picker **ret_p)
{
    struct discover_query *q;
    int err = discover_query_new(service, &q);
    if (err < 0)
        return err;
    err = discover_picker_new_query(d, q, ret_p);
    discover_query_free(q);
    return err;
}

void discover_picker_free(struct discover_picker *p)
{
    if (!p)
        return;
    LL_DELETE(p->d->pickers, p);
    if (p->shared)
        poll_set_wake(&p->d->set);
    picker_drop_sets(p);
    roster_fini(&p->roster);
    free(p->filtered);
    table_view_fini(&p->view);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int discover_picker_set_slow_start(struct discover_picker *p, uint32_t window_ms)
{
    if (!p || window_ms > INT32_MAX)
        return -EINVAL;
    pthread_mutex_lock(&p->lock);
    p->slow_start_ms = window_ms;
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->dirty, true);
    return 0;
}

int discover_picker_set_subset(struct discover_picker *p, uint32_t size, uint32_t client)
{
    if (!p)
        return -EINVAL;
    pthread_mutex_lock(&p->lock);
    p->subset_size = size;
    p->subset_client = client;
    if (atomic_load(&p->current)) {
        atomic_store(&p->dirty, true);
        (void)picker_renew(p, readers_stripe(), now_in_ms());
    }
    pthread_mutex_unlock(&p->lock);
    return 0;
}

void pickers_run(struct discover *d)
{
    int64_t now_ms = now_in_ms();
    for (struct discover_picker *p = d->pickers; p; p = p->next)
        picker_maintain(p, readers_stripe(), now_ms);
}

void pickers_move(struct discover *d)
{
    int64_t now_ms = now_in_ms();
    for (struct discover_picker *p = d->pickers; p; p = p->next) {
        pthread_mutex_lock(&p->lock);
        if (atomic_load(&p->current))
            (void)picker_renew(p, readers_stripe(), now_ms);
        picker_reclaim(p);
        pthread_mutex_unlock(&p->lock);
    }
}

/* What it has ejected by now is shared, too. */
void picker_share(struct discover_picker *p)
{
    pthread_mutex_lock(&p->lock);
    p->shared = true;
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->dirty, true);
}

size_t picker_take_ejections(struct discover_picker *p, struct ejection *ret_ejections, size_t cap)
{
    int64_t now_ms = now_in_ms();
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->roster.n && n < cap; i++) {
        struct backend *it = p->roster.backends[i];
        if (!outlier_is_unreported(it))
            continue;
        it->shared = true;
        if (it->until_ms > now_ms)
            ret_ejections[n++] = (struct ejection){it->id, it->until_ms - now_ms};
    }
    pthread_mutex_unlock(&p->lock);
    return n;
}

void picker_warn(struct discover_picker *p, const struct ejection *ejection)
{
    int64_t now_ms = now_in_ms();
    uint32_t stripe = readers_stripe();
    pthread_mutex_lock(&p->lock);
    struct backend *it = roster_find(&p->roster, ejection->id);
    if (!it && picker_renew(p, stripe, now_ms) == 0) /* nobody has picked yet, or it is new */
        it = roster_find(&p->roster, ejection->id);
    if (it) {
        outlier_warn(it, now_ms + ejection->for_ms, now_ms);
        atomic_store(&p->dirty, true);
        (void)picker_renew(p, stripe, now_ms);
    }
    pthread_mutex_unlock(&p->lock);
}
