/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bus to the catalog. One follower for each bucket keeps the order; what it lets through goes here:
 *
 *   SERVICES  records of other hosts -> catalog; of this host -> agent, which alone says what is registered here
 *   HOSTS     leases of other hosts  -> liveness -> catalog; our own -> agent, and health (it is the canary)
 *
 * All on the main thread.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/log.h"
#include "daemon/catalog/foreign.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

static const struct metric feed_metrics[] = {
    {"discoverd_feed_keys_refused_total", "Keys in the buckets that are not valid names.", METRIC_COUNTER,
     offsetof(struct feed_counters, keys_refused)},
    {"discoverd_feed_values_refused_total", "Values under SERVICES that are not a record.", METRIC_COUNTER,
     offsetof(struct feed_counters, values_refused)},
    {"discoverd_feed_leases_refused_total", "Values under HOSTS that are not a lease.", METRIC_COUNTER,
     offsetof(struct feed_counters, leases_refused)},
    {"discoverd_feed_limits_refused_total", "Records and leases over a limit of this daemon.", METRIC_COUNTER,
     offsetof(struct feed_counters, limits_refused)},
    {"discoverd_feed_digest_mismatches_total", "Hosts whose records differ from their lease for two beats.",
     METRIC_COUNTER, offsetof(struct feed_counters, digest_mismatches)},
};

static struct daemon *daemon_of(void *arg)
{
    return ((struct feed *)arg)->daemon;
}

static void refuse(struct daemon *d, enum bus_bucket bucket, metric_value *counter, const struct kv_message *m,
                   const char *why)
{
    metric_inc(counter);
    peers_refused(d->peers, bucket, m, why);
}

static bool is_own(const struct daemon *d, const char *host)
{
    return strcmp(host, d->config->host) == 0;
}

/* --- SERVICES --- */

static void refuse_for_limit(struct daemon *d, const struct instance_key *key, const struct kv_message *m,
                             const char *why)
{
    metric_inc(&d->feed_counters.limits_refused);
    peers_limited(d->peers, key->host, m, why);
}

static void put_record(struct daemon *d, const struct instance_key *key, const struct record *record,
                       const struct kv_message *m)
{
    int err = catalog_put(d->catalog, key, record);
    if (err >= 0)
        peers_accepted(d->peers, BUS_SERVICES, m->key, m->key_len);
    else if (catalog_limit_text(err))
        refuse_for_limit(d, key, m, catalog_limit_text(err));
    else if (err != -ESTALE)
        refuse(d, BUS_SERVICES, &d->feed_counters.values_refused, m, strerror(-err));
}

/* Somebody has overwritten a key of this host with something else: the agent puts its record again. */
static void own_record_lost(struct daemon *d, const struct instance_key *key)
{
    if (is_own(d, key->host))
        agent_observed(d->agent, key, NULL, clock_now_ns());
}

/* A foreign record may stand under any name, ours too: it is not of this daemon, and the agent is not asked. */
static void put_foreign(struct daemon *d, const struct instance_key *key, const struct kv_message *m)
{
    struct record record;
    int64_t ttl_ns;
    char why[FOREIGN_WHY_CAP];
    if (foreign_decode(m->value, m->n, m->seq, &record, &ttl_ns, why) < 0) {
        refuse(d, BUS_SERVICES, &d->feed_counters.values_refused, m, why);
        return;
    }
    int err = catalog_put_foreign(d->catalog, key, &record, ttl_ns, m->age_ns, clock_now_ns());
    if (err >= 0)
        peers_accepted(d->peers, BUS_SERVICES, m->key, m->key_len);
    if (catalog_limit_text(err))
        refuse_for_limit(d, key, m, catalog_limit_text(err));
    if (err == -ESTALE) {
        refuse(d, BUS_SERVICES, &d->feed_counters.values_refused, m, "the key belongs to a daemon");
        own_record_lost(d, key);
    }
}

static void put_value(struct daemon *d, const struct instance_key *key, const struct kv_message *m)
{
    struct record record;
    const char *why = "larger than this daemon takes";
    if (m->kind == KV_PUT && foreign_is(m->value, m->n)) {
        put_foreign(d, key, m);
    } else if (m->kind == KV_REFUSED || record_decode(m->value, m->n, &record, &why) < 0) {
        refuse(d, BUS_SERVICES, &d->feed_counters.values_refused, m, why);
        own_record_lost(d, key);
    } else if (is_own(d, key->host)) {
        peers_accepted(d->peers, BUS_SERVICES, m->key, m->key_len);
        agent_observed(d->agent, key, &record, clock_now_ns());
    } else {
        put_record(d, key, &record, m);
    }
}

static int parse_key(const char *text, size_t n, struct instance_key *ret_key)
{
    return instance_key_parse(text, n, ret_key) < 0 ? foreign_key_parse(text, n, ret_key) : 0;
}

static void services_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct daemon *d = daemon_of(arg);
    struct instance_key key;
    (void)from_snapshot;
    if (parse_key(m->key, m->key_len, &key) < 0)
        refuse(d, BUS_SERVICES, &d->feed_counters.keys_refused, m,
               "the key is neither <domain>.<service>.<host>.<instance> nor services/<service>/<instance>");
    else
        put_value(d, &key, m);
}

static void services_remove(void *arg, const char *text, size_t n, uint64_t seq)
{
    struct daemon *d = daemon_of(arg);
    struct instance_key key;
    (void)seq;
    peers_accepted(d->peers, BUS_SERVICES, text, n);
    if (parse_key(text, n, &key) < 0)
        return; /* refused when it was put */
    if (is_own(d, key.host) && !catalog_is_foreign(d->catalog, &key))
        agent_observed(d->agent, &key, NULL, clock_now_ns());
    else
        catalog_remove(d->catalog, &key);
}

static void services_snapshot_begin(void *arg)
{
    struct feed *f = arg;
    f->snapshot = true;
    catalog_snapshot_begin(f->daemon->catalog);
    peers_snapshot_begin(f->daemon->peers, BUS_SERVICES);
    agent_snapshot_begin(f->daemon->agent);
}

static size_t services_unmarked(void *arg)
{
    return catalog_unmarked(daemon_of(arg)->catalog);
}

static void services_snapshot_end(void *arg, enum follow_end end)
{
    struct feed *f = arg;
    struct daemon *d = f->daemon;
    f->snapshot = false;
    f->complete = end == FOLLOW_COMPLETE;
    if (end == FOLLOW_COMPLETE)
        catalog_snapshot_end(d->catalog);
    if (end != FOLLOW_ABORTED)
        peers_snapshot_end(d->peers, BUS_SERVICES);
    if (end == FOLLOW_RECREATED)
        log_warning("the bucket %s was made anew; keeping what is not in it until its owners have put it again",
                    d->config->registry.services_bucket);
    if (end != FOLLOW_ABORTED)
        agent_synced(d->agent, clock_now_ns());
}

/* --- HOSTS --- */

static void own_lease(struct daemon *d, const struct lease *lease, const struct kv_message *m, bool from_snapshot)
{
    int64_t now_ns = clock_now_ns();
    agent_own_lease_seen(d->agent, lease, m->age_ns, now_ns);
    if (!from_snapshot && lease->node == d->own_lease.node)
        health_seen(&d->health, lease->counter, now_ns);
}

static void other_lease(struct daemon *d, const char *host, const struct lease *lease, const struct kv_message *m)
{
    int err = liveness_apply(d->liveness, host, lease, m->age_ns, clock_now_ns());
    if (err == -ENOSPC)
        refuse(d, BUS_HOSTS, &d->feed_counters.limits_refused, m, catalog_limit_text(-EUSERS));
    else
        peers_accepted(d->peers, BUS_HOSTS, m->key, m->key_len);
    if (catalog_has_all(d->catalog, host, lease))
        peers_within_limits(d->peers, host);
    if (err == 0 && d->feeds[BUS_SERVICES].synced && !lease->leaving &&
        !catalog_agrees(d->catalog, host, lease)) {
        metric_inc(&d->feed_counters.digest_mismatches);
        log_warning("host %s says it has %u records, and they are not those known here; reading all again", host,
                    lease->records);
        follow_doubt(d->feeds[BUS_SERVICES].follow, clock_now_ns());
    }
}

static void hosts_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct daemon *d = daemon_of(arg);
    struct lease lease;
    char host[LABEL_CAP];
    const char *why = "larger than this daemon takes";
    if (label_copy(host, m->key, m->key_len) < 0)
        refuse(d, BUS_HOSTS, &d->feed_counters.keys_refused, m, "the key is not a host name");
    else if (m->kind == KV_REFUSED || lease_decode(m->value, m->n, &lease, &why) < 0)
        refuse(d, BUS_HOSTS, &d->feed_counters.leases_refused, m, why);
    else if (is_own(d, host))
        own_lease(d, &lease, m, from_snapshot);
    else
        other_lease(d, host, &lease, m);
}

static void hosts_remove(void *arg, const char *key, size_t n, uint64_t seq)
{
    struct daemon *d = daemon_of(arg);
    char host[LABEL_CAP];
    (void)seq;
    peers_accepted(d->peers, BUS_HOSTS, key, n);
    if (label_copy(host, key, n) < 0)
        return; /* refused when it was put */
    if (is_own(d, host))
        agent_own_lease_gone(d->agent, clock_now_ns());
    else
        liveness_remove(d->liveness, host, clock_now_ns());
}

static void hosts_snapshot_begin(void *arg)
{
    struct feed *f = arg;
    f->snapshot = true;
    agent_hosts_snapshot_begin(f->daemon->agent);
    peers_snapshot_begin(f->daemon->peers, BUS_HOSTS);
}

static void hosts_snapshot_end(void *arg, enum follow_end end)
{
    struct feed *f = arg;
    f->snapshot = false;
    if (end != FOLLOW_ABORTED) {
        peers_snapshot_end(f->daemon->peers, BUS_HOSTS);
        catalog_end_doubt(f->daemon->catalog, clock_now_ns());
        agent_hosts_synced(f->daemon->agent, clock_now_ns());
    }
}

/* --- both --- */

static void resync(void *arg)
{
    struct feed *f = arg;
    f->resync_failed = bus_resync(f->daemon->bus, f->bucket);
}

static void check(void *arg)
{
    struct feed *f = arg;
    (void)bus_check(f->daemon->bus, f->bucket); /* busy: the answer to the earlier one will do */
}

static void synced(void *arg, bool is_synced)
{
    struct feed *f = arg;
    struct daemon *d = f->daemon;
    f->synced = is_synced;
    bool both = d->feeds[BUS_SERVICES].synced && d->feeds[BUS_HOSTS].synced;
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

static const struct follow_ops services_ops = {
    .resync = resync,
    .check = check,
    .apply = services_apply,
    .remove = services_remove,
    .snapshot_begin = services_snapshot_begin,
    .snapshot_end = services_snapshot_end,
    .synced = synced,
    .random = random32,
};

static const struct follow_ops hosts_ops = {
    .resync = resync,
    .check = check,
    .apply = hosts_apply,
    .remove = hosts_remove,
    .snapshot_begin = hosts_snapshot_begin,
    .snapshot_end = hosts_snapshot_end,
    .synced = synced,
    .random = random32,
};

/* --- liveness and health --- */

static void host_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    struct daemon *d = arg;
    (void)catalog_set_host(d->catalog, host, lease, host_alive(status), clock_now_ns()); /* over a limit: counted */
}

static void guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    struct daemon *d = arg;
    if (held && !d->guard_held)
        log_warning("keeping %zu hosts whose leases have run out, for %lld s at most: %s", held,
                    (long long)((until_ns - clock_now_ns()) / NS_PER_S), why);
    if (!held && d->guard_held)
        log_notice("no vanished hosts are kept any more");
    d->guard_held = held;
    d->guard_until_ns = until_ns;
    d->guard_reason = why;
}

/* Nothing was heard for a while, and a lease is about to run out: our own must come back before one does. */
static void probe(void *arg)
{
    struct daemon *d = arg;
    agent_beat_now(d->agent, clock_now_ns());
}

/*
 * While another host has our name we send no lease, so none can come back: that says nothing about the bus.
 */
static bool trustworthy(const struct daemon *d)
{
    return d->health.reason == HEALTH_OK ||
           (d->health.reason == HEALTH_NO_CANARY && agent_status(d->agent).name == AGENT_NAME_RIVAL);
}

static void health_changed(void *arg, enum health_reason reason)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    liveness_set_healthy(d->liveness, trustworthy(d), now_ns);
    if (trustworthy(d))
        catalog_extend(d->catalog, now_ns);
    if (reason == HEALTH_OK) /* whatever was wrong is over */
        d->bus_error[0] = '\0';
    if (reason == HEALTH_OVERDUE) {
        log_warning("the own lease did not come back in time: reading both buckets again, no lease runs out meanwhile");
        follow_doubt(d->feeds[BUS_SERVICES].follow, now_ns);
        follow_doubt(d->feeds[BUS_HOSTS].follow, now_ns);
    }
}

void feed_lease_sent(struct daemon *d, const struct lease *lease, int64_t now_ns)
{
    d->own_lease = *lease;
    health_sent(&d->health, lease->counter, now_ns);
}

/* --- events of the bus --- */

static void on_connected(void *arg, const char *server)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    log_notice("connected to %s", server);
    snprintf(d->bus_server, sizeof d->bus_server, "%s", server);
    d->bus_error[0] = '\0';
    health_set_connected(&d->health, true, now_ns);
    agent_connected(d->agent, now_ns);
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_connected(d->feeds[b].follow, now_ns);
}

static void on_disconnected(void *arg, const char *reason)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    log_warning("lost NATS: %s; answers stay as they are, marked stale", reason);
    snprintf(d->bus_error, sizeof d->bus_error, "%s", reason);
    health_set_connected(&d->health, false, now_ns);
    agent_disconnected(d->agent, now_ns);
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_disconnected(d->feeds[b].follow, now_ns);
}

static void on_moved(void *arg, const char *server)
{
    struct daemon *d = arg;
    log_notice("the NATS server at %s is about to stop: moved to %s", d->bus_server, server);
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
    return ((struct daemon *)arg)->feeds[bucket].follow;
}

static void on_live(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    peers_heard(d->peers, bucket, m);
    if (follow_live(d->feeds[bucket].follow, m, now_ns) && bucket == BUS_HOSTS)
        liveness_heard(d->liveness, now_ns);
}

static void on_gap(void *arg, enum bus_bucket bucket)
{
    follow_gap(follow_of(arg, bucket), clock_now_ns());
}

static void on_info(void *arg, enum bus_bucket bucket, const struct bus_info *info)
{
    follow_info(follow_of(arg, bucket), info->err, info->created, info->last_seq, clock_now_ns());
}

static void on_snapshot_entry(void *arg, enum bus_bucket bucket, const struct kv_message *m)
{
    follow_snapshot_entry(follow_of(arg, bucket), m, clock_now_ns());
}

static void on_snapshot_end(void *arg, enum bus_bucket bucket, int err, const char *reason)
{
    if (err)
        log_warning("reading the bucket failed: %s", reason);
    follow_snapshot_end(follow_of(arg, bucket), err, clock_now_ns());
}

static void on_put_done(void *arg, const struct bus_put_result *result)
{
    struct daemon *d = arg;
    agent_published(d->agent, result->token, result->err, result->rtt_ns, clock_now_ns());
}

const struct bus_events feed_bus_events = {
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

int feed_start(struct daemon *d)
{
    static const struct follow_ops *const ops[BUS_BUCKETS] = {&services_ops, &hosts_ops};
    static const struct liveness_events events = {host_changed, guard};
    /* Leases run out by themselves: none is swept, so none need be counted. */
    const struct follow_options options[BUS_BUCKETS] = {[BUS_SERVICES] = {.unmarked = services_unmarked}};
    struct leases_options leases = {.max_hosts = d->config->limits.hosts,
                                    .guard_percent = d->config->registry.guard_percent,
                                    .guard_min = d->config->registry.guard_min,
                                    .guard_ns = d->config->registry.guard_duration_ns,
                                    .probe = probe};
    int err = metrics_add(d->metrics, feed_metrics, sizeof feed_metrics / sizeof *feed_metrics, &d->feed_counters);
    if (!err)
        err = peers_new(d->config, d->metrics, &d->peers);
    if (!err)
        err = leases_new(&leases, &events, d, &d->liveness);
    if (!err)
        err = liveness_add_metrics(d->liveness, d->metrics);
    if (!err)
        liveness_set_records_known(d->liveness, false);
    health_init(&d->health, d->config->registry.lease_ttl_ns / 2, health_changed, d);
    for (int b = 0; b < BUS_BUCKETS && !err; b++) {
        d->feeds[b] = (struct feed){.daemon = d, .bucket = (enum bus_bucket)b};
        err = follow_new(&options[b], ops[b], &d->feeds[b], &d->feeds[b].follow);
        if (!err)
            err = follow_add_metrics(d->feeds[b].follow, d->metrics);
    }
    return err;
}

void feed_stop(struct daemon *d)
{
    for (int b = 0; b < BUS_BUCKETS; b++)
        follow_free(d->feeds[b].follow);
    liveness_free(d->liveness);
    peers_free(d->peers);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t tick_one(struct feed *f, int64_t now_ns)
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
    const struct feed *services = &d->feeds[BUS_SERVICES];
    liveness_set_whole(d->liveness, follow_is_live(d->feeds[BUS_HOSTS].follow));
    liveness_set_records_known(d->liveness, services->complete && follow_is_live(services->follow));
    return liveness_tick(d->liveness, now_ns);
}

int64_t feed_tick(struct daemon *d, int64_t now_ns)
{
    int64_t next_ns = health_tick(&d->health, now_ns);
    if (trustworthy(d)) /* else what was put meanwhile was not heard */
        next_ns = earlier(next_ns, catalog_expire(d->catalog, now_ns));
    for (int b = 0; b < BUS_BUCKETS; b++)
        next_ns = earlier(next_ns, tick_one(&d->feeds[b], now_ns));
    return earlier(next_ns, tick_liveness(d, now_ns));
}
