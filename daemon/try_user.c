/* SPDX-License-Identifier: Apache-2.0 */
/* As systemd does for User=: initgroups, setgid, setuid; the process is left with no capability. */
#include "daemon/try_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int become(const struct passwd *user)
{
    uid_t uid = user->pw_uid;
    gid_t gid = user->pw_gid;
    if (initgroups(user->pw_name, gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

int try_take_user(const char *name, const char **ret_taken)
{
    const char *wanted = name ? name : TRY_USER;
    const struct passwd *user = name || geteuid() == 0 ? getpwnam(wanted) : NULL;
    if (!user && name) {
        fprintf(stderr, "--user %s: there is no such user\n", name);
        return -EINVAL;
    }
    *ret_taken = NULL;
    if (!user || user->pw_uid == geteuid())
        return 0;
    int err = become(user);
    if (err < 0) {
        fprintf(stderr, "--user %s: only root may try what another user finds: %s\n", wanted, strerror(-err));
        return -EINVAL;
    }
    *ret_taken = wanted;
    return 0;
}
