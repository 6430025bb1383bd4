/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When our host's lease is put: every third of its TTL, a little early by a random amount, so that a fleet that
 * was started at once does not beat at once. Counts its puts and knows the answer to the latest. Pure; main thread.
 */
#ifndef AGENT_LEASE_SCHEDULE_H
#define AGENT_LEASE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct lease_beat {
    int64_t every_ns;
    int64_t next_ns;  /* INT64_MAX: no lease is to be put */
    int64_t sent_ns;  /* when the latest lease was put */
    uint64_t counter; /* of the latest lease put */
    uint64_t stored;  /* counter of the latest lease that NATS acknowledged */
    bool acked;       /* the latest lease was acknowledged */
};

void lease_beat_init(struct lease_beat *b, int64_t lease_ttl_ns);

/*
 * The next lease is due at once: after a reconnect, and when its contents have changed. lease_beat_stop: none is due
 * any more.
 */
void lease_beat_now(struct lease_beat *b, int64_t now_ns);
void lease_beat_stop(struct lease_beat *b);

/*
 * The bucket holds an older lease than the latest it ever had, or none: the next one is due at once. But what was seen
 * may be a late echo, so this cannot come more often than failed puts are repeated.
 */
void lease_beat_lost(struct lease_beat *b, int64_t now_ns);

/*
 * A lease with this counter was seen: if we have not come so far, the next one is due at once, with a counter above it.
 */
void lease_beat_overtaken(struct lease_beat *b, uint64_t counter, int64_t now_ns);

/*
 * Another life under our name has to hear from us: the next lease is due at once, but at most ten times a second
 * however many such lives there are.
 */
void lease_beat_reply(struct lease_beat *b, int64_t now_ns);

/* A lease is put now. Returns its counter. random: for the time of the next one. */
uint64_t lease_beat_sent(struct lease_beat *b, uint64_t random, int64_t now_ns);

/* The answer to the put with that counter: 0 or a negative errno. When the latest one failed it is put again soon. */
void lease_beat_answer(struct lease_beat *b, uint64_t counter, int err, uint64_t random, int64_t now_ns);

#endif
