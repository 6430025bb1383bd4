/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl status: how the daemon of this host is doing. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/terminal.h"
#include "libdiscover/core/words.h"

/* Exit statuses of --check, as monitoring plugins have them. */
enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

struct status_options {
    bool counters, check;
};

/* The condition in the document's word, as a monitoring plugin has it, and as it looks. */
static const struct condition {
    const char *word, *plugin_word;
    enum style style;
} conditions[] = {
    [CHECK_OK] = {"healthy", "OK", STYLE_GOOD},
    [CHECK_WARNING] = {"warning", "WARNING", STYLE_WARNING},
    [CHECK_CRITICAL] = {"critical", "CRITICAL", STYLE_BAD},
    [CHECK_UNKNOWN] = {"unknown", "UNKNOWN", STYLE_BAD},
};

static int condition_of(const json_t *s)
{
    int i = CHECK_OK;
    while (i < CHECK_UNKNOWN && strcmp(conditions[i].word, text_of(s, "condition")) != 0)
        i++;
    return i;
}

/* Prints one row, such as "bus            connected to ...". */
__attribute__((format(printf, 3, 4))) static void row(FILE *out, const char *about, const char *format, ...)
{
    va_list args;
    fprintf(out, "%-14s ", about);
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
}

static void print_bus(const json_t *s, FILE *out)
{
    const json_t *bus = json_object_get(s, "bus");
    bool connected = is_true(bus, "connected");
    row(out, "bus", "%sconnected%s%s", connected ? "" : "not ", connected ? " to " : "",
        connected ? text_of(bus, "server") : "");
    if (*text_of(bus, "error"))
        row(out, "last error", "%s", text_of(bus, "error"));
    if (*text_of(bus, "distrust"))
        row(out, "not trusted", "%s: no lease of another host runs out", text_of(bus, "distrust"));
}

static void print_bucket(const json_t *b, FILE *out)
{
    const char *name = text_of(b, "name");
    size_t i;
    const json_t *lack;
    if (*text_of(b, "read_error"))
        row(out, "not read", "bucket %s: %s", name, text_of(b, "read_error"));
    if (*text_of(b, "refusal"))
        row(out, "not stored", "bucket %s, %" PRId64 " keys of this host for %.1f s: %s", name, number_of(b, "refused"),
            seconds_of(b, "refused_ms"), text_of(b, "refusal"));
    if (is_true(b, "full"))
        row(out, "full", "bucket %s: %" PRId64 " of %" PRId64 " bytes", name, number_of(b, "bytes"),
            number_of(b, "max_bytes"));
    json_array_foreach(json_object_get(b, "lacks"), i, lack)
        row(out, "settings", "bucket %s: %s", name, json_string_value(lack));
}

static void print_troubles(const json_t *s, FILE *out)
{
    const json_t *unwritten = json_object_get(s, "unwritten"), *held = json_object_get(s, "held"), *problem;
    size_t i;
    if (number_of(unwritten, "entries") > 0)
        row(out, "not served", "changes of %" PRId64 " entries of the shared table: %s",
            number_of(unwritten, "entries"), text_of(unwritten, "reason"));
    if (*text_of(s, "store_error"))
        row(out, "not stored", "%s: what has to outlive a restart is refused", text_of(s, "store_error"));
    json_array_foreach(json_object_get(s, "listen_problems"), i, problem)
        row(out, "not reachable", "%s", json_string_value(problem));
    if (*text_of(s, "lease_problem"))
        row(out, "not heard", "%s", text_of(s, "lease_problem"));
    if (number_of(held, "hosts") > 0)
        row(out, "kept", "%s whose %s run out, for %.1f s more at most: %s", count(number_of(held, "hosts"), "host"),
            number_of(held, "hosts") == 1 ? "lease has" : "leases have", seconds_of(held, "ms"),
            text_of(held, "reason"));
}

static void print_refused(const json_t *r, FILE *out)
{
    row(out, "refused", "%s %s: %s (%s, the last %.1f s ago)", text_of(r, "bucket"), text_of(r, "key"),
        text_of(r, "reason"), count(number_of(r, "count"), "time"), seconds_of(r, "age_ms"));
}

static void print_top_writer(const json_t *t, FILE *out)
{
    const char *host = text_of(t, "host");
    row(out, is_true(t, "floods") ? "floods" : "writes much", "%s: %s in the last 10 s",
        *host ? host : "(keys that name no host)", count(number_of(t, "changes"), "change"));
}

static void print_override(const json_t *o, FILE *out)
{
    const char *service = text_of(o, "service"), *instance = text_of(o, "instance");
    fprintf(out, "%-14s %s%s%s", text_of(o, "state"), *service ? service : "this host", *instance ? " " : "", instance);
    if (*text_of(o, "reason"))
        fprintf(out, " (%s)", text_of(o, "reason"));
    if (number_of(o, "age_ms") >= 0)
        fprintf(out, ", by user %" PRId64 " %" PRId64 " s ago", number_of(o, "uid"), number_of(o, "age_ms") / 1000);
    if (number_of(o, "grace_ms") > 0)
        fprintf(out, ", in maintenance in %.1f s", seconds_of(o, "grace_ms"));
    else if (has(o, "grace_ms"))
        fputs(", in maintenance: the grace is over", out);
    fputc('\n', out);
}

static void print_failover(const json_t *f, FILE *out)
{
    fprintf(out, "failover       %s: region %s answers", text_of(f, "service"), text_of(f, "at"));
    if (number_of(f, "at_ms") >= 0)
        fprintf(out, ", for %" PRId64 " s", number_of(f, "at_ms") / 1000);
    if (is_true(f, "forced"))
        fprintf(out, "; set to %s by user %" PRId64, text_of(f, "region"), number_of(f, "uid"));
    if (is_true(f, "forced") && number_of(f, "age_ms") >= 0)
        fprintf(out, " %" PRId64 " s ago", number_of(f, "age_ms") / 1000);
    fputc('\n', out);
}

static void print_status(const json_t *s, FILE *out)
{
    const struct condition *c = &conditions[condition_of(s)];
    const char *sync = text_of(s, "sync");
    styled(out, c->style, "%s", c->word);
    fprintf(out, ": %s\n\n", text_of(s, "summary"));
    row(out, "daemon", "%s on %s, up %.1f s, epoch %" PRId64, text_of(s, "version"), text_of(s, "host"),
        seconds_of(s, "uptime_ms"), number_of(s, "epoch"));
    if (number_of(s, "stale_ms") > 0)
        row(out, "synchronised", "%s, for %.1f s", sync, seconds_of(s, "stale_ms"));
    else
        row(out, "synchronised", "%s%s", sync,
            strcmp(sync, SYNC_READ_ONLY) == 0 ? ": reading is live, writing is refused" : "");
    print_bus(s, out);
    print_each(s, "buckets", NULL, print_bucket, out);
    row(out, "catalog", "%s, %s, %s", count(number_of(s, "services"), "service"),
        count(number_of(s, "instances"), "instance"), count(number_of(s, "hosts"), "host"));
    row(out, "registrations", "%" PRId64 " here, %" PRId64 " not confirmed by the bus yet",
        number_of(s, "registrations"), number_of(s, "unacknowledged"));
    row(out, "address", "%s", text_of(s, "address"));
    if (number_of(s, "waiting"))
        row(out, "waiting", "%s, until this host has an address", count(number_of(s, "waiting"), "registration"));
    print_troubles(s, out);
    print_each(s, "refused", NULL, print_refused, out);
    print_each(s, "top_writers", NULL, print_top_writer, out);
    print_each(s, "overrides", NULL, print_override, out);
    print_each(s, "failovers", NULL, print_failover, out);
}

static void print_counters(const json_t *s, FILE *out)
{
    const char *name;
    json_t *value;
    print_status(s, out);
    json_object_foreach(json_object_get(s, "counters"), name, value) if (json_integer_value(value))
        fprintf(out, "%-40s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(value));
}

/* --- --check --- */

/* One line and an exit code, as monitoring plugins have them: what follows a bar would be taken for figures. */
static int print_check(json_t *s)
{
    int condition = condition_of(s);
    printable_document(s);
    printf("DISCOVERD %s - ", conditions[condition].plugin_word);
    for (const char *at = text_of(s, "summary"); *at; at++)
        putchar(*at == '|' ? ' ' : *at);
    printf(" | services=%" PRId64 " instances=%" PRId64 " hosts=%" PRId64 " unacknowledged=%" PRId64 " stale=%.1fs\n",
           number_of(s, "services"), number_of(s, "instances"), number_of(s, "hosts"), number_of(s, "unacknowledged"),
           seconds_of(s, "stale_ms"));
    json_decref(s);
    return ctl_flush() == CTL_DONE ? condition : CHECK_UNKNOWN;
}

static int check(const struct ctl *ctl)
{
    int status;
    json_t *document;
    struct discover *d = ctl_open(ctl, &status);
    if (!d)
        return CHECK_UNKNOWN;
    int err = discover_connected(d) ? ctl_document(d, "status", &document) : 0;
    status = err < 0 ? CHECK_UNKNOWN : CHECK_CRITICAL;
    if (err < 0)
        printf("DISCOVERD UNKNOWN - %s\n", discover_strerror(err));
    else if (discover_connected(d))
        status = print_check(document);
    else
        printf("DISCOVERD CRITICAL - no daemon answers at %s\n", discover_socket(d));
    discover_free(d);
    return status;
}

static int run(const struct call *call)
{
    const struct status_options *o = call->options;
    json_t *document;
    int status;
    if (o->check)
        return check(call->ctl);
    struct discover *d = ctl_connect(call->ctl, &status);
    if (!d)
        return status;
    int err = ctl_document(d, "status", &document);
    status = err < 0 ? ctl_failed(d, "status", err)
                     : ctl_print_document(call->ctl, document, o->counters ? print_counters : print_status);
    discover_free(d);
    return status;
}

static const struct option_spec specs[] = {
    {"counters", NULL, "what the daemon has counted, too (--json always has that)", option_flag,
     offsetof(struct status_options, counters), 0, 0},
    {"check", NULL, "one line and an exit status for monitoring: 0 ok, 1 warning, 2 critical, 3 unknown", option_flag,
     offsetof(struct status_options, check), 0, 0},
    {.name = NULL},
};

const struct command status_command = {
    .name = "status",
    .summary = "show how the daemon of this host is doing",
    .usage = "status [OPTION]...",
    .help = "How the daemon of this host is doing: first whether it is well, and if not, why; then what is unusual.\n",
    .options = specs,
    .options_size = sizeof(struct status_options),
    .alone = true,
    .run = run,
    .document = "status",
    .print = print_status,
};
