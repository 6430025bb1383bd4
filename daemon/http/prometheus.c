/* SPDX-License-Identifier: Apache-2.0 */
/* All counters and gauges in Prometheus' text format. */
#include "daemon/http/prometheus.h"

#include <inttypes.h>
#include <string.h>

#include "libdiscover/core/table_format.h"
#include "libdiscover/core/words.h"

/* In a help text a backslash and a line end would need escaping; ours have neither. */
static void head(struct evbuffer *out, const char *name, const char *help, const char *type)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_metric(void *arg, const struct metric *metric, uint64_t value)
{
    struct evbuffer *out = arg;
    head(out, metric->name, metric->help, metric->type == METRIC_GAUGE ? "gauge" : "counter");
    evbuffer_add_printf(out, "%s %" PRIu64 "\n", metric->name, value);
}

static void gauge(struct evbuffer *out, const char *name, const char *help, double value)
{
    head(out, name, help, "gauge");
    evbuffer_add_printf(out, "%s %.15g\n", name, value);
}

static void write_sync_state(struct evbuffer *out, const char *state, const char *present)
{
    evbuffer_add_printf(out, "discoverd_sync{state=\"%s\"} %d\n", state, strcmp(state, present) == 0);
}

/* One series a state, so that an alert can name the one it is about. */
static void write_sync(struct evbuffer *out, const char *present)
{
    head(out, "discoverd_sync", "1 for how far the catalog can be trusted at present.", "gauge");
    for (int sync = TABLE_UNSYNCED; sync <= TABLE_DEGRADED; sync++)
        write_sync_state(out, sync_word(sync), present);
    write_sync_state(out, SYNC_READ_ONLY, present);
}

/* The busiest few alone: a series for each host of a fleet would cost more than it tells. */
static void write_top_writers(struct evbuffer *out, const Discover__V1__Status *s)
{
    head(out, "discoverd_host_changes", "Changes written in the last 10 s by the hosts that write the most.", "gauge");
    for (size_t i = 0; i < s->n_top_writers; i++)
        evbuffer_add_printf(out, "discoverd_host_changes{host=\"%s\"} %" PRIu32 "\n", s->top_writers[i]->host,
                            s->top_writers[i]->changes);
}

struct bucket_gauge {
    const char *name, *help;
    double (*value)(const Discover__V1__BucketStatus *b);
};

static double bytes_of(const Discover__V1__BucketStatus *b)
{
    return (double)b->bytes;
}

static double max_bytes_of(const Discover__V1__BucketStatus *b)
{
    return (double)b->max_bytes;
}

static double full_of(const Discover__V1__BucketStatus *b)
{
    return b->full;
}

static double unread_of(const Discover__V1__BucketStatus *b)
{
    return *b->read_error != '\0';
}

static double refused_of(const Discover__V1__BucketStatus *b)
{
    return b->refused;
}

static double lacks_of(const Discover__V1__BucketStatus *b)
{
    return (double)b->n_lacks;
}

static const struct bucket_gauge bucket_gauges[] = {
    {"discoverd_bucket_bytes", "What is in the bucket, as last heard.", bytes_of},
    {"discoverd_bucket_max_bytes", "What fits into it; 0: no limit.", max_bytes_of},
    {"discoverd_bucket_full", "1 when it has no room for new instances.", full_of},
    {"discoverd_bucket_unreadable", "1 when it cannot be read, or is not used.", unread_of},
    {"discoverd_bucket_refused_keys", "Keys of this host that it does not store.", refused_of},
    {"discoverd_bucket_wrong_settings", "Its settings that are not as they should be.", lacks_of},
};

static void write_buckets(struct evbuffer *out, const Discover__V1__Status *s)
{
    for (size_t i = 0; i < sizeof bucket_gauges / sizeof *bucket_gauges; i++) {
        const struct bucket_gauge *g = &bucket_gauges[i];
        head(out, g->name, g->help, "gauge");
        for (size_t j = 0; j < s->n_buckets; j++)
            evbuffer_add_printf(out, "%s{bucket=\"%s\"} %.15g\n", g->name, s->buckets[j]->name,
                                g->value(s->buckets[j]));
    }
}

void prometheus_write(const struct metrics *m, const Discover__V1__Status *s, struct evbuffer *out)
{
    head(out, "discoverd_info", "Version of the daemon.", "gauge");
    evbuffer_add_printf(out, "discoverd_info{version=\"%s\",host=\"%s\"} 1\n", s->version, s->host);
    write_sync(out, s->sync);
    gauge(out, "discoverd_stale_seconds", "How long the bus has been out of reach.", (double)s->stale_ms / 1000);
    gauge(out, "discoverd_bus_connected", "1 while connected to NATS.", s->bus_connected);
    gauge(out, "discoverd_hosts", "Hosts in the catalog.", s->hosts);
    gauge(out, "discoverd_hosts_held", "Hosts kept although their leases have run out.", s->held);
    gauge(out, "discoverd_services", "Services in the catalog.", s->services);
    gauge(out, "discoverd_instances", "Instances in the catalog.", s->instances);
    gauge(out, "discoverd_uptime_seconds", "Since the daemon was started.", (double)s->uptime_ms / 1000);
    write_top_writers(out, s);
    write_buckets(out, s);
    metrics_each(m, write_metric, out);
}
