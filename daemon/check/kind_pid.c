/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check of kind pid: a process lives. Given by a file, that is read again at each run; its end is known the moment it
 * comes (pidfd), and needs no counting.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/check/kind.h"
#include "daemon/check/pid.h"

struct pid_check {
    const struct check_setup *setup;
    const char *text; /* number of the process, or path of the file with it */
    pid_t pid;        /* the process that is watched; 0: none */
    /* start time of a process given by its number, which may be used again for another one; 0: not seen yet */
    uint64_t start;
    int fd;
    struct loop_watch end;
};

static void unwatch(struct pid_check *p)
{
    if (!p->pid)
        return;
    loop_watch_fini(&p->end);
    close(p->fd);
    p->pid = 0;
}

static void on_end(void *arg)
{
    struct pid_check *p = arg;
    pid_t pid = p->pid;
    unwatch(p);
    check_report_line(p->setup, CHECK_FAIL, true, "process %d has ended", (int)pid);
}

/* Reads a regular file only: reading anything else might block. */
static int read_file(const char *path, char ret_text[static 32])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, ret_text, 31) : -1;
    close(fd);
    if (n < 0)
        return -EINVAL;
    ret_text[n] = '\0';
    return 0;
}

static int find_pid(const struct pid_check *p, pid_t *ret_pid)
{
    char text[32];
    int err = *p->text == '/' ? read_file(p->text, text) : 0;
    if (err)
        return err;
    long pid = strtol(*p->text == '/' ? text : p->text, NULL, 10);
    if (pid <= 0 || pid > 0x3fffff)
        return -EBADMSG;
    *ret_pid = (pid_t)pid;
    return 0;
}

static int watch(struct pid_check *p, pid_t pid)
{
    uint64_t start = p->start;
    int fd, err = pid_open(pid, &start, &fd);
    if (err)
        return err;
    err = loop_watch_init(&p->end, p->setup->tools->base, fd, on_end, p);
    if (err) {
        close(fd);
        return err;
    }
    if (*p->text != '/')
        p->start = start;
    p->fd = fd;
    p->pid = pid;
    return 0;
}

static void pid_start(void *check)
{
    struct pid_check *p = check;
    pid_t pid = 0;
    int err = find_pid(p, &pid);
    if (!err && pid != p->pid) {
        unwatch(p);
        err = watch(p, pid);
    } else if (err) {
        unwatch(p);
    }
    if (!err)
        check_report_line(p->setup, CHECK_PASS, true, "process %d lives", (int)pid);
    else if (pid)
        check_report_line(p->setup, CHECK_FAIL, true, "process %d: %s", (int)pid, strerror(-err));
    else
        check_report_line(p->setup, CHECK_FAIL, true, "%s: %s", p->text,
                          err == -EBADMSG ? "there is no number of a process in it" : strerror(-err));
}

static void pid_close(void *check)
{
    struct pid_check *p = check;
    if (!p)
        return;
    unwatch(p);
    free(p);
}

static int pid_check_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    struct pid_check *p = calloc(1, sizeof *p);
    (void)ret_why;
    if (!p)
        return -ENOMEM;
    p->setup = setup;
    p->text = setup->spec->pid;
    *ret_check = p;
    return 0;
}

const struct check_kind check_pid = {.open = pid_check_open, .start = pid_start, .close = pid_close};
