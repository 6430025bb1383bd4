/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest of the values of the last while: what a gauge shows of something whose worst case matters, and which
 * whoever looks every few seconds must not miss. Pure; one thread.
 */
#ifndef BASE_RECENT_MAX_H
#define BASE_RECENT_MAX_H

#include <stdint.h>

#include "libdiscover/core/clock.h"

#define RECENT_MAX_NS (5 * NS_PER_S) /* what is older than twice this is forgotten */

struct recent_max {
    int64_t began_ns;
    int64_t now, before; /* the largest value of the present stretch of RECENT_MAX_NS, and of the one before */
};

/* Adds a value, and returns the largest that is remembered. */
static inline int64_t recent_max_add(struct recent_max *m, int64_t value, int64_t now_ns)
{
    int64_t age_ns = now_ns - m->began_ns;
    if (age_ns >= RECENT_MAX_NS) {
        m->before = age_ns < 2 * RECENT_MAX_NS ? m->now : 0;
        m->now = 0;
        m->began_ns = now_ns;
    }
    if (value > m->now)
        m->now = value;
    return m->now > m->before ? m->now : m->before;
}

#endif
