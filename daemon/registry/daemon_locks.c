/* SPDX-License-Identifier: Apache-2.0 */
/* A lock file in the state directory, and one beside the socket. */
#include "daemon/registry/daemon_locks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/lock.h"
#include "daemon/base/log.h"

static int take_lock(const char *what, const char *path, int *ret_fd)
{
    pid_t holder = 0;
    int err = lock_take(path, ret_fd, &holder);
    if (err == -EBUSY)
        log_error("%s is in use by another discoverd (process %d)", what, (int)holder);
    else if (err)
        log_error("%s: %s", path, err == -EPERM ? "it belongs to another user, or is no file" : strerror(-err));
    return err;
}

int daemon_locks_take(const struct config *config, struct daemon_locks *ret_locks)
{
    char path[4096];
    *ret_locks = (struct daemon_locks){-1, -1};
    if (mkdir(config->state_dir, 0750) < 0 && errno != EEXIST) {
        log_error("state_dir %s: %s", config->state_dir, strerror(errno));
        return -errno;
    }
    snprintf(path, sizeof path, "%s/lock", config->state_dir);
    int err = take_lock(config->state_dir, path, &ret_locks->state);
    if (err)
        return err;
    snprintf(path, sizeof path, "%s.lock", config->api.socket);
    return take_lock(config->api.socket, path, &ret_locks->socket);
}

void daemon_locks_release(struct daemon_locks *locks)
{
    lock_release(locks->socket);
    lock_release(locks->state);
}
