/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the command of a check: in a session of its own, with nothing to read, its output to a pipe, no other descriptor of
 * ours, default signals, and an environment that says what is checked. Main thread.
 */
#ifndef CHECK_COMMAND_H
#define CHECK_COMMAND_H

#include <sys/types.h>

#include "daemon/check/kind.h"

struct command {
    char **argv, **env;
    char token[64]; /* "NAME=number" of a run: the last string of env */
};

/* spec must outlive the command; subject need not. -ENOMEM. */
int command_init(struct command *c, const struct check_spec *spec, const struct check_subject *subject);
void command_fini(struct command *c);

/*
 * Starts the command, with token in its environment. *ret_output: our end of the pipe that it writes to, non-blocking;
 * the caller closes it. The caller reaps *ret_pid. A negative errno.
 */
int command_start(struct command *c, uint64_t token, pid_t *ret_pid, int *ret_output);

#endif
