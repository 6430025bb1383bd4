/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sees to it that nothing is left of the commands that checks run, whatever they have started. The daemon is the subreaper of
 * its descendants (prctl(2)): what a command leaves behind becomes a child of the daemon, also from a session of its own, is
 * found there and ended. What a command has others start (systemd-run, at, a container) is no descendant, and what changes
 * its user may not be ended; neither is our business to end.
 *
 * All children of the process that were not there before the first command are taken for such. Main thread.
 */
#ifndef CHECK_REAPER_H
#define CHECK_REAPER_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/types.h>

struct reaper;

/* A command that runs. */
struct reaped_run {
    struct reaped_run *prev, *next;
    pid_t pid;      /* of the command, which leads a session of its own */
    uint64_t token; /* in the environment of all its descendants */
    uint64_t start; /* start time of the process, in clock ticks since boot */
};

#define REAPER_TOKEN_NAME "DISCOVER_CHECK_RUN"

int reaper_new(struct event_base *base, struct reaper **ret_r); /* -ENOMEM */

/* Ends what is left of commands, and waits for some milliseconds until it is gone. */
void reaper_free(struct reaper *r);

/* To be called before the first command is started. */
void reaper_prepare(struct reaper *r);

/* A command was started: pid and token are set. run must stay where it is until reaper_end. */
void reaper_begin(struct reaper *r, struct reaped_run *run);

/*
 * A command has ended, or is to: ends all processes of its session, and those that have left the session. Reaps its
 * process, if that was not reaped before.
 */
void reaper_end(struct reaper *r, struct reaped_run *run);

#endif
