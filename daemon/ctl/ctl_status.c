/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl status: how the daemon of this host is doing. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/terminal.h"
#include "daemon/documents/documents.h"
#include "daemon/documents/problems.h"
#include "libdiscover/core/words.h"

/* For --check; the others are the numbers of enum problem_level. */
#define CHECK_UNKNOWN 3

struct status_options {
    bool counters, check;
};

static void print_json(void *arg, const struct discover_status *s)
{
    *(int *)arg = ctl_print_json(status_document(s));
}

static void print_bus(const struct discover_status *s)
{
    if (s->bus_connected)
        printf("bus            connected to %s\n", s->bus_server);
    else
        printf("bus            not connected\n");
    if (*s->bus_error)
        printf("last error     %s\n", s->bus_error);
    if (*s->distrust)
        printf("not trusted    %s: no lease of another host runs out\n", s->distrust);
}

static void print_bucket(const struct discover_bucket *b)
{
    if (*b->read_error)
        printf("not read       bucket %s: %s\n", b->name, b->read_error);
    if (*b->refusal)
        printf("not stored     bucket %s, %u keys of this host for %.1f s: %s\n", b->name, b->refused,
               (double)b->refused_ms / 1000, b->refusal);
    if (b->full)
        printf("full           bucket %s: %llu of %llu bytes\n", b->name, (unsigned long long)b->bytes,
               (unsigned long long)b->max_bytes);
    for (size_t i = 0; i < b->n_lacks; i++)
        printf("settings       bucket %s: %s\n", b->name, b->lacks[i]);
}

static void print_held(const struct discover_status *s)
{
    if (s->held > 0)
        printf("kept           %u hosts whose leases have run out, for %.1f s more at most: %s\n", s->held,
               (double)s->held_ms / 1000, s->held_reason);
}

static void print_troubles(const struct discover_status *s)
{
    if (s->unwritten > 0)
        printf("not served     changes of %u entries of the shared table: %s\n", s->unwritten, s->unwritten_reason);
    if (*s->store_error)
        printf("not stored     %s: what has to outlive a restart is refused\n", s->store_error);
    for (size_t i = 0; i < s->n_listen_problems; i++)
        printf("not reachable  %s\n", s->listen_problems[i]);
    if (*s->lease_problem)
        printf("not heard      %s\n", s->lease_problem);
}

static void print_refused(const struct discover_status *s)
{
    for (size_t i = 0; i < s->n_refused; i++) {
        const struct discover_refusal *r = &s->refused[i];
        printf("refused        %s %s: %s (%llu times, the last %.1f s ago)\n", r->bucket, r->key, r->reason,
               (unsigned long long)r->count, (double)r->age_ms / 1000);
    }
}

static void print_top_writers(const struct discover_status *s)
{
    for (size_t i = 0; i < s->n_top_writers; i++) {
        const struct discover_top_writer *t = &s->top_writers[i];
        printf("%s    %s: %u changes in the last 10 s\n", t->floods ? "floods     " : "writes much",
               *t->host ? t->host : "(keys that name no host)", t->changes);
    }
}

static void print_overrides(const struct discover_status *s)
{
    for (size_t i = 0; i < s->n_overrides; i++) {
        const struct discover_override_info *o = &s->overrides[i];
        printf("%-14s %s%s%s", state_word(o->state), *o->service ? o->service : "this host", *o->instance ? " " : "",
               o->instance);
        if (*o->reason)
            printf(" (%s)", o->reason);
        if (o->age_ms >= 0)
            printf(", by user %u %lld s ago", o->uid, (long long)(o->age_ms / 1000));
        if (s->override_grace_ms[i] >= 0)
            printf(s->override_grace_ms[i] ? ", in maintenance in %.1f s" : ", in maintenance: the grace is over",
                   (double)s->override_grace_ms[i] / 1000);
        putchar('\n');
    }
}

static void print_failovers(const struct discover_status *s)
{
    for (size_t i = 0; i < s->n_failovers; i++) {
        const struct discover_failover_info *f = &s->failovers[i];
        printf("failover       %s: %s%s answers", f->service, *f->at ? "region " : "the own region", f->at);
        if (f->at_ms >= 0)
            printf(", for %lld s", (long long)(f->at_ms / 1000));
        if (f->forced)
            printf("; set to %s by user %u", *f->region ? f->region : "off", f->uid);
        if (f->forced && f->age_ms >= 0)
            printf(" %lld s ago", (long long)(f->age_ms / 1000));
        putchar('\n');
    }
}

static const enum style level_styles[] = {STYLE_GOOD, STYLE_WARNING, STYLE_BAD};

static void print_condition(const struct discover_status *s)
{
    static struct problem problems[PROBLEMS_MAX];
    char sentence[PROBLEM_TEXT_CAP];
    size_t n = problems_of(s, problems);
    enum problem_level level = n ? problems[0].level : PROBLEM_NONE;
    condition_sentence(s, problems, n, sentence);
    styled(stdout, level_styles[level], "%s", condition_word(level));
    printf(": %s\n\n", sentence);
}

static void print_text(void *arg, const struct discover_status *s)
{
    print_condition(s);
    printf("daemon         %s on %s, up %.1f s, epoch %llu\n", s->version, s->host, (double)s->uptime_ms / 1000,
           (unsigned long long)s->epoch);
    if (s->stale_ms > 0)
        printf("synchronised   %s, for %.1f s\n", s->sync, (double)s->stale_ms / 1000);
    else
        printf("synchronised   %s%s\n", s->sync,
               strcmp(s->sync, SYNC_READ_ONLY) == 0 ? ": reading is live, writing is refused" : "");
    print_bus(s);
    for (size_t i = 0; i < s->n_buckets; i++)
        print_bucket(&s->buckets[i]);
    printf("catalog        %u services, %u instances, %u hosts\n", s->services, s->instances, s->hosts);
    printf("registrations  %u here, %u not confirmed by the bus yet\n", s->registrations, s->unacknowledged);
    printf("address        %s\n", s->address);
    if (s->waiting)
        printf("waiting        %u registrations, until this host has an address\n", s->waiting);
    print_troubles(s);
    print_held(s);
    print_refused(s);
    print_top_writers(s);
    print_overrides(s);
    print_failovers(s);
    *(int *)arg = fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

static void print_counters(void *arg, const struct discover_status *s)
{
    print_text(arg, s);
    for (size_t i = 0; i < s->n_counters; i++)
        if (s->counters[i].value)
            printf("%-40s %llu\n", s->counters[i].name, (unsigned long long)s->counters[i].value);
    *(int *)arg = fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

/* One line and an exit code, as monitoring plugins have them. */
static void print_check(void *arg, const struct discover_status *s)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL"};
    static struct problem problems[PROBLEMS_MAX];
    char sentence[PROBLEM_TEXT_CAP];
    size_t n = problems_of(s, problems);
    enum problem_level level = n ? problems[0].level : PROBLEM_NONE;
    condition_sentence(s, problems, n, sentence);
    for (char *c = sentence; *c; c++) /* what follows a bar would be taken for figures */
        *c = *c == '|' || *c == '\n' ? ' ' : *c;
    printf("DISCOVERD %s - %s | services=%u instances=%u hosts=%u unacknowledged=%u stale=%.1fs\n", names[level],
           sentence, s->services, s->instances, s->hosts, s->unacknowledged, (double)s->stale_ms / 1000);
    *(int *)arg = fflush(stdout) == 0 ? (int)level : CHECK_UNKNOWN;
}

static int set_counters(void *arg, const char *value)
{
    struct status_options *o = arg;
    (void)value;
    o->counters = true;
    return 0;
}

static int set_check(void *arg, const char *value)
{
    struct status_options *o = arg;
    (void)value;
    o->check = true;
    return 0;
}

const struct option_spec status_specs[] = {
    {"counters", NULL, "what the daemon has counted, too (--json always has that)", set_counters},
    {"check", NULL, "one line and an exit status for monitoring: 0 ok, 1 warning, 2 critical, 3 unknown", set_check},
    {NULL, NULL, NULL, NULL},
};

static int print_help(void)
{
    fputs("Usage: discoverctl status [OPTION]...\n\n"
          "How the daemon of this host is doing: first whether it is well, and if not, why; then what is unusual.\n\n",
          stdout);
    options_print(status_specs, stdout);
    return CTL_DONE;
}

/* Nobody is there to say how it is. */
static int print_no_daemon(const struct ctl *ctl)
{
    printf("DISCOVERD CRITICAL - no daemon answers at %s\n", ctl->socket ? ctl->socket : "its socket");
    return PROBLEM_CRITICAL;
}

static int check(const struct ctl *ctl)
{
    int status;
    struct discover *d = ctl_open(ctl, &status);
    if (!d)
        return CHECK_UNKNOWN;
    int err = discover_connected(d) ? discover_status(d, print_check, &status) : 0;
    if (err < 0)
        printf("DISCOVERD UNKNOWN - %s\n", discover_strerror(err));
    else if (!discover_connected(d))
        status = print_no_daemon(ctl);
    discover_free(d);
    return err < 0 ? CHECK_UNKNOWN : status;
}

int cmd_status(const struct ctl *ctl, char **argv)
{
    struct status_options o = {0};
    struct words words;
    char why[OPTIONS_WHY_CAP];
    if (ctl_wants_help(argv))
        return print_help();
    if (options_parse(status_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n || words.command)
        return ctl_usage_error("status takes nothing but options");
    if (o.check)
        return check(ctl);
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    int err = discover_status(d, ctl->json ? print_json : o.counters ? print_counters : print_text, &status);
    if (err < 0)
        status = ctl_failed(d, "status", err);
    discover_free(d);
    return status;
}
