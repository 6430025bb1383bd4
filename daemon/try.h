/* SPDX-License-Identifier: Apache-2.0 */
/* Tries what a configuration names, as far as that is possible without a start: discoverd -t. */
#ifndef DAEMON_TRY_H
#define DAEMON_TRY_H

#include "daemon/config/config.h"

/*
 * Files of secrets and their rights, certificates and when they end, ports, the state directory: says on stderr what a start
 * would fail for, and what will be wrong soon. Ports that a running daemon of this configuration holds are its own. as: the
 * user whose rights this process has taken (try_user.h), NULL: its own; what systemd does for that user is taken as done. True:
 * nothing that a start would fail for.
 */
bool config_try(const struct config *config, const char *as);

#endif
