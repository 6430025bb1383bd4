/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps figures of the last 15 minutes for the page. */
#include "daemon/http/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/loop.h"
#include "daemon/catalog/catalog_changes.h"
#include "libdiscover/core/clock.h"

#define SECONDS 900
#define STEP    10 /* seconds */
#define STEPS   (SECONDS / STEP)

/* Running totals: a step has their difference to the last step's. */
struct totals {
    uint64_t changes, queries, trips, trips_ns;
};

struct step {
    double propagation_ms; /* NAN: no lease came back in this step */
    uint64_t changes, queries;
};

struct history {
    const struct metrics *metrics;
    const struct catalog *catalog;
    struct loop_timer timer;
    uint64_t ticks;
    int64_t began_ns, times_ns[SECONDS]; /* tick n is at n % SECONDS */
    uint64_t indexes[SECONDS];
    struct totals last;
    uint64_t n_steps;
    struct step steps[STEPS]; /* step n is at n % STEPS */
};

static void add_trips(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    struct totals *t = arg;
    (void)value;
    if (strcmp(metric->name, "discoverd_lease_round_trip_seconds") != 0)
        return;
    t->trips_ns = metric_get(&h->sum_ns);
    for (size_t b = 0; b <= HISTOGRAM_BOUNDS; b++)
        t->trips += metric_get(&h->counts[b]);
}

static struct totals totals_now(const struct history *h)
{
    struct totals t = {.changes = catalog_index(h->catalog),
                       .queries = metrics_value(h->metrics, "discoverd_dns_queries_total{transport=\"udp\"}") +
                                  metrics_value(h->metrics, "discoverd_dns_queries_total{transport=\"tcp\"}")};
    metrics_each(h->metrics, add_trips, &t);
    return t;
}

static void take_step(struct history *h)
{
    struct totals now = totals_now(h);
    uint64_t trips = now.trips - h->last.trips;
    h->steps[h->n_steps++ % STEPS] = (struct step){
        .propagation_ms = trips ? (double)(now.trips_ns - h->last.trips_ns) / (double)trips / NS_PER_MS : NAN,
        .changes = now.changes - h->last.changes,
        .queries = now.queries - h->last.queries};
    h->last = now;
}

static void on_second(void *arg)
{
    struct history *h = arg;
    int64_t now_ns = clock_now_ns();
    h->times_ns[h->ticks % SECONDS] = now_ns;
    h->indexes[h->ticks % SECONDS] = catalog_index(h->catalog);
    if (++h->ticks % STEP == 0)
        take_step(h);
    loop_timer_arm(&h->timer, now_ns + NS_PER_S, now_ns);
}

int history_new(struct event_base *base, const struct metrics *metrics, const struct catalog *c, struct history **ret_h)
{
    struct history *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->metrics = metrics;
    h->catalog = c;
    if (loop_timer_init(&h->timer, base, on_second, h) < 0) {
        free(h);
        return -ENOMEM;
    }
    h->last = totals_now(h);
    on_second(h);
    *ret_h = h;
    return 0;
}

void history_free(struct history *h)
{
    if (!h)
        return;
    loop_timer_fini(&h->timer);
    free(h);
}

/*
 * Finds the first tick at which the change had happened. If the tick before it is not known, the change may be of any
 * time before.
 */
int64_t history_age_ns(const struct history *h, uint64_t index, int64_t now_ns)
{
    uint64_t low = h->ticks > SECONDS ? h->ticks - SECONDS : 0, high = h->ticks;
    if (index <= h->indexes[low % SECONDS])
        return -1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (h->indexes[middle % SECONDS] < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low == h->ticks ? 0 : now_ns - h->times_ns[low % SECONDS];
}

json_t *history_document(const struct history *h)
{
    json_t *propagation = json_array(), *changes = json_array(), *queries = json_array();
    for (uint64_t n = h->n_steps > STEPS ? h->n_steps - STEPS : 0; n < h->n_steps; n++) {
        const struct step *s = &h->steps[n % STEPS];
        (void)json_array_append_new(propagation, isnan(s->propagation_ms) ? json_null() : json_real(s->propagation_ms));
        (void)json_array_append_new(changes, json_integer((json_int_t)s->changes));
        (void)json_array_append_new(queries, json_integer((json_int_t)s->queries));
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "step_ms", STEP * 1000, "propagation_ms", propagation, "changes", changes,
                     "queries", queries);
}
