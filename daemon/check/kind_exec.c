/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check of kind exec: a command that ends with 0 (passing), 1 (warning) or anything else, as the plug-ins of Nagios and
 * Consul do. When its time is up, or it writes without end, it is ended with SIGKILL, and so is all that it has started.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/check/kind.h"
#include "daemon/check/reaper.h"
#include "libdiscover/core/entropy.h"

#define WRITTEN_MAX (1 << 20) /* bytes, of which the first are kept */
#define READ_SIZE   16384
#define ENV_MAX     9

struct command {
    char **argv, **env;
    char token[64]; /* "NAME=number" of a run: the last string of env */
};

struct exec {
    const struct check_setup *setup;
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

/* --- the command --- */

static void command_fini(struct command *c)
{
    for (size_t i = 0; c->env && c->env[i] && c->env[i] != c->token; i++)
        free(c->env[i]);
    free(c->argv);
    free(c->env);
    *c = (struct command){.argv = NULL};
}

static int command_init(struct command *c, const struct check_setup *setup)
{
    const struct check_spec *spec = setup->spec;
    const struct instance_key *key = &setup->subject->key;
    char text[ENV_MAX][512];
    size_t n = 0;
    *c =
        (struct command){.argv = calloc(spec->args.n + 2, sizeof *c->argv), .env = calloc(ENV_MAX + 2, sizeof *c->env)};
    if (!c->argv || !c->env) {
        command_fini(c);
        return -ENOMEM;
    }
    c->argv[0] = spec->exec;
    for (size_t i = 0; i < spec->args.n; i++)
        c->argv[i + 1] = spec->args.items[i];
    snprintf(text[n++], sizeof *text, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    snprintf(text[n++], sizeof *text, "LANG=C.UTF-8");
    snprintf(text[n++], sizeof *text, "DISCOVER_SERVICE=%s/%s", key->domain, key->service);
    snprintf(text[n++], sizeof *text, "DISCOVER_INSTANCE=%s", key->instance);
    snprintf(text[n++], sizeof *text, "DISCOVER_HOST=%s", key->host);
    snprintf(text[n++], sizeof *text, "DISCOVER_PORT=%u", setup->subject->port);
    snprintf(text[n++], sizeof *text, "DISCOVER_CHECK=%s", check_spec_name(spec));
    for (size_t i = 0; i < n; i++) {
        if ((c->env[i] = strdup(text[i])))
            continue;
        command_fini(c);
        return -ENOMEM;
    }
    c->env[n] = c->token;
    return 0;
}

/* Default signals in the command: the daemon's own are blocked or ignored, which it would inherit. */
static int set_attributes(posix_spawnattr_t *a)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int err = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!err)
        err = posix_spawnattr_setsigdefault(a, &all);
    if (!err)
        err = posix_spawnattr_setsigmask(a, &none);
    return err;
}

static int set_files(posix_spawn_file_actions_t *f, int output)
{
    int err = posix_spawn_file_actions_addopen(f, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!err)
        err = posix_spawn_file_actions_adddup2(f, output, STDOUT_FILENO);
    if (!err)
        err = posix_spawn_file_actions_adddup2(f, output, STDERR_FILENO);
    if (!err)
        err = posix_spawn_file_actions_addclosefrom_np(f, STDERR_FILENO + 1);
    if (!err)
        err = posix_spawn_file_actions_addchdir_np(f, "/");
    return err;
}

static int spawn(struct command *c, int output, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    int err = posix_spawnattr_init(&attributes);
    if (err)
        return err;
    err = posix_spawn_file_actions_init(&files);
    if (!err) {
        err = set_attributes(&attributes);
        if (!err)
            err = set_files(&files, output);
        if (!err)
            err = posix_spawn(ret_pid, c->argv[0], &files, &attributes, c->argv, c->env);
        (void)posix_spawn_file_actions_destroy(&files);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return err;
}

/*
 * Starts it in a session of its own, with nothing to read, its output to a pipe, no other descriptor of ours, default signals,
 * and an environment that says what is checked. *ret_output: our end of the pipe, non-blocking.
 */
static int command_start(struct command *c, uint64_t token, pid_t *ret_pid, int *ret_output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) { /* only our end of the pipe is non-blocking */
        close(ends[0]);
        close(ends[1]);
        return -errno;
    }
    snprintf(c->token, sizeof c->token, REAPER_TOKEN_NAME "=%" PRIx64, token);
    int err = spawn(c, ends[1], ret_pid);
    close(ends[1]);
    if (err) {
        close(ends[0]);
        return -err;
    }
    *ret_output = ends[0];
    return 0;
}

/* --- a run --- */

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
    reaper_end(e->setup->tools->reaper, &e->run);
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
    check_report_line(e->setup, CHECK_FAIL, false, "it wrote more than %d bytes, and was ended", WRITTEN_MAX);
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
    check_report(e->setup, result, false, silent ? line : e->kept, silent ? strlen(line) : n);
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

static int watch(struct exec *e)
{
    e->process = pidfd_open(e->run.pid, 0);
    int err = e->process < 0 ? -errno : loop_watch_init(&e->end, e->setup->tools->base, e->process, on_end, e);
    return err ? err : loop_watch_init(&e->output, e->setup->tools->base, e->pipe, on_output, e);
}

static void exec_start(void *check)
{
    struct exec *e = check;
    reaper_prepare(e->setup->tools->reaper);
    e->written = 0;
    e->process = -1;
    e->run = (struct reaped_run){.token = entropy_64() | 1};
    int err = command_start(&e->command, e->run.token, &e->run.pid, &e->pipe);
    if (err) {
        check_report_line(e->setup, CHECK_FAIL, false, "it cannot be run: %s", strerror(-err));
        return;
    }
    e->running = true;
    reaper_begin(e->setup->tools->reaper, &e->run);
    err = watch(e);
    if (err) {
        end_run(e);
        check_report_line(e->setup, CHECK_FAIL, false, "it cannot be followed: %s", strerror(-err));
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

static int exec_open(const struct check_setup *setup, void **ret_check, const char **ret_why)
{
    struct exec *e = calloc(1, sizeof *e);
    (void)ret_why;
    int err = e ? command_init(&e->command, setup) : -ENOMEM;
    if (err) {
        free(e);
        return err;
    }
    e->setup = setup;
    *ret_check = e;
    return 0;
}

const struct check_kind check_exec = {exec_open, exec_start, exec_cancel, exec_close};
