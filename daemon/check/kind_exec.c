/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check of kind exec: a command that ends with 0 (passing), 1 (warning) or anything else, as the plug-ins of Nagios and
 * Consul do. When its time is up, or it writes without end, it is ended with SIGKILL, and so is all that it has started.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/check/command.h"
#include "daemon/check/kind.h"
#include "daemon/check/reaper.h"

#define WRITTEN_MAX (1 << 20) /* bytes, of which the first are kept */
#define READ_SIZE   16384

struct exec {
    struct event_base *base;
    struct reaper *reaper;
    struct check_report report;
    struct command command;

    /* the rest is of the present run */
    bool running;
    struct reaped_run run;
    int process, pipe; /* descriptors: a pidfd, and our end of the pipe */
    struct loop_watch end, output;
    size_t written;
    char kept[CHECK_OUTPUT_MAX];
    char at[300]; /* what was under way when the run was cancelled */
};

static size_t kept_n(const struct exec *e)
{
    return e->written < sizeof e->kept ? e->written : sizeof e->kept;
}

/* Ends a run and what the command has started; the report comes after it. */
static void end_run(struct exec *e)
{
    loop_watch_fini(&e->end);
    loop_watch_fini(&e->output);
    if (e->process >= 0)
        close(e->process);
    close(e->pipe);
    reaper_end(e->reaper, &e->run);
    e->running = false;
}

/* Reads a part of the output. Returns false when there is nothing more for now, or none any more. */
static bool read_some(struct exec *e)
{
    char rest[READ_SIZE];
    size_t n_kept = kept_n(e), room = sizeof e->kept - n_kept;
    ssize_t n = room > 0 ? read(e->pipe, e->kept + n_kept, room) : read(e->pipe, rest, sizeof rest);
    if (n <= 0)
        return false;
    e->written += (size_t)n;
    return true;
}

static void on_output(void *arg)
{
    struct exec *e = arg;
    if (!read_some(e)) {
        if (errno != EAGAIN && errno != EINTR)
            loop_watch_fini(&e->output); /* the pipe is closed: only the process's end is waited for */
        return;
    }
    if (e->written <= WRITTEN_MAX)
        return;
    end_run(e);
    check_report_line(&e->report, CHECK_FAIL, false, "it wrote more than %d bytes, and was ended", WRITTEN_MAX);
}

static void report_status(struct exec *e, const siginfo_t *info)
{
    char line[64];
    enum check_result result = CHECK_FAIL;
    if (info->si_code == CLD_EXITED)
        result = info->si_status == 0 ? CHECK_PASS : info->si_status == 1 ? CHECK_WARN : CHECK_FAIL;
    size_t n = kept_n(e);
    if (info->si_code == CLD_EXITED)
        snprintf(line, sizeof line, "it ended with %d", info->si_status);
    else
        snprintf(line, sizeof line, "it was ended by signal %d", info->si_status);
    bool silent = n == 0;
    e->report.fn(e->report.arg, result, false, silent ? line : e->kept, silent ? strlen(line) : n);
}

static void on_end(void *arg)
{
    struct exec *e = arg;
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PIDFD, (id_t)e->process, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
        return;
    while (e->written < sizeof e->kept && read_some(e)) {
    }
    end_run(e);
    report_status(e, &info);
}

static uint64_t make_token(void)
{
    uint64_t token = 0;
    if (getrandom(&token, sizeof token, GRND_NONBLOCK) != sizeof token)
        token = (uint64_t)clock_now_ns();
    return token | 1;
}

static int watch(struct exec *e)
{
    e->process = pidfd_open(e->run.pid, 0);
    int err = e->process < 0 ? -errno : loop_watch_init(&e->end, e->base, e->process, on_end, e);
    return err ? err : loop_watch_init(&e->output, e->base, e->pipe, on_output, e);
}

static void exec_start(void *check)
{
    struct exec *e = check;
    reaper_prepare(e->reaper);
    e->written = 0;
    e->process = -1;
    e->run = (struct reaped_run){.token = make_token()};
    int err = command_start(&e->command, e->run.token, &e->run.pid, &e->pipe);
    if (err) {
        check_report_line(&e->report, CHECK_FAIL, false, "it cannot be run: %s", strerror(-err));
        return;
    }
    e->running = true;
    reaper_begin(e->reaper, &e->run);
    err = watch(e);
    if (err) {
        end_run(e);
        check_report_line(&e->report, CHECK_FAIL, false, "it cannot be followed: %s", strerror(-err));
    }
}

static const char *exec_cancel(void *check)
{
    struct exec *e = check;
    if (!e->running)
        return "";
    size_t n = kept_n(e);
    snprintf(e->at, sizeof e->at, n ? "it was ended, having written: %.*s" : "it was ended, having written nothing%.*s",
             (int)(n < 200 ? n : 200), e->kept);
    end_run(e);
    return e->at;
}

static void exec_close(void *check)
{
    struct exec *e = check;
    if (!e)
        return;
    (void)exec_cancel(e);
    command_fini(&e->command);
    free(e);
}

static int exec_open(const struct check_tools *tools, const struct check_spec *spec,
                     const struct check_subject *subject, const struct check_report *report, void **ret_check,
                     const char **ret_why)
{
    struct exec *e = calloc(1, sizeof *e);
    (void)ret_why;
    int err = e ? command_init(&e->command, spec, subject) : -ENOMEM;
    if (err) {
        free(e);
        return err;
    }
    e->base = tools->base;
    e->reaper = tools->reaper;
    e->report = *report;
    *ret_check = e;
    return 0;
}

const struct check_kind check_exec = {exec_open, exec_start, exec_cancel, exec_close};
