/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the feed share. One follower for each bucket keeps the order; what it lets through goes here:
 *
 *   feed_services.c  records of other hosts -> catalog; of this host -> agent, which alone says what is registered here
 *   feed_hosts.c     leases of other hosts -> liveness -> catalog; our own -> agent, and health (it is the canary)
 *   feed.c           bus -> followers; time
 *
 * Main thread only.
 */
#ifndef DAEMON_FEED_H
#define DAEMON_FEED_H

#include "daemon/daemon.h"

/* As the callbacks of a follower get it. */
static inline struct daemon *feed_daemon(void *arg)
{
    return ((struct feed *)arg)->daemon;
}

bool feed_is_own(const struct daemon *d, const char *host);

/* Counts and tells. */
void feed_refuse(struct daemon *d, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                 const char *why);

/* What differs between the buckets: apply, remove, and the ends of a snapshot. */
void feed_services_ops(struct follow_ops *ops);
void feed_hosts_ops(struct follow_ops *ops);

/* Records that were not seen since a snapshot began. arg: the feed. */
size_t feed_services_unmarked(void *arg);

/* Who is alive, and whether the bus is to be trusted in that. -ENOMEM. */
int feed_liveness_start(struct daemon *d);

#endif
