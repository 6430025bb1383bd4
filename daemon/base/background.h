/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may wait for a disk, on a thread of its own, while the loop goes on: one piece at a time, and what follows
 * from it on the loop's thread. Everything here is called on that one.
 */
#ifndef BASE_BACKGROUND_H
#define BASE_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>

#include "daemon/base/loop.h"

struct background {
    struct loop_watch watch;
    int done_fd; /* -1: there is none */
    pthread_t thread;
    bool busy, running; /* work was given, and done is to be called; the thread is to be joined */
    loop_fn *work, *done;
    void *arg;
};

/* A negative errno. b must stay where it is until background_fini, which waits for work that is under way; done is not called then. */
int background_init(struct background *b, struct event_base *base);
void background_fini(struct background *b); /* zeros are fine */

/*
 * Runs work on a thread, with all signals blocked, then done from the loop. arg belongs to the thread from the call
 * until done, and needs no lock. Not to be called again before done is. Where no thread can be had, the work is done
 * at once.
 */
void background_run(struct background *b, loop_fn *work, loop_fn *done, void *arg);

/* Waits for what is under way, and calls done, now; with nothing under way it returns at once. */
void background_finish(struct background *b);

#endif
