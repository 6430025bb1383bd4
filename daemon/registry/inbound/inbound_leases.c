/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of HOSTS, as the follower lets them through; who is alive. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/registry/inbound/inbound_impl.h"
#include "libdiscover/core/clock.h"

/*
 * How long before a lease runs out the server is asked. In the own region the probe is a put that goes to everybody; of
 * another region few ask, and nothing is put.
 */
#define PROBE_AFTER_NS (50 * NS_PER_MS)

static void canary(struct inbound *in, uint64_t counter, int64_t stored_ns, int64_t now_ns)
{
    uint64_t seen = in->health.seen;
    health_seen(&in->health, counter, now_ns);
    if (in->health.seen == seen || counter != in->health.sent)
        return;
    histogram_observe(&in->counters.lease_round_trip, in->health.last_ns);
    server_clock_heard(&in->arrivals.clock, in->health.sent_ns, stored_ns, now_ns);
}

/* Whether a lease has the counter of our latest one and other contents: hosts that start now would believe it. */
static bool is_forged(const struct inbound *in, const struct lease *lease, const struct kv_message *m)
{
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    const struct lease *own = &in->own_lease;
    if (lease->life != own->life || lease->epoch != own->epoch || lease->counter != own->counter)
        return false;
    return lease_encode(own, bytes, &n) == 0 && (m->n != n || memcmp(m->value, bytes, n) != 0);
}

static void own_lease(struct inbound *in, const struct lease *lease, const struct kv_message *m, bool from_snapshot)
{
    int64_t now_ns = clock_now_ns();
    if (is_forged(in, lease, m))
        agent_own_lease_gone(in->reach.agent, now_ns);
    agent_own_lease_seen(in->reach.agent, lease, m->seq, m->age_ns, now_ns);
    if (from_snapshot && lease->life != in->own_lease.life)
        host_events_lease_found(&in->host_events, lease, m->age_ns, now_ns);
    if (!from_snapshot && lease->life == in->own_lease.life && !lease->asked_by)
        canary(in, lease->counter, m->stored_ns, now_ns);
}

/* Compares what the host vouches for with the known records. A lease out of a snapshot may be older than these. */
static void compare(struct inbound *in, const char *host, const struct lease *lease, const struct kv_message *m)
{
    if (!in->followers[BUS_SERVICES].synced || lease->leaving || catalog_agrees(in->reach.catalog, host, lease))
        return;
    metric_inc(&in->counters.digest_mismatches);
    if (!resync_budget_allows(&in->resync_budget, host, clock_now_ns())) {
        metric_inc(&in->counters.resyncs_deferred);
        write_report_limited(&in->write_report, host, NULL, m,
                             "its lease says again and again that its records are others than those in the bucket: "
                             "read again only now and then");
        return;
    }
    log_warning("host %s says it has %u records, and they are not those known here; reading all again", host,
                lease->records);
    follow_doubt(in->followers[BUS_SERVICES].follow, clock_now_ns());
}

static void other_lease(struct inbound *in, const char *host, const struct lease *lease, const struct kv_message *m,
                        bool from_snapshot)
{
    int err = liveness_apply(in->liveness, host, lease, m->age_ns, clock_now_ns());
    if (in->reach.region)
        region_health_lease(&in->region, (int64_t)lease->ttl_ms * NS_PER_MS);
    if (err == -ENOSPC)
        inbound_refuse(in, BUS_HOSTS, &in->counters.limits_refused, m, catalog_limit_text(-EUSERS));
    else if (err == -ESTALE)
        write_report_refused(&in->write_report, BUS_HOSTS, m,
                             "of a life that began before the one known under this name: two hosts may have it");
    else
        write_report_accepted(&in->write_report, BUS_HOSTS, m->key, m->key_len);
    if (catalog_has_all(in->reach.catalog, host, lease))
        write_report_within_limits(&in->write_report, host);
    if (err == 0 && !from_snapshot)
        compare(in, host, lease, m);
}

/* A lease of ours that was overwritten with nonsense is put again at once: hosts that start now find nothing else. */
static void refuse_lease(struct inbound *in, const char *host, const struct kv_message *m, const char *why)
{
    inbound_refuse(in, BUS_HOSTS, &in->counters.leases_refused, m, why);
    if (inbound_is_own(in, host))
        agent_own_lease_gone(in->reach.agent, clock_now_ns());
}

static void hosts_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct inbound *in = inbound_of(arg);
    struct lease lease;
    char host[LABEL_CAP];
    const char *why = kv_no_content(m->kind);
    if (label_copy(host, m->key, m->key_len) < 0)
        inbound_refuse(in, BUS_HOSTS, &in->counters.keys_refused, m, "the key is not a host name");
    else if (why || lease_decode(m->value, m->n, &lease, &why) < 0 || (why = inbound_epoch_problem(in, lease.epoch)))
        refuse_lease(in, host, m, why);
    else if (inbound_is_own(in, host))
        own_lease(in, &lease, m, from_snapshot);
    else
        other_lease(in, host, &lease, m, from_snapshot);
}

static void hosts_remove(void *arg, const char *key, size_t n, uint64_t seq)
{
    struct inbound *in = inbound_of(arg);
    char host[LABEL_CAP];
    (void)seq;
    write_report_accepted(&in->write_report, BUS_HOSTS, key, n);
    if (label_copy(host, key, n) < 0)
        return; /* a put under this key was refused already */
    if (inbound_is_own(in, host))
        agent_own_lease_gone(in->reach.agent, clock_now_ns());
    else {
        liveness_remove(in->liveness, host, clock_now_ns());
        catalog_forget(in->reach.catalog, host); /* when its records are deleted as well: somebody wants it gone */
    }
}

static void hosts_snapshot_begin(void *arg)
{
    struct follower *f = arg;
    f->snapshot = true;
    if (f->in->reach.agent)
        agent_hosts_snapshot_begin(f->in->reach.agent);
    refusals_snapshot_begin(&f->in->write_report.refusals, BUS_HOSTS);
}

static void hosts_snapshot_end(void *arg, enum follow_end end)
{
    struct follower *f = arg;
    f->snapshot = false;
    if (end != FOLLOW_ABORTED) {
        refusals_snapshot_end(&f->in->write_report.refusals, BUS_HOSTS);
        lost_changes_report(&f->lost, f->in->reach.buckets[BUS_HOSTS]);
        if (!f->in->synced_once)
            remembered_hosts_synced(&f->in->remembered);
        if (f->in->reach.agent)
            agent_hosts_synced(f->in->reach.agent, clock_now_ns());
    }
    inbound_traced_snapshot(f, end);
}

void inbound_leases_ops(struct follow_ops *ops)
{
    ops->apply = hosts_apply;
    ops->remove = hosts_remove;
    ops->snapshot_begin = hosts_snapshot_begin;
    ops->snapshot_end = hosts_snapshot_end;
}

/* --- liveness --- */

#define HOST_LINES_A_SECOND 10

static const char *news_of(bool known, bool was_alive, enum host_status status)
{
    if (was_alive == host_alive(status))
        return NULL;
    if (host_alive(status))
        return known ? "is back" : "is new";
    return status == HOST_LEFT ? "has left" : "is lost: its lease has run out, and nothing was heard of it";
}

/* A line in the log; in a mass, for the first few and how many more. The catalog has still the status before. */
static void log_host(struct inbound *in, const char *host, enum host_status status)
{
    const char *region = in->reach.region;
    bool known = catalog_knows_host(in->reach.catalog, host);
    const char *text = news_of(known, known && catalog_host_alive(in->reach.catalog, host), status);
    if (text && in->news_of_hosts++ < HOST_LINES_A_SECOND)
        log_notice("host %s%s%s %s", host, region ? " of region " : "", region ? region : "", text);
}

void inbound_log_more_hosts(struct inbound *in)
{
    if (in->news_of_hosts > HOST_LINES_A_SECOND)
        log_notice("%zu more hosts are new, back, lost or have left", in->news_of_hosts - HOST_LINES_A_SECOND);
    in->news_of_hosts = 0;
}

static void host_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    struct inbound *in = arg;
    if (in->synced_once) { /* hosts that are found at the start are no news */
        log_host(in, host, status);
        host_events_changed(&in->host_events, host, lease, status, clock_now_ns());
    }
    (void)catalog_set_host(in->reach.catalog, host, lease, host_alive(status),
                           clock_now_ns()); /* over a limit: counted */
}

static void guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    struct inbound *in = arg;
    if (held && !in->guard_held)
        log_warning("keeping %zu hosts whose leases have run out, for %lld s at most: %s", held,
                    (long long)((until_ns - clock_now_ns()) / NS_PER_S), why);
    if (!held && in->guard_held)
        log_notice("no host whose lease has run out is kept any more");
    host_events_guard(&in->host_events, held, why, clock_now_ns());
    in->guard_held = held;
    in->guard_until_ns = until_ns;
    in->guard_reason = why;
}

static bool has_records(void *arg, const char *host, const struct lease *lease)
{
    const struct inbound *in = arg;
    return catalog_has_vouched(in->reach.catalog, host, lease);
}

int inbound_liveness_new(struct inbound *in)
{
    static const struct liveness_events events = {host_changed, guard};
    struct liveness_options leases = {.max_hosts = in->reach.config->limits.hosts,
                                      .guard_percent = in->reach.config->registry.guard_percent,
                                      .guard_min = in->reach.config->registry.guard_min,
                                      .guard_ns = in->reach.config->registry.guard_duration_ns,
                                      .probe = in->kind->probe,
                                      .probe_after_ns = in->reach.region ? 0 : PROBE_AFTER_NS,
                                      .has_records = has_records};
    int err = liveness_new(&leases, &events, in, &in->liveness);
    if (!err)
        err = liveness_add_metrics(in->liveness, in->reach.metrics);
    if (err)
        return err;
    liveness_set_records_known(in->liveness, false, 0);
    return 0;
}
