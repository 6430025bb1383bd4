/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and gauges. A module has a structure of metric_value fields, one for each thread that counts, and one
 * const table that names them; sets with the same table are summed. Counting is any thread's (relaxed atomics, so
 * give each thread a set of its own); registering and reading are the main thread's.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t metric_value;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name; /* "discoverd_dns_queries_total" */
    const char *help;
    enum metric_type type;
    size_t offset; /* of the metric_value in the set's structure */
};

/* Rows of such a table: a field of a set, its name, what it is. */
#define METRIC(kind, set, field, name, help)                                                                           \
    {                                                                                                                  \
        name, help, kind, offsetof(struct set, field)                                                                  \
    }
#define COUNTER_OF(set, field, name, help) METRIC(METRIC_COUNTER, set, field, name, help)
#define GAUGE_OF(set, field, name, help)   METRIC(METRIC_GAUGE, set, field, name, help)

struct metrics;

int metrics_new(struct metrics **ret_m); /* -ENOMEM */
void metrics_free(struct metrics *m);

/* table and set must outlive m. -ENOMEM. */
int metrics_add(struct metrics *m, const struct metric *table, size_t n, void *set);

/* Calls fn once for each name, with the sum over all sets. */
typedef void metric_fn(void *arg, const struct metric *metric, uint64_t value);
void metrics_each(const struct metrics *m, metric_fn *fn, void *arg);

static inline void metric_inc(metric_value *v)
{
    atomic_fetch_add_explicit(v, 1, memory_order_relaxed);
}
static inline void metric_add(metric_value *v, uint64_t n)
{
    atomic_fetch_add_explicit(v, n, memory_order_relaxed);
}
static inline void metric_set(metric_value *v, uint64_t n)
{
    atomic_store_explicit(v, n, memory_order_relaxed);
}
static inline uint64_t metric_get(const metric_value *v)
{
    return atomic_load_explicit((metric_value *)v, memory_order_relaxed);
}

#endif
