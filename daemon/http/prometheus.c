/* SPDX-License-Identifier: Apache-2.0 */
/* All metrics in Prometheus' text format. */
#include "daemon/http/prometheus.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/http/process_metrics.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/table_format.h"
#include "libdiscover/core/words.h"

/* What the daemon's status says, in the order it is written in; the numbers are found there and counted nowhere. */
enum {
    BUILD_INFO,
    HOST_INFO,
    SYNC,
    STALE,
    BUS_CONNECTED,
    HOSTS,
    HOSTS_HELD,
    SERVICES,
    INSTANCES,
    UPTIME,
    WAITING,
    UNWRITTEN,
    HOST_CHANGES,
    BUCKET_BYTES,
    BUCKET_MAX,
    BUCKET_FULL,
    BUCKET_UNREADABLE,
    BUCKET_REFUSED,
    BUCKET_SETTINGS,
    REGION_LIVE,
    REGION_STALE,
    REGION_HOSTS,
    REGION_INSTANCES,
    REGION_USABLE,
    REGION_QUESTIONS,
    REGION_MIRROR_SNAPSHOTS,
};

#define SHOWN(name, help)                                                                                              \
    {                                                                                                                  \
        name, help, METRIC_GAUGE, 0, 0                                                                                 \
    }

static const struct metric status_metrics[] = {
    [BUILD_INFO] = SHOWN("discoverd_build_info{version}", "1; what this daemon was built from."),
    [HOST_INFO] = SHOWN("discoverd_host_info{host,address}", "1; whose daemon this is."),
    [SYNC] = SHOWN("discoverd_sync{state}", "1 for how far the catalog can be trusted at present, else 0."),
    [STALE] = SHOWN("discoverd_stale_seconds", "How long the bus has been out of reach."),
    [BUS_CONNECTED] = SHOWN("discoverd_bus_connected", "1 while connected to NATS."),
    [HOSTS] = SHOWN("discoverd_hosts", "Hosts in the catalog."),
    [HOSTS_HELD] = SHOWN("discoverd_hosts_held", "Hosts kept although their leases have run out."),
    [SERVICES] = SHOWN("discoverd_services", "Services in the catalog."),
    [INSTANCES] = SHOWN("discoverd_instances", "Instances in the catalog."),
    [UPTIME] = SHOWN("discoverd_uptime_seconds", "Since the daemon was started."),
    [WAITING] = SHOWN("discoverd_registrations_waiting", "Registrations that wait for an address of this host."),
    [UNWRITTEN] = SHOWN("discoverd_table_unwritten",
                        "Services, domains and hosts that could not be written into the shared table."),
    [HOST_CHANGES] =
        SHOWN("discoverd_host_changes{host}", "Changes written in the last 10 s by the hosts that write the most."),
    [BUCKET_BYTES] = SHOWN("discoverd_bucket_bytes{bucket}", "What is in the bucket, as last heard."),
    [BUCKET_MAX] = SHOWN("discoverd_bucket_max_bytes{bucket}", "What fits into it; 0: no limit."),
    [BUCKET_FULL] = SHOWN("discoverd_bucket_full{bucket}", "1 when it has no room for new instances."),
    [BUCKET_UNREADABLE] = SHOWN("discoverd_bucket_unreadable{bucket}", "1 when it cannot be read, or is not used."),
    [BUCKET_REFUSED] = SHOWN("discoverd_bucket_refused_keys{bucket}", "Keys of this host that it does not store."),
    [BUCKET_SETTINGS] =
        SHOWN("discoverd_bucket_wrong_settings{bucket}", "Its settings that are not as they should be."),
    [REGION_LIVE] = SHOWN("discoverd_region_live{region}", "1 while another region answers, and all of it is known."),
    [REGION_STALE] =
        SHOWN("discoverd_region_stale_seconds{region}", "How old what is known of it may be; -1: nothing is known."),
    [REGION_HOSTS] = SHOWN("discoverd_region_hosts{region}", "Its hosts."),
    [REGION_INSTANCES] = SHOWN("discoverd_region_instances{region}", "Its instances."),
    [REGION_USABLE] = SHOWN("discoverd_region_usable_instances{region}", "Those of them that are usable."),
    [REGION_QUESTIONS] =
        SHOWN("discoverd_region_questions{region}", "How often it was asked whether its silence is meant."),
    [REGION_MIRROR_SNAPSHOTS] = SHOWN("discoverd_region_mirror_snapshots{region}",
                                      "Snapshots of its buckets that were read from mirrors here, and not from there."),
};
METRICS_LISTED(status_metrics)

/* In a help text a backslash and a line end would need escaping; ours have neither. */
static void head(struct evbuffer *out, const struct metric *m)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    int n = (int)metric_family(m);
    evbuffer_add_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, m->name, m->help, n, m->name, types[m->type]);
}

/* --- what the status says --- */

/* One series of a family that has labels, with their values; or without. */
static void series(struct evbuffer *out, int which, double value, const char *labels, ...)
{
    const struct metric *m = &status_metrics[which];
    va_list args;
    evbuffer_add(out, m->name, metric_family(m));
    va_start(args, labels);
    if (labels)
        evbuffer_add_vprintf(out, labels, args);
    va_end(args);
    evbuffer_add_printf(out, " %.15g\n", value);
}

static void single(struct evbuffer *out, int which, double value)
{
    head(out, &status_metrics[which]);
    series(out, which, value, NULL);
}

/* One series a state, so that an alert can name the one it is about. */
static void write_sync(struct evbuffer *out, const char *present)
{
    head(out, &status_metrics[SYNC]);
    for (int sync = TABLE_UNSYNCED; sync <= TABLE_DEGRADED; sync++)
        series(out, SYNC, strcmp(sync_word(sync), present) == 0, "{state=\"%s\"}", sync_word(sync));
    series(out, SYNC, strcmp(SYNC_READ_ONLY, present) == 0, "{state=\"%s\"}", SYNC_READ_ONLY);
}

/* The busiest few alone: a series for each host of a fleet would cost more than it tells. */
static void write_top_writers(struct evbuffer *out, const Discover__V1__Status *s)
{
    head(out, &status_metrics[HOST_CHANGES]);
    for (size_t i = 0; i < s->n_top_writers; i++)
        series(out, HOST_CHANGES, s->top_writers[i]->changes, "{host=\"%s\"}", s->top_writers[i]->host);
}

static double of_bucket(int which, const Discover__V1__BucketStatus *b)
{
    switch (which) {
    case BUCKET_BYTES:
        return (double)b->bytes;
    case BUCKET_MAX:
        return (double)b->max_bytes;
    case BUCKET_FULL:
        return b->full;
    case BUCKET_UNREADABLE:
        return *b->read_error != '\0';
    case BUCKET_REFUSED:
        return b->refused;
    default:
        return (double)b->n_lacks;
    }
}

static void write_buckets(struct evbuffer *out, const Discover__V1__Status *s)
{
    for (int which = BUCKET_BYTES; which <= BUCKET_SETTINGS; which++) {
        head(out, &status_metrics[which]);
        for (size_t i = 0; i < s->n_buckets; i++)
            series(out, which, of_bucket(which, s->buckets[i]), "{bucket=\"%s\"}", s->buckets[i]->name);
    }
}

static double of_region(int which, const Discover__V1__RegionStatus *r)
{
    switch (which) {
    case REGION_LIVE:
        return strcmp(r->state, "live") == 0;
    case REGION_STALE:
        return r->stale_ms < 0 ? -1 : (double)r->stale_ms / 1000;
    case REGION_HOSTS:
        return r->hosts;
    case REGION_INSTANCES:
        return r->instances;
    case REGION_USABLE:
        return r->usable;
    case REGION_QUESTIONS:
        return (double)r->questions;
    default:
        return (double)r->mirror_snapshots;
    }
}

static void write_regions(struct evbuffer *out, const Discover__V1__Status *s)
{
    for (int which = REGION_LIVE; which <= REGION_MIRROR_SNAPSHOTS && s->n_regions > 0; which++) {
        head(out, &status_metrics[which]);
        for (size_t i = 0; i < s->n_regions; i++)
            series(out, which, of_region(which, s->regions[i]), "{region=\"%s\"}", s->regions[i]->name);
    }
}

static void write_status(struct evbuffer *out, const Discover__V1__Status *s)
{
    head(out, &status_metrics[BUILD_INFO]);
    series(out, BUILD_INFO, 1, "{version=\"%s\"}", s->version);
    head(out, &status_metrics[HOST_INFO]);
    series(out, HOST_INFO, 1, "{host=\"%s\",address=\"%s\"}", s->host, s->address);
    write_sync(out, s->sync);
    single(out, STALE, (double)s->stale_ms / 1000);
    single(out, BUS_CONNECTED, s->bus_connected);
    single(out, HOSTS, s->hosts);
    single(out, HOSTS_HELD, s->held);
    single(out, SERVICES, s->services);
    single(out, INSTANCES, s->instances);
    single(out, UPTIME, (double)s->uptime_ms / 1000);
    single(out, WAITING, s->waiting);
    single(out, UNWRITTEN, s->unwritten);
    write_top_writers(out, s);
    write_buckets(out, s);
    write_regions(out, s);
}

/* --- what is counted --- */

static void write_metric(void *arg, const struct metric *m, uint64_t value)
{
    struct evbuffer *out = arg;
    if (m->help)
        head(out, m);
    if (m->per)
        evbuffer_add_printf(out, "%s %.9g\n", m->name, (double)value / m->per);
    else
        evbuffer_add_printf(out, "%s %" PRIu64 "\n", m->name, value);
}

static void write_histogram(void *arg, const struct metric *m, const struct histogram *h)
{
    struct evbuffer *out = arg;
    uint64_t n = 0;
    head(out, m);
    for (size_t b = 0; b < HISTOGRAM_BOUNDS; b++) {
        n += metric_get(&h->counts[b]);
        evbuffer_add_printf(out, "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", m->name,
                            (double)histogram_bounds_ns[b] / NS_PER_S, n);
    }
    n += metric_get(&h->counts[HISTOGRAM_BOUNDS]);
    evbuffer_add_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.9g\n%s_count %" PRIu64 "\n", m->name, n,
                        m->name, (double)metric_get(&h->sum_ns) / NS_PER_S, m->name, n);
}

static void write_process(void *arg, const struct metric *m, double value)
{
    head(arg, m);
    evbuffer_add_printf(arg, "%s %.15g\n", m->name, value);
}

void prometheus_write(const struct metrics *m, const Discover__V1__Status *s, struct evbuffer *out)
{
    write_status(out, s);
    metrics_each(m, write_metric, out);
    metrics_each_histogram(m, write_histogram, out);
    process_metrics_each(write_process, out);
}
