/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges of the agent: puts, leases, registrations. */
#include "daemon/agent/agent_metrics.h"

#include "daemon/agent/agent_impl.h"

static const struct metric metrics_table[] = {
    COUNTER_OF(agent_metrics, puts, "discoverd_agent_writes_total{kind=\"put\"}",
               "Records put into the bucket, and deleted from it."),
    COUNTER_OF(agent_metrics, deletes, "discoverd_agent_writes_total{kind=\"delete\"}", NULL),
    COUNTER_OF(agent_metrics, repeats, "discoverd_agent_repeats_total",
               "Records put again so that the bucket does not expire them."),
    COUNTER_OF(agent_metrics, acks, "discoverd_agent_write_results_total{result=\"stored\"}",
               "What came of writes; late: an answer that came too late to matter, after a timeout."),
    COUNTER_OF(agent_metrics, errors, "discoverd_agent_write_results_total{result=\"failed\"}", NULL),
    COUNTER_OF(agent_metrics, timeouts, "discoverd_agent_write_results_total{result=\"timeout\"}", NULL),
    COUNTER_OF(agent_metrics, late, "discoverd_agent_write_results_total{result=\"late\"}", NULL),
    HISTOGRAM_OF(agent_metrics, acknowledged, "discoverd_agent_write_seconds", "From a write to its acknowledgement."),
    COUNTER_OF(agent_metrics, orphans, "discoverd_agent_orphans_total",
               "Records found under this host's name that nobody wanted, and deleted."),
    COUNTER_OF(agent_metrics, put_back, "discoverd_agent_put_back_total",
               "Times a key of this host held what others had written, and was put right."),
    GAUGE_OF(agent_metrics, behind, "discoverd_agent_unacknowledged",
             "Registrations whose present state is not acknowledged."),
    GAUGE_OF(agent_metrics, in_flight, "discoverd_agent_writes_in_flight", "Writes waiting for an answer."),
    GAUGE_OF(agent_metrics, window, "discoverd_agent_write_window",
             "Writes that may be waiting for an answer at once."),
    GAUGE_OF(agent_metrics, records, "discoverd_agent_records", "Records of this host that its lease vouches for."),
    COUNTER_OF(agent_metrics, registered, "discoverd_agent_registration_changes_total{change=\"added\"}",
               "Registrations taken, changed, and removed for whatever reason."),
    COUNTER_OF(agent_metrics, updated, "discoverd_agent_registration_changes_total{change=\"updated\"}", NULL),
    COUNTER_OF(agent_metrics, removed, "discoverd_agent_registration_changes_total{change=\"removed\"}", NULL),
    COUNTER_OF(agent_metrics, expired, "discoverd_agent_registrations_lost_total{cause=\"no_heartbeat\"}",
               "Registrations removed because no heartbeat came, or because their process died."),
    COUNTER_OF(agent_metrics, processes_gone, "discoverd_agent_registrations_lost_total{cause=\"process_gone\"}", NULL),
    COUNTER_OF(agent_metrics, conflicts, "discoverd_agent_registrations_refused_total{reason=\"conflict\"}",
               "Registrations refused because another owner has the name, or because of limits.instances_per_host."),
    COUNTER_OF(agent_metrics, limited, "discoverd_agent_registrations_refused_total{reason=\"limit\"}", NULL),
    COUNTER_OF(agent_metrics, store_errors, "discoverd_agent_store_errors_total",
               "Writes to the state directory that failed."),
    GAUGE_OF(agent_metrics, registrations, "discoverd_agent_registrations", "Registrations on this host."),
    GAUGE_OF(agent_metrics, inherited, "discoverd_agent_inherited",
             "Registrations of an earlier life that nobody has claimed yet."),
    GAUGE_OF(agent_metrics, overrides, "discoverd_agent_overrides",
             "States set by an operator (discoverctl drain, maintenance)."),
    COUNTER_OF(agent_metrics, overrides_limited, "discoverd_agent_overrides_limited_total",
               "States of operators refused because of limits.overrides."),
    COUNTER_OF(agent_metrics, leases, "discoverd_agent_leases_total", "Leases put."),
    COUNTER_OF(agent_metrics, lease_errors, "discoverd_agent_lease_errors_total", "Leases that failed."),
    SECONDS_OF_US(agent_metrics, lease_late_us, "discoverd_agent_lease_late_seconds",
                  "How late a lease was put, at most, in the last 5 to 10 s."),
    COUNTER_OF(agent_metrics, questions, "discoverd_agent_name_questions_total",
               "Times a lease was found under this host's name, and asked whether it belongs to somebody alive."),
    COUNTER_OF(agent_metrics, jumps, "discoverd_agent_epoch_jumps_total",
               "Times the epoch had to go above one found in the bucket."),
    COUNTER_OF(agent_metrics, name_conflicts, "discoverd_agent_name_conflicts_total",
               "Times another live host of the same name was found."),
    GAUGE_OF(agent_metrics, name_is_ours, "discoverd_agent_name_is_ours",
             "1 when no other live host uses this host's name."),
};
METRICS_LISTED(metrics_table)

int agent_add_metrics(struct agent *a, struct metrics *m)
{
    return metrics_add(m, metrics_table, sizeof metrics_table / sizeof *metrics_table, &a->metrics);
}
