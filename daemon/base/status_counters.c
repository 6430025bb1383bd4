/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the counters of the Status message (proto/api.proto) from all metrics. */
#include "daemon/base/status_counters.h"

#define COUNTERS_MAX 512

static struct counters {
    Discover__V1__Counter all[COUNTERS_MAX], *pointers[COUNTERS_MAX];
    size_t n;
} counters;

static void add_counter(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    struct counters *to = arg;
    if (to->n == COUNTERS_MAX || h || metric->per) /* not a whole number, which a status has no place for */
        return;
    Discover__V1__Counter *counter = &to->all[to->n];
    discover__v1__counter__init(counter);
    counter->name = (char *)metric->name;
    counter->value = value;
    to->pointers[to->n++] = counter;
}

void status_counters_fill(const struct metrics *m, Discover__V1__Status *ret_status)
{
    counters.n = 0;
    metrics_each(m, add_counter, &counters);
    ret_status->n_counters = counters.n;
    ret_status->counters = counters.pointers;
}
