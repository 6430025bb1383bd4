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
    int64_t next_ns;  /* INT64_MAX: not running */
    int64_t sent_ns;  /* when the latest was put */
    uint64_t counter; /* of the latest put */
    uint64_t stored;  /* of the latest that was acknowledged */
    bool acked;       /* the latest was */
};

void lease_beat_init(struct lease_beat *b, int64_t lease_ttl_ns);

/* The next one is due at once: after a reconnect, and when what it says has changed. */
void lease_beat_now(struct lease_beat *b, int64_t now_ns);
void lease_beat_stop(struct lease_beat *b);

/*
 * The bucket holds an older one than the latest it ever had, or none: the next one is due at once. But what was seen
 * may be a late echo, so this cannot come more often than failed ones are put again.
 */
void lease_beat_lost(struct lease_beat *b, int64_t now_ns);

/*
 * Another life under our name has to hear from us: the next one is due at once, but not more often than ten times a
 * second however many there are of it.
 */
void lease_beat_reply(struct lease_beat *b, int64_t now_ns);

/* One is put now: its counter. */
uint64_t lease_beat_sent(struct lease_beat *b, uint64_t random, int64_t now_ns);

/* The answer to the one with that counter; when the latest failed it is put again soon. */
void lease_beat_answer(struct lease_beat *b, uint64_t counter, int err, uint64_t random, int64_t now_ns);

#endif
