/* SPDX-License-Identifier: Apache-2.0 */
/* Which process a client means by a number, by what procfs says of it (proc_pid_status(5), pidfd_open(2)). */
#include "daemon/api/named_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_CAP 8192

static int read_proc(const char *path, char ret_text[static TEXT_CAP])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, ret_text, TEXT_CAP - 1);
    int err = n < 0 ? -errno : 0;
    close(fd);
    if (!err)
        ret_text[n] = '\0';
    return err;
}

static int read_status(pid_t pid, char ret_text[static TEXT_CAP])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int err = read_proc(path, ret_text);
    return err == -ENOENT ? -ESRCH : err;
}

static int read_fdinfo(int fd, char ret_text[static TEXT_CAP])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    return read_proc(path, ret_text);
}

/* The text behind a name at the beginning of a line, as "\nPid:\t"; NULL: there is no such line. */
static const char *line_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    return line ? line + strlen(name) : NULL;
}

static bool number_at(const char *line, long *ret_number)
{
    char *end = NULL;
    if (line)
        *ret_number = strtol(line, &end, 10);
    return end && end != line;
}

/*
 * How many numbers a process has, one in each PID namespace from procfs's own inwards; 0: this kernel has no such
 * namespaces.
 */
static size_t count_numbers(const char *text)
{
    size_t n = 0;
    const char *at = line_of(text, "\nNSpid:\t");
    for (; at && *at && *at != '\n'; at++)
        n += *at >= '0' && *at <= '9' && (at[1] < '0' || at[1] > '9');
    return n;
}

static bool has_number(const char *text, long number)
{
    const char *at = line_of(text, "\nNSpid:\t");
    char *end;
    for (; at && *at && *at != '\n'; at = end) {
        if (strtol(at, &end, 10) == number && end != at)
            return true;
        if (end == at)
            return false;
    }
    return !at;
}

bool named_process_is_pidfd(int fd)
{
    char text[TEXT_CAP];
    return read_fdinfo(fd, text) == 0 && line_of(text, "\nPid:\t");
}

static int refuse(const char *why, const char **ret_why)
{
    *ret_why = why;
    return -EINVAL;
}

static int by_pidfd(pid_t number, int pidfd, pid_t *ret_pid, const char **ret_why)
{
    char text[TEXT_CAP];
    long pid;
    int err = read_fdinfo(pidfd, text);
    if (err)
        return err;
    if (!number_at(line_of(text, "\nPid:\t"), &pid))
        return refuse("pid: what came along is no pidfd", ret_why);
    if (pid < 0)
        return -ESRCH;
    if (pid == 0)
        return refuse("pid: that process is in a PID namespace that the daemon cannot see into", ret_why);
    if (!has_number(text, number))
        return refuse("pid: the pidfd that came along is of another process", ret_why);
    *ret_pid = (pid_t)pid;
    return 0;
}

static int check_namespace(const struct peer *peer, const char **ret_why)
{
    static const char unknown[] =
        "pid: a number of another PID namespace than the daemon's says nothing without the process's pidfd";
    char text[TEXT_CAP];
    if (peer->pid <= 0)
        return refuse(unknown, ret_why);
    int err = read_status(peer->pid, text);
    if (err == -ESRCH)
        return refuse("pid: who asks is dead", ret_why);
    if (err)
        return refuse("pid: the daemon may not see which PID namespace the number is of", ret_why);
    return count_numbers(text) > 1 ? refuse(unknown, ret_why) : 0;
}

static int by_number(const struct peer *peer, pid_t number, pid_t *ret_pid, const char **ret_why)
{
    char text[TEXT_CAP];
    long process;
    int err = check_namespace(peer, ret_why);
    if (!err)
        err = read_status(number, text);
    if (err)
        return err;
    if (number_at(line_of(text, "\nTgid:\t"), &process) && process != number)
        return refuse("pid: that is the number of a thread, not of a process", ret_why);
    *ret_pid = number;
    return 0;
}

int named_process(const struct peer *peer, pid_t number, int pidfd, pid_t *ret_pid, const char **ret_why)
{
    if (number <= 0)
        return refuse("pid: not a process", ret_why);
    return pidfd >= 0 ? by_pidfd(number, pidfd, ret_pid, ret_why) : by_number(peer, number, ret_pid, ret_why);
}
