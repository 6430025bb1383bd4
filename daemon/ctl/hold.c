/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a registration until a signal or the end of a command. */
#include "daemon/ctl/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/ctl/ctl.h"
#include "libdiscover/core/clock.h"

/* The exit status that a shell would give. */
#define EXIT_NOT_FOUND   127
#define EXIT_NOT_PROGRAM 126

/*
 * These are about this process alone, or cannot be taken; all others are the command's, also those that a container is stopped
 * by.
 */
static bool is_own(int number)
{
    static const int own[] = {SIGKILL, SIGSTOP, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD, SIGPIPE, SIGSEGV,
                              SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,  SIGABRT, SIGXCPU, SIGXFSZ, SIGURG};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i] == number)
            return true;
    return false;
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* An ignored one stays so, for the command too: nohup, and what a shell starts in the background, rely on it. */
int hold_init(struct hold *h)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (!is_own(number) && !is_ignored(number))
            (void)sigaddset(&set, number); /* fails for those that libc keeps for itself */
    *h = (struct hold){.signals = -1, .input = -1, .chld_ignored = is_ignored(SIGCHLD)};
    (void)signal(SIGCHLD, SIG_DFL); /* else no child would be reported */
    if (sigprocmask(SIG_BLOCK, &set, &h->old) < 0)
        return -errno;
    h->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return h->signals < 0 ? -errno : 0;
}

void hold_fini(struct hold *h)
{
    if (h->signals >= 0)
        close(h->signals);
    h->signals = -1;
}

/* What cannot be started says why through the pipe, which a program that could be started has closed. */
static void become(const struct hold *h, char **command, int report)
{
    if (h->chld_ignored)
        (void)signal(SIGCHLD, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &h->old, NULL);
    if (h->input >= 0)
        (void)dup2(h->input, STDIN_FILENO);
    execvp(command[0], command);
    int err = -errno;
    (void)!write(report, &err, sizeof err);
    _exit(127);
}

static int not_started(char **command, int err)
{
    ctl_note("%s: %s", command[0], discover_strerror(err));
    return err == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_PROGRAM;
}

int hold_start(const struct hold *h, char **command, pid_t *ret_child)
{
    int report[2], err = 0;
    if (pipe2(report, O_CLOEXEC) < 0)
        return not_started(command, -errno);
    pid_t child = fork();
    if (child == 0)
        become(h, command, report[1]);
    err = child < 0 ? -errno : 0;
    close(report[1]);
    if (child > 0 && read(report[0], &err, sizeof err) == (ssize_t)sizeof err)
        (void)waitpid(child, NULL, 0);
    close(report[0]);
    if (!err)
        *ret_child = child;
    return err ? not_started(command, err) : 0;
}

bool hold_reap(pid_t child, int *ret_status)
{
    int status;
    bool ended = false;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == child) {
            ended = true;
            *ret_status = status;
        }
    return ended;
}

bool hold_ends_it(uint32_t signal)
{
    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

struct holding {
    const struct hold *h;
    pid_t child;
    int64_t end_ns; /* when the child is sent SIGTERM; INT64_MAX: not asked for, or sent */
    bool ended;
};

static void terminate(struct holding *hg)
{
    (void)kill(hg->child, SIGTERM);
    hg->end_ns = INT64_MAX;
    hg->ended = true;
}

/* Nobody new is sent to it first; whoever asks twice does not want to wait. */
static void begin_end(struct holding *hg)
{
    if (hg->ended || hg->end_ns != INT64_MAX || !hg->h->drain) {
        terminate(hg);
        return;
    }
    int64_t now_ns = clock_now_ns(); /* what draining takes counts */
    hg->end_ns = now_ns + hg->h->drain(hg->h->arg);
}

/* Takes one signal. Returns the exit status when it is over, -1 when it is not. */
static int on_signal(struct holding *hg, const struct signalfd_siginfo *info)
{
    if (info->ssi_signo == SIGCHLD) {
        int how;
        if (!hold_reap(hg->child, &how))
            return -1;
        return WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    }
    if (!hg->child)
        return hold_ends_it(info->ssi_signo) ? 0 : -1;
    /* What the terminal sends (SI_KERNEL), it has sent to the command already: it is of the same group. */
    if (info->ssi_code == SI_KERNEL)
        return -1;
    if (info->ssi_signo == SIGTERM)
        begin_end(hg);
    else
        (void)kill(hg->child, (int)info->ssi_signo);
    return -1;
}

static int on_signals(struct holding *hg)
{
    struct signalfd_siginfo info;
    int status = -1;
    while (status < 0 && read(hg->h->signals, &info, sizeof info) == (ssize_t)sizeof info)
        status = on_signal(hg, &info);
    if (hg->end_ns != INT64_MAX && clock_now_ns() >= hg->end_ns)
        terminate(hg);
    return status;
}

static int wait_ms(const struct holding *hg)
{
    if (hg->end_ns == INT64_MAX)
        return -1;
    int64_t left_ns = hg->end_ns - clock_now_ns();
    return left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0;
}

int hold_run(const struct hold *h, struct discover *d, pid_t child)
{
    struct pollfd fds[] = {{.fd = h->signals, .events = POLLIN}, {.fd = discover_fd(d), .events = POLLIN}};
    struct holding hg = {.h = h, .child = child, .end_ns = INT64_MAX};
    int status = -1, printed = 0;
    while (status < 0) {
        (void)poll(fds, 2, wait_ms(&hg));
        status = on_signals(&hg);
        int err = status < 0 ? discover_dispatch(d) : 0;
        if (err < 0 && err != printed)
            (void)ctl_failed(d, "the daemon", printed = err);
    }
    return status;
}
