/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to try something again: a back-off within the library's limits, its random numbers, and the time that resulted.
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdbool.h>

#include "libdiscover/core/backoff.h"
#include "libdiscover/core/clock.h"

#define RETRY_FIRST_NS   (100 * NS_PER_MS)
#define RETRY_LONGEST_NS (2 * NS_PER_S)

struct retry {
    struct backoff backoff;
    uint64_t random; /* state of a xorshift generator, never 0 */
    int64_t due_ns;  /* when to try again; 0: nothing to try */
};

static inline void retry_init(struct retry *r, uint64_t seed)
{
    *r = (struct retry){.random = seed | 1};
    backoff_init(&r->backoff, RETRY_FIRST_NS, RETRY_LONGEST_NS);
}

/* After a success: the wait after the next failure is the shortest. */
static inline void retry_reset(struct retry *r)
{
    backoff_reset(&r->backoff);
    r->due_ns = 0;
}

static inline void retry_schedule(struct retry *r, int64_t now_ns)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    r->due_ns = now_ns + backoff_next(&r->backoff, (uint32_t)(r->random >> 32));
}

static inline bool retry_is_due(const struct retry *r, int64_t now_ns)
{
    return r->due_ns != 0 && r->due_ns <= now_ns;
}

#endif
