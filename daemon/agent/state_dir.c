/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's memory across restarts, as files of one directory. */
#include "daemon/agent/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/agent/stored.h"
#include "daemon/base/file.h"

#define NAME_MAX_BYTES 32

struct state_dir {
    int dir_fd;
    char dir[];
};

int state_dir_open(const char *dir, struct state_dir **ret_state)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct state_dir *s = malloc(sizeof *s + strlen(dir) + 1);
    if (!s) {
        close(fd);
        return -ENOMEM;
    }
    s->dir_fd = fd;
    strcpy(s->dir, dir);
    *ret_state = s;
    return 0;
}

void state_dir_close(struct state_dir *s)
{
    if (!s)
        return;
    close(s->dir_fd);
    free(s);
}

static int write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
        }
    }
    return 0;
}

/* A new file, then renamed over the old one: a daemon that is killed in between leaves one of the two, whole. */
int state_dir_store(struct state_dir *s, const char *name, const uint8_t *bytes, size_t n)
{
    char temporary[NAME_MAX_BYTES + 8];
    if (strlen(name) > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    snprintf(temporary, sizeof temporary, ".%s.new", name);
    int fd = openat(s->dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int err = write_all(fd, bytes, n);
    if (close(fd) < 0 && err == 0)
        err = -errno;
    if (err == 0 && renameat(s->dir_fd, temporary, s->dir_fd, name) < 0)
        err = -errno;
    if (err < 0)
        unlinkat(s->dir_fd, temporary, 0);
    return err;
}

int state_dir_forget(struct state_dir *s, const char *name)
{
    return unlinkat(s->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int read_file(const struct state_dir *s, const char *name, char **ret_bytes, size_t *ret_n)
{
    char *path;
    if (asprintf(&path, "%s/%s", s->dir, name) < 0)
        return -ENOMEM;
    int err = file_read(path, STORED_MAX, ret_bytes, ret_n);
    free(path);
    return err;
}

int state_dir_identity(struct state_dir *s, struct agent_identity *ret_identity)
{
    char *bytes;
    size_t n;
    int err = read_file(s, STORED_IDENTITY, &bytes, &n);
    if (err == -ENOENT) {
        *ret_identity = (struct agent_identity){0};
        return 0;
    }
    if (err == -EFBIG)
        return -EBADMSG;
    if (err < 0)
        return err;
    err = stored_identity_decode((const uint8_t *)bytes, n, ret_identity);
    free(bytes);
    return err;
}

static void set_aside(struct state_dir *s, const char *name)
{
    char bad[NAME_MAX_BYTES + 8];
    snprintf(bad, sizeof bad, "%.*s.bad", NAME_MAX_BYTES, name);
    renameat(s->dir_fd, name, s->dir_fd, bad);
}

static bool is_of_kind(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0 && strlen(name) == STORED_NAME_CAP - 1;
}

/* 1: it was set aside. */
static int load(struct state_dir *s, const char *name, state_dir_fn *fn, void *arg)
{
    char *bytes;
    size_t n;
    int err = read_file(s, name, &bytes, &n);
    if (err < 0 && err != -EFBIG)
        return err == -ENOENT ? 0 : err;
    int result = err == -EFBIG ? -EBADMSG : fn(arg, (const uint8_t *)bytes, n);
    if (err == 0)
        free(bytes);
    if (result != -EBADMSG)
        return 0;
    set_aside(s, name);
    return 1;
}

int state_dir_each(struct state_dir *s, const char *prefix, state_dir_fn *fn, void *arg)
{
    int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int err = -errno;
        if (fd >= 0)
            close(fd);
        return err;
    }
    int bad = 0, err = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (!is_of_kind(entry->d_name, prefix))
            continue;
        int result = load(s, entry->d_name, fn, arg);
        bad += result > 0;
        err = result < 0 ? result : err;
    }
    closedir(dir);
    return err < 0 ? err : bad;
}
