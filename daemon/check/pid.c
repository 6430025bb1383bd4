/* SPDX-License-Identifier: Apache-2.0 */
/* Reports the death of a process the moment it happens. */
#include "daemon/check/pid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "daemon/base/hash.h"
#include "daemon/base/loop.h"

struct watched {
    UT_hash_handle hh;
    struct pids *pids;
    pid_t pid;
    int fd;
    struct loop_watch watch;
};

struct pids {
    struct event_base *base;
    pid_gone_fn *gone;
    void *arg;
    struct watched *all;
};

int pids_new(struct event_base *base, pid_gone_fn *fn, void *arg, struct pids **ret_pids)
{
    struct pids *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->base = base;
    p->gone = fn;
    p->arg = arg;
    *ret_pids = p;
    return 0;
}

static void watched_free(struct watched *w)
{
    loop_watch_fini(&w->watch);
    close(w->fd);
    free(w);
}

static void unwatch(struct watched *w)
{
    HASH_DEL(w->pids->all, w);
    watched_free(w);
}

void pids_free(struct pids *p)
{
    if (!p)
        return;
    while (p->all)
        unwatch(p->all);
    free(p);
}

ssize_t pid_read(pid_t pid, const char *name, char *ret_text, size_t cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n = read(fd, ret_text, cap - 1);
    if (n < 0)
        n = -errno;
    else
        ret_text[n] = '\0';
    close(fd);
    return n;
}

/* proc_pid_stat(5): "pid (name) state ..." where the name may hold anything, brackets too; field 22 is the start. */
int pid_start_time(pid_t pid, uint64_t *ret_start)
{
    char text[1024], state;
    uint64_t start;
    ssize_t n = pid <= 0 ? -EINVAL : pid_read(pid, "stat", text, sizeof text);
    if (n < 0)
        return (int)n;
    const char *rest = strrchr(text, ')');
    if (!rest ||
        sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64, &state,
               &start) != 2)
        return -EBADMSG;
    if (state == 'Z' || state == 'X')
        return -ESRCH;
    *ret_start = start;
    return 0;
}

/* Reports first and clears up afterwards: this is how soon a dead process is out of the answers. */
static void on_gone(void *arg)
{
    struct watched *w = arg;
    HASH_DEL(w->pids->all, w);
    w->pids->gone(w->pids->arg, w->pid);
    watched_free(w);
}

/* Opens the descriptor before it reads the start time: so a process that has taken the pid meanwhile is found out. */
int pid_open(pid_t pid, uint64_t *start, int *ret_fd)
{
    uint64_t now;
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return -errno;
    int err = pid_start_time(pid, &now);
    if (err == 0 && *start != 0 && *start != now)
        err = -ESRCH;
    if (err < 0) {
        close(fd);
        return err;
    }
    *start = now;
    *ret_fd = fd;
    return 0;
}

int pids_watch(struct pids *p, pid_t pid, uint64_t *start)
{
    struct watched *w;
    int fd = -1;
    HASH_FIND_INT(p->all, &pid, w);
    if (w)
        return -EEXIST;
    int err = pid_open(pid, start, &fd);
    if (err < 0)
        return err;
    w = calloc(1, sizeof *w);
    err = w ? loop_watch_init(&w->watch, p->base, fd, on_gone, w) : -ENOMEM;
    if (err < 0) {
        free(w);
        close(fd);
        return err;
    }
    w->pids = p;
    w->pid = pid;
    w->fd = fd;
    HASH_ADD_INT(p->all, pid, w);
    if (hash_added(&w->hh))
        return 0;
    watched_free(w);
    return -ENOMEM;
}

void pids_unwatch(struct pids *p, pid_t pid)
{
    struct watched *w;
    HASH_FIND_INT(p->all, &pid, w);
    if (w)
        unwatch(w);
}
