/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process a client means by a number. Numbers are of a PID namespace each (pid_namespaces(7)), a container's not the
 * daemon's: with the process's pidfd the kernel says which it is; without, a client that is in another namespace is not believed. Main
 * thread.
 */
#ifndef API_NAMED_PROCESS_H
#define API_NAMED_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/api/access.h"

bool named_process_is_pidfd(int fd);

/*
 * number: the process's, as the client has it. pidfd: of the process, or -1; stays the caller's. *ret_pid: the daemon's
 * number for it. -ESRCH: it is dead; -EINVAL, with *ret_why (static): it is another one, a thread, or nobody can know
 * which.
 */
int named_process(const struct peer *peer, pid_t number, int pidfd, pid_t *ret_pid, const char **ret_why);

#endif
