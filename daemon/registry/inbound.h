/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the read side share. One follower for each bucket keeps the order; what it lets through goes here:
 *
 *   inbound_records.c  records of other hosts -> catalog; of this host -> agent, which alone says what is registered here
 *   inbound_leases.c   leases of other hosts -> liveness -> catalog; our own -> agent, and health (it is the canary)
 *   inbound.c          bus -> followers; time
 *
 * Main thread only.
 */
#ifndef REGISTRY_INBOUND_H
#define REGISTRY_INBOUND_H

#include "daemon/daemon.h"

/* As the callbacks of a follower get it. */
static inline struct daemon *inbound_daemon(void *arg)
{
    return ((struct inbound *)arg)->daemon;
}

bool inbound_is_own(const struct daemon *d, const char *host);

/* Counts and tells. */
void inbound_refuse(struct daemon *d, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                    const char *why);

/* NULL, or why no daemon can have this epoch now: it is further ahead than a clock can be wrong by. */
const char *inbound_epoch_problem(const struct daemon *d, uint64_t epoch);

/* What differs between the buckets: apply, remove, and the ends of a snapshot. */
void inbound_records_ops(struct follow_ops *ops);
void inbound_leases_ops(struct follow_ops *ops);

/* Records that were not seen since a snapshot began. arg: the feed. */
size_t inbound_records_unmarked(void *arg);

/* Who is alive, and whether the bus is to be trusted in that. -ENOMEM. */
int inbound_liveness_start(struct daemon *d);

#endif
