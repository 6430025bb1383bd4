/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps an instance that flaps from being published again and again: it may get worse at any time, but better only so often
 * in a minute; beyond that it stays as bad as it was. Pure.
 */
#ifndef CHECK_RECOVERY_H
#define CHECK_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "libdiscover/core/clock.h"

struct recovery {
    uint32_t a_minute;
    int64_t full_ns; /* when it has all its recoveries again */
};

static inline int64_t recovery_each_ns(const struct recovery *r)
{
    return 60 * NS_PER_S / r->a_minute;
}

/* When the next recovery is free; the past or now: one is. */
static inline int64_t recovery_free_ns(const struct recovery *r)
{
    return r->full_ns - 60 * NS_PER_S + recovery_each_ns(r);
}

/* Takes a recovery. Returns false if none is free before recovery_free_ns. */
static inline bool recovery_take(struct recovery *r, int64_t now_ns)
{
    if (recovery_free_ns(r) > now_ns)
        return false;
    r->full_ns = (r->full_ns > now_ns ? r->full_ns : now_ns) + recovery_each_ns(r);
    return true;
}

#endif
