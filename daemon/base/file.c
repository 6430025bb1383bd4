/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes small files as a whole. */
#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(const struct stat *st, size_t max)
{
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    if (!S_ISREG(st->st_mode))
        return -EINVAL;
    return (uint64_t)st->st_size > max ? -EFBIG : 0;
}

static int check_secret(const struct stat *st)
{
    bool foreign = st->st_uid != 0 && st->st_uid != geteuid();
    return foreign || st->st_mode & (S_IRWXO | S_IWGRP) ? -EPERM : 0;
}

/* bytes has room for one more than n_expected: a file that grew since it was looked at shows by that one. */
static int read_all(int fd, size_t n_expected, char *bytes, size_t *ret_n)
{
    size_t n = 0;
    while (n <= n_expected) {
        ssize_t got = read(fd, bytes + n, n_expected + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    if (n > n_expected)
        return -EAGAIN;
    bytes[n] = '\0';
    *ret_n = n;
    return 0;
}

static int read_checked(int fd, size_t max, bool secret, char **ret_bytes, size_t *ret_n)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    int err = check_kind(&st, max);
    if (!err && secret)
        err = check_secret(&st);
    if (err)
        return err;
    char *bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        return -ENOMEM;
    err = read_all(fd, (size_t)st.st_size, bytes, ret_n);
    if (err) {
        free(bytes);
        return err;
    }
    *ret_bytes = bytes;
    return 0;
}

static int read_path(const char *path, size_t max, bool secret, char **ret_bytes, size_t *ret_n)
{
    /* Non-blocking: opening a pipe that nobody writes to would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int err = read_checked(fd, max, secret, ret_bytes, ret_n);
    close(fd);
    return err;
}

int file_read(const char *path, size_t max, char **ret_bytes, size_t *ret_n)
{
    return read_path(path, max, false, ret_bytes, ret_n);
}

int file_read_secret(const char *path, size_t max, char **ret_bytes, size_t *ret_n)
{
    return read_path(path, max, true, ret_bytes, ret_n);
}

const char *file_secret_error(int err)
{
    if (err == -EPERM)
        return "others may read or change the file, or it is neither root's nor ours: chown root:discoverd and chmod "
               "0640";
    if (err == -EACCES)
        return "we may not read the file: chown root:discoverd and chmod 0640, and the folders above it must let us in";
    if (err == -EINVAL)
        return "a pipe, a socket or a device, and no file";
    if (err == -EFBIG)
        return "larger than any secret";
    return strerror(-err);
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        n -= (size_t)written;
    }
    return 0;
}

static int write_new(const char *path, const void *bytes, size_t n, mode_t mode, bool sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return -errno;
    int err = fchmod(fd, mode) < 0 ? -errno : write_all(fd, bytes, n);
    if (!err && sync && fsync(fd) < 0)
        err = -errno;
    if (close(fd) < 0 && !err)
        err = -errno;
    return err;
}

static int replace(const char *path, const void *bytes, size_t n, mode_t mode, bool sync)
{
    /* A fixed name: what a crash left behind is written over, not added to. */
    char temporary[PATH_MAX];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
        return -ENAMETOOLONG;
    int err = write_new(temporary, bytes, n, mode, sync);
    if (!err && rename(temporary, path) < 0)
        err = -errno;
    if (err)
        unlink(temporary);
    return err;
}

int file_replace(const char *path, const void *bytes, size_t n, mode_t mode)
{
    return replace(path, bytes, n, mode, false);
}

/* Without this the rename may be lost in a power failure, though the bytes are there. */
static int sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return err;
}

int file_write(const char *path, const void *bytes, size_t n, mode_t mode)
{
    int err = replace(path, bytes, n, mode, true);
    return err ? err : sync_folder_of(path);
}
