/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl: global options, the table of subcommands, and what they have in common. */
#include "daemon/ctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl_nats.h"
#include "daemon/ctl/options.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/table_format.h"
#include "libdiscover/core/trace_context.h"
#include "libdiscover/core/words.h"

static void print_help(FILE *out)
{
    fputs("Usage: discoverctl [-s SOCKET | -H HOST] [--json] COMMAND ...\n\n", out);
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "  %-12s %s\n", c->name, c->summary);
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

void ctl_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("discoverctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int ctl_usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("discoverctl: ", stderr);
    vfprintf(stderr, format, args);
    fputs(" (see --help)\n", stderr);
    va_end(args);
    return CTL_USAGE;
}

static bool is(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

bool ctl_wants_help(char **argv)
{
    return *argv && is(*argv, "-h", "--help");
}

static int run_command(const struct ctl *ctl, char **argv)
{
    if (!*argv)
        return ctl_usage_error("which command?");
    if (ctl->host && !ctl_wants_help(argv + 1))
        return ctl_remote(ctl, argv);
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(*argv, c->name) == 0)
            return c->run(ctl, argv + 1);
    return ctl_usage_error("%s: no such command", *argv);
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
        } else if (is(*at, "-s", "--socket") && at[1]) {
            ctl.socket = *++at;
        } else if (is(*at, "-H", "--host") && at[1]) {
            ctl.host = *++at;
        } else if (is(*at, "-N", "--nats") && at[1]) {
            ctl.nats = *++at;
        } else {
            return ctl_usage_error("%s: no such option, or its value is missing", *at);
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

int ctl_check_service(const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP], why[OPTIONS_WHY_CAP];
    if (service_parse(service, domain, name) == 0)
        return CTL_DONE;
    options_refuse_service(service, why);
    return ctl_usage_error("%s", why);
}

int ctl_check_name(const char *what, const char *name)
{
    char why[OPTIONS_WHY_CAP];
    if (!name || !*name || label_valid(name, strlen(name)))
        return CTL_DONE;
    options_refuse_name(what, name, why);
    return ctl_usage_error("%s", why);
}

int ctl_check_lookup(const char *service)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (service_ref_parse(service, domain, name, region) < 0)
        return ctl_usage_error("%s: not a service, which is written DOMAIN/SERVICE or DOMAIN/SERVICE@REGION", service);
    return CTL_DONE;
}

static void note_region(void *arg, const struct discover_status *s)
{
    snprintf(arg, LABEL_CAP, "%s", s->region);
}

int ctl_each_own_instance(struct discover *d, const char *service, discover_instance_fn *fn, void *arg)
{
    char region[LABEL_CAP] = "", name[SERVICE_REF_CAP];
    int err = discover_status(d, note_region, region);
    snprintf(name, sizeof name, "%s%s%s", service, *region ? "@" : "", region);
    return err < 0 ? err : discover_each_instance(d, name, fn, arg);
}

int ctl_failed(const struct discover *d, const char *what, int result)
{
    const char *detail = d ? discover_last_error(d) : "";
    bool said = result == -EINVAL && *detail; /* "Invalid argument" adds nothing to which it is, and why */
    if (said)
        ctl_note("%s: %s", what, detail);
    else
        ctl_note("%s: %s%s%s", what, discover_strerror(result), *detail ? ": " : "", detail);
    return ctl_exit_of(result);
}

int ctl_option_traceparent(void *arg, const char *value)
{
    struct trace_context context;
    const char *why;
    (void)arg;
    if (trace_context_parse(value, NULL, &context, &why) < 0)
        return -EINVAL;
    return setenv("TRACEPARENT", value, 1) < 0 ? -errno : 0;
}

/* Whoever has started this one may have said something that is none: what is asked for is done all the same. */
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

struct discover *ctl_connect(const struct ctl *ctl, int *ret_exit)
{
    struct discover *d = ctl_open(ctl, ret_exit);
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
    int sync = TABLE_LIVE;
    if (result == DISCOVER_E_UNSYNCED || age_ms < 0)
        sync = TABLE_UNSYNCED;
    else if (result == DISCOVER_STALE || age_ms > 0)
        sync = TABLE_STALE;
    else if (result == DISCOVER_DEGRADED)
        sync = TABLE_DEGRADED;
    return document_head(sync_word(sync), age_ms, service);
}

int ctl_print_json(json_t *document)
{
    int err = document ? json_dumpf(document, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) : -1;
    json_decref(document);
    if (err || putchar('\n') == EOF || fflush(stdout) != 0) {
        ctl_note("cannot print the result");
        return CTL_FAILED;
    }
    return CTL_DONE;
}
