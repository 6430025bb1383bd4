/* SPDX-License-Identifier: Apache-2.0 */
/* The write side: lives, leases, and when what may be said to the bus. */
#include "daemon/agent/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent/agent_metrics.h"
#include "daemon/agent/epoch.h"
#include "daemon/agent/lease_schedule.h"
#include "daemon/agent/registrar.h"
#include "daemon/agent/name_conflict.h"
#include "daemon/agent/stored.h"
#include "daemon/base/recent_max.h"
#include "daemon/agent/publisher.h"
#include "libdiscover/core/clock.h"

#define LEASE_TOKEN      (UINT64_C(1) << 63) /* the publisher's tokens are counters from 1 */
#define GRACE_CHECK_NS   (250 * NS_PER_MS)   /* between looks whether everything was put again */
#define JUMPS_PER_BEAT   8
#define GOOD_BYE_WAIT_NS NS_PER_S            /* for the lease that says it; then the records go anyway */

enum leave_step { STAYING, SAYING_GOOD_BYE, TAKING_AWAY };

struct agent {
    struct agent_options options;
    struct agent_ops ops;
    struct agent_identity identity;
    struct publisher *publisher;
    struct registrar *registrar;
    struct name_conflict name_conflict;
    struct lease_beat beat;
    struct recent_max late; /* of leases */
    uint64_t seen_epoch;   /* the highest under our name that is of another life */
    int64_t next_jump_ns;  /* not above it before: whoever makes us jump may do so again and again */
    bool stood_down;       /* for another that has the name */
    bool connected;
    bool publishing; /* connected, and the name is ours */
    uint64_t identity_errors;
    bool synced;     /* a snapshot was observed: what the bucket holds of us is known */
    bool lease_seen; /* since the snapshot of HOSTS began */
    bool raised;     /* min_epoch is this life's */
    bool grace_over;
    int64_t grace_until_ns; /* then: the next look whether min_epoch can be raised */
    enum leave_step leave;
    int64_t good_bye_until_ns;
    struct agent_metrics metrics;
};

int agent_add_metrics(struct agent *a, struct metrics *m)
{
    return agent_metrics_add(&a->metrics, m);
}

/* --- the lease --- */

static struct lease present_lease(const struct agent *a)
{
    struct publisher_stats stats = publisher_stats(a->publisher);
    struct lease lease = {
        .epoch = a->identity.epoch,
        .min_epoch = a->identity.min_epoch,
        .node = a->identity.node,
        .digest = stats.digest,
        .ttl_ms = (uint32_t)(a->options.lease_ttl_ns / NS_PER_MS),
        .records = stats.records,
        .families = a->options.families,
        .leaving = a->leave != STAYING,
        .life = a->name_conflict.life,
        .claim = a->name_conflict.claim == UINT64_MAX ? 0 : a->name_conflict.claim,
        .answers = a->name_conflict.answers,
    };
    memcpy(lease.ipv4, a->options.ipv4, sizeof lease.ipv4);
    memcpy(lease.ipv6, a->options.ipv6, sizeof lease.ipv6);
    memcpy(lease.region, a->options.region, sizeof lease.region);
    memcpy(lease.zone, a->options.zone, sizeof lease.zone);
    memcpy(lease.version, a->options.version, sizeof lease.version);
    return lease;
}

static void lease_answered(struct agent *a, uint64_t counter, int err, int64_t now_ns)
{
    if (err)
        metric_inc(&a->metrics.lease_errors);
    lease_beat_answer(&a->beat, counter, err, a->ops.random(a->ops.arg), now_ns);
}

static void put_lease(struct agent *a, int64_t now_ns)
{
    struct lease lease = present_lease(a);
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    lease.counter = lease_beat_sent(&a->beat, a->ops.random(a->ops.arg), now_ns);
    metric_inc(&a->metrics.leases);
    int err = lease_encode(&lease, bytes, &n);
    if (err == 0)
        err = a->ops.publish_lease(a->ops.arg, bytes, n, LEASE_TOKEN | lease.counter);
    if (err < 0)
        lease_answered(a, lease.counter, err, now_ns);
}

static void note_lateness(struct agent *a, int64_t now_ns)
{
    int64_t late_ns = recent_max_add(&a->late, now_ns - a->beat.next_ns, now_ns);
    metric_set(&a->metrics.lease_late_us, (uint64_t)(late_ns / NS_PER_US));
}

/* For every reader it is the lease that is there already. Should it get lost, nothing is asked. */
static void put_question(struct agent *a, int64_t now_ns)
{
    struct lease question = a->name_conflict.other;
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    question.asked_by = a->name_conflict.life;
    metric_inc(&a->metrics.questions);
    if (lease_encode(&question, bytes, &n) == 0)
        (void)a->ops.publish_lease(a->ops.arg, bytes, n, LEASE_TOKEN);
    name_conflict_asked(&a->name_conflict, now_ns);
}

void agent_beat_now(struct agent *a, int64_t now_ns)
{
    if (a->publishing && a->leave == STAYING)
        lease_beat_now(&a->beat, now_ns);
}

/* --- epochs --- */

static void store_identity(struct agent *a)
{
    uint8_t bytes[STORED_MAX];
    size_t n = stored_identity_encode(&a->identity, bytes);
    if (a->ops.store(a->ops.arg, STORED_IDENTITY, bytes, n) < 0)
        a->identity_errors++;
}

static void begin_grace(struct agent *a, int64_t now_ns)
{
    a->raised = a->grace_over = false;
    a->grace_until_ns = now_ns + a->options.restart_grace_ns;
}

/*
 * Another life under our name was at seen_epoch: a reader that knows of it ignores us until we are above. It may be an
 * earlier one of which neither the state directory nor the clock knows, or whoever took the name while we were away.
 */
static void jump(struct agent *a, int64_t now_ns)
{
    if (now_ns < a->next_jump_ns || !epoch_jump(&a->identity, a->seen_epoch))
        return;
    a->next_jump_ns = now_ns + a->beat.every_ns / JUMPS_PER_BEAT;
    metric_inc(&a->metrics.jumps);
    store_identity(a);
    begin_grace(a, now_ns);
    registrar_set_epoch(a->registrar, a->identity.epoch, now_ns);
    agent_beat_now(a, now_ns);
}

/* What another life had under our name was never ours: nothing of it is vouched for. */
static void take_over(struct agent *a, int64_t now_ns)
{
    a->stood_down = false;
    registrar_drop_inherited(a->registrar, now_ns);
    a->raised = a->grace_over = true;
    a->identity.min_epoch = a->identity.epoch;
    store_identity(a);
}

static void see_epoch(struct agent *a, uint64_t epoch)
{
    if (epoch > a->seen_epoch)
        a->seen_epoch = epoch;
}

/* --- after each call: what follows from the state as it is now --- */

static bool name_is_ours(const struct agent *a)
{
    return a->name_conflict.name == AGENT_NAME_OURS;
}

/* What others under our name make necessary: to go above them, to ask whether they are there, to answer them. */
static void follow_name(struct agent *a, int64_t now_ns)
{
    a->stood_down |= a->name_conflict.name == AGENT_NAME_CONFLICT;
    if (name_is_ours(a))
        jump(a, now_ns);
    if (name_is_ours(a) && a->stood_down)
        take_over(a, now_ns);
    if (a->connected && name_conflict_wants_to_ask(&a->name_conflict))
        put_question(a, now_ns);
    if (a->publishing && a->leave == STAYING && a->name_conflict.answer_due)
        lease_beat_reply(&a->beat, now_ns);
    a->name_conflict.answer_due = false;
}

static void follow_publishing(struct agent *a, int64_t now_ns)
{
    bool may = a->connected && name_is_ours(a);
    if (may == a->publishing)
        return;
    a->publishing = may;
    if (may) {
        /* The lease first: records of a host without one would not be served. */
        put_lease(a, now_ns);
        publisher_resume(a->publisher, now_ns);
    } else {
        lease_beat_stop(&a->beat);
        publisher_pause(a->publisher);
    }
}

static void follow_leave(struct agent *a, int64_t now_ns)
{
    if (a->leave != SAYING_GOOD_BYE || (!a->beat.acked && now_ns < a->good_bye_until_ns))
        return;
    a->leave = TAKING_AWAY;
    lease_beat_stop(&a->beat);
    publisher_remove_all(a->publisher, now_ns);
}

static void after(struct agent *a, int64_t now_ns)
{
    follow_name(a, now_ns);
    follow_publishing(a, now_ns);
    follow_leave(a, now_ns);
    struct publisher_stats publisher = publisher_stats(a->publisher);
    struct registrar_stats registrar = registrar_stats(a->registrar);
    agent_metrics_show(&a->metrics, &publisher, &registrar);
    metric_set(&a->metrics.store_errors, registrar.store_errors + a->identity_errors);
    metric_set(&a->metrics.name_is_ours, name_is_ours(a));
}

/*
 * Raising min_epoch voids at one stroke, everywhere, what nobody has claimed. Not before readers can have the new
 * version of everything else.
 */
static void end_grace(struct agent *a, int64_t now_ns)
{
    if (a->raised || a->leave != STAYING || now_ns < a->grace_until_ns)
        return;
    if (!a->grace_over)
        registrar_drop_inherited(a->registrar, now_ns);
    a->grace_over = true;
    a->grace_until_ns = now_ns + GRACE_CHECK_NS;
    if (!a->publishing || !a->synced || publisher_older_than(a->publisher, a->identity.epoch))
        return;
    a->raised = true;
    a->identity.min_epoch = a->identity.epoch;
    store_identity(a);
    lease_beat_now(&a->beat, now_ns);
}

/* --- life --- */

static void set_defaults(struct agent_options *o)
{
    o->lease_ttl_ns = o->lease_ttl_ns ? o->lease_ttl_ns : 10 * NS_PER_S;
    o->record_ttl_ns = o->record_ttl_ns ? o->record_ttl_ns : 3600 * NS_PER_S;
    o->restart_grace_ns = o->restart_grace_ns ? o->restart_grace_ns : 15 * NS_PER_S;
    o->ack_timeout_ns = o->ack_timeout_ns ? o->ack_timeout_ns : 5 * NS_PER_S;
    o->instances_max = o->instances_max ? o->instances_max : 10000;
    o->overrides_max = o->overrides_max ? o->overrides_max : 1000;
    o->window_max = o->window_max ? o->window_max : 4096;
}

static int make_parts(struct agent *a)
{
    struct publisher_options options = {
        .record_ttl_ns = a->options.record_ttl_ns,
        .ack_timeout_ns = a->options.ack_timeout_ns,
        .window_max = a->options.window_max,
        .keys_max = 2 * a->options.instances_max,
    };
    int err = publisher_new(&options, &a->ops, &a->publisher);
    return err < 0 ? err : registrar_new(&a->options, &a->ops, a->publisher, &a->registrar);
}

int agent_new(const struct agent_options *options, const struct agent_ops *ops, int64_t now_ns,
              struct agent **ret_agent)
{
    struct agent *a = calloc(1, sizeof *a);
    if (!a)
        return -ENOMEM;
    a->options = *options;
    a->ops = *ops;
    set_defaults(&a->options);
    int err = make_parts(a);
    if (err < 0) {
        agent_free(a);
        return err;
    }
    a->identity = options->identity;
    epoch_begin(&a->identity, options->wall_ms, ops->random(ops->arg));
    store_identity(a);
    name_conflict_init(&a->name_conflict, a->identity.node, ops->random(ops->arg) | 1, a->options.lease_ttl_ns);
    lease_beat_init(&a->beat, a->options.lease_ttl_ns);
    begin_grace(a, now_ns);
    registrar_set_epoch(a->registrar, a->identity.epoch, now_ns);
    *ret_agent = a;
    return 0;
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    registrar_free(a->registrar);
    publisher_free(a->publisher);
    free(a);
}

int agent_restore(struct agent *a, const uint8_t *bytes, size_t n, int64_t now_ns)
{
    int err = registrar_restore(a->registrar, bytes, n, now_ns);
    after(a, now_ns);
    return err;
}

int agent_register(struct agent *a, const struct agent_request *request, int64_t now_ns,
                   char ret_instance[static LABEL_CAP], const char **ret_why)
{
    if (a->leave != STAYING)
        return -ESHUTDOWN;
    int err = registrar_register(a->registrar, request, now_ns, ret_instance, ret_why);
    after(a, now_ns);
    return err;
}

int agent_deregister(struct agent *a, const struct instance_key *key, uint64_t client, uid_t uid, int64_t now_ns)
{
    int err = registrar_deregister(a->registrar, key, client, uid, now_ns);
    after(a, now_ns);
    return err;
}

int agent_heartbeat(struct agent *a, const struct instance_key *key, uint64_t client, uid_t uid, int64_t now_ns)
{
    return registrar_heartbeat(a->registrar, key, client, uid, now_ns);
}

void agent_client_gone(struct agent *a, uint64_t client, int64_t now_ns)
{
    registrar_client_gone(a->registrar, client, now_ns);
    after(a, now_ns);
}

void agent_pid_gone(struct agent *a, pid_t pid, int64_t now_ns)
{
    registrar_pid_gone(a->registrar, pid, now_ns);
    after(a, now_ns);
}

int agent_set_state(struct agent *a, const struct instance_key *key, enum discover_state state, int64_t now_ns)
{
    int err = registrar_set_state(a->registrar, key, state, now_ns);
    after(a, now_ns);
    return err;
}

int agent_override(struct agent *a, const struct override *override, bool on, int64_t now_ns)
{
    int err = registrar_override(a->registrar, override, on, now_ns);
    after(a, now_ns);
    return err;
}

int agent_restore_override(struct agent *a, const uint8_t *bytes, size_t n, int64_t now_ns)
{
    int err = registrar_restore_override(a->registrar, bytes, n, now_ns);
    after(a, now_ns);
    return err;
}

const struct overrides *agent_overrides(const struct agent *a)
{
    return registrar_overrides(a->registrar);
}

void agent_set_static(struct agent *a, struct agent_service *services, size_t n, int64_t now_ns)
{
    registrar_set_static(a->registrar, services, n, now_ns);
    after(a, now_ns);
}

/* --- from the bus --- */

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
    publisher_snapshot_begin(a->publisher);
}

static bool is_inheritance(const struct agent *a, const struct record *record)
{
    return !a->grace_over && a->name_conflict.name != AGENT_NAME_CONFLICT && record->epoch < a->identity.epoch &&
           record->epoch >= a->identity.min_epoch;
}

void agent_observed(struct agent *a, const struct instance_key *key, const struct record *record, int64_t now_ns)
{
    if (strcmp(key->host, a->options.host) != 0)
        return;
    if (!record) {
        publisher_observed(a->publisher, key, 0, 0, now_ns);
        registrar_disinherit(a->registrar, key, now_ns);
    } else {
        if (record->epoch > a->identity.epoch)
            see_epoch(a, record->epoch);
        publisher_observed(a->publisher, key, record->epoch, record->counter, now_ns);
        if (is_inheritance(a, record))
            registrar_inherit(a->registrar, key, record, now_ns);
    }
    after(a, now_ns);
}

void agent_synced(struct agent *a, int64_t now_ns)
{
    a->synced = true;
    publisher_snapshot_end(a->publisher, now_ns);
    after(a, now_ns);
}

/* Late puts take the place of later ones: readers that come now know only the old one. */
static bool is_old(const struct agent *a, const struct lease *lease)
{
    bool earlier_life = a->beat.stored > 0 && lease->epoch < a->identity.epoch;
    return earlier_life || (lease->epoch == a->identity.epoch && lease->counter < a->beat.stored);
}

void agent_hosts_snapshot_begin(struct agent *a)
{
    a->lease_seen = false;
}

void agent_own_lease_seen(struct agent *a, const struct lease *lease, uint64_t seq, int64_t age_ns, int64_t now_ns)
{
    enum name_conflict_news news = name_conflict_seen(&a->name_conflict, lease, seq, age_ns, now_ns);
    if (!name_conflict_is_ours(&a->name_conflict, lease) && lease->life != a->name_conflict.life)
        see_epoch(a, lease->epoch);
    a->lease_seen = true;
    if (is_old(a, lease))
        lease_beat_lost(&a->beat, now_ns);
    if (news != NAME_CONFLICT_NOTHING) {
        metric_inc(&a->metrics.rivals);
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

void agent_published(struct agent *a, uint64_t token, int err, int64_t rtt_ns, int64_t now_ns)
{
    if (token & LEASE_TOKEN)
        lease_answered(a, token & ~LEASE_TOKEN, err, now_ns);
    else
        publisher_answer(a->publisher, token, err, rtt_ns, now_ns);
    after(a, now_ns);
}

/* --- time --- */

int64_t agent_tick(struct agent *a, int64_t now_ns)
{
    name_conflict_tick(&a->name_conflict, now_ns);
    follow_name(a, now_ns);
    (void)registrar_tick(a->registrar, now_ns);
    end_grace(a, now_ns);
    follow_publishing(a, now_ns);
    if (a->publishing && a->beat.next_ns <= now_ns) {
        note_lateness(a, now_ns);
        put_lease(a, now_ns);
    }
    (void)publisher_tick(a->publisher, now_ns);
    after(a, now_ns);
    return agent_deadline(a);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t agent_deadline(const struct agent *a)
{
    int64_t next_ns = earlier(publisher_deadline(a->publisher), registrar_deadline(a->registrar));
    next_ns = earlier(next_ns, name_conflict_deadline(&a->name_conflict));
    next_ns = earlier(next_ns, a->beat.next_ns);
    if (name_is_ours(a) && a->seen_epoch >= a->identity.epoch)
        next_ns = earlier(next_ns, a->next_jump_ns);
    bool grace_pending = !a->grace_over || (!a->raised && a->publishing && a->synced);
    if (grace_pending && a->leave == STAYING)
        next_ns = earlier(next_ns, a->grace_until_ns);
    if (a->leave == SAYING_GOOD_BYE)
        next_ns = earlier(next_ns, a->good_bye_until_ns);
    return next_ns;
}

void agent_leave(struct agent *a, int64_t now_ns)
{
    if (a->leave != STAYING)
        return;
    a->leave = SAYING_GOOD_BYE;
    a->good_bye_until_ns = now_ns + GOOD_BYE_WAIT_NS;
    if (a->publishing)
        put_lease(a, now_ns);
    after(a, now_ns);
}

bool agent_left(const struct agent *a)
{
    if (a->leave == STAYING)
        return false;
    return !a->publishing || (a->leave == TAKING_AWAY && publisher_stats(a->publisher).behind == 0);
}

struct agent_status agent_status(const struct agent *a)
{
    struct publisher_stats publisher = publisher_stats(a->publisher);
    struct registrar_stats registrar = registrar_stats(a->registrar);
    return (struct agent_status){
        .epoch = a->identity.epoch,
        .min_epoch = a->identity.min_epoch,
        .node = a->identity.node,
        .registrations = registrar.count,
        .inherited = registrar.inherited,
        .unacknowledged = publisher.behind,
        .in_flight = publisher.in_flight,
        .window = publisher.window,
        .lease_acknowledged = a->beat.acked,
        .name = a->name_conflict.name,
    };
}
