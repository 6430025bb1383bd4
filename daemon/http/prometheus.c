/* SPDX-License-Identifier: Apache-2.0 */
/* Writes all metrics in Prometheus' text format. */
#include "daemon/http/prometheus.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/table_format.h"
#include "libdiscover/core/words.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Numbers in the daemon's status, by their offsets in its message, or in that of a bucket or a region. */
#define IN(type, member, name, help, per)                                                                              \
    {                                                                                                                  \
        name, help, METRIC_GAUGE, offsetof(Discover__V1__##type, member), per                                          \
    }

static const struct metric status_metrics[] = {
    IN(Status, stale_ms, "discoverd_stale_seconds", "How long the bus has been out of reach.", 1000),
    IN(Status, bus_connected, "discoverd_bus_connected", "1 while connected to NATS.", 0),
    IN(Status, hosts, "discoverd_hosts", "Hosts in the catalog.", 0),
    IN(Status, held, "discoverd_hosts_held", "Hosts kept although their leases have run out.", 0),
    IN(Status, services, "discoverd_services", "Services in the catalog.", 0),
    IN(Status, instances, "discoverd_instances", "Instances in the catalog.", 0),
    IN(Status, uptime_ms, "discoverd_uptime_seconds", "Since the daemon was started.", 1000),
    IN(Status, waiting, "discoverd_registrations_waiting", "Registrations that wait for an address of this host.", 0),
    IN(Status, unwritten, "discoverd_table_unwritten",
       "Services, domains and hosts that could not be written into the shared table.", 0),
};
METRICS_LISTED(status_metrics)

static const struct metric bucket_metrics[] = {
    IN(BucketStatus, bytes, "discoverd_bucket_bytes{bucket}", "What is in the bucket, as last heard.", 0),
    IN(BucketStatus, max_bytes, "discoverd_bucket_max_bytes{bucket}", "What fits into it; 0: no limit.", 0),
    IN(BucketStatus, full, "discoverd_bucket_full{bucket}", "1 when it has no room for new instances.", 0),
    IN(BucketStatus, read_error, "discoverd_bucket_unreadable{bucket}", "1 when it cannot be read, or is not used.", 0),
    IN(BucketStatus, refused, "discoverd_bucket_refused_keys{bucket}", "Keys of this host that it does not store.", 0),
    IN(BucketStatus, n_lacks, "discoverd_bucket_wrong_settings{bucket}", "Its settings that are not as they should be.",
       0),
};
METRICS_LISTED(bucket_metrics)

static const struct metric region_metrics[] = {
    IN(RegionStatus, stale_ms, "discoverd_region_stale_seconds{region}",
       "How old what is known of it may be; -1: nothing is known.", 1000),
    IN(RegionStatus, hosts, "discoverd_region_hosts{region}", "Its hosts.", 0),
    IN(RegionStatus, instances, "discoverd_region_instances{region}", "Its instances.", 0),
    IN(RegionStatus, usable, "discoverd_region_usable_instances{region}", "Those of them that are usable.", 0),
    IN(RegionStatus, questions, "discoverd_region_questions{region}",
       "How often it was asked whether its silence is meant.", 0),
    IN(RegionStatus, mirror_snapshots, "discoverd_region_mirror_snapshots{region}",
       "Snapshots of its buckets that were read from mirrors here, and not from there.", 0),
};
METRICS_LISTED(region_metrics)

/* Gauges that are no number in the message. */
enum { BUILD_INFO, HOST_INFO, SYNC, HOST_CHANGES, REGION_LIVE };
static const struct metric other_metrics[] = {
    [BUILD_INFO] = {"discoverd_build_info{version}", "1; what this daemon was built from.", METRIC_GAUGE, 0, 0},
    [HOST_INFO] = {"discoverd_host_info{host,address}", "1; whose daemon this is.", METRIC_GAUGE, 0, 0},
    [SYNC] = {"discoverd_sync{state}", "1 for how far the catalog can be trusted at present, else 0.", METRIC_GAUGE, 0,
              0},
    [HOST_CHANGES] = {"discoverd_host_changes{host}",
                      "Changes written in the last 10 s by the hosts that write the most.", METRIC_GAUGE, 0, 0},
    [REGION_LIVE] = {"discoverd_region_live{region}", "1 while another region answers, and all of it is known.",
                     METRIC_GAUGE, 0, 0},
};
METRICS_LISTED(other_metrics)

/* In a help text a backslash and a line end would need escaping; ours have neither. */
static void head(struct evbuffer *out, const struct metric *m)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    int n = (int)metric_family(m);
    evbuffer_add_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", n, m->name, m->help, n, m->name, types[m->type]);
}

/* --- what the status says --- */

/* Writes one series of a family, with the values of its labels, if it has any. */
__attribute__((format(printf, 4, 5))) static void series(struct evbuffer *out, const struct metric *m, double value,
                                                         const char *labels, ...)
{
    va_list args;
    evbuffer_add(out, m->name, metric_family(m));
    va_start(args, labels);
    evbuffer_add_vprintf(out, labels, args);
    va_end(args);
    evbuffer_add_printf(out, " %.15g\n", value);
}

/* A family of one series without labels. */
static void single(struct evbuffer *out, const struct metric *m, double value)
{
    head(out, m);
    series(out, m, value, "%s", "");
}

/* The number at that offset; of a text, whether it is not empty; of a list, its length. */
static double number_in(const ProtobufCMessage *message, size_t at)
{
    const ProtobufCFieldDescriptor *f = message->descriptor->fields;
    const void *value = (const char *)message + at;
    while (f->offset != at && f->quantifier_offset != at)
        f++;
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return (double)*(const size_t *)value;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return **(char *const *)value != '\0';
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)value;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)value;
    default:
        return (double)*(const int64_t *)value;
    }
}

static double value_in(const ProtobufCMessage *message, const struct metric *m)
{
    double value = number_in(message, m->offset);
    return m->per && value > 0 ? value / m->per : value;
}

/* One series for each state, so that an alert can name the one it is about. */
static void write_sync(struct evbuffer *out, const char *present)
{
    const struct metric *m = &other_metrics[SYNC];
    head(out, m);
    for (int sync = TABLE_UNSYNCED; sync <= TABLE_DEGRADED; sync++)
        series(out, m, strcmp(sync_word(sync), present) == 0, "{state=\"%s\"}", sync_word(sync));
    series(out, m, strcmp(SYNC_READ_ONLY, present) == 0, "{state=\"%s\"}", SYNC_READ_ONLY);
}

/* Only the busiest writers: a series for each host of a fleet would cost more than it is worth. */
static void write_top_writers(struct evbuffer *out, const Discover__V1__Status *s)
{
    head(out, &other_metrics[HOST_CHANGES]);
    for (size_t i = 0; i < s->n_top_writers; i++)
        series(out, &other_metrics[HOST_CHANGES], s->top_writers[i]->changes, "{host=\"%s\"}", s->top_writers[i]->host);
}

static void write_buckets(struct evbuffer *out, const Discover__V1__Status *s)
{
    for (const struct metric *m = bucket_metrics; m < bucket_metrics + COUNT(bucket_metrics); m++) {
        head(out, m);
        for (size_t i = 0; i < s->n_buckets; i++)
            series(out, m, value_in(&s->buckets[i]->base, m), "{bucket=\"%s\"}", s->buckets[i]->name);
    }
}

static void write_regions(struct evbuffer *out, const Discover__V1__Status *s)
{
    const struct metric *live = &other_metrics[REGION_LIVE];
    if (s->n_regions == 0)
        return;
    head(out, live);
    for (size_t i = 0; i < s->n_regions; i++)
        series(out, live, strcmp(s->regions[i]->state, "live") == 0, "{region=\"%s\"}", s->regions[i]->name);
    for (const struct metric *m = region_metrics; m < region_metrics + COUNT(region_metrics); m++) {
        head(out, m);
        for (size_t i = 0; i < s->n_regions; i++)
            series(out, m, value_in(&s->regions[i]->base, m), "{region=\"%s\"}", s->regions[i]->name);
    }
}

static void write_status(struct evbuffer *out, const Discover__V1__Status *s)
{
    head(out, &other_metrics[BUILD_INFO]);
    series(out, &other_metrics[BUILD_INFO], 1, "{version=\"%s\"}", s->version);
    head(out, &other_metrics[HOST_INFO]);
    series(out, &other_metrics[HOST_INFO], 1, "{host=\"%s\",address=\"%s\"}", s->host, s->address);
    write_sync(out, s->sync);
    for (const struct metric *m = status_metrics; m < status_metrics + COUNT(status_metrics); m++)
        single(out, m, value_in(&s->base, m));
    write_top_writers(out, s);
    write_buckets(out, s);
    write_regions(out, s);
}

/* --- what is counted --- */

static void write_histogram(struct evbuffer *out, const struct metric *m, const struct histogram *h)
{
    uint64_t n = 0;
    for (size_t b = 0; b < HISTOGRAM_BOUNDS; b++) {
        n += metric_get(&h->counts[b]);
        evbuffer_add_printf(out, "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", m->name,
                            (double)histogram_bounds_ns[b] / NS_PER_S, n);
    }
    n += metric_get(&h->counts[HISTOGRAM_BOUNDS]);
    evbuffer_add_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.9g\n%s_count %" PRIu64 "\n", m->name, n,
                        m->name, (double)metric_get(&h->sum_ns) / NS_PER_S, m->name, n);
}

static void write_metric(void *arg, const struct metric *m, uint64_t value, const struct histogram *h)
{
    struct evbuffer *out = arg;
    if (m->help)
        head(out, m);
    if (h)
        write_histogram(out, m, h);
    else if (m->per)
        evbuffer_add_printf(out, "%s %.9g\n", m->name, (double)value / m->per);
    else
        evbuffer_add_printf(out, "%s %" PRIu64 "\n", m->name, value);
}

/* --- what the kernel knows of this process, under the names that all exporters have for it --- */

enum { CPU, RESIDENT, VIRTUAL, OPEN_FDS, MAX_FDS };

static const struct metric process_table[] = {
    [CPU] = {"process_cpu_seconds_total", "Processor time of all threads.", METRIC_COUNTER, 0, 0},
    [RESIDENT] = {"process_resident_memory_bytes", "Memory in use.", METRIC_GAUGE, 0, 0},
    [VIRTUAL] = {"process_virtual_memory_bytes", "Addresses in use.", METRIC_GAUGE, 0, 0},
    [OPEN_FDS] = {"process_open_fds", "Descriptors in use.", METRIC_GAUGE, 0, 0},
    [MAX_FDS] = {"process_max_fds", "Descriptors that may be in use.", METRIC_GAUGE, 0, 0},
};
METRICS_LISTED(process_table)

/* Since Linux 6.2 the size of the folder is their number; before, they have to be counted. */
static double open_fds(void)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (double)st.st_size;
    DIR *dir = opendir("/proc/self/fd");
    double n = -3; /* not counted: ".", ".." and the descriptor that reads the folder */
    for (; dir && readdir(dir); n++)
        ;
    if (dir)
        closedir(dir);
    return n;
}

static void write_process(struct evbuffer *out)
{
    struct rusage usage;
    struct rlimit limit;
    unsigned long size, resident;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        single(out, &process_table[CPU],
               (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu %lu", &size, &resident) == 2) {
        single(out, &process_table[RESIDENT], (double)resident * (double)sysconf(_SC_PAGESIZE));
        single(out, &process_table[VIRTUAL], (double)size * (double)sysconf(_SC_PAGESIZE));
    }
    if (file)
        (void)fclose(file);
    single(out, &process_table[OPEN_FDS], open_fds());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        single(out, &process_table[MAX_FDS], (double)limit.rlim_cur);
}

void prometheus_write(const struct metrics *m, const Discover__V1__Status *s, struct evbuffer *out)
{
    write_status(out, s);
    metrics_each(m, write_metric, out);
    write_process(out);
}
