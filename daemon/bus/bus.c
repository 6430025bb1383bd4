/* SPDX-License-Identifier: Apache-2.0 */
/* The main thread's side of the bus: orders go out, mails come in and become events. */
#include "daemon/bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/thread.h"
#include "daemon/bus/bus_impl.h"
#include "libdiscover/core/clock.h"

#define PUT_TIMEOUT_NS (5 * NS_PER_S)
#define MAX_VALUE_MAX  (512 * 1024)
#define LEASE_MAX_AGES 3 /* MaxAge of HOSTS, in lease TTLs: only clears up after hosts that never come back */

/* ---- making ---- */

/* Puts "" in the place of texts that are missing, so that nobody has to look for NULL. */
static void set_missing(struct bus_options *o)
{
    const char **texts[] = {&o->js_domain,  &o->region,     &o->host,          &o->buckets[0],   &o->buckets[1],
                            &o->mirrors[0], &o->mirrors[1], &o->mirror_domain, &o->mirror_region};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!*texts[i])
            *texts[i] = "";
}

static const char *bad_option(const struct bus_options *o)
{
    if (o->n_servers == 0)
        return "no servers";
    if (!wire_key_valid(o->host) || strlen(o->host) > 63)
        return "the host has no valid name";
    if (!wire_key_valid(o->region) || strlen(o->region) > 63)
        return "the region has no valid name";
    for (int i = 0; i < BUS_BUCKETS; i++)
        if (!wire_key_valid(o->buckets[i]) || strchr(o->buckets[i], '.') || strlen(o->buckets[i]) > 63)
            return "a bucket's name must be 1 to 63 letters, digits, '-' or '_'";
    if (o->max_value > MAX_VALUE_MAX)
        return "max_value is too large";
    if (o->record_ttl_ns <= 0 || o->lease_ttl_ns <= 0)
        return "record_ttl and lease_ttl must be given";
    return NULL;
}

static void name_streams(struct bus *b)
{
    static const char *const ends[BUS_BUCKETS] = {"services", "hosts"};
    const struct bus_options *o = &b->shared.options;
    wire_api_prefix(o->js_domain, b->shared.api_prefix);
    int64_t max_age_ns[BUS_BUCKETS] = {o->record_ttl_ns, LEASE_MAX_AGES * o->lease_ttl_ns};
    for (int i = 0; i < BUS_BUCKETS; i++) {
        struct bus_stream *s = &b->shared.streams[i];
        snprintf(s->name, sizeof s->name, "KV_%s", o->buckets[i]);
        snprintf(s->subjects, sizeof s->subjects, "$KV.%s.>", o->buckets[i]);
        snprintf(b->shared.put_prefix[i], sizeof b->shared.put_prefix[i], "%s%s$KV.%s.",
                 *o->js_domain ? b->shared.api_prefix : "", *o->js_domain ? "." : "", o->buckets[i]);
        snprintf(s->destination, sizeof s->destination, "discover.%s.%s.>", o->region, ends[i]);
        s->max_age_ns = max_age_ns[i];
        s->max_bytes = o->max_bytes[i];
        s->max_message_size = (int64_t)o->max_value;
        s->replicas = o->replicas;
        s->traced = i == BUS_SERVICES;
    }
}

static void name_mirrors(struct bus *b)
{
    const struct bus_options *o = &b->shared.options;
    for (int i = 0; i < BUS_BUCKETS; i++) {
        struct bus_mirror *m = &b->shared.mirrors[i];
        m->origin = &b->shared.streams[i];
        m->stream = *m->origin;
        m->options = o;
        snprintf(m->stream.name, sizeof m->stream.name, "%s", o->mirrors[i]);
        wire_api_prefix(o->mirror_domain, m->api_prefix);
    }
}

static int make_links(struct bus *b)
{
    int err = 0;
    sigset_t before;
    thread_block_signals(&before);
    for (int i = 0; i < 2 && err == 0; i++)
        err = bus_link_new(&b->shared, &b->shared.links[i]);
    thread_restore_signals(&before);
    atomic_store(&b->shared.link, b->shared.links[0]);
    return err;
}

static int make_parts(struct bus *b)
{
    int err = mailbox_new(b->shared.options.mailbox, &b->shared.box);
    if (err == 0)
        name_streams(b);
    if (err == 0)
        name_mirrors(b);
    if (err == 0)
        err = bus_puts_new(b->shared.options.max_puts, b->shared.box, &b->shared.counters, &b->shared.puts);
    if (err == 0)
        err = make_links(b);
    if (err == 0)
        err = bus_reader_new(&b->shared, &b->reader);
    return err;
}

bool bus_set_access(struct bus *b, struct bus_access *access)
{
    bool changed = access->found != b->fingerprint;
    b->fingerprint = access->found;
    bus_publisher_set_access(b->publisher, access);
    return changed;
}

int bus_new(const struct bus_options *options, const struct bus_events *events, void *arg, struct bus **ret_bus,
            char ret_why[static BUS_WHY_CAP])
{
    snprintf(ret_why, BUS_WHY_CAP, "no memory");
    struct bus_access *access = NULL;
    struct bus *b = calloc(1, sizeof *b);
    if (!b)
        return -ENOMEM;
    b->shared.options = *options;
    b->events = *events;
    b->arg = arg;
    set_missing(&b->shared.options);
    if (!events->request)
        b->shared.options.max_requests = 0;
    const char *why = bad_option(&b->shared.options);
    if (why)
        snprintf(ret_why, BUS_WHY_CAP, "%s", why);
    int err = why ? -EINVAL : make_parts(b);
    if (err == 0)
        err = bus_access_read(options, &access, ret_why);
    if (err == 0) {
        b->fingerprint = access->found;
        err = bus_publisher_new(&b->shared, access, &b->publisher);
        if (err < 0)
            bus_access_free(access);
    }
    if (err < 0) {
        bus_free(b);
        return err;
    }
    *ret_bus = b;
    return 0;
}

int bus_start(struct bus *b, struct watchdog *watchdog)
{
    sigset_t before;
    thread_block_signals(&before);
    int err = bus_reader_start(b->reader, watchdog);
    if (err == 0)
        err = bus_publisher_start(b->publisher, watchdog);
    thread_restore_signals(&before);
    return err;
}

/* ---- orders ---- */

static int put(struct bus *b, enum bus_bucket bucket, const char *key, const void *value, size_t n, bool delete,
               uint64_t token, const struct trace_context *trace)
{
    if (!wire_key_valid(key))
        return -EINVAL;
    if (n > b->shared.options.max_value)
        return -EMSGSIZE;
    if (b->puts_out >= b->shared.options.max_puts) {
        metric_inc(&b->shared.counters.puts_limited);
        return -ENOBUFS;
    }
    const char *prefix = b->shared.put_prefix[bucket];
    size_t subject_len = strlen(prefix) + strlen(key);
    struct bus_put_trace *headers = NULL;
    struct bus_put *p = malloc(sizeof *p + subject_len + 1 + n + (trace ? sizeof *headers : 0));
    if (!p)
        return -ENOMEM;
    int64_t now_ns = clock_now_ns();
    *p = (struct bus_put){
        .head = {.kind = BUS_MAIL_PUT},
        .result = {.token = token, .bucket = bucket},
        .delete = delete,
        .start_ns = now_ns,
        .deadline_ns = now_ns + PUT_TIMEOUT_NS,
        .n = n,
        .value = p->subject + subject_len + 1,
    };
    snprintf(p->subject, subject_len + 1, "%s%s", prefix, key);
    if (n > 0)
        memcpy(p->subject + subject_len + 1, value, n);
    if (trace) {
        p->trace = headers = (struct bus_put_trace *)(p->subject + subject_len + 1 + n);
        trace_context_format(trace, headers->traceparent);
        memcpy(headers->tracestate, trace->state, sizeof headers->tracestate);
    }
    b->puts_out++;
    metric_inc(&b->shared.counters.puts);
    bus_publisher_put(b->publisher, p);
    return 0;
}

int bus_put(struct bus *b, enum bus_bucket bucket, const char *key, const void *value, size_t n, uint64_t token,
            const struct trace_context *trace)
{
    return put(b, bucket, key, value, n, false, token, trace);
}

int bus_delete(struct bus *b, enum bus_bucket bucket, const char *key, uint64_t token)
{
    return put(b, bucket, key, NULL, 0, true, token, NULL);
}

int bus_publish(struct bus *b, const char *subject, int error, const void *bytes, size_t n)
{
    size_t subject_len = strlen(subject);
    if (!b->connected)
        return -ENOTCONN;
    if (n > BUS_PUBLISH_MAX)
        return -EMSGSIZE;
    struct publish_mail *mail = malloc(sizeof *mail + subject_len + 1 + n + 1);
    if (!mail)
        return -ENOMEM;
    char *copy = mail->subject + subject_len + 1;
    memcpy(mail->subject, subject, subject_len + 1);
    memcpy(copy, bytes, n);
    copy[n] = '\0';
    mail->error = error;
    mail->n = n;
    mail->bytes = copy;
    int err = bus_publisher_publish(b->publisher, mail);
    if (err < 0)
        free(mail);
    return err;
}

int bus_order(struct bus *b, enum bus_order order, enum bus_bucket bucket)
{
    bool *under_way = &b->under_way[order][bucket];
    if (order >= BUS_REMEMBER && !b->shared.mirrors[bucket].stream.name[0])
        return -ENOENT;
    if (*under_way)
        return -EBUSY;
    *under_way = true;
    bus_reader_order(b->reader, order, bucket);
    return 0;
}

enum bus_mirror_state bus_mirror_found(const struct bus *b, enum bus_bucket bucket)
{
    return b->mirror_found[bucket];
}

uint64_t bus_mirror_snapshots(const struct bus *b)
{
    return metric_get(&b->shared.counters.mirror_snapshots);
}

bool bus_connected(const struct bus *b)
{
    return b->connected;
}

/* ---- the end ---- */

static void discard_mail(struct bus *b)
{
    for (struct bus_mail *mail; (mail = bus_next_mail(b));)
        if (mail->kind != BUS_MAIL_GAP)
            free(mail);
}

void bus_stop(struct bus *b)
{
    bus_reader_stop(b->reader);
    bus_publisher_stop(b->publisher);
}

void bus_free(struct bus *b)
{
    if (!b)
        return;
    if (b->reader && b->publisher)
        bus_stop(b);
    if (b->shared.box)
        discard_mail(b);
    bus_publisher_free(b->publisher);
    bus_reader_free(b->reader);
    for (int i = 0; i < 2; i++)
        bus_link_free(b->shared.links[i]);
    bus_puts_free(b->shared.puts);
    mailbox_free(b->shared.box);
    free(b);
}

/* ---- metrics ---- */

static const struct metric metric_table[] = {
    COUNTER_OF(bus_counters, connects, "discoverd_bus_connects_total", "Connections made to NATS."),
    COUNTER_OF(bus_counters, connect_failures, "discoverd_bus_connect_failures_total",
               "Tries to connect to NATS that failed."),
    COUNTER_OF(bus_counters, disconnects, "discoverd_bus_disconnects_total", "Connections to NATS that were lost."),
    COUNTER_OF(bus_counters, moves, "discoverd_bus_moves_total",
               "Times another server was gone to because the last one was about to stop."),
    COUNTER_OF(bus_counters, puts, "discoverd_bus_puts_total", "Values and deletions handed to NATS."),
    COUNTER_OF(bus_counters, acks, "discoverd_bus_put_results_total{result=\"stored\"}",
               "What came of these; failed: refused, lost or not answered in time."),
    COUNTER_OF(bus_counters, put_failures, "discoverd_bus_put_results_total{result=\"failed\"}", NULL),
    COUNTER_OF(bus_counters, puts_limited, "discoverd_bus_puts_limited_total",
               "Values and deletions held back by limits.puts."),
    COUNTER_OF(bus_counters, live, "discoverd_bus_changes_total", "Changes received through the live feeds."),
    COUNTER_OF(bus_counters, live_dropped, "discoverd_bus_messages_dropped_total{reason=\"mailbox_full\"}",
               "Messages not looked at: too many at a time, not of our buckets, with headers that cannot be read, or "
               "larger than the limit."),
    COUNTER_OF(bus_counters, foreign, "discoverd_bus_messages_dropped_total{reason=\"foreign\"}", NULL),
    COUNTER_OF(bus_counters, unreadable, "discoverd_bus_messages_dropped_total{reason=\"unreadable\"}", NULL),
    COUNTER_OF(bus_counters, values_refused, "discoverd_bus_messages_dropped_total{reason=\"too_large\"}", NULL),
    COUNTER_OF(bus_counters, snapshots, "discoverd_bus_snapshots_total{result=\"complete\"}",
               "Snapshots, read to the end or given up."),
    COUNTER_OF(bus_counters, snapshot_failures, "discoverd_bus_snapshots_total{result=\"failed\"}", NULL),
    COUNTER_OF(bus_counters, mirror_snapshots, "discoverd_bus_mirror_snapshots_total",
               "Of these, read to the end from a mirror here, and not from the region."),
    COUNTER_OF(bus_counters, snapshot_entries, "discoverd_bus_snapshot_entries_total", "Entries read in snapshots."),
    COUNTER_OF(bus_counters, gets, "discoverd_bus_gets_total",
               "Requests for messages or batches of them, where NATS lets us make no consumers."),
    COUNTER_OF(bus_counters, denials, "discoverd_bus_denials_total", "Operations that NATS did not permit."),
    COUNTER_OF(bus_counters, requests, "discoverd_bus_requests_total", "Requests over NATS that were taken."),
    COUNTER_OF(bus_counters, requests_no_inbox, "discoverd_bus_requests_refused_total{reason=\"no_inbox\"}",
               "Requests not looked at: their answer would go to something that is no inbox, they are larger than 4096 "
               "bytes, or too many wait (limits.requests_waiting)."),
    COUNTER_OF(bus_counters, requests_too_large, "discoverd_bus_requests_refused_total{reason=\"too_large\"}", NULL),
    COUNTER_OF(bus_counters, requests_full, "discoverd_bus_requests_refused_total{reason=\"full\"}", NULL),
    COUNTER_OF(bus_counters, published, "discoverd_bus_published_total{result=\"written\"}",
               "Messages published that nobody confirms, events and answers; failed: no connection, or not permitted."),
    COUNTER_OF(bus_counters, publish_failures, "discoverd_bus_published_total{result=\"failed\"}", NULL),
};
METRICS_LISTED(metric_table)

int bus_add_metrics(struct bus *b, struct metrics *m)
{
    return metrics_add(m, metric_table, sizeof metric_table / sizeof *metric_table, &b->shared.counters);
}
