/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the list of a daemon's problems, in words, and its condition. */
#include "daemon/documents/problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/table_format.h"
#include "libdiscover/core/words.h"

struct found {
    struct problem *all;
    size_t n;
};

__attribute__((format(printf, 3, 4))) static void add(struct found *f, enum problem_level level, const char *format,
                                                      ...)
{
    if (f->n == PROBLEMS_MAX)
        return;
    struct problem *p = &f->all[f->n++];
    va_list args;
    va_start(args, format);
    p->level = level;
    vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
}

static bool is_sync(const Discover__V1__Status *s, enum table_sync sync)
{
    return strcmp(s->sync, sync_word(sync)) == 0;
}

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

static void of_name_and_lease(const Discover__V1__Status *s, struct found *f)
{
    if (*s->lease_problem)
        add(f, PROBLEM_CRITICAL, "%s", s->lease_problem);
}

static void of_sync(const Discover__V1__Status *s, struct found *f)
{
    const char *because = *s->bus_error ? ": " : "", *error = s->bus_error;
    if (is_sync(s, TABLE_UNSYNCED))
        add(f, PROBLEM_CRITICAL, "nothing has been read from NATS since the daemon started%s%s", because, error);
    else if (is_sync(s, TABLE_STALE) && !s->bus_connected)
        add(f, PROBLEM_WARNING, "NATS is not connected, so answers are those of %.1f s ago%s%s", seconds(s->stale_ms),
            because, error);
    else if (is_sync(s, TABLE_STALE))
        add(f, PROBLEM_WARNING, "answers are those of %.1f s ago%s%s", seconds(s->stale_ms), because, error);
    else if (!s->bus_connected)
        add(f, PROBLEM_WARNING, "NATS is not connected%s%s", because, error);
    else if (*s->distrust)
        add(f, PROBLEM_WARNING, "the feed from NATS is not trusted, so no lease runs out: %s", s->distrust);
}

/* What is answered of the own region is not touched by it. */
static void of_regions(const Discover__V1__Status *s, struct found *f)
{
    for (size_t i = 0; i < s->n_regions; i++) {
        const Discover__V1__RegionStatus *r = s->regions[i];
        if (r->stale_ms < 0)
            add(f, PROBLEM_WARNING, "region %s: %s%s%s", r->name, r->reason, *r->error ? ": " : "", r->error);
        else if (*r->reason)
            add(f, PROBLEM_WARNING, "region %s is known as of %.1f s ago: %s", r->name, seconds(r->stale_ms),
                r->reason);
    }
}

static void of_buckets(const Discover__V1__Status *s, struct found *f)
{
    bool named = false;
    for (size_t i = 0; i < s->n_buckets; i++) {
        const Discover__V1__BucketStatus *b = s->buckets[i];
        if (*b->read_error)
            add(f, PROBLEM_CRITICAL, "bucket %s cannot be read: %s", b->name, b->read_error);
        if (*b->refusal)
            add(f, PROBLEM_CRITICAL, "bucket %s has not stored %u keys of this host for %.1f s: %s", b->name,
                b->refused, seconds(b->refused_ms), b->refusal);
        if (b->full)
            add(f, PROBLEM_CRITICAL, "bucket %s is full: %llu of %llu bytes", b->name, (unsigned long long)b->bytes,
                (unsigned long long)b->max_bytes);
        for (size_t k = 0; k < b->n_lacks; k++)
            add(f, PROBLEM_WARNING, "bucket %s: %s", b->name, b->lacks[k]);
        named |= *b->refusal || b->full;
    }
    if (*s->write_refusal && !named)
        add(f, PROBLEM_CRITICAL, "NATS does not store what this host registers: %s", s->write_refusal);
}

static void of_daemon(const Discover__V1__Status *s, struct found *f)
{
    if (s->unwritten > 0)
        add(f, PROBLEM_CRITICAL, "answers miss the changes of %u entries of the shared table: %s", s->unwritten,
            s->unwritten_reason);
    if (*s->store_error)
        add(f, PROBLEM_CRITICAL, "%s: what has to outlive a restart is refused", s->store_error);
    for (size_t i = 0; i < s->n_listen_problems; i++)
        add(f, PROBLEM_WARNING, "%s", s->listen_problems[i]);
    if (s->waiting)
        add(f, PROBLEM_WARNING, "%u registrations wait for this host to have an address", s->waiting);
}

static void of_others(const Discover__V1__Status *s, struct found *f)
{
    if (s->held > 0)
        add(f, PROBLEM_WARNING, "%u hosts whose leases have run out are kept, for %.1f s more at most: %s", s->held,
            seconds(s->held_ms), s->held_reason);
    for (size_t i = 0; i < s->n_top_writers; i++)
        if (s->top_writers[i]->floods)
            add(f, PROBLEM_WARNING, "%s floods the buckets: %u changes in the last 10 s",
                *s->top_writers[i]->host ? s->top_writers[i]->host : "a writer whose keys name no host",
                s->top_writers[i]->changes);
}

static void (*const rules[])(const Discover__V1__Status *s, struct found *f) = {
    of_name_and_lease, of_sync, of_regions, of_buckets, of_daemon, of_others,
};

/* The worst first, and otherwise as they came: a list this short is sorted by insertion. */
static void sort(struct found *f)
{
    for (size_t i = 1; i < f->n; i++) {
        struct problem moved = f->all[i];
        size_t at = i;
        for (; at > 0 && f->all[at - 1].level < moved.level; at--)
            f->all[at] = f->all[at - 1];
        f->all[at] = moved;
    }
}

size_t problems_of(const Discover__V1__Status *s, struct problem ret_problems[static PROBLEMS_MAX])
{
    struct found f = {.all = ret_problems};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        rules[i](s, &f);
    sort(&f);
    return f.n;
}

const char *condition_word(enum problem_level level)
{
    static const char *const words[] = {"healthy", "warning", "critical"};
    return words[level];
}

void condition_sentence(const Discover__V1__Status *s, const struct problem *problems, size_t n,
                        char ret_text[static PROBLEM_TEXT_CAP])
{
    if (n > 1)
        snprintf(ret_text, PROBLEM_TEXT_CAP, "%.340s (and %zu more)", problems[0].text, n - 1);
    else if (n == 1)
        snprintf(ret_text, PROBLEM_TEXT_CAP, "%s", problems[0].text);
    else if (s->unacknowledged > 0)
        snprintf(ret_text, PROBLEM_TEXT_CAP, "synchronised with NATS; %u changes of this host are on their way there",
                 s->unacknowledged);
    else
        snprintf(ret_text, PROBLEM_TEXT_CAP, "synchronised with NATS, which has all that this host registers");
}
