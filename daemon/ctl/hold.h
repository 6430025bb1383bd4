/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds a connection, and with it a registration, until a signal or the end of a command says that it is over. One
 * thread, and the only one that may: it takes the process's signals, and all its children, which as process 1 of a
 * container are those of others too.
 */
#ifndef CTL_HOLD_H
#define CTL_HOLD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "discover/discover.h"

struct hold {
    int signals;       /* a signalfd with the signals that are taken, -1: none */
    sigset_t old;      /* what was blocked before, for the command */
    int input;         /* a descriptor that becomes the standard input of a command; -1: it has ours */
    bool chld_ignored; /* whoever started us ignores SIGCHLD: so does the command */

    /*
     * Called before the command is sent SIGTERM, so that nobody is sent to it any more: returns for how long it
     * goes on, in ns. NULL: it is sent at once.
     */
    int64_t (*drain)(void *arg);
    void *arg;
};

/*
 * Takes the signals that are not ignored, before anything they could be about begins. A negative errno. They stay blocked
 * after hold_fini: the exit status of a program that is about to end is not left to a late signal.
 */
int hold_init(struct hold *h);
void hold_fini(struct hold *h);

/* Starts a command with the signals as they were before. 0; or, after a message, the exit status that a shell has for why not. */
int hold_start(const struct hold *h, char **command, pid_t *ret_child);

/* Takes all children that have ended. True: the child has, too, in that way (wait(2)). */
bool hold_reap(pid_t child, int *ret_status);

/* SIGTERM, SIGINT, SIGHUP, SIGQUIT. */
bool hold_ends_it(uint32_t signal);

/*
 * Dispatches d until the child has ended, and returns its exit status (128 + signal); signals meant for it are passed
 * on, SIGTERM after h->drain (a second one at once). Without a child (0): until SIGTERM, SIGINT or SIGHUP, and
 * returns 0.
 */
int hold_run(const struct hold *h, struct discover *d, pid_t child);

#endif
