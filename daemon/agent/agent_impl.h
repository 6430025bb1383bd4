/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the agent share: agent.c is what others call, agent_host.c what is said of the host as a whole. */
#ifndef AGENT_AGENT_IMPL_H
#define AGENT_AGENT_IMPL_H

#include "daemon/agent/agent.h"
#include "daemon/agent/agent_metrics.h"
#include "daemon/agent/lease_schedule.h"
#include "daemon/agent/name_conflict.h"
#include "daemon/agent/publisher.h"
#include "daemon/agent/registrar.h"
#include "daemon/base/recent_max.h"

#define LEASE_TOKEN (UINT64_C(1) << 63) /* the publisher's tokens are counters from 1 */

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
    uint64_t seen_epoch;    /* the highest under our name that is of another life */
    int64_t next_jump_ns;   /* not above it before: whoever makes us jump may do so again and again */
    bool stood_down;        /* for another that has the name */
    bool connected;
    bool publishing; /* connected, and the name is ours */
    uint64_t identity_errors;
    bool synced;           /* a snapshot was observed: what the bucket holds of us is known */
    bool lease_refused;    /* the last answer to one was that */
    bool lease_seen;       /* since the snapshot of HOSTS began */
    int64_t lease_seen_ns; /* when our own last came back, with nothing above it */
    bool raised;           /* min_epoch is this life's */
    bool grace_over;
    int64_t grace_until_ns; /* then: the next look whether min_epoch can be raised */
    enum leave_step leave;
    int64_t good_bye_until_ns;
    int64_t read_ns;   /* what programs sent before that has been handed over */
    int64_t ticked_ns; /* the last agent_tick */
    struct agent_metrics metrics;
};

static inline bool agent_name_is_ours(const struct agent *a)
{
    return a->name_conflict.name == AGENT_NAME_OURS;
}

/* agent.c: what follows from the state as it is now. After each call. */
void agent_after(struct agent *a, int64_t now_ns);

/* agent_host.c */
void agent_put_lease(struct agent *a, int64_t now_ns);
void agent_note_lateness(struct agent *a, int64_t now_ns); /* the lease is due, and about to be put */
void agent_lease_answered(struct agent *a, uint64_t counter, int err, int64_t now_ns);
void agent_keep_name(struct agent *a); /* that it is ours, or that we leave it, for the life after */
void agent_begin_grace(struct agent *a, int64_t now_ns);
void agent_end_grace(struct agent *a, int64_t now_ns);
void agent_see_epoch(struct agent *a, uint64_t epoch); /* of another life under our name */
void agent_follow_name(struct agent *a, int64_t now_ns);

#endif
