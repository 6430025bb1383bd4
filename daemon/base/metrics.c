/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges and histograms. */
#include "daemon/base/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int seen_before(const struct metrics *m, size_t set)
{
    for (size_t i = 0; i < set; i++)
        if (m->sets[i].table == m->sets[set].table)
            return 1;
    return 0;
}

static void add_histogram(struct histogram *to, const struct histogram *h)
{
    for (size_t b = 0; b <= HISTOGRAM_BOUNDS; b++)
        metric_add(&to->counts[b], metric_get(&h->counts[b]));
    metric_add(&to->sum_ns, metric_get(&h->sum_ns));
}

/* Of one row of a table, over all sets with that table: the sum, or where it is one the histogram. */
static uint64_t sum(const struct metrics *m, const struct metric *table, const struct metric *row,
                    struct histogram *ret_h)
{
    uint64_t total = 0;
    *ret_h = (struct histogram){.sum_ns = 0};
    for (size_t i = 0; i < m->n; i++) {
        const char *at = (const char *)m->sets[i].set + row->offset;
        if (m->sets[i].table == table && row->type == METRIC_HISTOGRAM)
            add_histogram(ret_h, (const struct histogram *)at);
        else if (m->sets[i].table == table)
            total += metric_get((const metric_value *)at);
    }
    return total;
}

void metrics_each(const struct metrics *m, metric_fn *fn, void *arg)
{
    struct histogram h;
    for (size_t i = 0; i < m->n; i++) {
        const struct metric *table = m->sets[i].table;
        for (size_t k = 0; !seen_before(m, i) && k < m->sets[i].n; k++) {
            uint64_t value = sum(m, table, &table[k], &h);
            fn(arg, &table[k], value, table[k].type == METRIC_HISTOGRAM ? &h : NULL);
        }
    }
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void take_wanted(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    struct wanted *wanted = arg;
    (void)h;
    if (strcmp(metric->name, wanted->name) == 0)
        wanted->value = value;
}

uint64_t metrics_value(const struct metrics *m, const char *name)
{
    struct wanted wanted = {name, 0};
    metrics_each(m, take_wanted, &wanted);
    return wanted.value;
}

/* --- histograms --- */

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)

/* From the time of a DNS answer to that after which clients give up. */
const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS] = {
    US / 2,     1 * US, 2500,    5 * US,  10 * US, 25 * US,  50 * US,  100 * US, 250 * US, 500 * US,  1 * MS,
    5 * MS / 2, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S,    5 * S / 2, 10 * S,
};

void histogram_observe(struct histogram *h, int64_t ns)
{
    size_t b = 0;
    while (b < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[b])
        b++;
    metric_inc(&h->counts[b]);
    metric_add(&h->sum_ns, ns > 0 ? (uint64_t)ns : 0);
}

/* --- the list --- */

/* Set by the linker to the ends of the section; absent in a program without tables. */
extern const struct metric_list *const __start_metric_lists[] __attribute__((weak));
extern const struct metric_list *const __stop_metric_lists[] __attribute__((weak));

void metrics_listed(metrics_listed_fn *fn, void *arg)
{
    for (const struct metric_list *const *l = __start_metric_lists; l < __stop_metric_lists; l++)
        for (size_t i = 0; *l && i < (*l)->n; i++) /* *l is NULL where sanitizers leave room between lists */
            fn(arg, &(*l)->table[i]);
}
