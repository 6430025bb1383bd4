/* SPDX-License-Identifier: Apache-2.0 */
/* Hands what comes from the bus to the followers of the two buckets, and what they ask for to the bus. */
#include "daemon/registry/inbound/inbound.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/deadlines.h"
#include "daemon/base/log.h"
#include "daemon/registry/inbound/inbound_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

/*
 * How long another region's records may be quiet before it is asked whether that is meant: each daemon asks, over the link.
 * Leases come by the same connection all the time, and their digests reveal a record that is missing.
 */
#define OTHER_QUIET_NS (60 * NS_PER_S)

static const struct metric inbound_metrics[] = {
    COUNTER_OF(inbound_counters, keys_refused, "discoverd_feed_refused_total{what=\"key\"}",
               "What was found in the buckets and not taken: keys that are not valid names, values that are not a "
               "record or a lease, and what is over a limit of this daemon."),
    COUNTER_OF(inbound_counters, values_refused, "discoverd_feed_refused_total{what=\"record\"}", NULL),
    COUNTER_OF(inbound_counters, leases_refused, "discoverd_feed_refused_total{what=\"lease\"}", NULL),
    COUNTER_OF(inbound_counters, limits_refused, "discoverd_feed_refused_total{what=\"limit\"}", NULL),
    COUNTER_OF(inbound_counters, hosts_limited, "discoverd_feed_limited_total{limit=\"hosts\"}",
               "Records refused because of a limit, by its name in the configuration."),
    COUNTER_OF(inbound_counters, services_limited, "discoverd_feed_limited_total{limit=\"services\"}", NULL),
    COUNTER_OF(inbound_counters, services_per_domain_limited,
               "discoverd_feed_limited_total{limit=\"services_per_domain\"}", NULL),
    COUNTER_OF(inbound_counters, instances_limited, "discoverd_feed_limited_total{limit=\"instances\"}", NULL),
    COUNTER_OF(inbound_counters, instances_per_service_limited,
               "discoverd_feed_limited_total{limit=\"instances_per_service\"}", NULL),
    COUNTER_OF(inbound_counters, instances_per_host_limited,
               "discoverd_feed_limited_total{limit=\"instances_per_host\"}", NULL),
    COUNTER_OF(inbound_counters, hostnames_per_host_limited,
               "discoverd_feed_limited_total{limit=\"hostnames_per_host\"}", NULL),
    COUNTER_OF(inbound_counters, digest_mismatches, "discoverd_feed_digest_mismatches_total",
               "Hosts whose records differ from their lease for two beats."),
    COUNTER_OF(inbound_counters, resyncs_deferred, "discoverd_feed_resyncs_deferred_total",
               "Of these, not read again for it at once, as the host has caused too many."),
    COUNTER_OF(inbound_counters, skipped, "discoverd_feed_skipped_total",
               "Records that were not looked at when they came, as there was a backlog and their host wrote more than "
               "limits.host_changes. They are read later."),
    HISTOGRAM_OF(inbound_counters, lease_round_trip, "discoverd_lease_round_trip_seconds",
                 "From the own lease's put to its return through the live feed: how long a change takes to others."),
    HISTOGRAM_OF(
        inbound_counters, change_visible, "discoverd_change_visible_seconds",
        "From when NATS stored a change of another host, by the server's clock, to when it can be looked up here; "
        "of some where many come together. Needs NATS 2.10."),
    GAUGE_OF(inbound_counters, catalog_bytes, "discoverd_catalog_bytes",
             "Memory of what is known of the own region's instances, services and hosts."),
    GAUGE_OF(inbound_counters, table_bytes, "discoverd_table_bytes",
             "Of the shared table, what is in use, of all regions."),
};
METRICS_LISTED(inbound_metrics)

bool inbound_is_own(const struct inbound *in, const char *host)
{
    return in->reach.agent && strcmp(host, in->reach.config->host) == 0;
}

void inbound_refuse(struct inbound *in, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                    const char *why)
{
    metric_inc(counter);
    write_report_refused(&in->write_report, bucket, m, why);
}

/* The wall clock, or the server's time if that is later: then our own clock has been lost. */
static int64_t wall_ms(const struct inbound *in)
{
    int64_t own_ms = clock_wall_ms();
    int64_t server_ms = inbound_server_ms(in, clock_now_ns());
    return own_ms > server_ms ? own_ms : server_ms;
}

int64_t inbound_server_ms(const struct inbound *in, int64_t now_ns)
{
    return in->server_wall_ns ? (in->server_wall_ns + now_ns - in->server_heard_ns) / NS_PER_MS : 0;
}

const char *inbound_epoch_problem(const struct inbound *in, uint64_t epoch)
{
    return epoch_plausible(epoch, wall_ms(in)) ? NULL : "epoch: more than a day ahead of the clock";
}

/* --- what the followers ask for --- */

static void resync(void *arg)
{
    struct follower *f = arg;
    f->resync_failed = f->in->reach.order(f->in->reach.arg, BUS_RESYNC, f->bucket);
}

static void check(void *arg)
{
    struct follower *f = arg;
    /* busy: the answer to the earlier order will do */
    (void)f->in->reach.order(f->in->reach.arg, BUS_CHECK, f->bucket);
}

static void update_synced(struct inbound *in, int64_t now_ns)
{
    bool both = in->followers[BUS_SERVICES].synced && in->followers[BUS_HOSTS].synced;
    in->refilling = both && !in->synced_once && refill_waits(&in->refill, inbound_server_ms(in, now_ns), now_ns);
    both &= !in->refilling;
    if (both && !in->synced_once) {
        struct catalog_counts counts = catalog_counts(in->reach.catalog);
        log_notice("%s%s%ssynchronised: %zu hosts, %zu services, %zu instances", in->reach.region ? "region " : "",
                   in->reach.region ? in->reach.region : "", in->reach.region ? ": " : "", counts.hosts,
                   counts.services, counts.instances);
    }
    in->synced_once |= both;
    if (in->reach.region)
        region_health_set_synced(&in->region, both);
    else
        health_set_synced(&in->health, both, now_ns);
}

static void synced(void *arg, bool is_synced)
{
    struct follower *f = arg;
    f->synced = is_synced;
    update_synced(f->in, clock_now_ns());
}

static uint32_t random32(void *arg)
{
    (void)arg;
    return (uint32_t)entropy_64();
}

/* --- events of the bus --- */

void inbound_follow(struct inbound *in, bool connected, int64_t now_ns)
{
    if (!in->synced_once && connected)
        remembered_connected(&in->remembered, now_ns);
    else if (!in->synced_once)
        in->remembered.cut_off = true;
    if (!connected)
        catalog_file_hurry(in->reach.catalog_file);
    for (int b = 0; b < BUS_BUCKETS; b++)
        if (connected)
            follow_connected(in->followers[b].follow, now_ns);
        else
            follow_disconnected(in->followers[b].follow, now_ns);
}

void inbound_trust(struct inbound *in, int64_t now_ns)
{
    bool was_trusted = in->trusted;
    in->trusted = in->kind->trustworthy(in);
    liveness_set_healthy(in->liveness, in->trusted, now_ns);
    if (was_trusted && !in->trusted)
        catalog_freeze(in->reach.catalog, true);
    else if (!was_trusted && in->trusted)
        catalog_extend(in->reach.catalog, now_ns);
}

static void on_connected(void *arg, const char *server)
{
    struct inbound *in = arg;
    snprintf(in->server, sizeof in->server, "%s", server);
    in->error[0] = '\0';
    in->kind->connected(in, server, clock_now_ns());
}

static void on_disconnected(void *arg, const char *reason)
{
    struct inbound *in = arg;
    snprintf(in->error, sizeof in->error, "%s", reason);
    in->kind->disconnected(in, reason, clock_now_ns());
}

static void on_moved(void *arg, const char *server, bool reloaded)
{
    struct inbound *in = arg;
    in->kind->moved(in, server, reloaded);
    snprintf(in->server, sizeof in->server, "%s", server);
}

static void on_problem(void *arg, const char *text)
{
    struct inbound *in = arg;
    if (strcmp(in->error, text) != 0)
        log_warning("NATS: %s", text);
    snprintf(in->error, sizeof in->error, "%s", text);
}

/* Called when a message or an answer has come for one of the buckets. */
static void heard(struct inbound *in, int64_t now_ns)
{
    if (in->reach.region)
        region_health_heard(&in->region, now_ns);
}

static struct follow *follow_of(void *arg, enum bus_bucket bucket)
{
    return ((struct inbound *)arg)->followers[bucket].follow;
}

static void on_live(void *arg, enum bus_bucket bucket, const struct kv_message *heard_message)
{
    struct inbound *in = arg;
    int64_t now_ns = clock_now_ns();
    struct kv_message m = inbound_without_floods(in, bucket, heard_message, now_ns);
    heard(in, now_ns);
    if (follow_live(in->followers[bucket].follow, &m, now_ns) && bucket == BUS_HOSTS)
        liveness_heard(in->liveness, now_ns);
}

static void on_gap(void *arg, enum bus_bucket bucket)
{
    follow_gap(follow_of(arg, bucket), clock_now_ns());
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    struct inbound *in = arg;
    int64_t now_ns = clock_now_ns();
    if (inbound_own_looked(in, bucket, info))
        return;
    buckets_info(&in->buckets, bucket, info);
    if (!info->err && info->newest_ns / NS_PER_MS > inbound_server_ms(in, now_ns)) {
        in->server_wall_ns = info->newest_ns;
        in->server_heard_ns = now_ns;
    }
    if (!info->err)
        in->refill.made_ns[bucket] = info->created;
    if (!info->err && bucket == BUS_SERVICES && in->followers[bucket].snapshot)
        catalog_expect(in->reach.catalog, info->messages);
    bool asked_by_follower = !info->check || follow_is_checking(follow_of(arg, bucket));
    if (asked_by_follower)
        follow_info(follow_of(arg, bucket), info->err, info->created, info->last_seq, now_ns);
    if (info->check && bucket == BUS_HOSTS && in->kind->checked)
        in->kind->checked(in, info, now_ns);
    else if (!info->err)
        heard(in, now_ns);
}

static void on_snapshot_entry(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    heard(arg, clock_now_ns());
    follow_snapshot_entry(follow_of(arg, bucket), m);
}

static void on_snapshot_end(void *arg, enum bus_bucket bucket, int err, const char *reason)
{
    buckets_read(&((struct inbound *)arg)->buckets, bucket, err, reason);
    follow_snapshot_end(follow_of(arg, bucket), err, clock_now_ns());
}

static void on_publish_denied(void *arg, const char *text)
{
    (void)arg;
    log_warning("NATS: %s; nobody hears this host's events, or can ask it over NATS (events.publish, requests.answer)",
                text);
}

static void on_request(void *arg, const struct bus_request *request)
{
    struct inbound *in = arg;
    if (in->reach.request)
        in->reach.request(in->reach.arg, request);
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
    .put_done = inbound_put_done,
    .request = on_request,
    .publish_denied = on_publish_denied,
    .moved = on_moved,
    .remembered = inbound_remembered,
    .remembered_end = inbound_remembered_end,
};

/* --- life --- */

static void was_lost(void *arg, const struct kv_message *m)
{
    lost_changes_add(&((struct follower *)arg)->lost, m);
}

static int follower_new(struct inbound *in, enum bus_bucket bucket)
{
    struct follower *f = &in->followers[bucket];
    struct follow_ops ops = {
        .resync = resync, .check = check, .synced = synced, .random = random32, .was_lost = was_lost};
    struct follow_options options = {.touched_max = FOLLOW_TOUCHED_MAX, .quiet_ns = FOLLOW_QUIET_NS};
    *f = (struct follower){.in = in, .bucket = bucket};
    if (bucket == BUS_SERVICES) {
        inbound_records_ops(&ops);
        options.unmarked = inbound_records_unmarked;
        if (in->reach.region)
            options.quiet_ns = OTHER_QUIET_NS;
    } else {
        inbound_leases_ops(&ops); /* leases run out by themselves: no sweep removes any, so none need be counted */
    }
    int err = follow_new(&options, &ops, f, &f->follow);
    return err ? err : follow_add_metrics(f->follow, in->reach.metrics);
}

static int reports_new(struct inbound *in)
{
    const struct inbound_reach *r = &in->reach;
    int err = metrics_add(r->metrics, inbound_metrics, sizeof inbound_metrics / sizeof *inbound_metrics, &in->counters);
    if (!err)
        err = write_report_init(&in->write_report, r->config, r->buckets, r->metrics);
    return err ? err : buckets_init(&in->buckets, r->buckets, r->metrics);
}

int inbound_new(const struct inbound_reach *reach, struct inbound **ret_in)
{
    struct inbound *in = calloc(1, sizeof *in);
    if (!in)
        return -ENOMEM;
    in->reach = *reach;
    in->kind = reach->region ? &inbound_other : &inbound_own;
    in->kind->init(in);
    int err = reports_new(in);
    if (!err)
        err = inbound_liveness_new(in);
    for (int b = 0; b < BUS_BUCKETS && !err; b++)
        err = follower_new(in, (enum bus_bucket)b);
    if (err) {
        inbound_free(in);
        return err;
    }
    in->remembered = (struct remembered){.config = reach->config,
                                         .catalog = reach->catalog,
                                         .liveness = in->liveness,
                                         .records = in->followers[BUS_SERVICES].follow,
                                         /* of another region nobody knows whether its link was down */
                                         .cut_off = reach->region != NULL};
    in->refill = (struct refill){
        .catalog = reach->catalog, .liveness = in->liveness, .lease_ttl_ns = reach->config->registry.lease_ttl_ns};
    in->host_events = (struct host_events){
        .events = reach->events, .config = reach->config, .catalog = reach->catalog, .liveness = in->liveness};
    *ret_in = in;
    return 0;
}

void inbound_free(struct inbound *in)
{
    if (!in)
        return;
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_free(in->followers[b].follow);
    liveness_free(in->liveness);
    free(in);
}

static int64_t tick_one(struct follower *f, int64_t now_ns)
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
static int64_t tick_liveness(struct inbound *in, int64_t now_ns)
{
    const struct follower *services = &in->followers[BUS_SERVICES];
    liveness_set_whole(in->liveness, follow_is_live(in->followers[BUS_HOSTS].follow));
    liveness_set_records_known(in->liveness, services->complete && follow_is_live(services->follow), services->read_ns);
    return liveness_tick(in->liveness, now_ns);
}

static int64_t tick_refill(struct inbound *in, int64_t now_ns)
{
    if (in->refilling)
        update_synced(in, now_ns);
    return in->refilling ? in->refill.look_ns : INT64_MAX;
}

int64_t inbound_tick(struct inbound *in, int64_t now_ns)
{
    int64_t next_ns = in->reach.region ? region_health_tick(&in->region, now_ns) : health_tick(&in->health, now_ns);
    /* over a feed that may be deaf, a record that was put again may not have been heard */
    if (in->kind->trustworthy(in))
        next_ns = deadline_earlier(next_ns, inbound_records_expire(in, now_ns));
    for (int b = 0; b < BUS_BUCKETS; b++)
        next_ns = deadline_earlier(next_ns, tick_one(&in->followers[b], now_ns));
    next_ns = deadline_earlier(next_ns, tick_liveness(in, now_ns));
    next_ns = deadline_earlier(next_ns, tick_refill(in, now_ns));
    return deadline_earlier(next_ns, host_events_tick(&in->host_events, now_ns));
}

/* Reads the bucket again once there is room for records that a limit refused: nobody need put them again. */
static void look_for_room(struct inbound *in, int64_t now_ns)
{
    if (catalog_counts(in->reach.catalog).instances >= in->full_at ||
        !resync_budget_allows(&in->resync_budget, "", now_ns))
        return;
    in->full_at = 0;
    follow_doubt(in->followers[BUS_SERVICES].follow, now_ns);
}

void inbound_second(struct inbound *in, int64_t now_ns)
{
    look_for_room(in, now_ns);
    write_report_second(&in->write_report, now_ns);
    inbound_read_skipped(in, now_ns);
    metric_set(&in->counters.catalog_bytes, catalog_counts(in->reach.catalog).bytes);
    metric_set(&in->counters.table_bytes,
               sizeof(uint64_t) * table_writer_stats(catalog_table(in->reach.catalog)).heap_used_words);
    inbound_log_more_hosts(in);
}

void inbound_leaving(struct inbound *in)
{
    struct agent_status agent = agent_status(in->reach.agent);
    if (agent.publishing)
        host_events_leaving(&in->host_events, agent.registrations);
}

void inbound_stalled(struct inbound *in, int64_t ns)
{
    health_stalled(&in->health, ns);
    region_health_stalled(&in->region, ns);
}

/* --- for status --- */

bool inbound_synced_once(const struct inbound *in)
{
    return in->synced_once;
}

bool inbound_reads_records(const struct inbound *in)
{
    return in->followers[BUS_SERVICES].snapshot;
}

enum table_sync inbound_sync(const struct inbound *in)
{
    if (!in->synced_once)
        return TABLE_UNSYNCED;
    if (in->kind->stale(in))
        return TABLE_STALE;
    return in->guard_held ? TABLE_DEGRADED : TABLE_LIVE;
}

const char *inbound_stale_reason(const struct inbound *in)
{
    return in->refilling ? "a bucket is new, and hosts have not put all of theirs again yet"
                         : in->kind->stale_reason(in);
}

const struct liveness *inbound_liveness(const struct inbound *in)
{
    return in->liveness;
}

void inbound_propagation(const struct inbound *in, int64_t *ret_last_ns, int64_t *ret_mean_ns)
{
    *ret_last_ns = in->health.last_ns;
    *ret_mean_ns = in->health.last_ns < 0 ? -1 : in->health.smoothed_ns;
}

void inbound_status(struct inbound *in, int64_t now_ns, Discover__V1__Status *s)
{
    s->bus_server = in->server;
    s->bus_error = in->error;
    if (!in->kind->trustworthy(in))
        s->distrust = (char *)inbound_stale_reason(in);
    if (in->guard_held) {
        s->held = (uint32_t)in->guard_held;
        s->held_ms = in->guard_until_ns > now_ns ? (in->guard_until_ns - now_ns) / NS_PER_MS : 0;
        s->held_reason = (char *)in->guard_reason;
    }
    write_report_status(&in->write_report, now_ns, s);
    buckets_status(&in->buckets, now_ns, s);
}
