/* SPDX-License-Identifier: Apache-2.0 */
/* How long one event keeps the loop. */
#include "daemon/base/loop_meter.h"

#include <time.h>

#include "daemon/base/loop.h"

static _Thread_local struct loop_meter *meter;

static const struct metric metrics_table[] = {
    HISTOGRAM_OF(loop_meter, turns, "discoverd_loop_event_seconds", "How long one event kept the main loop."),
    SECONDS_OF_US(loop_meter, longest_us, "discoverd_loop_longest_seconds",
                  "Longest time in the last 5 to 10 s that one event kept the main loop."),
    SECONDS_OF_US(loop_meter, work_us, "discoverd_loop_longest_work_seconds",
                  "The same, without the time in which the thread was not running."),
    COUNTER_OF(loop_meter, slow, "discoverd_loop_slow_total", "Events that kept the main loop longer than 1 ms."),
};
METRICS_LISTED(metrics_table)

void loop_meter_use(struct loop_meter *m)
{
    meter = m;
}

static int64_t work_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void loop_meter_enter(void)
{
    if (!meter || meter->depth++ > 0)
        return;
    meter->began_ns = clock_now_ns();
    meter->work_began_ns = work_ns();
}

static void show(metric_value *gauge, struct recent_max *recent, int64_t took_ns, int64_t now_ns)
{
    metric_set(gauge, (uint64_t)(recent_max_add(recent, took_ns, now_ns) / NS_PER_US));
}

void loop_meter_leave(void)
{
    if (!meter || --meter->depth > 0)
        return;
    int64_t now_ns = clock_now_ns(), took_ns = now_ns - meter->began_ns;
    show(&meter->longest_us, &meter->longest, took_ns, now_ns);
    show(&meter->work_us, &meter->work, work_ns() - meter->work_began_ns, now_ns);
    histogram_observe(&meter->turns, took_ns);
    if (took_ns > LOOP_TURN_NS)
        metric_inc(&meter->slow);
}

int loop_meter_add_metrics(struct loop_meter *m, struct metrics *metrics)
{
    return metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, m);
}
