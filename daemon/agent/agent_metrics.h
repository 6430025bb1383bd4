/* SPDX-License-Identifier: Apache-2.0 */
/* What the write side counts, under the names by which it is shown. Main thread. */
#ifndef AGENT_AGENT_METRICS_H
#define AGENT_AGENT_METRICS_H

#include "daemon/agent/registrar.h"
#include "daemon/agent/publisher.h"
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

/* set must outlive m. -ENOMEM. */
int agent_metrics_add(struct agent_metrics *set, struct metrics *m);

/* Takes over what the parts have counted by themselves. */
void agent_metrics_show(struct agent_metrics *set, const struct publisher_stats *publisher,
                        const struct registrar_stats *registrar);

#endif
