/* SPDX-License-Identifier: Apache-2.0 */
/* A file that only one process has at a time. */
#include "daemon/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define PID_CAP 16

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
    char text[PID_CAP];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0)
        return -errno;
    ssize_t written = pwrite(fd, text, (size_t)n, 0);
    return written == n ? 0 : written < 0 ? -errno : -ENOSPC;
}

int lock_take(const char *path, int *ret_fd, pid_t *ret_holder)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    int err = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
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
