/* SPDX-License-Identifier: Apache-2.0 */
/* The counters and gauges of the agent, under the names by which they are shown. Main thread. */
#ifndef AGENT_AGENT_METRICS_H
#define AGENT_AGENT_METRICS_H

#include "daemon/base/metrics.h"

struct agent_metrics {
    metric_value puts, deletes, repeats, acks, errors, timeouts, late, orphans, put_back, behind, in_flight, window,
        records;
    metric_value registered, updated, removed, expired, processes_gone, conflicts, limited, store_errors;
    metric_value registrations, inherited, leases, lease_errors, lease_late_us, questions, jumps, name_conflicts,
        name_is_ours;
    metric_value overrides, overrides_limited;
    struct histogram acknowledged;
};

#endif
