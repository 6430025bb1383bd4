/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of the host as a whole: its lease, its epoch, and whether its name is its own. */
#include <string.h>

#include "daemon/agent/agent_impl.h"
#include "daemon/agent/epoch.h"
#include "daemon/agent/stored.h"
#include "libdiscover/core/clock.h"

#define GRACE_CHECK_NS (250 * NS_PER_MS) /* between looks whether everything was put again */
#define JUMPS_PER_BEAT 8

/* --- the lease --- */

static struct lease present_lease(const struct agent *a)
{
    struct publisher_stats stats = publisher_stats(&a->publisher);
    struct lease lease = {
        .epoch = a->identity.epoch,
        .min_epoch = a->identity.min_epoch,
        .node = a->identity.node,
        .digest = stats.digest,
        .ttl_ms = (uint32_t)(a->options.lease_ttl_ns / NS_PER_MS),
        .records = stats.records,
        .addresses = a->options.addresses,
        .leaving = a->leave != STAYING,
        .life = a->name_conflict.life,
        .claim = a->name_conflict.claim == UINT64_MAX ? 0 : a->name_conflict.claim,
        .answers = a->name_conflict.answers,
        .publishes_events = a->options.publishes_events,
    };
    memcpy(lease.region, a->options.region, sizeof lease.region);
    memcpy(lease.zone, a->options.zone, sizeof lease.zone);
    memcpy(lease.version, a->options.version, sizeof lease.version);
    return lease;
}

void agent_lease_answered(struct agent *a, uint64_t counter, int err, int64_t now_ns)
{
    if (err)
        metric_inc(&a->metrics.lease_errors);
    a->lease_refused = agent_refused(err);
    lease_beat_answer(&a->beat, counter, err, a->ops.random(a->ops.arg), now_ns);
}

void agent_put_lease(struct agent *a, int64_t now_ns)
{
    struct lease lease = present_lease(a);
    lease.counter = lease_beat_sent(&a->beat, a->ops.random(a->ops.arg), now_ns);
    metric_inc(&a->metrics.leases);
    int err = a->ops.publish_lease(a->ops.arg, &lease, LEASE_TOKEN | lease.counter);
    if (err < 0)
        agent_lease_answered(a, lease.counter, err, now_ns);
}

/*
 * Stored before a question is put: should the question arrive after our end, the next life has to know that it was
 * ours.
 */
static void keep_asker(struct agent *a)
{
    if (a->identity.asker == a->name_conflict.life)
        return;
    a->identity.asker = a->name_conflict.life;
    agent_store_identity(a);
}

/*
 * To other hosts a question is the lease that is there already. If it gets lost, nothing was asked, and no lease is
 * missing.
 */
static void put_question(struct agent *a, int64_t now_ns)
{
    struct lease question = name_conflict_question(&a->name_conflict);
    keep_asker(a);
    metric_inc(&a->metrics.questions);
    (void)a->ops.publish_lease(a->ops.arg, &question, LEASE_TOKEN);
    name_conflict_asked(&a->name_conflict, now_ns);
}

void agent_beat_now(struct agent *a, int64_t now_ns)
{
    if (a->publishing && a->leave == STAYING)
        lease_beat_now(&a->beat, now_ns);
}

/* --- epochs --- */

void agent_store_identity(struct agent *a)
{
    uint8_t bytes[STORED_MAX];
    size_t n = stored_identity_encode(&a->identity, bytes);
    if (a->ops.store(a->ops.arg, STORED_IDENTITY, bytes, n) < 0)
        metric_inc(&a->metrics.store_errors);
}

/*
 * Stored before the first lease is put: the next life has to know which lease under the name is that of this machine.
 */
void agent_keep_name(struct agent *a)
{
    bool ours = a->identity.life == a->name_conflict.life;
    if (!agent_name_is_ours(a) || ours == (a->leave == STAYING))
        return;
    a->identity.boot = a->leave == STAYING ? a->options.boot : 0;
    a->identity.life = a->leave == STAYING ? a->name_conflict.life : 0;
    agent_store_identity(a);
}

void agent_begin_grace(struct agent *a, int64_t now_ns)
{
    a->raised = a->grace_over = false;
    a->grace_until_ns = now_ns + a->options.restart_grace_ns;
}

/*
 * Another life under our name was at seen_epoch: hosts that know of it ignore us until we are above. It may be an
 * earlier life of which neither the state directory nor the clock knows, or a host that took the name while we were
 * away.
 */
static void jump(struct agent *a, int64_t now_ns)
{
    if (now_ns < a->next_jump_ns || !epoch_jump(&a->identity, a->seen_epoch))
        return;
    a->next_jump_ns = now_ns + a->beat.every_ns / JUMPS_PER_BEAT;
    metric_inc(&a->metrics.jumps);
    agent_store_identity(a);
    agent_begin_grace(a, now_ns);
    registrar_set_epoch(&a->registrar, a->identity.epoch, now_ns);
    agent_beat_now(a, now_ns);
}

/* Takes a name that another life had: what that life registered was never ours, and is not vouched for. */
static void take_over(struct agent *a, int64_t now_ns)
{
    a->stood_down = false;
    registrar_drop_inherited(&a->registrar, now_ns);
    a->raised = a->grace_over = true;
    a->identity.min_epoch = a->identity.epoch;
    agent_store_identity(a);
}

void agent_see_epoch(struct agent *a, uint64_t epoch)
{
    if (epoch > a->seen_epoch)
        a->seen_epoch = epoch;
}

/* What others under our name make necessary: to go above them, to ask whether they are there, to answer them. */
void agent_follow_name(struct agent *a, int64_t now_ns)
{
    a->stood_down |= a->name_conflict.name == AGENT_NAME_CONFLICT;
    agent_keep_name(a);
    if (agent_name_is_ours(a))
        jump(a, now_ns);
    if (agent_name_is_ours(a) && a->stood_down)
        take_over(a, now_ns);
    if (a->connected && a->name_conflict.ask_due)
        put_question(a, now_ns);
    if (a->publishing && a->leave == STAYING) {
        if (a->name_conflict.answer_due)
            lease_beat_reply(&a->beat, now_ns);
        if (a->name_conflict.last_word_due && a->identity.epoch >= a->name_conflict.other.epoch)
            agent_put_lease(a, now_ns);
    }
    a->name_conflict.answer_due = a->name_conflict.last_word_due = false;
}

/*
 * Raising min_epoch voids at one stroke, on all hosts, what nobody has claimed. So not before other hosts can have the
 * new version of everything else.
 */
void agent_end_grace(struct agent *a, int64_t now_ns)
{
    if (a->raised || a->leave != STAYING || now_ns < a->grace_until_ns)
        return;
    if (!a->grace_over)
        registrar_drop_inherited(&a->registrar, now_ns);
    a->grace_over = true;
    a->grace_until_ns = now_ns + GRACE_CHECK_NS;
    bool all_published = registrar_round_is_over(&a->registrar) && a->publishing && a->synced;
    if (!all_published || publisher_older_than(&a->publisher, a->identity.epoch))
        return;
    a->raised = true;
    a->identity.min_epoch = a->identity.epoch;
    agent_store_identity(a);
    lease_beat_now(&a->beat, now_ns);
}
