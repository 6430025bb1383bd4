/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user whom the daemon is started as by its unit: `discoverd -t`, typed in by root, who may read everything, has to find
 * what that user would.
 */
#ifndef DAEMON_TRY_USER_H
#define DAEMON_TRY_USER_H

/* User= of systemd/discoverd.service. */
#define TRY_USER "discoverd"

/*
 * Takes the rights of a user, with his groups, for the rest of this process. NULL: those of TRY_USER when we are root and
 * there is such a user, else one's own. *ret_taken is the user's name, static or the caller's, or NULL when the rights are
 * one's own. 0; -EINVAL, after saying on stderr what is wrong with it.
 */
int try_take_user(const char *name, const char **ret_taken);

#endif
