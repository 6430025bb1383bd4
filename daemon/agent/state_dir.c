/* SPDX-License-Identifier: Apache-2.0 */
/* Stores what must outlive a restart of the daemon, as files of the state directory. */
#include "daemon/agent/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/agent/stored.h"
#include "daemon/base/file.h"

struct state_dir {
    char dir[PATH_MAX];
};

int state_dir_open(const char *dir, struct state_dir **ret_state)
{
    if (strlen(dir) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    struct state_dir *s = malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    strcpy(s->dir, dir);
    *ret_state = s;
    return 0;
}

void state_dir_close(struct state_dir *s)
{
    free(s);
}

static int path_of(const struct state_dir *s, const char *name, const char *suffix, char ret_path[static PATH_MAX])
{
    int n = snprintf(ret_path, PATH_MAX, "%s/%s%s", s->dir, name, suffix);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int state_dir_store(struct state_dir *s, const char *name, const uint8_t *bytes, size_t n)
{
    char path[PATH_MAX];
    int err = n > STATE_DIR_FILE_MAX ? -EFBIG : path_of(s, name, "", path);
    return err < 0 ? err : file_replace(path, bytes, n, 0600);
}

int state_dir_forget(struct state_dir *s, const char *name)
{
    char path[PATH_MAX];
    int err = path_of(s, name, "", path);
    return err == 0 && unlink(path) < 0 && errno != ENOENT ? -errno : err;
}

static int read_file(const struct state_dir *s, const char *name, char **ret_bytes, size_t *ret_n)
{
    char path[PATH_MAX];
    int err = path_of(s, name, "", path);
    return err < 0 ? err : file_read(path, STATE_DIR_FILE_MAX, ret_bytes, ret_n);
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
    char path[PATH_MAX], bad[PATH_MAX];
    if (path_of(s, name, "", path) == 0 && path_of(s, name, ".bad", bad) == 0)
        (void)rename(path, bad);
}

static bool is_of_kind(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0 && strlen(name) == STORED_NAME_CAP - 1;
}

/* Returns 1 when the file was set aside, 0 when it was taken, or a negative errno. */
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
    DIR *dir = opendir(s->dir);
    if (!dir)
        return -errno;
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
