/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: sets of one table are summed, every name is told once, in the order of registration. */
#include "daemon/base/metrics.h"

#include <string.h>

#include "tests/support/unit.h"

struct worker_counts {
    metric_value queries, refused;
};

static const struct metric worker_table[] = {
    {"worker_queries_total", "Queries", METRIC_COUNTER, offsetof(struct worker_counts, queries)},
    {"worker_refused_total", "Refused", METRIC_COUNTER, offsetof(struct worker_counts, refused)},
};

struct bus_counts {
    metric_value connected;
};

static const struct metric bus_table[] = {
    {"bus_connected", "1 when connected", METRIC_GAUGE, offsetof(struct bus_counts, connected)},
};

struct seen {
    size_t n;
    const char *names[8];
    uint64_t values[8];
};

static void see(void *arg, const struct metric *metric, uint64_t value)
{
    struct seen *seen = arg;
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

UNIT_TESTS("metrics", test_sums, test_empty)
