/* SPDX-License-Identifier: Apache-2.0 */
/* A lock file: held by one process at a time, and released by the kernel when that dies. */
#include "daemon/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_CAP   16
#define LOCK_MODE (S_IRUSR | S_IWUSR)

static pid_t holder(int fd)
{
    char text[PID_CAP];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    long pid = strtol(text, NULL, 10);
    return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static int write_pid(int fd)
{
    return ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0 ? -errno : 0;
}

/*
 * Whoever may open the file, be it for reading only, may hold the lock for ever: so nobody else may, and one that somebody
 * else made is none of ours.
 */
static int make_private(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0))
        return -EPERM;
    if ((st.st_mode & ALLPERMS) == LOCK_MODE)
        return 0;
    return fchmod(fd, LOCK_MODE) < 0 ? -errno : 0;
}

int lock_take(const char *path, int *ret_fd, pid_t *ret_holder)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, LOCK_MODE);
    if (fd < 0)
        return -errno;
    int err = make_private(fd);
    if (!err && flock(fd, LOCK_EX | LOCK_NB) < 0)
        err = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (err == -EBUSY)
        *ret_holder = holder(fd);
    if (!err)
        err = write_pid(fd);
    if (err) {
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

void lock_release(int fd)
{
    if (fd < 0)
        return;
    /* A name of someone who is gone would mislead whoever looks. */
    (void)!ftruncate(fd, 0);
    close(fd);
}
