/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges. */
#include "daemon/base/metrics.h"

#include <errno.h>
#include <stdlib.h>

struct metric_set {
    const struct metric *table;
    size_t n;
    void *set;
};

struct metrics {
    struct metric_set *sets;
    size_t n;
};

int metrics_new(struct metrics **ret_m)
{
    *ret_m = calloc(1, sizeof **ret_m);
    return *ret_m ? 0 : -ENOMEM;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    free(m->sets);
    free(m);
}

int metrics_add(struct metrics *m, const struct metric *table, size_t n, void *set)
{
    struct metric_set *sets = realloc(m->sets, (m->n + 1) * sizeof *sets);
    if (!sets)
        return -ENOMEM;
    m->sets = sets;
    m->sets[m->n++] = (struct metric_set){table, n, set};
    return 0;
}

static uint64_t sum(const struct metrics *m, const struct metric *table, size_t offset)
{
    uint64_t total = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->sets[i].table == table)
            total += metric_get((const metric_value *)((const char *)m->sets[i].set + offset));
    return total;
}

static int seen_before(const struct metrics *m, size_t set)
{
    for (size_t i = 0; i < set; i++)
        if (m->sets[i].table == m->sets[set].table)
            return 1;
    return 0;
}

void metrics_each(const struct metrics *m, metric_fn *fn, void *arg)
{
    for (size_t i = 0; i < m->n; i++) {
        if (seen_before(m, i))
            continue;
        for (size_t k = 0; k < m->sets[i].n; k++)
            fn(arg, &m->sets[i].table[k], sum(m, m->sets[i].table, m->sets[i].table[k].offset));
    }
}
