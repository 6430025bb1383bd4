/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a registration until a signal or the end of a command. */
#include "daemon/ctl/hold.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/ctl/ctl.h"

static const int taken_signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

int hold_init(struct hold *h)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken_signals / sizeof *taken_signals; i++)
        sigaddset(&set, taken_signals[i]);
    h->signals = -1;
    (void)signal(SIGCHLD, SIG_DFL); /* whoever started us may have ignored it: no child would be reported */
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

int hold_start(const struct hold *h, char **command, pid_t *ret_child)
{
    posix_spawnattr_t attributes;
    int err = posix_spawnattr_init(&attributes);
    if (err)
        return -err;
    err = posix_spawnattr_setsigmask(&attributes, &h->old);
    if (!err)
        err = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (!err)
        err = posix_spawnp(ret_child, command[0], NULL, &attributes, command, environ);
    posix_spawnattr_destroy(&attributes);
    return -err;
}

/* -1 while it lives. */
static int exit_status(pid_t child)
{
    int status;
    if (waitpid(child, &status, WNOHANG) != child)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool ends_it(uint32_t signal)
{
    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

/* Takes one signal. Returns the exit status when it is over, -1 when it is not. */
static int on_signal(const struct signalfd_siginfo *info, pid_t child)
{
    if (!child)
        return ends_it(info->ssi_signo) ? 0 : -1;
    if (info->ssi_signo == SIGCHLD)
        return exit_status(child);
    /* What the terminal sends (SI_KERNEL), it has sent to the command already: it is of the same group. */
    if (info->ssi_code != SI_KERNEL)
        (void)kill(child, (int)info->ssi_signo);
    return -1;
}

static int on_signals(const struct hold *h, pid_t child)
{
    struct signalfd_siginfo info;
    int status = -1;
    while (status < 0 && read(h->signals, &info, sizeof info) == (ssize_t)sizeof info)
        status = on_signal(&info, child);
    return status;
}

int hold_run(const struct hold *h, struct discover *d, pid_t child)
{
    struct pollfd fds[] = {{.fd = h->signals, .events = POLLIN}, {.fd = discover_fd(d), .events = POLLIN}};
    int status = -1, told = 0;
    while (status < 0) {
        (void)poll(fds, 2, -1);
        status = on_signals(h, child);
        int err = status < 0 ? discover_dispatch(d) : 0;
        if (err < 0 && err != told)
            (void)ctl_failed(d, "the daemon", told = err);
    }
    return status;
}
