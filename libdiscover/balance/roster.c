/* SPDX-License-Identifier: Apache-2.0 */
/* The instances that a picker knows, with what it has learnt of each. */
#include "libdiscover/balance/roster.h"

#include <errno.h>
#include <stdlib.h>

/* What was learnt of an instance is kept this long after it has left the catalog: it may come back. */
#define KEEP_MS 60000

/* A catalog that is being filled is not a row of instances that join. */
#define SETTLE_MS 2000

void roster_fini(struct roster *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->backends[i]);
    free(r->backends);
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = (*(struct backend *const *)a)->id, y = (*(struct backend *const *)b)->id;
    return (x > y) - (x < y);
}

/* Among the first n, which are sorted. */
static struct backend *find(const struct roster *r, size_t n, uint64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->backends[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && r->backends[low]->id == id ? r->backends[low] : NULL;
}

struct backend *roster_find(const struct roster *r, uint64_t id)
{
    return find(r, r->n, id);
}

static int reserve(struct roster *r, size_t n)
{
    if (n <= r->cap)
        return 0;
    struct backend **backends = realloc(r->backends, n * sizeof(struct backend *));
    if (!backends)
        return -ENOMEM;
    r->backends = backends;
    r->cap = n;
    return 0;
}

static struct backend *add(struct roster *r, uint64_t id)
{
    struct backend *it = cache_line_alloc(sizeof *it);
    if (!it)
        return NULL;
    it->id = id;
    r->backends[r->n++] = it;
    return it;
}

static void forget_gone(struct roster *r, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct backend *it = r->backends[i];
        if (it->sets == 0 && now_ms - it->seen_ms > KEEP_MS)
            free(it);
        else
            r->backends[kept++] = it;
    }
    r->n = kept;
}

int roster_meet(struct roster *r, const struct discover_endpoint *endpoints, size_t n, int64_t now_ms)
{
    size_t n_known = r->n;
    int err = reserve(r, n_known + n);
    for (size_t i = 0; i < n && !err; i++) {
        struct backend *it = find(r, n_known, endpoints[i].id);
        it = it ? it : add(r, endpoints[i].id);
        if (it)
            it->seen_ms = now_ms;
        else
            err = -ENOMEM;
    }
    if (r->n > n_known)
        qsort(r->backends, r->n, sizeof(struct backend *), by_id);
    forget_gone(r, now_ms);
    return err;
}

static void begin_round(struct roster *r, size_t n, int64_t now_ms)
{
    r->round++;
    if (r->settled_ms == 0 && n > 0)
        r->settled_ms = now_ms + SETTLE_MS;
}

void roster_line_up(struct roster *r, const struct discover_endpoint *usable, size_t n, int64_t now_ms,
                    struct backend **ret_backends)
{
    size_t at = 0;
    begin_round(r, n, now_ms);
    for (; at < n; at++) {
        struct backend *it = roster_find(r, usable[at].id);
        if (it->round + 1 != r->round)
            it->since_ms = r->served && now_ms >= r->settled_ms ? now_ms : 0;
        it->round = r->round;
        ret_backends[at] = it;
    }
    for (size_t i = 0; i < r->n; i++)
        if (r->backends[i]->round != r->round)
            ret_backends[at++] = r->backends[i];
    r->served = n > 0;
}
