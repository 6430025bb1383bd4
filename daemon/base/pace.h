/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often something may be done: a token bucket. Pure; one thread; nothing fails.
 */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Allows burst at once, and one more each every_ns. Zeroed but for these two: full. */
struct pace {
    unsigned burst;
    int64_t every_ns;
    int64_t full_ns; /* when it is full again, if nothing more is taken */
};

/* A pace of n a second, which allows a second's worth at once. */
struct pace pace_per_second(unsigned n);

/* How long it is until one may be had; 0: at once. Nothing is taken. */
int64_t pace_wait_ns(const struct pace *p, int64_t now_ns);

/* Takes one. Returns how long it has to wait for it; 0: it may be had at once. */
int64_t pace_take(struct pace *p, int64_t now_ns);

/* The same without waiting: false: not now, and nothing is taken. */
bool pace_try(struct pace *p, int64_t now_ns);

#endif
