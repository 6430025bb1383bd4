/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the host's name is ours, told from the leases under it. Two hosts of one name must not fight over its
 * keys: the one that is there keeps the name, the other publishes nothing while the first lives. Pure; main thread.
 *
 *   UNKNOWN  no lease of another is known to live: once the snapshot of HOSTS is complete -> OURS
 *            another's lease has not run out (it may be what a host re-installed under our name left): wait for
 *            that -> OURS; it is renewed meanwhile: it lives -> RIVAL
 *   OURS     a lease of another comes and is renewed, so both found the name free (started at once, or apart during
 *            a partition): the one with the lower node keeps it -> RIVAL, or stay and be told
 *   RIVAL    the other's lease runs out, or says good-bye -> OURS
 */
#ifndef AGENT_NAME_CONFLICT_H
#define AGENT_NAME_CONFLICT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/agent/agent.h"

/* The rule when the snapshot of HOSTS does not come: so long after connecting the name is taken for free. */
#define NAME_CONFLICT_HOLD_SHARE 3 /* a third of the lease's TTL */

struct name_conflict {
    enum agent_name name;
    uint64_t node;
    uint64_t first_epoch, epoch; /* epochs of this life: more than one after a jump */
    int64_t hold_ns;
    int64_t hold_until_ns;  /* INT64_MAX: not connected yet */
    int64_t other_until_ns; /* INT64_MIN: no other's lease is alive */
    int64_t other_since_ns; /* when it was seen first */
    uint64_t other_node, other_epoch, other_counter;
    uint64_t told_node, told_epoch; /* of the rival that was reported */
};

enum name_conflict_news {
    NAME_CONFLICT_NOTHING,
    NAME_CONFLICT_FOUND,   /* name is RIVAL now */
    NAME_CONFLICT_IGNORED, /* name is OURS: another host uses it too, and will stand down; once for each of its lives */
};

void name_conflict_init(struct name_conflict *r, uint64_t node, uint64_t epoch, int64_t lease_ttl_ns);
void name_conflict_jump(struct name_conflict *r, uint64_t epoch);
void name_conflict_connected(struct name_conflict *r, int64_t now_ns);

/* What is not ours yet is looked at afresh after the next snapshot of HOSTS. */
void name_conflict_disconnected(struct name_conflict *r);

void name_conflict_hosts_synced(struct name_conflict *r, int64_t now_ns);
enum name_conflict_news name_conflict_seen(struct name_conflict *r, const struct lease *lease, int64_t age_ns,
                                           int64_t now_ns);

/* Lets waits end: look at name afterwards. */
void name_conflict_tick(struct name_conflict *r, int64_t now_ns);

/* When to call it next; INT64_MAX: not by time. */
int64_t name_conflict_deadline(const struct name_conflict *r);

#endif
