/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait before the next try: twice as long after each failure, and never the same for all, so that a
 * fleet that failed together does not try again together. Pure: randomness comes in as an argument. Any thread.
 */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ns, max_ns; /* 0 < first_ns <= max_ns */
    int64_t next_ns;          /* the longest the next wait may be */
};

void backoff_init(struct backoff *b, int64_t first_ns, int64_t max_ns);

/* Changes the longest wait; not below the first one. */
void backoff_set_max(struct backoff *b, int64_t max_ns);

/* The wait after a failure: evenly spread over the upper half of what it may be. random: any 32 bits. */
int64_t backoff_next(struct backoff *b, uint32_t random);

/* After a success. */
void backoff_reset(struct backoff *b);

#endif
