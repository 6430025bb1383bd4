/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: sets of one table are summed, every name is reported once, in the order of registration. */
#include "daemon/base/metrics.h"

#include <string.h>

#include "tests/support/unit.h"

struct worker_counts {
    metric_value queries, refused;
};

static const struct metric worker_table[] = {
    {"worker_queries_total", "Queries", METRIC_COUNTER, offsetof(struct worker_counts, queries), 0},
    {"worker_refused_total", "Refused", METRIC_COUNTER, offsetof(struct worker_counts, refused), 0},
};

struct bus_counts {
    metric_value connected;
};

static const struct metric bus_table[] = {
    {"bus_connected", "1 when connected", METRIC_GAUGE, offsetof(struct bus_counts, connected), 0},
};

struct seen {
    size_t n;
    const char *names[8];
    uint64_t values[8];
};

static void see(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    struct seen *seen = arg;
    if (h)
        return;
    ck_assert_uint_lt(seen->n, 8);
    seen->names[seen->n] = metric->name;
    seen->values[seen->n++] = value;
}

START_TEST(test_sums)
{
    struct metrics *m;
    struct worker_counts workers[3] = {{0, 0}};
    struct bus_counts bus = {0};
    struct seen seen = {.n = 0};
    ck_assert_int_eq(metrics_new(&m), 0);
    ck_assert_int_eq(metrics_add(m, worker_table, 2, &workers[0]), 0);
    ck_assert_int_eq(metrics_add(m, bus_table, 1, &bus), 0);
    ck_assert_int_eq(metrics_add(m, worker_table, 2, &workers[1]), 0);
    ck_assert_int_eq(metrics_add(m, worker_table, 2, &workers[2]), 0);
    metric_inc(&workers[0].queries);
    metric_add(&workers[1].queries, 40);
    metric_inc(&workers[2].queries);
    metric_inc(&workers[2].refused);
    metric_set(&bus.connected, 5);
    metric_set(&bus.connected, 1);
    metrics_each(m, see, &seen);
    ck_assert_uint_eq(seen.n, 3);
    ck_assert_str_eq(seen.names[0], "worker_queries_total");
    ck_assert_uint_eq(seen.values[0], 42);
    ck_assert_str_eq(seen.names[1], "worker_refused_total");
    ck_assert_uint_eq(seen.values[1], 1);
    ck_assert_str_eq(seen.names[2], "bus_connected");
    ck_assert_uint_eq(seen.values[2], 1);
    metrics_free(m);
}
END_TEST

struct timing {
    struct histogram took;
    metric_value late_us;
};

static const struct metric timing_table[] = {
    HISTOGRAM_OF(timing, took, "took_seconds", "How long it took."),
    SECONDS_OF_US(timing, late_us, "late_seconds", "How late it was."),
};
METRICS_LISTED(timing_table)

static void see_histogram(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)value;
    if (!h)
        return;
    ck_assert_str_eq(metric->name, "took_seconds");
    *(struct histogram *)arg = *h;
}

/* One of 1 us is within that bound, one that took longer than all bounds is counted as well. */
START_TEST(test_histograms)
{
    struct metrics *m;
    struct timing sets[2] = {{.late_us = 0}};
    struct histogram h;
    struct seen seen = {.n = 0};
    ck_assert_int_eq(metrics_new(&m), 0);
    ck_assert_int_eq(metrics_add(m, timing_table, 2, &sets[0]), 0);
    ck_assert_int_eq(metrics_add(m, timing_table, 2, &sets[1]), 0);
    histogram_observe(&sets[0].took, 1000);
    histogram_observe(&sets[1].took, 1001);
    histogram_observe(&sets[1].took, INT64_C(60000000000));
    histogram_observe(&sets[1].took, -5);
    metrics_each(m, see_histogram, &h);
    ck_assert_uint_eq(metric_get(&h.counts[0]), 1);
    ck_assert_uint_eq(metric_get(&h.counts[1]), 1);
    ck_assert_uint_eq(metric_get(&h.counts[2]), 1);
    ck_assert_uint_eq(metric_get(&h.counts[HISTOGRAM_BOUNDS]), 1);
    ck_assert_uint_eq(metric_get(&h.sum_ns), UINT64_C(60000002001));
    for (size_t b = 1; b < HISTOGRAM_BOUNDS; b++)
        ck_assert_int_gt(histogram_bounds_ns[b], histogram_bounds_ns[b - 1]);
    metrics_each(m, see, &seen);
    ck_assert_uint_eq(seen.n, 1);
    metrics_free(m);
}
END_TEST

static void see_listed(void *arg, const struct metric *metric)
{
    struct seen *seen = arg;
    ck_assert_uint_lt(seen->n, 8);
    seen->names[seen->n++] = metric->name;
}

/* Of this program that one table alone. */
START_TEST(test_list)
{
    struct seen seen = {.n = 0};
    metrics_listed(see_listed, &seen);
    ck_assert_uint_eq(seen.n, 2);
    ck_assert_str_eq(seen.names[1], "late_seconds");
}
END_TEST

START_TEST(test_empty)
{
    struct metrics *m;
    struct seen seen = {.n = 0};
    ck_assert_int_eq(metrics_new(&m), 0);
    metrics_each(m, see, &seen);
    ck_assert_uint_eq(seen.n, 0);
    metrics_free(m);
    metrics_free(NULL);
}
END_TEST

UNIT_TESTS("metrics", test_sums, test_histograms, test_list, test_empty)
