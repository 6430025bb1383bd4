/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bucket should hold of this host, key by key, against what it is known to hold: whatever differs is put
 * until it does not. Pure; main thread. Owns copies of all keys and values.
 *
 * For each key: the *wanted* value (or none) with its version, and the *stored* version (or none, or what is not ours),
 * which acknowledgements and observations change. Level-triggered: there is no queue of changes, only of keys, so that
 * what changes faster than the bus takes it costs no more than the bus can take.
 *
 * The lease *vouches* for what was stored once and is wanted still, whatever somebody else has made of the key since:
 * readers that know it keep it, and nobody takes it for gone while it is put again.
 *
 *   idle      stored is wanted; a deadline for putting it again before MaxAge removes it
 *   queued    to be put as soon as the window lets it
 *   flying    put, and not answered; a deadline for giving it up. One at a time for each key
 *   waiting   put again at a deadline: after a failure with back-off, or when a snapshot was read before that; when somebody
 *             wrote over it, at once, or a moment later if it has just been put
 */
#ifndef AGENT_PUBLISHER_H
#define AGENT_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/agent/agent_metrics.h"
#include "daemon/agent/agent_ops.h"

struct publisher;

struct publisher_stats {
    uint32_t in_flight, window;
    uint32_t behind;  /* keys whose stored version is not the wanted one */
    uint32_t refused; /* keys whose last put NATS refused */
    uint32_t records; /* number of records that the lease vouches for */
    uint64_t digest;  /* digest of these records (digest.h) */
};

/*
 * Wants a record under the key: a copy of these bytes, which are without a version (encoded_record.h), in the given
 * epoch and with the next counter, which *ret_counter is. Puts it if the bus is there. -ENOMEM: nothing has changed.
 */
int publisher_put(struct publisher *p, const struct instance_key *key, uint64_t epoch, const uint8_t *bytes, size_t n,
                  int64_t now_ns, uint64_t *ret_counter);

/* Wants the key gone. */
void publisher_remove(struct publisher *p, const struct instance_key *key, int64_t now_ns);

/* Wants all keys gone. */
void publisher_remove_all(struct publisher *p, int64_t now_ns);

/* Leaves what is stored under the key as it is: it is neither put again nor deleted. No error if nothing is stored. */
void publisher_retain(struct publisher *p, const struct instance_key *key);

/*
 * publisher_resume: the bus is there, and everything that differs is put. publisher_pause: it is away, nothing is put,
 * and puts without an answer count as lost.
 */
void publisher_resume(struct publisher *p, int64_t now_ns);
void publisher_pause(struct publisher *p);

/*
 * The bucket holds this value under the key. The order of the stream shows what is an echo of something older; any
 * other value that is not wanted is written over, or deleted, at once.
 */
void publisher_observed(struct publisher *p, const struct instance_key *key, const struct agent_seen *seen,
                        int64_t now_ns);

/*
 * What is neither observed nor acknowledged between begin and end is not in the bucket. Puts that failed are tried
 * again at the end.
 */
void publisher_snapshot_begin(struct publisher *p);
void publisher_snapshot_end(struct publisher *p, int64_t now_ns);

/* The answer to a put: 0 or a negative errno. seq: of the stored message in the stream. Unknown tokens are fine. */
void publisher_answer(struct publisher *p, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns);

/* publisher_tick does what is due. Both return the next deadline; INT64_MAX: only after another call. */
int64_t publisher_tick(struct publisher *p, int64_t now_ns);
int64_t publisher_deadline(const struct publisher *p);

/* Whether some wanted value is stored only in a version of an epoch below this one. */
bool publisher_older_than(const struct publisher *p, uint64_t epoch);

struct publisher_stats publisher_stats(const struct publisher *p);

#endif
