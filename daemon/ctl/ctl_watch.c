/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl watch: the changes of a service, as they happen, until a signal. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/hold.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

struct watching {
    const struct ctl *ctl;
    struct discover *d;
    json_t *names; /* "host/instance" by id, also of those that have gone */
};

static const struct {
    const char *sign, *word;
} whats[] = {
    [DISCOVER_ADDED] = {"+", "added"},
    [DISCOVER_REMOVED] = {"-", "removed"},
    [DISCOVER_CHANGED] = {"~", "changed"},
};

static const char *address_of(const struct discover_endpoint *e, char ret_text[static DISCOVER_ADDRESS_MAX])
{
    return discover_endpoint_text(e, ret_text, DISCOVER_ADDRESS_MAX) == 0 ? ret_text : "-";
}

#define ID_CAP 17

static const char *id_text(uint64_t id, char ret_text[static ID_CAP])
{
    snprintf(ret_text, ID_CAP, "%016" PRIx64, id);
    return ret_text;
}

static int learn(void *arg, const struct discover_instance *i)
{
    char id[ID_CAP];
    return json_object_set_new(arg, id_text(i->endpoint.id, id), json_sprintf("%s/%s", i->host, i->instance));
}

/* "?": not known. Lives until the next call. */
static const char *name_of(struct watching *w, const struct discover_change *change, const struct discover_endpoint *e)
{
    char id[ID_CAP];
    if (!json_object_get(w->names, id_text(e->id, id)))
        (void)!discover_each_instance(w->d, change->service, learn, w->names);
    const char *name = json_string_value(json_object_get(w->names, id));
    return name ? name : "?";
}

static json_t *difference_json(struct watching *w, const struct discover_change *change,
                               const struct discover_difference *it)
{
    char host[LABEL_CAP] = "";
    const char *name = name_of(w, change, &it->endpoint), *slash = strchr(name, '/');
    if (slash)
        snprintf(host, sizeof host, "%.*s", (int)(slash - name), name);
    return change_document(whats[it->what].word, host, slash ? slash + 1 : "", &it->endpoint);
}

static void print_json(struct watching *w, const struct discover_change *change)
{
    json_t *document = ctl_head(w->d, change->result, change->service), *list = json_array();
    for (size_t i = 0; i < change->n_differences; i++)
        (void)json_array_append_new(list, difference_json(w, change, &change->differences[i]));
    (void)json_object_set_new(document, "usable", json_integer((json_int_t)change->n));
    (void)json_object_set_new(document, "changes", list);
    if (change->traceparent)
        (void)json_object_set_new(document, "traceparent", json_string(change->traceparent));
    if (change->traceparent && *change->tracestate)
        (void)json_object_set_new(document, "tracestate", json_string(change->tracestate));
    (void)ctl_print_json(document);
}

static void print_lines(struct watching *w, const struct discover_change *change)
{
    char text[DISCOVER_ADDRESS_MAX];
    for (size_t i = 0; i < change->n_differences; i++) {
        const struct discover_endpoint *e = &change->differences[i].endpoint;
        printf("%s %s %u %s %s\n", whats[change->differences[i].what].sign, address_of(e, text), e->weight,
               state_word(e->state), name_of(w, change, e));
    }
    if (change->result < 0)
        ctl_note("%s: %s", change->service, discover_strerror(change->result));
}

static void on_change(void *arg, const struct discover_change *change)
{
    struct watching *w = arg;
    char id[ID_CAP];
    if (w->ctl->json)
        print_json(w, change);
    else
        print_lines(w, change);
    for (size_t i = 0; i < change->n_differences; i++)
        if (change->differences[i].what == DISCOVER_REMOVED)
            (void)json_object_del(w->names, id_text(change->differences[i].endpoint.id, id));
    fflush(stdout);
}

static int watch(const struct ctl *ctl, struct discover *d, const char *service, const struct hold *hold)
{
    int status;
    struct discover_watch *w;
    struct watching watching = {.ctl = ctl, .d = d, .names = json_object()};
    int err = discover_watch(d, service, on_change, &watching, &w);
    if (err < 0) {
        status = ctl_failed(d, service, err);
    } else {
        status = hold_run(hold, d, 0);
        discover_unwatch(w);
    }
    json_decref(watching.names);
    return status;
}

/* --- a command at each change of the usable instances --- */

struct running {
    struct discover *d;
    const char *service;
    struct hold *hold;
    char **command;
    pid_t child;  /* 0: none runs */
    bool changed; /* since the last one was started */
    int result;   /* what the watch reported last */
    bool ending;
    int status; /* to exit with; -1: it goes on */
};

static void on_change_run(void *arg, const struct discover_change *change)
{
    struct running *w = arg;
    w->result = change->result;
    if (change->result !=
        DISCOVER_E_UNSYNCED) /* an empty set may only mean that nothing is known yet: no command is run for that */
        w->changed = true;
}

static int add_instance(void *arg, const struct discover_instance *i)
{
    return i->usable ? json_array_append_new(arg, instance_document(i)) : 0; /* a watch is about usable ones alone */
}

/* The set as it is now, in memory: a command need not read it. A negative errno. */
static int make_input(struct running *w)
{
    json_t *list = json_array();
    (void)!discover_each_instance(w->d, w->service, add_instance, list); /* on a failure the list stays empty */
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

static void start(struct running *w)
{
    int fd = make_input(w);
    w->changed = false;
    w->hold->input = fd;
    int status = fd < 0 ? ctl_failed(NULL, "cannot make what the command reads", fd)
                        : hold_start(w->hold, w->command, &w->child);
    if (fd >= 0)
        close(fd);
    w->hold->input = -1;
    if (status)
        w->status = status;
}

static void reap(struct running *w)
{
    int how;
    if (!hold_reap(w->child, &how))
        return;
    w->child = 0;
    if (WIFSIGNALED(how) && !w->ending)
        ctl_note("%s was ended by signal %d", w->command[0], WTERMSIG(how));
    else if (WIFEXITED(how) && WEXITSTATUS(how) != 0)
        ctl_note("%s failed: exit status %d", w->command[0], WEXITSTATUS(how));
}

static void on_signals(struct running *w)
{
    struct signalfd_siginfo info;
    while (read(w->hold->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(w);
        } else if (hold_ends_it(info.ssi_signo)) {
            w->ending = true;
            if (w->child && info.ssi_code != SI_KERNEL) /* a terminal has signalled it already */
                (void)kill(w->child, (int)info.ssi_signo);
        }
    }
}

static void turn(struct running *w)
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

/*
 * One run at a time: what changes meanwhile is one more run after it, so the last change is never missed. Until a signal ends it,
 * which is passed on to a command that runs. Returns the exit status: 127 or 126 when the command cannot be started.
 */
static int run_at_each_change(struct discover *d, const char *service, struct hold *hold, char **command)
{
    struct running w = {.d = d, .service = service, .hold = hold, .command = command, .status = -1};
    struct discover_watch *watch;
    if (setenv("DISCOVER_SERVICE", service, 1) < 0)
        return ctl_failed(NULL, "setenv", -errno);
    int err = discover_watch(d, service, on_change_run, &w, &watch);
    if (err < 0)
        return ctl_failed(d, service, err);
    while (w.status < 0)
        turn(&w);
    discover_unwatch(watch);
    return w.status;
}

/* --- both --- */

static int watch_or_run(const struct call *call, struct hold *hold)
{
    const char *service = call->words.word[0];
    char **command = call->words.command;
    int status;
    struct discover *d = ctl_connect(call->ctl, &status);
    if (!d)
        return status;
    status = command ? run_at_each_change(d, service, hold, command) : watch(call->ctl, d, service, hold);
    discover_free(d);
    return status;
}

static int run(const struct call *call)
{
    struct hold hold;
    int err = hold_init(&hold);
    int status = err < 0 ? ctl_failed(NULL, "cannot take signals", err) : watch_or_run(call, &hold);
    hold_fini(&hold);
    return status;
}

const struct command watch_command = {
    .name = "watch",
    .summary = "show the changes of a service as they happen, or run a command at each",
    .usage = "watch DOMAIN/SERVICE[@REGION] [-- COMMAND...]",
    .help =
        "A line for each instance that is added (+), removed (-) or changed (~): the sign, address:port, weight,\n"
        "state, host/instance. First come all that are there. With --json a document for each change. Ends by a\n"
        "signal.\n\n"
        "With a command: runs it at each change, first with all that is there, the usable instances as JSON on its\n"
        "standard input and the service's name in DISCOVER_SERVICE; one run at a time, and one more when something\n"
        "has changed meanwhile.\n",
    .takes = {WORD_LOOKUP},
    .takes_command = true,
    .alone = true,
    .run = run,
};
