/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes what is registered on this host: decides when its lease and its records may be put into NATS. */
#include "daemon/agent/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent/agent_impl.h"
#include "daemon/agent/epoch.h"
#include "daemon/base/deadlines.h"
#include "libdiscover/core/clock.h"

#define GOOD_BYE_WAIT_NS NS_PER_S /* for the lease that says it; then the records go anyway */

/* --- after each call: what follows from the state as it is now --- */

static void follow_publishing(struct agent *a, int64_t now_ns)
{
    bool may = a->connected && agent_name_is_ours(a);
    if (may == a->publishing)
        return;
    a->publishing = may;
    if (may) {
        a->lease_seen_ns = now_ns;
        /* The lease first: records of a host without one would not be served. */
        agent_put_lease(a, now_ns);
        publisher_resume(&a->publisher, now_ns);
    } else {
        lease_beat_stop(&a->beat);
        publisher_pause(&a->publisher);
    }
}

static void follow_leave(struct agent *a, int64_t now_ns)
{
    if (a->leave != SAYING_GOOD_BYE || (!a->beat.acked && now_ns < a->good_bye_until_ns))
        return;
    a->leave = TAKING_AWAY;
    lease_beat_stop(&a->beat);
    publisher_remove_all(&a->publisher, now_ns);
}

static void after(struct agent *a, int64_t now_ns)
{
    agent_follow_name(a, now_ns);
    follow_publishing(a, now_ns);
    follow_leave(a, now_ns);
    struct publisher_stats publisher = publisher_stats(&a->publisher);
    struct registrar_stats registrar = registrar_stats(&a->registrar);
    metric_set(&a->metrics.behind, publisher.behind);
    metric_set(&a->metrics.in_flight, publisher.in_flight);
    metric_set(&a->metrics.window, publisher.window);
    metric_set(&a->metrics.records, publisher.records);
    metric_set(&a->metrics.registrations, registrar.registrations);
    metric_set(&a->metrics.inherited, registrar.inherited);
    metric_set(&a->metrics.overrides, registrar.overrides);
    metric_set(&a->metrics.name_is_ours, agent_name_is_ours(a));
}

/* --- life --- */

int agent_new(const struct agent_options *options, const struct agent_ops *ops, int64_t now_ns,
              struct agent **ret_agent)
{
    struct agent *a = calloc(1, sizeof *a);
    if (!a)
        return -ENOMEM;
    a->options = *options;
    a->read_ns = INT64_MAX;
    a->ops = *ops;
    publisher_init(&a->publisher, &a->options, &a->ops, &a->metrics);
    registrar_init(&a->registrar, &a->options, &a->ops, &a->publisher, &a->metrics);
    a->identity = options->identity;
    epoch_begin(&a->identity, options->wall_ms, ops->random(ops->arg));
    agent_store_identity(a);
    name_conflict_init(&a->name_conflict, a->identity.node, ops->random(ops->arg) | 1, a->options.lease_ttl_ns, now_ns);
    if (a->identity.boot)
        name_conflict_remember(&a->name_conflict, a->identity.boot == options->boot ? a->identity.life : 0);
    a->name_conflict.last_asker = a->identity.asker;
    lease_beat_init(&a->beat, a->options.lease_ttl_ns);
    agent_begin_grace(a, now_ns);
    registrar_set_epoch(&a->registrar, a->identity.epoch, now_ns);
    *ret_agent = a;
    return 0;
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    registrar_fini(&a->registrar);
    publisher_fini(&a->publisher);
    free(a);
}

struct registrar *agent_registrar(struct agent *a)
{
    return &a->registrar;
}

/* --- from the bus --- */

void agent_bus_begins(struct agent *a, int64_t now_ns)
{
    a->name_conflict.asked_ns = now_ns;
}

void agent_connected(struct agent *a, int64_t now_ns)
{
    a->connected = true;
    name_conflict_connected(&a->name_conflict, now_ns);
    after(a, now_ns);
}

void agent_disconnected(struct agent *a, int64_t now_ns)
{
    a->connected = false;
    name_conflict_disconnected(&a->name_conflict);
    after(a, now_ns);
}

void agent_snapshot_begin(struct agent *a)
{
    publisher_snapshot_begin(&a->publisher);
}

/* No counter comes so far: a value that claims such a one would be newer than anything that we put later. */
#define COUNTER_MAX (UINT64_C(1) << 62)

/* Whether other hosts take what has this version for newer than anything of our epoch. */
static bool is_ahead(const struct agent *a, uint64_t epoch, uint64_t counter)
{
    return epoch > a->identity.epoch || (epoch == a->identity.epoch && counter >= COUNTER_MAX);
}

/* What an earlier life left is in the first snapshot: what appears under our name later is not of that life. */
static bool is_inheritance(const struct agent *a, const struct record *record)
{
    return !a->synced && !a->grace_over && a->name_conflict.name != AGENT_NAME_CONFLICT &&
           record->epoch < a->identity.epoch && record->epoch >= a->identity.min_epoch;
}

void agent_observed(struct agent *a, const struct instance_key *key, const struct agent_seen *seen, int64_t now_ns)
{
    const struct record *record = seen->record;
    if (strcmp(key->host, a->options.host) != 0)
        return;
    /* Other hosts go by epochs: ours must be above that of an earlier life, or of a forged record. */
    if (record && is_ahead(a, record->epoch, record->counter))
        agent_see_epoch(a, record->epoch);
    publisher_observed(&a->publisher, key, seen, now_ns);
    if (seen->alien)
        registrar_overwritten(&a->registrar, key, now_ns);
    else if (!record)
        registrar_disinherit(&a->registrar, key, now_ns);
    else if (is_inheritance(a, record))
        registrar_inherit(&a->registrar, key, record, now_ns);
    after(a, now_ns);
}

void agent_synced(struct agent *a, int64_t now_ns)
{
    a->synced = true;
    publisher_snapshot_end(&a->publisher, now_ns);
    after(a, now_ns);
}

void agent_published(struct agent *a, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns)
{
    if (token & LEASE_TOKEN)
        agent_lease_answered(a, token & ~LEASE_TOKEN, err, now_ns);
    else
        publisher_answer(&a->publisher, token, err, seq, rtt_ns, now_ns);
    after(a, now_ns);
}

/* A put that arrives late takes the place of a later one: hosts that start now know only the old lease. */
static bool is_old(const struct agent *a, const struct lease *lease)
{
    bool earlier_life = a->beat.stored > 0 && lease->epoch < a->identity.epoch;
    return earlier_life || (lease->epoch == a->identity.epoch && lease->counter < a->beat.stored);
}

void agent_hosts_snapshot_begin(struct agent *a)
{
    a->lease_seen = false;
}

/* A lease that we have not put may have our epoch or more: ours must get above it. */
static void own_lease_seen(struct agent *a, const struct lease *lease, int64_t now_ns)
{
    if (!lease->asked_by && lease->epoch > a->seen_epoch)
        a->lease_seen_ns = now_ns;
    if (is_ahead(a, lease->epoch, lease->counter))
        agent_see_epoch(a, lease->epoch);
    else if (lease->epoch == a->identity.epoch)
        lease_beat_overtaken(&a->beat, lease->counter, now_ns);
}

void agent_own_lease_seen(struct agent *a, const struct lease *lease, uint64_t seq, int64_t age_ns, int64_t now_ns)
{
    enum name_conflict_news news = name_conflict_seen(&a->name_conflict, lease, seq, age_ns, now_ns);
    if (lease->life == a->name_conflict.life)
        own_lease_seen(a, lease, now_ns);
    else
        agent_see_epoch(a, lease->epoch);
    a->lease_seen = true;
    if (is_old(a, lease))
        lease_beat_lost(&a->beat, now_ns);
    if (news != NAME_CONFLICT_NOTHING) {
        metric_inc(&a->metrics.name_conflicts);
        a->ops.name_conflict(a->ops.arg, lease, news == NAME_CONFLICT_FOUND);
    }
    after(a, now_ns);
}

void agent_own_lease_gone(struct agent *a, int64_t now_ns)
{
    if (a->leave == STAYING)
        lease_beat_lost(&a->beat, now_ns);
}

void agent_hosts_synced(struct agent *a, int64_t now_ns)
{
    name_conflict_hosts_synced(&a->name_conflict, now_ns);
    if (!a->lease_seen && a->beat.stored > 0)
        agent_own_lease_gone(a, now_ns);
    after(a, now_ns);
}

void agent_set_addresses(struct agent *a, const struct addresses *addresses, int64_t now_ns)
{
    if (addresses_equal(&a->options.addresses, addresses))
        return;
    a->options.addresses = *addresses;
    registrar_addresses_changed(&a->registrar, now_ns);
    agent_beat_now(a, now_ns);
    after(a, now_ns);
}

/* --- time --- */

static void note_lateness(struct agent *a, int64_t now_ns)
{
    int64_t late_ns = recent_max_add(&a->late, now_ns - a->beat.next_ns, now_ns);
    metric_set(&a->metrics.lease_late_us, (uint64_t)(late_ns / NS_PER_US));
}

int64_t agent_tick(struct agent *a, int64_t now_ns)
{
    name_conflict_tick(&a->name_conflict, now_ns);
    agent_follow_name(a, now_ns);
    registrar_tick(&a->registrar, a->read_ns, now_ns);
    a->ticked_ns = now_ns;
    agent_end_grace(a, now_ns);
    follow_publishing(a, now_ns);
    if (a->publishing && a->beat.next_ns <= now_ns) {
        note_lateness(a, now_ns);
        agent_put_lease(a, now_ns);
    }
    (void)publisher_tick(&a->publisher, now_ns);
    after(a, now_ns);
    return agent_deadline(a);
}

bool agent_waits_for_input(const struct agent *a)
{
    int64_t deadline_ns = registrar_deadline(&a->registrar);
    return deadline_ns <= a->ticked_ns && deadline_ns > a->read_ns;
}

void agent_read_until(struct agent *a, int64_t read_ns)
{
    a->read_ns = read_ns;
}

int64_t agent_deadline(const struct agent *a)
{
    int64_t next_ns = publisher_deadline(&a->publisher);
    if (!agent_waits_for_input(a))
        next_ns = deadline_earlier(next_ns, registrar_deadline(&a->registrar));
    next_ns = deadline_earlier(next_ns, name_conflict_deadline(&a->name_conflict));
    next_ns = deadline_earlier(next_ns, a->beat.next_ns);
    if (agent_name_is_ours(a) && a->seen_epoch >= a->identity.epoch)
        next_ns = deadline_earlier(next_ns, a->next_jump_ns);
    bool grace_pending = !a->grace_over || (!a->raised && a->publishing && a->synced);
    if (grace_pending && a->leave == STAYING)
        next_ns = deadline_earlier(next_ns, a->grace_until_ns);
    if (a->leave == SAYING_GOOD_BYE)
        next_ns = deadline_earlier(next_ns, a->good_bye_until_ns);
    return next_ns;
}

void agent_leave(struct agent *a, int64_t now_ns)
{
    if (a->leave != STAYING)
        return;
    a->leave = SAYING_GOOD_BYE;
    registrar_close(&a->registrar);
    a->good_bye_until_ns = now_ns + GOOD_BYE_WAIT_NS;
    agent_keep_name(a);
    if (a->publishing)
        agent_put_lease(a, now_ns);
    after(a, now_ns);
}

bool agent_left(const struct agent *a)
{
    /* the lease of an earlier life of ours may still be valid */
    bool undecided = a->connected && a->name_conflict.name == AGENT_NAME_UNKNOWN;
    if (a->leave == STAYING || undecided)
        return false;
    return !a->publishing || (a->leave == TAKING_AWAY && publisher_stats(&a->publisher).behind == 0);
}

struct agent_status agent_status(const struct agent *a)
{
    struct publisher_stats publisher = publisher_stats(&a->publisher);
    struct registrar_stats registrar = registrar_stats(&a->registrar);
    return (struct agent_status){
        .epoch = a->identity.epoch,
        .min_epoch = a->identity.min_epoch,
        .node = a->identity.node,
        .registrations = registrar.registrations,
        .inherited = registrar.inherited,
        .waiting = registrar_waiting(&a->registrar),
        .unacknowledged = publisher.behind,
        .refused = publisher.refused,
        .lease_refused = a->lease_refused,
        .lease_acknowledged = a->beat.acked,
        .name = a->name_conflict.name,
        .publishing = a->publishing,
        .lease_seen_ns = a->lease_seen_ns,
    };
}

const struct overrides *agent_overrides(const struct agent *a)
{
    return &a->registrar.overrides;
}
