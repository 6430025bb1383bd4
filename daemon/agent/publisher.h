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
 *   waiting   put again at a deadline: after a failure with back-off; when somebody wrote over it, at once, or a moment
 *             later if it has just been put
 */
#ifndef AGENT_PUBLISHER_H
#define AGENT_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/agent/agent.h"

struct publisher;

struct publisher_options {
    struct histogram *acknowledged; /* counts how long acknowledgements take; or NULL */
    int64_t record_ttl_ns;
    int64_t ack_timeout_ns;
    uint32_t window_max;
    uint32_t keys_max; /* beyond so many, what is observed and not wanted is ignored */
};

struct publisher_stats {
    uint64_t puts, deletes, repeats, acks, errors, timeouts, late, orphans;
    uint64_t put_back; /* times a key was found to hold what others had written */
    uint32_t in_flight, window;
    uint32_t behind;  /* keys whose stored version is not the wanted one */
    uint32_t refused; /* keys whose last put NATS refused */
    uint32_t records; /* that the lease vouches for */
    uint64_t digest;  /* of these (digest.h) */
};

/* Uses publish, unpublish and random of ops, which must live as long as the publisher. -ENOMEM. */
int publisher_new(const struct publisher_options *options, const struct agent_ops *ops, struct publisher **ret_w);
void publisher_free(struct publisher *w);

/*
 * Wants this record under the key, with the given epoch and the next counter, both of which are set in it. Puts it
 * if the bus is there. -EMSGSIZE, -ENOMEM: nothing has changed.
 */
int publisher_put(struct publisher *w, const struct instance_key *key, uint64_t epoch, struct record *record,
                  int64_t now_ns);

/* Wants the key gone. */
void publisher_remove(struct publisher *w, const struct instance_key *key, int64_t now_ns);

/* Wants all keys gone. */
void publisher_remove_all(struct publisher *w, int64_t now_ns);

/* Lets stay what is there under the key, neither put nor deleted. No error if it is not there. */
void publisher_keep(struct publisher *w, const struct instance_key *key);

/* The bus is there: everything that differs is put. Not there: nothing is, and what was flying counts as lost. */
void publisher_resume(struct publisher *w, int64_t now_ns);
void publisher_pause(struct publisher *w);

/*
 * The bucket holds this under the key. The order of the stream tells what is an echo of something older; anything else
 * that is not wanted is written over, or deleted, at once.
 */
void publisher_observed(struct publisher *w, const struct instance_key *key, const struct agent_seen *seen,
                        int64_t now_ns);

/* What is neither observed nor acknowledged from begin to end, is not in the bucket. */
void publisher_snapshot_begin(struct publisher *w);
void publisher_snapshot_end(struct publisher *w, int64_t now_ns);

/* seq: of the message that the put became, in the stream. */
void publisher_answer(struct publisher *w, uint64_t token, int err, uint64_t seq, int64_t rtt_ns, int64_t now_ns);

/* Does what is due; the next deadline. */
int64_t publisher_tick(struct publisher *w, int64_t now_ns);
int64_t publisher_deadline(const struct publisher *w);

/* Whether a wanted value is still stored in a version of an epoch below this one only. */
bool publisher_older_than(const struct publisher *w, uint64_t epoch);

struct publisher_stats publisher_stats(const struct publisher *w);

#endif
