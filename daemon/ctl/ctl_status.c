/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl status: how the daemon of this host is doing. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/words.h"

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
        printf("%-14s %s%s%s\n", state_word(o->state), *o->service ? o->service : "this host", *o->instance ? " " : "",
               o->instance);
    }
}

static void print_text(void *arg, const struct discover_status *s)
{
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

int cmd_status(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv)) {
        printf("Usage: discoverctl status [--counters]\n\nHow the daemon of this host is doing: what is wrong and what "
               "is\n"
               "unusual. --counters: what it has counted, too; --json always has that.\n");
        return CTL_DONE;
    }
    bool counters = *argv && strcmp(*argv, "--counters") == 0;
    if (argv[counters])
        return ctl_usage_error("status takes --counters and nothing else");
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    int err = discover_status(d, ctl->json ? print_json : counters ? print_counters : print_text, &status);
    if (err < 0)
        status = ctl_failed(d, "status", err);
    discover_free(d);
    return status;
}
