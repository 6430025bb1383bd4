/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discoverd -t: tries what a configuration names, as far as that is possible without a start, with the rights of the user
 * whom the unit starts the daemon as. Root, who types it in, may read everything, and would find nothing wrong.
 */
#ifndef DAEMON_PREFLIGHT_H
#define DAEMON_PREFLIGHT_H

#include "daemon/config/config.h"

/* User= of systemd/discoverd.service. */
#define PREFLIGHT_USER "discoverd"

/*
 * Takes the rights of a user, with his groups, for the rest of this process. NULL: those of PREFLIGHT_USER when we are root
 * and there is such a user, else one's own. *ret_taken is the user's name, static or the caller's, or NULL when the rights are
 * one's own. 0; -EINVAL, after saying on stderr what is wrong with it.
 */
int preflight_take_user(const char *name, const char **ret_taken);

/*
 * Files of secrets and their rights, certificates and when they end, ports, the state directory: says on stderr what a start
 * would fail for, and what will be wrong soon. Ports that a running daemon of this configuration holds are its own. as: the
 * user whose rights were taken, NULL: one's own; what systemd does for that user is taken as done. True: nothing that a start
 * would fail for.
 */
bool preflight(const struct config *config, const char *as);

#endif
