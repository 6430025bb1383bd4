/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts who reads a structure that an owner may replace, without a lock and without a wait. Any thread.
 *
 * Why it is safe. A reader (1) raises a counter of the structure it found, (2) looks again whether that structure
 * is the present one, and only then reads. The owner (3) makes another one the present one, then (4) looks at the
 * counters. All four are sequentially consistent: either (2) sees (3) and the reader goes away, or (4) sees (1) and
 * the owner keeps what the structure holds. The memory with the counters itself is freed at the very end only, so
 * that (1) always hits a counter. Counters are striped over cache lines: threads that read at once do not share one.
 *
 * A stripe belongs to the first thread that reads by it, whatever becomes of that thread: only this one counts in
 * `own`, so it may leave by a plain store, where two threads that leave at once could lose one of both. Threads that
 * get the same stripe later count in `others`.
 */
#ifndef LIBDISCOVER_LOOKUP_READERS_H
#define LIBDISCOVER_LOOKUP_READERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define READER_STRIPES 16 /* a power of two */
#define CACHE_LINE     64

/* Zeroed memory that begins with a cache line of its own; NULL: there is none. free() frees it. */
static inline void *cache_line_alloc(size_t size)
{
    void *memory = aligned_alloc(CACHE_LINE, size);
    return memory ? memset(memory, 0, size) : NULL;
}

struct reader_stripe {
    _Alignas(CACHE_LINE) _Atomic uintptr_t thread; /* reader_self() of the one it belongs to; 0: none yet */
    _Atomic uint32_t own, others;                  /* readers at present: of that thread, and of all others */
};

struct readers {
    struct reader_stripe stripes[READER_STRIPES];
};

/* Whoever plays several threads in one, to simulate them, names a function to be used instead. */
#ifdef READER_SELF
uintptr_t READER_SELF(void);
#else
#define READER_SELF() ((uintptr_t)__builtin_thread_pointer())
#endif

/* Not 0, and of no other thread that runs: as pthread_self, but without a call. */
static inline uintptr_t reader_self(void)
{
    return READER_SELF();
}

/* A thread always gets the same stripe. Stacks lie pages apart, and so do the pointers that reader_self returns. */
static inline uint32_t readers_stripe(void)
{
    uint64_t self = (uint64_t)reader_self() >> 12;
    return (uint32_t)(self * UINT64_C(0x9e3779b97f4a7c15) >> 60) & (READER_STRIPES - 1);
}

/* Takes a stripe that is nobody's; a signal handler of this thread may just have done so. */
static inline bool reader_stripe_claim(struct reader_stripe *s)
{
    uintptr_t thread = 0;
    return atomic_compare_exchange_strong(&s->thread, &thread, reader_self()) || thread == reader_self();
}

/* Whether the stripe is this thread's, as it is ever after. */
static inline bool reader_stripe_is_own(struct reader_stripe *s)
{
    uintptr_t thread = atomic_load_explicit(&s->thread, memory_order_relaxed);
    return thread == reader_self() || (thread == 0 && reader_stripe_claim(s));
}

static inline void readers_enter_as_other(struct readers *r, uint32_t stripe)
{
    atomic_fetch_add(&r->stripes[stripe].others, 1);
}

static inline void readers_leave_as_other(struct readers *r, uint32_t stripe)
{
    atomic_fetch_sub_explicit(&r->stripes[stripe].others, 1, memory_order_release);
}

/* 1. A signal handler may enter and leave in the middle of enter or leave. */
static inline void readers_enter(struct readers *r, uint32_t stripe)
{
    struct reader_stripe *s = &r->stripes[stripe];
    if (reader_stripe_is_own(s))
        atomic_fetch_add(&s->own, 1);
    else
        readers_enter_as_other(r, stripe);
}

static inline void readers_leave(struct readers *r, uint32_t stripe)
{
    struct reader_stripe *s = &r->stripes[stripe];
    if (atomic_load_explicit(&s->thread, memory_order_relaxed) != reader_self()) {
        readers_leave_as_other(r, stripe);
        return;
    }
    uint32_t own = atomic_load_explicit(&s->own, memory_order_relaxed);
    atomic_store_explicit(&s->own, own - 1, memory_order_release);
}

/* 4. */
static inline bool readers_any(struct readers *r)
{
    for (uint32_t i = 0; i < READER_STRIPES; i++)
        if (atomic_load(&r->stripes[i].own) != 0 || atomic_load(&r->stripes[i].others) != 0)
            return true;
    return false;
}

#endif
