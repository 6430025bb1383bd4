/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of many things, the earliest first: a binary heap of members that live inside those things. Pure; any
 * one thread. Only deadlines_reserve can fail, so that setting a deadline in the middle of a change cannot.
 */
#ifndef BASE_DEADLINES_H
#define BASE_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

static inline int64_t deadline_earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}
static inline int64_t deadline_later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* Zeroed: not set. Must be cleared before the thing around it is freed. */
struct deadline {
    int64_t at_ns;
    size_t slot; /* its place in the heap, counted from 1; 0: not set */
};

/* All zeros: none. */
struct deadlines {
    struct deadline **heap;
    size_t n, cap;
};

void deadlines_fini(struct deadlines *d);

/* Makes room for n deadlines in all. -ENOMEM. */
int deadlines_reserve(struct deadlines *d, size_t n);

/* Sets a deadline, or moves one that is set. */
void deadlines_set(struct deadlines *d, struct deadline *deadline, int64_t at_ns);
void deadlines_clear(struct deadlines *d, struct deadline *deadline);

/* The earliest, or NULL. */
struct deadline *deadlines_first(const struct deadlines *d);

/* Its time; INT64_MAX when there is none. */
int64_t deadlines_next_ns(const struct deadlines *d);

#endif
