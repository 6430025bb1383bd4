/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the agent: agent.c is what others call; agent_host.c, on which it builds, is what is published of the
 * host as a whole.
 */
#ifndef AGENT_AGENT_IMPL_H
#define AGENT_AGENT_IMPL_H

#include "daemon/agent/agent.h"
#include "daemon/agent/agent_metrics.h"
#include "daemon/agent/lease_schedule.h"
#include "daemon/agent/name_conflict.h"
#include "daemon/agent/publisher_impl.h"
#include "daemon/agent/registrar_impl.h"
#include "daemon/base/recent_max.h"

#define LEASE_TOKEN (UINT64_C(1) << 63) /* the publisher's tokens are counters from 1 */

enum leave_step { STAYING, SAYING_GOOD_BYE, TAKING_AWAY };

struct agent {
    struct agent_options options;
    struct agent_ops ops;
    struct agent_identity identity;
    struct publisher publisher;
    struct registrar registrar;
    struct name_conflict name_conflict;
    struct lease_beat beat;
    struct recent_max late; /* how late leases were put, of late */
    uint64_t seen_epoch;    /* the highest epoch that another life has used under our name */
    int64_t next_jump_ns;   /* no jump before this time: whoever makes us jump may do so again and again */
    bool stood_down;        /* another host has the name */
    bool connected;
    bool publishing;       /* connected, and the name is ours */
    bool synced;           /* a snapshot was observed: what the bucket holds of us is known */
    bool lease_refused;    /* NATS refused the last lease */
    bool lease_seen;       /* our lease was seen since the last snapshot of HOSTS began */
    int64_t lease_seen_ns; /* when our own lease last came back, with no higher epoch known */
    bool raised;           /* min_epoch is this life's */
    bool grace_over;
    int64_t grace_until_ns; /* when to look next whether min_epoch can be raised */
    enum leave_step leave;
    int64_t good_bye_until_ns;
    int64_t read_ns;   /* all requests that programs sent before this were handed over */
    int64_t ticked_ns; /* the last agent_tick */
    struct agent_metrics metrics;
};

static inline bool agent_name_is_ours(const struct agent *a)
{
    return a->name_conflict.name == AGENT_NAME_OURS;
}

void agent_put_lease(struct agent *a, int64_t now_ns);
void agent_lease_answered(struct agent *a, uint64_t counter, int err, int64_t now_ns);
void agent_keep_name(struct agent *a); /* stores that the name is ours, or that we leave it, for the next life */
void agent_begin_grace(struct agent *a, int64_t now_ns);
void agent_end_grace(struct agent *a, int64_t now_ns);
void agent_see_epoch(struct agent *a, uint64_t epoch); /* epoch: of another life under our name */
void agent_follow_name(struct agent *a, int64_t now_ns);

#endif
