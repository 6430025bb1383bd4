/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command at each change of a service. */
#include "daemon/ctl/watch_command.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/documents/documents.h"

#define EXIT_NOT_FOUND   127
#define EXIT_NOT_PROGRAM 126

struct watching {
    struct discover *d;
    const char *service;
    struct hold *hold;
    char **command;
    pid_t child;  /* 0: none runs */
    bool changed; /* since the last one was started */
    int result;   /* what the watch was told last */
    bool ending;
    int status; /* to exit with; -1: it goes on */
};

static void on_change(void *arg, const struct discover_change *change)
{
    struct watching *w = arg;
    w->result = change->result;
    if (change->result != DISCOVER_E_UNSYNCED) /* nobody is there, as far as one can know: not what is to be acted on */
        w->changed = true;
}

static int add_instance(void *arg, const struct discover_instance *i)
{
    return i->usable ? json_array_append_new(arg, instance_document(i)) : 0; /* the others are not watched */
}

/* The set as it is now, in memory: a command need not read it. A negative errno. */
static int make_input(struct watching *w)
{
    json_t *list = json_array();
    (void)!discover_each_instance(w->d, w->service, add_instance, list); /* what is not there is an empty list */
    json_t *document = ctl_head(w->d, w->result, w->service);
    (void)json_object_set_new(document, "instances", list);
    int fd = memfd_create("discoverctl", MFD_CLOEXEC);
    int err = fd < 0 ? -errno : 0;
    if (!err && (!document || json_dumpfd(document, fd, JSON_COMPACT) < 0 || lseek(fd, 0, SEEK_SET) < 0))
        err = -EIO;
    json_decref(document);
    if (err && fd >= 0)
        close(fd);
    return err ? err : fd;
}

static void start(struct watching *w)
{
    int fd = make_input(w);
    w->changed = false;
    w->hold->input = fd;
    int err = fd < 0 ? fd : hold_start(w->hold, w->command, &w->child);
    if (fd >= 0)
        close(fd);
    w->hold->input = -1;
    if (err == 0)
        return;
    ctl_note("%s: %s", w->command[0], discover_strerror(err));
    w->status = err == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_PROGRAM;
}

/* Takes all that have ended. */
static void reap(struct watching *w)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != w->child)
            continue;
        w->child = 0;
        if (WIFSIGNALED(status) && !w->ending)
            ctl_note("%s was ended by signal %d", w->command[0], WTERMSIG(status));
        else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            ctl_note("%s failed: exit status %d", w->command[0], WEXITSTATUS(status));
    }
}

static void on_signals(struct watching *w)
{
    struct signalfd_siginfo info;
    while (read(w->hold->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(w);
        } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGHUP ||
                   info.ssi_signo == SIGQUIT) {
            w->ending = true;
            if (w->child && info.ssi_code != SI_KERNEL) /* a terminal has told it already */
                (void)kill(w->child, (int)info.ssi_signo);
        }
    }
}

static void turn(struct watching *w)
{
    struct pollfd fds[] = {{.fd = w->hold->signals, .events = POLLIN}, {.fd = discover_fd(w->d), .events = POLLIN}};
    (void)poll(fds, 2, -1);
    on_signals(w);
    int err = discover_dispatch(w->d);
    if (err < 0)
        (void)ctl_failed(w->d, "the daemon", err);
    if (!w->child && w->ending)
        w->status = CTL_DONE;
    else if (!w->child && w->changed)
        start(w);
}

int watch_command_run(struct discover *d, const char *service, struct hold *hold, char **command)
{
    struct watching w = {.d = d, .service = service, .hold = hold, .command = command, .status = -1};
    struct discover_watch *watch;
    if (setenv("DISCOVER_SERVICE", service, 1) < 0)
        return ctl_failed(NULL, "setenv", -errno);
    int err = discover_watch(d, service, on_change, &w, &watch);
    if (err < 0)
        return ctl_failed(d, service, err);
    while (w.status < 0)
        turn(&w);
    discover_unwatch(watch);
    return w.status;
}
