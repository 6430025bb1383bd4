/* SPDX-License-Identifier: Apache-2.0 */
/* What the write side counts. */
#include "daemon/agent/agent_metrics.h"

static const struct metric metrics_table[] = {
#define M(field, kind, text)                                                                                           \
    {                                                                                                                  \
        "discoverd_agent_" #field, text, kind, offsetof(struct agent_metrics, field)                                   \
    }
#define COUNTER(field, text)                                                                                           \
    {                                                                                                                  \
        "discoverd_agent_" #field "_total", text, METRIC_COUNTER, offsetof(struct agent_metrics, field)                \
    }
    COUNTER(puts, "Records put into the bucket."),
    COUNTER(deletes, "Records deleted from the bucket."),
    COUNTER(repeats, "Records put again so that the bucket does not expire them."),
    COUNTER(acks, "Puts and deletes that were acknowledged."),
    COUNTER(errors, "Puts and deletes that failed."),
    COUNTER(timeouts, "Puts and deletes that were not answered in time."),
    COUNTER(late, "Answers that came too late to matter."),
    COUNTER(orphans, "Records found under this host's name that nobody wanted, and deleted."),
    M(behind, METRIC_GAUGE, "Registrations whose present state is not acknowledged."),
    M(in_flight, METRIC_GAUGE, "Puts and deletes waiting for an answer."),
    M(window, METRIC_GAUGE, "Puts and deletes that may be waiting for an answer at once."),
    M(records, METRIC_GAUGE, "Records of this host that are known to be in the bucket."),
    COUNTER(registered, "Registrations taken."),
    COUNTER(updated, "Registrations changed."),
    COUNTER(removed, "Registrations removed, for whatever reason."),
    COUNTER(expired, "Registrations removed because no heartbeat came."),
    COUNTER(processes_gone, "Registrations removed because their process died."),
    COUNTER(conflicts, "Registrations refused because another owner has the name."),
    COUNTER(limited, "Registrations refused because of limits.instances_per_host."),
    COUNTER(store_errors, "Writes to the state directory that failed."),
    M(registrations, METRIC_GAUGE, "Registrations on this host."),
    M(inherited, METRIC_GAUGE, "Registrations of an earlier life that nobody has claimed yet."),
    M(overrides, METRIC_GAUGE, "States set by an operator (discoverctl drain, maintenance)."),
    COUNTER(overrides_limited, "States of operators refused because of limits.overrides."),
    COUNTER(leases, "Leases put."),
    COUNTER(lease_errors, "Leases that failed."),
    COUNTER(jumps, "Times the epoch had to go above one found in the bucket."),
    COUNTER(rivals, "Times another live host of the same name was found."),
    M(name_is_ours, METRIC_GAUGE, "1 when no other live host uses this host's name."),
#undef M
#undef COUNTER
};

int agent_metrics_add(struct agent_metrics *set, struct metrics *m)
{
    return metrics_add(m, metrics_table, sizeof metrics_table / sizeof *metrics_table, set);
}

static void show_writer(struct agent_metrics *m, const struct publisher_stats *s)
{
    metric_set(&m->puts, s->puts);
    metric_set(&m->deletes, s->deletes);
    metric_set(&m->repeats, s->repeats);
    metric_set(&m->acks, s->acks);
    metric_set(&m->errors, s->errors);
    metric_set(&m->timeouts, s->timeouts);
    metric_set(&m->late, s->late);
    metric_set(&m->orphans, s->orphans);
    metric_set(&m->behind, s->behind);
    metric_set(&m->in_flight, s->in_flight);
    metric_set(&m->window, s->window);
    metric_set(&m->records, s->records);
}

static void show_registrar(struct agent_metrics *m, const struct registrar_stats *s)
{
    metric_set(&m->registered, s->registered);
    metric_set(&m->updated, s->updated);
    metric_set(&m->removed, s->removed);
    metric_set(&m->expired, s->expired);
    metric_set(&m->processes_gone, s->processes_gone);
    metric_set(&m->conflicts, s->conflicts);
    metric_set(&m->limited, s->limited);
    metric_set(&m->registrations, s->count);
    metric_set(&m->inherited, s->inherited);
    metric_set(&m->overrides, s->overrides);
    metric_set(&m->overrides_limited, s->overrides_limited);
}

void agent_metrics_show(struct agent_metrics *set, const struct publisher_stats *publisher,
                        const struct registrar_stats *registrar)
{
    show_writer(set, publisher);
    show_registrar(set, registrar);
}
