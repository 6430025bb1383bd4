/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a second daemon from the same state directory and from the same socket. Main thread only. */
#ifndef REGISTRY_DAEMON_LOCKS_H
#define REGISTRY_DAEMON_LOCKS_H

#include "daemon/config/config.h"

/* Descriptors of the lock files; -1: not locked. */
struct daemon_locks {
    int state, socket;
};

/*
 * Makes the state directory if it is missing. -EBUSY: another daemon holds one of the locks; or a negative errno.
 * Failures are logged. The locks are to be released in any case, since one of them may have been taken.
 */
int daemon_locks_take(const struct config *config, struct daemon_locks *ret_locks);
void daemon_locks_release(struct daemon_locks *locks);

#endif
