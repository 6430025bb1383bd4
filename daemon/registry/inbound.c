/* SPDX-License-Identifier: Apache-2.0 */
/* From the bus to the followers, and what they ask of it. */
#include "daemon/registry/inbound.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/registry/remembered.h"
#include "libdiscover/core/clock.h"

static const struct metric inbound_metrics[] = {
    COUNTER_OF(inbound_counters, keys_refused, "discoverd_feed_keys_refused_total",
               "Keys in the buckets that are not valid names."),
    COUNTER_OF(inbound_counters, values_refused, "discoverd_feed_values_refused_total",
               "Values under SERVICES that are not a record."),
    COUNTER_OF(inbound_counters, leases_refused, "discoverd_feed_leases_refused_total",
               "Values under HOSTS that are not a lease."),
    COUNTER_OF(inbound_counters, limits_refused, "discoverd_feed_limits_refused_total",
               "Records and leases over a limit of this daemon."),
    COUNTER_OF(inbound_counters, hosts_limited, "discoverd_limit_hosts_refused_total",
               "Records refused because of limits.hosts."),
    COUNTER_OF(inbound_counters, services_limited, "discoverd_limit_services_refused_total",
               "Records refused because of limits.services."),
    COUNTER_OF(inbound_counters, instances_limited, "discoverd_limit_instances_refused_total",
               "Records refused because of limits.instances."),
    COUNTER_OF(inbound_counters, instances_per_service_limited, "discoverd_limit_instances_per_service_refused_total",
               "Records refused because of limits.instances_per_service."),
    COUNTER_OF(inbound_counters, instances_per_host_limited, "discoverd_limit_instances_per_host_refused_total",
               "Records refused because of limits.instances_per_host."),
    COUNTER_OF(inbound_counters, hostnames_per_host_limited, "discoverd_limit_hostnames_per_host_refused_total",
               "Records refused because of limits.hostnames_per_host."),
    COUNTER_OF(inbound_counters, digest_mismatches, "discoverd_feed_digest_mismatches_total",
               "Hosts whose records differ from their lease for two beats."),
    COUNTER_OF(inbound_counters, resyncs_deferred, "discoverd_feed_resyncs_deferred_total",
               "Of these, not read again for it at once, as the host has caused too many."),
};

bool inbound_is_own(const struct daemon *d, const char *host)
{
    return strcmp(host, d->config->host) == 0;
}

void inbound_refuse(struct daemon *d, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                    const char *why)
{
    metric_inc(counter);
    write_report_refused(d->write_report, bucket, m, why);
}

/* The time is at least what the server says, if our own clock has been lost. */
static int64_t wall_ms(const struct daemon *d)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t own_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS;
    int64_t server_ms = inbound_server_ms(d, clock_now_ns());
    return own_ms > server_ms ? own_ms : server_ms;
}

int64_t inbound_server_ms(const struct daemon *d, int64_t now_ns)
{
    return d->server_wall_ns ? (d->server_wall_ns + now_ns - d->server_heard_ns) / NS_PER_MS : 0;
}

const char *inbound_epoch_problem(const struct daemon *d, uint64_t epoch)
{
    return epoch_plausible(epoch, wall_ms(d)) ? NULL : "epoch: more than a day ahead of the clock";
}

/* --- what the followers ask for --- */

static void resync(void *arg)
{
    struct inbound *f = arg;
    f->resync_failed = bus_resync(f->daemon->bus, f->bucket);
}

static void check(void *arg)
{
    struct inbound *f = arg;
    (void)bus_check(f->daemon->bus, f->bucket); /* busy: the answer to the earlier one will do */
}

static void synced(void *arg, bool is_synced)
{
    struct inbound *f = arg;
    struct daemon *d = f->daemon;
    f->synced = is_synced;
    bool both = d->inbound[BUS_SERVICES].synced && d->inbound[BUS_HOSTS].synced;
    if (both && !d->synced_once) {
        struct catalog_counts counts = catalog_counts(d->catalog);
        log_notice("synchronised: %zu hosts, %zu services, %zu instances", counts.hosts, counts.services,
                   counts.instances);
    }
    d->synced_once |= both;
    health_set_synced(&d->health, both, clock_now_ns());
}

static uint32_t random32(void *arg)
{
    uint32_t value = 0;
    (void)arg;
    (void)!getrandom(&value, sizeof value, GRND_NONBLOCK);
    return value;
}

/* --- events of the bus --- */

static void on_connected(void *arg, const char *server)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    log_notice("connected to %s", server);
    snprintf(d->bus_server, sizeof d->bus_server, "%s", server);
    host_address_set_server(d->host_address, server);
    d->bus_error[0] = '\0';
    health_set_connected(&d->health, true, now_ns);
    agent_connected(d->agent, now_ns);
    remembered_connected(d, now_ns);
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_connected(d->inbound[b].follow, now_ns);
}

static void on_disconnected(void *arg, const char *reason)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    log_warning("lost NATS: %s; answers stay as they are, marked stale", reason);
    snprintf(d->bus_error, sizeof d->bus_error, "%s", reason);
    buckets_disconnected(d->buckets);
    health_set_connected(&d->health, false, now_ns);
    agent_disconnected(d->agent, now_ns);
    remembered_disconnected(d);
    catalog_file_hurry(d->catalog_file);
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_disconnected(d->inbound[b].follow, now_ns);
}

static void on_moved(void *arg, const char *server, bool reloaded)
{
    struct daemon *d = arg;
    if (reloaded)
        log_notice("connected anew to the NATS server at %s by what the configuration and its files say now", server);
    else
        log_notice("the NATS server at %s is about to stop: moved to %s", d->bus_server, server);
    host_address_set_server(d->host_address, server);
    snprintf(d->bus_server, sizeof d->bus_server, "%s", server);
}

static void on_problem(void *arg, const char *text)
{
    struct daemon *d = arg;
    if (strcmp(d->bus_error, text) != 0)
        log_warning("NATS: %s", text);
    snprintf(d->bus_error, sizeof d->bus_error, "%s", text);
}

static struct follow *follow_of(void *arg, enum bus_bucket bucket)
{
    return ((struct daemon *)arg)->inbound[bucket].follow;
}

static void on_live(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    write_report_heard(d->write_report, bucket, m);
    if (follow_live(d->inbound[bucket].follow, m, now_ns) && bucket == BUS_HOSTS)
        liveness_heard(d->liveness, now_ns);
}

static void on_gap(void *arg, enum bus_bucket bucket)
{
    follow_gap(follow_of(arg, bucket), clock_now_ns());
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    buckets_info(d->buckets, bucket, info);
    if (!info->err && info->newest_ns / NS_PER_MS > inbound_server_ms(d, now_ns)) {
        d->server_wall_ns = info->newest_ns;
        d->server_heard_ns = now_ns;
    }
    follow_info(follow_of(arg, bucket), info->err, info->created, info->last_seq, clock_now_ns());
}

static void on_snapshot_entry(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    follow_snapshot_entry(follow_of(arg, bucket), m, clock_now_ns());
}

static void on_snapshot_end(void *arg, enum bus_bucket bucket, int err, const char *reason)
{
    buckets_read(((struct daemon *)arg)->buckets, bucket, err, reason);
    follow_snapshot_end(follow_of(arg, bucket), err, clock_now_ns());
}

static void on_put_done(void *arg, const struct bus_put_result *result)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    agent_published(d->agent, result->token, result->err, result->seq, result->rtt_ns, now_ns);
    struct agent_status agent = agent_status(d->agent);
    buckets_put(d->buckets, result, result->bucket == BUS_HOSTS ? agent.lease_refused : agent.refused, now_ns);
}

const struct bus_events inbound_bus_events = {
    .connected = on_connected,
    .disconnected = on_disconnected,
    .problem = on_problem,
    .live = on_live,
    .gap = on_gap,
    .info = on_info,
    .snapshot_entry = on_snapshot_entry,
    .snapshot_end = on_snapshot_end,
    .put_done = on_put_done,
    .moved = on_moved,
};

/* --- life --- */

static int follower_start(struct daemon *d, enum bus_bucket bucket)
{
    struct inbound *f = &d->inbound[bucket];
    struct follow_ops ops = {.resync = resync, .check = check, .synced = synced, .random = random32};
    struct follow_options options = {.touched_max = FOLLOW_TOUCHED_MAX};
    *f = (struct inbound){.daemon = d, .bucket = bucket};
    if (bucket == BUS_SERVICES) {
        inbound_records_ops(&ops);
        options.unmarked = inbound_records_unmarked;
    } else {
        inbound_leases_ops(&ops); /* leases run out by themselves: none is swept, so none need be counted */
    }
    int err = follow_new(&options, &ops, f, &f->follow);
    return err ? err : follow_add_metrics(f->follow, d->metrics);
}

int inbound_start(struct daemon *d)
{
    int err = metrics_add(d->metrics, inbound_metrics, sizeof inbound_metrics / sizeof *inbound_metrics,
                          &d->inbound_counters);
    if (!err)
        err = write_report_new(d->config, d->metrics, &d->write_report);
    if (!err)
        err = buckets_new((const char *[]){d->config->registry.services_bucket, d->config->registry.hosts_bucket},
                          d->metrics, &d->buckets);
    if (!err)
        err = inbound_liveness_start(d);
    for (int b = 0; b < BUS_BUCKETS && !err; b++)
        err = follower_start(d, (enum bus_bucket)b);
    return err;
}

void inbound_stop(struct daemon *d)
{
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_free(d->inbound[b].follow);
    liveness_free(d->liveness);
    write_report_free(d->write_report);
    buckets_free(d->buckets);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tick_one(struct inbound *f, int64_t now_ns)
{
    int64_t next_ns = follow_tick(f->follow, now_ns);
    if (f->resync_failed) {
        follow_snapshot_end(f->follow, f->resync_failed, now_ns);
        f->resync_failed = 0;
        next_ns = follow_tick(f->follow, now_ns);
    }
    return next_ns;
}

/*
 * Who is gone is decided by what was heard: over a feed that has a hole nobody is, and a lease that no longer vouches
 * for a host's older records counts only once its newer ones are here.
 */
static int64_t tick_liveness(struct daemon *d, int64_t now_ns)
{
    const struct inbound *services = &d->inbound[BUS_SERVICES];
    liveness_set_whole(d->liveness, follow_is_live(d->inbound[BUS_HOSTS].follow));
    liveness_set_records_known(d->liveness, services->complete && follow_is_live(services->follow));
    return liveness_tick(d->liveness, now_ns);
}

int64_t inbound_tick(struct daemon *d, int64_t now_ns)
{
    int64_t next_ns = health_tick(&d->health, now_ns);
    if (inbound_trustworthy(d)) /* else what was put meanwhile was not heard */
        next_ns = earlier(next_ns, catalog_expire(d->catalog, now_ns));
    for (int b = 0; b < BUS_BUCKETS; b++)
        next_ns = earlier(next_ns, tick_one(&d->inbound[b], now_ns));
    return earlier(next_ns, tick_liveness(d, now_ns));
}
