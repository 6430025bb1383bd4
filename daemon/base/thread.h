/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are the main thread's to take: whatever starts a thread (or calls a library that does) does so between
 * thread_block_signals and thread_restore_signals, and the new thread inherits that all are blocked. And how a thread waits
 * for another. Any thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "libdiscover/core/clock.h"

static inline void thread_block_signals(sigset_t *ret_before)
{
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, ret_before);
}

static inline void thread_restore_signals(const sigset_t *before)
{
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* When so much time will have passed, for thread_wait. Of CLOCK_MONOTONIC: conditions know no other that nobody sets. */
static inline struct timespec thread_in(int64_t ns)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    ns += now.tv_nsec;
    return (struct timespec){.tv_sec = now.tv_sec + ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

/*
 * Waits until the condition is signalled: 0; or until the time has come: ETIMEDOUT. The condition needs no attributes.
 */
static inline int thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock, const struct timespec *until)
{
    return pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, until);
}

#endif
