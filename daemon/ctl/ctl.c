/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl: global options, the table of subcommands, and what they have in common. */
#include "daemon/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl_nats.h"
#include "daemon/ctl/options.h"
#include "daemon/ctl/printable.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/table_format.h"
#include "libdiscover/core/trace_context.h"

/* Some seconds of attempts to get into the queue of the daemon's socket. */
#define QUEUE_TRIES   150
#define QUEUE_WAIT_MS 20

static void print_help(FILE *out)
{
    fputs("Usage: discoverctl [-s SOCKET | -H HOST] [--json] COMMAND ...\n\n", out);
    for (const struct command *const *c = commands; *c; c++)
        fprintf(out, "  %-12s %s\n", (*c)->name, (*c)->summary);
    fputs("\n  -s, --socket SOCKET  where the daemon listens (default: $DISCOVERD_SOCKET, else\n"
          "                       /run/discoverd/discoverd.sock)\n"
          "  -H, --host HOST      ask the daemon of that host instead, over NATS: status, explain, resolve,\n"
          "                       list, hosts, regions\n"
          "  -N, --nats FILE      how NATS is reached, for that and for events, as discoverd.conf says it\n"
          "                       (default: $DISCOVER_NATS, else /etc/discoverd/operator.conf)\n"
          "  --json               results as JSON\n"
          "  -h, --help           this text; after a command: its options\n"
          "  -V, --version        the version\n\n"
          "Exit status: 0 done, 1 failed, 2 usage, 3 no such service or no usable instance,\n"
          "4 cannot know (not synchronised, no daemon).\n",
          out);
}

/* Printed escaped: parts of messages come from the daemon or from other hosts. */
__attribute__((format(printf, 1, 0))) static void print_message(const char *format, va_list args, const char *end)
{
    fputs("discoverctl: ", stderr);
    printable_vprint(stderr, false, format, args);
    fprintf(stderr, "%s\n", end);
}

void ctl_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(format, args, "");
    va_end(args);
}

int ctl_usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(format, args, " (see --help)");
    va_end(args);
    return CTL_USAGE;
}

static bool is(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

/* Where the value of a global option is stored; NULL: it has none. */
static const char **value_of(struct ctl *ctl, const char *option)
{
    return is(option, "-s", "--socket") ? &ctl->socket
           : is(option, "-H", "--host") ? &ctl->host
           : is(option, "-N", "--nats") ? &ctl->nats
                                        : NULL;
}

/* A hint for a refused option that belongs before the command; "": it is none. */
static const char *right_place(const char *why)
{
    char option[16] = "";
    (void)sscanf(why, "%15[^:=]", option);
    bool global = strcmp(option, "--json") == 0 || value_of(&(struct ctl){0}, option);
    return global ? "; it stands before the command" : "";
}

static const struct option_spec no_options[] = {{.name = NULL}};

/* With -H commands have no options: the other host is only asked for documents. */
static int run_parsed(struct call *call, void *options, char **argv)
{
    const struct command *c = call->command;
    char why[OPTIONS_WHY_CAP];
    int status = CTL_DONE;
    if (options_parse(c->options && !call->ctl->host ? c->options : no_options, options, argv, &call->words, why) < 0)
        return ctl_usage_error("%s: %s%s", c->name, why, right_place(why));
    if (command_check_words(c, &call->words, why) < 0)
        return ctl_usage_error("%s: %s", c->name, why);
    if (call->ctl->host)
        return ctl_remote(call);
    if (!c->alone && !(call->d = ctl_connect(call->ctl, &status)))
        return status;
    status = c->run(call);
    discover_free(call->d);
    return status;
}

static int run_command(const struct ctl *ctl, char **argv)
{
    if (!*argv)
        return ctl_usage_error("which command?");
    const struct command *c = command_find(*argv);
    if (!c)
        return ctl_usage_error("%s: no such command", *argv);
    if (argv[1] && is(argv[1], "-h", "--help")) {
        command_print_help(c);
        return CTL_DONE;
    }
    void *options = calloc(1, c->options_size + 1);
    if (!options)
        return ctl_failed(NULL, c->name, -ENOMEM);
    if (c->defaults)
        memcpy(options, c->defaults, c->options_size);
    int status = run_parsed(&(struct call){.ctl = ctl, .command = c, .options = options}, options, argv + 1);
    free(options);
    return status;
}

/* Takes the value of a global option, and moves on to it. Returns why it cannot; NULL: it is taken. */
static const char *take_value(struct ctl *ctl, char ***at)
{
    char option[16], *word = **at;
    size_t n = strcspn(word, "=");
    snprintf(option, sizeof option, "%.*s", (int)n, word);
    const char **value = value_of(ctl, option);
    if (!value)
        return "no such option";
    if (!word[n] && !(*at)[1])
        return "its value is missing";
    *value = word[n] ? word + n + 1 : *++*at;
    return NULL;
}

int ctl_main(int argc, char **argv)
{
    struct ctl ctl = {0};
    char **at = argc > 0 ? argv + 1 : argv;
    for (; *at && **at == '-'; at++) {
        if (is(*at, "-h", "--help")) {
            print_help(stdout);
            return CTL_DONE;
        } else if (is(*at, "-V", "--version")) {
            printf("discoverctl %s\n", discover_version());
            return CTL_DONE;
        } else if (strcmp(*at, "--json") == 0) {
            ctl.json = true;
        } else {
            const char *why = take_value(&ctl, &at);
            if (why)
                return ctl_usage_error("%s: %s", *at, why);
        }
    }
    return run_command(&ctl, at);
}

enum ctl_exit ctl_exit_of(int result)
{
    switch (result) {
    case DISCOVER_E_NONE:
    case DISCOVER_E_UNKNOWN:
        return CTL_NONE;
    case DISCOVER_E_UNSYNCED:
        return CTL_CANNOT_KNOW;
    case DISCOVER_E_NAME:
        return CTL_USAGE;
    default:
        return result < 0 ? CTL_FAILED : CTL_DONE;
    }
}

static void note_region(void *arg, const struct discover_status *s)
{
    snprintf(arg, LABEL_CAP, "%s", s->region);
}

int ctl_own_region(struct discover *d, char ret_region[static LABEL_CAP])
{
    return discover_status(d, note_region, ret_region);
}

int ctl_each_own_instance(struct discover *d, const char *service, discover_instance_fn *fn, void *arg)
{
    char region[LABEL_CAP] = "", name[SERVICE_REF_CAP];
    int err = ctl_own_region(d, region);
    snprintf(name, sizeof name, "%s%s%s", service, *region ? "@" : "", region);
    return err < 0 ? err : discover_each_instance(d, name, fn, arg);
}

int ctl_failed(const struct discover *d, const char *what, int result)
{
    const char *detail = d ? discover_last_error(d) : "";
    /* The detail names the argument, or what is missing, which need not be a service: the code's text adds nothing. */
    if (*detail && (result == -EINVAL || result == DISCOVER_E_UNKNOWN))
        ctl_note("%s: %s", what, detail);
    else
        ctl_note("%s: %s%s%s", what, discover_strerror(result), *detail ? ": " : "", detail);
    return ctl_exit_of(result);
}

int ctl_result(const struct discover *d, const char *what, int result)
{
    return result < 0 ? ctl_failed(d, what, result) : CTL_DONE;
}

int ctl_flush(void)
{
    return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

bool ctl_has_tag(const struct discover_instance *i, const char *tag)
{
    for (size_t k = 0; k < i->n_tags; k++)
        if (strcmp(i->tags[k], tag) == 0)
            return true;
    return false;
}

int ctl_option_traceparent(const struct option_spec *spec, void *field, const char *value)
{
    struct trace_context context;
    const char *why;
    (void)spec, (void)field;
    if (trace_context_parse(value, NULL, &context, &why) < 0)
        return -EINVAL;
    return setenv("TRACEPARENT", value, 1) < 0 ? -errno : 0;
}

/* What the environment has may be no valid trace context: the command is run all the same, without it. */
static void take_trace(struct discover *d)
{
    const char *parent = getenv("TRACEPARENT"), *state = getenv("TRACESTATE");
    if (parent && discover_set_trace(d, parent, state) < 0 && discover_set_trace(d, parent, NULL) < 0)
        ctl_note("TRACEPARENT is left out: %s", discover_last_error(d));
}

struct discover *ctl_open(const struct ctl *ctl, int *ret_exit)
{
    struct discover *d;
    int err = discover_new(&d);
    if (err < 0) {
        *ret_exit = ctl_failed(NULL, "cannot start", err);
        return NULL;
    }
    take_trace(d);
    err = discover_set_source(d, DISCOVER_SOURCE_DAEMON);
    if (!err && ctl->socket)
        err = discover_set_socket(d, ctl->socket);
    if (!err)
        err = discover_start(d);
    if (!err || err == DISCOVER_E_UNSYNCED)
        return d;
    (void)ctl_failed(d, "cannot connect", err);
    *ret_exit = CTL_FAILED;
    discover_free(d);
    return NULL;
}

/* The queue of the daemon's socket is full: it is there, and others come faster than it takes them. */
static bool must_queue(const struct discover *d)
{
    return !discover_connected(d) && strcmp(discover_last_error(d), strerror(EAGAIN)) == 0;
}

struct discover *ctl_connect(const struct ctl *ctl, int *ret_exit)
{
    struct discover *d = ctl_open(ctl, ret_exit);
    for (int tries = 0; d && must_queue(d) && tries < QUEUE_TRIES; tries++) {
        discover_free(d);
        (void)poll(NULL, 0, QUEUE_WAIT_MS);
        d = ctl_open(ctl, ret_exit);
    }
    if (!d || discover_connected(d))
        return d;
    *ret_exit = CTL_CANNOT_KNOW;
    ctl_note("no daemon answers at %s: %s", discover_socket(d), discover_last_error(d));
    discover_free(d);
    return NULL;
}

void ctl_note_age(struct discover *d, int result)
{
    if (result == DISCOVER_STALE && discover_age_ms(d) == 0)
        ctl_note("stale: it is what another region had when it was heard last; see discoverctl regions");
    else if (result == DISCOVER_STALE)
        ctl_note("stale: this is the state of %.1f s ago", (double)discover_age_ms(d) / 1000);
    else if (result == DISCOVER_DEGRADED)
        ctl_note(
            "degraded: many hosts vanished at once and are kept, or changes cannot be served; see discoverctl status");
    else if (result == DISCOVER_E_UNSYNCED)
        ctl_note("not synchronised: nothing but this host's own registrations is known");
}

json_t *ctl_head(struct discover *d, int result, const char *service)
{
    int64_t age_ms = discover_age_ms(d);
    enum table_sync sync = TABLE_LIVE;
    if (result == DISCOVER_E_UNSYNCED || age_ms < 0)
        sync = TABLE_UNSYNCED;
    else if (result == DISCOVER_STALE || age_ms > 0)
        sync = TABLE_STALE;
    else if (result == DISCOVER_DEGRADED)
        sync = TABLE_DEGRADED;
    return document_head(sync, age_ms, service);
}

static void take_document(void *arg, const char *text, size_t n)
{
    *(json_t **)arg = json_loadb(text, n, 0, NULL);
}

int ctl_document(struct discover *d, const char *name, json_t **ret_document)
{
    json_t *document = NULL;
    int err = discover_document(d, name, take_document, &document);
    if (err < 0)
        return err;
    *ret_document = document;
    return document ? 0 : -EPROTO;
}

int ctl_print_document(const struct ctl *ctl, json_t *document, void (*print)(const json_t *document, FILE *out))
{
    bool unknown = json_is_false(json_object_get(document, "known"));
    int status;
    if (ctl->json || !document) {
        status = ctl_print_json(document);
    } else {
        printable_document(document);
        print(document, stdout);
        json_decref(document);
        status = ctl_flush();
    }
    return status == CTL_DONE && unknown ? CTL_NONE : status;
}

int ctl_print_json(json_t *document)
{
    bool printed = printable_json(document, JSON_INDENT(2) | JSON_SORT_KEYS, stdout);
    json_decref(document);
    if (!printed || putchar('\n') == EOF || fflush(stdout) != 0) {
        ctl_note("cannot print the result");
        return CTL_FAILED;
    }
    return CTL_DONE;
}
