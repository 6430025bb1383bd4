/* SPDX-License-Identifier: Apache-2.0 */
/* How long one event keeps the loop. */
#include "daemon/base/loop_meter.h"

#include "daemon/base/loop.h"

static _Thread_local struct loop_meter *meter;

static const struct metric metrics_table[] = {
    GAUGE_OF(loop_meter, longest_us, "discoverd_loop_longest_microseconds",
             "Longest time in the last 10 to 20 s that one event kept the main loop."),
    COUNTER_OF(loop_meter, slow, "discoverd_loop_slow_total", "Events that kept the main loop longer than 1 ms."),
};

void loop_meter_use(struct loop_meter *m)
{
    meter = m;
}

void loop_meter_enter(void)
{
    if (meter && meter->depth++ == 0)
        meter->began_ns = clock_now_ns();
}

void loop_meter_leave(void)
{
    if (!meter || --meter->depth > 0)
        return;
    int64_t now_ns = clock_now_ns(), took_ns = now_ns - meter->began_ns;
    metric_set(&meter->longest_us, (uint64_t)(recent_max_add(&meter->recent, took_ns, now_ns) / NS_PER_US));
    if (took_ns > LOOP_TURN_NS)
        metric_inc(&meter->slow);
}

int loop_meter_add_metrics(struct loop_meter *m, struct metrics *metrics)
{
    return metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, m);
}
