/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command at each change of the usable instances of a service, with their document (documents.h) on its standard input. One run at a
 * time: what changes meanwhile is one more run after it, so the last change is never missed. One thread.
 */
#ifndef CTL_WATCH_COMMAND_H
#define CTL_WATCH_COMMAND_H

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/hold.h"

/*
 * Until a signal ends it, which a command that runs is told, too. Returns the exit status: 127 or 126 when the command cannot
 * be started.
 */
int watch_command_run(struct discover *d, const char *service, struct hold *hold, char **command);

#endif
