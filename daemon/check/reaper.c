/* SPDX-License-Identifier: Apache-2.0 */
/* Sees to it that nothing is left of the commands that checks run. */
#include "daemon/check/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/check/pid.h"

#define CHILDREN_MAX 1024 /* children that are looked at in one go */
#define AGAIN_NS     (5 * NS_PER_MS)
#define LAST_SWEEPS  20

struct reaper {
    struct loop_timer timer;
    struct reaped_run *runs;
    bool prepared, warned;
    pid_t before[64]; /* children of others in this process, which were there before the first command */
    size_t n_before;
};

static void sweep(struct reaper *r);

static void on_time(void *arg)
{
    sweep(arg);
}

int reaper_new(struct event_base *base, struct reaper **ret_r)
{
    struct reaper *r = calloc(1, sizeof *r);
    int err = r ? loop_timer_init(&r->timer, base, on_time, r) : -ENOMEM;
    if (err)
        free(r);
    else
        *ret_r = r;
    return err;
}

/* Orphans become children of the process's first thread, which is also the one that runs commands. */
static size_t read_children(pid_t *ret_pids, size_t max)
{
    char path[64], text[8 * CHILDREN_MAX];
    size_t n = 0, got = 0;
    ssize_t took = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while (got + 1 < sizeof text && (took = read(fd, text + got, sizeof text - 1 - got)) > 0)
        got += (size_t)took;
    close(fd);
    text[got] = '\0';
    char *at = text, *end;
    for (long pid; n < max && (pid = strtol(at, &end, 10)) > 0 && *end == ' '; at = end + 1)
        ret_pids[n++] = (pid_t)pid;
    return n;
}

void reaper_prepare(struct reaper *r)
{
    if (r->prepared)
        return;
    r->prepared = true;
    r->n_before = read_children(r->before, sizeof r->before / sizeof *r->before);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || access("/proc/self/task", R_OK) < 0)
        log_warning("commands of checks cannot be followed (%s): what leaves their session may stay", strerror(errno));
}

void reaper_begin(struct reaper *r, struct reaped_run *run)
{
    if (pid_start_time(run->pid, &run->start) < 0)
        run->start = UINT64_MAX; /* the process is dead already, and starts nothing more */
    DL_PREPEND(r->runs, run);
}

static bool is_known(const struct reaper *r, pid_t pid)
{
    for (size_t i = 0; i < r->n_before; i++)
        if (r->before[i] == pid)
            return true;
    for (const struct reaped_run *run = r->runs; run; run = run->next)
        if (run->pid == pid)
            return true;
    return false;
}

/* The token in a process's environment; 0: it has none. */
static uint64_t read_token(pid_t pid)
{
    char text[4096], wanted[] = REAPER_TOKEN_NAME "=";
    ssize_t n = pid_read(pid, "environ", text, sizeof text);
    const char *at = n > 0 ? memmem(text, (size_t)n, wanted, strlen(wanted)) : NULL;
    return at ? strtoull(at + strlen(wanted), NULL, 16) : 0;
}

/*
 * Whether an orphan may stay: it is of a command that still runs, and may need it. Others have outlived their command.
 */
static bool may_stay(const struct reaper *r, pid_t pid)
{
    uint64_t token = read_token(pid), start;
    for (const struct reaped_run *run = r->runs; token && run; run = run->next)
        if (run->token == token)
            return true;
    if (token || pid_start_time(pid, &start) < 0)
        return false;
    for (const struct reaped_run *run = r->runs; run; run = run->next)
        if (run->start <= start)
            /* without a token it could be of this command: it is ended when all that began before it have ended */
            return true;
    return false;
}

static bool reap(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == pid;
}

static void warn_refused(struct reaper *r, pid_t pid)
{
    if (!r->warned)
        log_warning("process %d, left by a check, cannot be ended: %s", (int)pid, strerror(errno));
    r->warned = true;
}

/* Ends orphans that may not stay. Returns true if one is still there, or may have left children. */
static bool end_orphans(struct reaper *r)
{
    pid_t pids[CHILDREN_MAX];
    size_t n = read_children(pids, CHILDREN_MAX);
    bool again = false;
    for (size_t i = 0; i < n; i++) {
        if (is_known(r, pids[i]) || reap(pids[i]) || may_stay(r, pids[i]))
            continue;
        if (kill(pids[i], SIGKILL) < 0)
            warn_refused(r, pids[i]);
        else
            again = true;
    }
    return again;
}

static void sweep(struct reaper *r)
{
    if (end_orphans(r)) {
        int64_t now_ns = clock_now_ns();
        loop_timer_arm(&r->timer, now_ns + AGAIN_NS, now_ns);
    }
}

void reaper_end(struct reaper *r, struct reaped_run *run)
{
    (void)kill(-run->pid, SIGKILL); /* it is not reaped yet, so its number is not used again */
    DL_DELETE(r->runs, run);
    loop_timer_arm(&r->timer, 0, 0);
}

void reaper_free(struct reaper *r)
{
    if (!r)
        return;
    for (int i = 0; r->prepared && i < LAST_SWEEPS && end_orphans(r); i++)
        nanosleep(&(struct timespec){.tv_nsec = AGAIN_NS}, NULL);
    loop_timer_fini(&r->timer);
    free(r);
}
