/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of those who write to the buckets: which values were refused and why, and who writes too much.
 * In the log (at a bounded rate), in the status, in the metrics. Main thread only.
 */
#ifndef DAEMON_PEERS_H
#define DAEMON_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/config.h"
#include "daemon/base/metrics.h"
#include "daemon/bus/bus.h"
#include "proto/api.pb-c.h"

struct peers;

/* config stays the caller's. -ENOMEM. */
int peers_new(const struct config *config, struct metrics *metrics, struct peers **ret_p);
void peers_free(struct peers *p);

/* A change came through the live feed. */
void peers_heard(struct peers *p, enum bus_bucket bucket, const struct kv_message *m);

/* What it says was taken, or the key was deleted. */
void peers_accepted(struct peers *p, enum bus_bucket bucket, const char *key, size_t key_len);

/* It was not. */
void peers_refused(struct peers *p, enum bus_bucket bucket, const struct kv_message *m, const char *why);

/* A record was not because of a limit. There may be many of such a host: they are told of as one. */
void peers_limited(struct peers *p, const char *host, const struct kv_message *m, const char *why);

/* All that this host vouches for was taken. */
void peers_within_limits(struct peers *p, const char *host);

void peers_snapshot_begin(struct peers *p, enum bus_bucket bucket);
void peers_snapshot_end(struct peers *p, enum bus_bucket bucket); /* of a whole one */

/* To be called once a second. */
void peers_second(struct peers *p, int64_t now_ns);

/* Fills in those fields; they stay valid until anything else is called. */
void peers_status(struct peers *p, int64_t now_ns, Discover__V1__Status *ret_status);

#endif
