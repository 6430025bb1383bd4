/* SPDX-License-Identifier: Apache-2.0 */
/* Times to try again: doubling up to a limit, jittered so that the clients of a daemon do not come in step. */
#ifndef LIBDISCOVER_SESSION_RECONNECT_BACKOFF_H
#define LIBDISCOVER_SESSION_RECONNECT_BACKOFF_H

#include <stdint.h>

#include "libdiscover/core/clock.h"

#define BACKOFF_MIN_NS (50 * NS_PER_MS)
#define BACKOFF_MAX_NS (2 * NS_PER_S)

struct backoff {
    uint64_t random; /* state of a xorshift generator, never 0 */
    int64_t span_ns; /* upper end of the next wait; 0: start from the smallest */
    int64_t due_ns;  /* when to try again; 0: nothing to try */
};

static inline void backoff_init(struct backoff *b, uint64_t seed)
{
    *b = (struct backoff){.random = seed | 1};
}

/* All is well: the next failure waits least. */
static inline void backoff_reset(struct backoff *b)
{
    b->span_ns = b->due_ns = 0;
}

/* Sets due_ns somewhere in the upper half of a span that doubles each time. */
static inline void backoff_schedule(struct backoff *b, int64_t now_ns)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    int64_t span = b->span_ns ? 2 * b->span_ns : 2 * BACKOFF_MIN_NS;
    b->span_ns = span < BACKOFF_MAX_NS ? span : BACKOFF_MAX_NS;
    b->due_ns = now_ns + b->span_ns / 2 + (int64_t)(b->random % (uint64_t)(b->span_ns / 2 + 1));
}

#endif
