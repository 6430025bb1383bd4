/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms. A module has a structure of metric_value and histogram fields, one for each thread that
 * counts, and one const table that names them; sets with the same table are summed. Counting is any thread's (relaxed atomics,
 * so give each thread a set of its own); registering and reading are the main thread's.
 *
 * A name is that of Prometheus's series, with its labels. All of a family (what stands before the labels) stand one after the
 * other in their table; the first one has the help for all of them. Names are stable.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef _Atomic uint64_t metric_value;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* "discoverd_dns_queries_total{transport=\"udp\"}" */
    const char *help; /* NULL: that of the family's first */
    enum metric_type type;
    size_t offset; /* of the metric_value, or histogram, in the set's structure */
    uint32_t per;  /* units of what is counted in one unit of the name (ns in a second); 0: the units are the same */
};

/* How often something took how long, up to each of the bounds. */
#define HISTOGRAM_BOUNDS 22
extern const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS];

struct histogram {
    metric_value counts[HISTOGRAM_BOUNDS + 1]; /* the last: above all of them */
    metric_value sum_ns;
};

void histogram_observe(struct histogram *h, int64_t ns);

/* Rows of such a table: a field of a set, its name, what it is. */
#define METRIC(kind, set, field, name, help, per)                                                                      \
    {                                                                                                                  \
        name, help, kind, offsetof(struct set, field), per                                                             \
    }
#define COUNTER_OF(set, field, name, help)    METRIC(METRIC_COUNTER, set, field, name, help, 0)
#define GAUGE_OF(set, field, name, help)      METRIC(METRIC_GAUGE, set, field, name, help, 0)
#define SECONDS_OF_US(set, field, name, help) METRIC(METRIC_GAUGE, set, field, name, help, 1000000)
#define HISTOGRAM_OF(set, field, name, help)  METRIC(METRIC_HISTOGRAM, set, field, name, help, 0)

/*
 * Lists a table for metrics_listed, from which the manual is made: by the linker, so that there is no second list of them. After
 * each table.
 */
struct metric_list {
    const struct metric *table;
    size_t n;
};
#define METRICS_LISTED(table)                                                                                          \
    static const struct metric_list table##_list = {table, sizeof(table) / sizeof *(table)};                           \
    __attribute__((used, section("metric_lists"))) static const struct metric_list *const table##_listed =             \
        &table##_list;

/* Calls fn for each metric of this program, registered or not. */
typedef void metrics_listed_fn(void *arg, const struct metric *metric);
void metrics_listed(metrics_listed_fn *fn, void *arg);

struct metrics;

int metrics_new(struct metrics **ret_m); /* -ENOMEM */
void metrics_free(struct metrics *m);

/* table and set must outlive m. -ENOMEM. */
int metrics_add(struct metrics *m, const struct metric *table, size_t n, void *set);

/*
 * Calls fn once for each name with the sum over all sets: a value; or h, which lives as long as the call and is NULL where
 * the name is no histogram's.
 */
typedef void metric_fn(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h);
void metrics_each(const struct metrics *m, metric_fn *fn, void *arg);

/* The sum of one name; 0: there is none. */
uint64_t metrics_value(const struct metrics *m, const char *name);

/* The length of the family's part of the name. */
static inline size_t metric_family(const struct metric *metric)
{
    return strcspn(metric->name, "{");
}

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
