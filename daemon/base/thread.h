/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are the main thread's to take: whatever starts a thread (or calls a library that does) does so between
 * thread_block_signals and thread_restore_signals, and the new thread inherits that all are blocked. Any thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <signal.h>

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

#endif
