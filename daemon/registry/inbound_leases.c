/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of HOSTS, as the follower lets them through; who is alive, and whether the bus is to be trusted in that. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/registry/remembered.h"
#include "daemon/registry/inbound.h"
#include "libdiscover/core/clock.h"

static void own_lease(struct daemon *d, const struct lease *lease, const struct kv_message *m, bool from_snapshot)
{
    int64_t now_ns = clock_now_ns();
    agent_own_lease_seen(d->agent, lease, m->seq, m->age_ns, now_ns);
    if (!from_snapshot && lease->life == d->own_lease.life && !lease->asked_by)
        health_seen(&d->health, lease->counter, now_ns);
}

/* What the host vouches for against what is known. A lease out of a snapshot may be older than what that is. */
static void compare(struct daemon *d, const char *host, const struct lease *lease, const struct kv_message *m)
{
    if (!d->inbound[BUS_SERVICES].synced || lease->leaving || catalog_agrees(d->catalog, host, lease))
        return;
    metric_inc(&d->inbound_counters.digest_mismatches);
    if (!resync_budget_allows(&d->resync_budget, host, clock_now_ns())) {
        metric_inc(&d->inbound_counters.resyncs_deferred);
        write_report_limited(d->write_report, host, NULL, m,
                             "its lease says again and again that its records are others than those in the bucket: "
                             "read again only now and then");
        return;
    }
    log_warning("host %s says it has %u records, and they are not those known here; reading all again", host,
                lease->records);
    follow_doubt(d->inbound[BUS_SERVICES].follow, clock_now_ns());
}

static void other_lease(struct daemon *d, const char *host, const struct lease *lease, const struct kv_message *m,
                        bool from_snapshot)
{
    int err = liveness_apply(d->liveness, host, lease, m->age_ns, clock_now_ns());
    if (err == -ENOSPC)
        inbound_refuse(d, BUS_HOSTS, &d->inbound_counters.limits_refused, m, catalog_limit_text(-EUSERS));
    else if (err == -ESTALE)
        write_report_refused(d->write_report, BUS_HOSTS, m,
                             "of a life that began before the one known under this name: two hosts may have it");
    else
        write_report_accepted(d->write_report, BUS_HOSTS, m->key, m->key_len);
    if (catalog_has_all(d->catalog, host, lease))
        write_report_within_limits(d->write_report, host);
    if (err == 0 && !from_snapshot)
        compare(d, host, lease, m);
}

/* Ours is put again at once: whoever comes now finds nothing else. */
static void refuse_lease(struct daemon *d, const char *host, const struct kv_message *m, const char *why)
{
    inbound_refuse(d, BUS_HOSTS, &d->inbound_counters.leases_refused, m, why);
    if (inbound_is_own(d, host))
        agent_own_lease_gone(d->agent, clock_now_ns());
}

static void hosts_apply(void *arg, const struct kv_message *m, bool from_snapshot)
{
    struct daemon *d = inbound_daemon(arg);
    struct lease lease;
    char host[LABEL_CAP];
    const char *why = "larger than this daemon takes";
    if (label_copy(host, m->key, m->key_len) < 0)
        inbound_refuse(d, BUS_HOSTS, &d->inbound_counters.keys_refused, m, "the key is not a host name");
    else if (m->kind == KV_REFUSED || lease_decode(m->value, m->n, &lease, &why) < 0 ||
             (why = inbound_epoch_problem(d, lease.epoch)))
        refuse_lease(d, host, m, why);
    else if (inbound_is_own(d, host))
        own_lease(d, &lease, m, from_snapshot);
    else
        other_lease(d, host, &lease, m, from_snapshot);
}

static void hosts_remove(void *arg, const char *key, size_t n, uint64_t seq)
{
    struct daemon *d = inbound_daemon(arg);
    char host[LABEL_CAP];
    (void)seq;
    write_report_accepted(d->write_report, BUS_HOSTS, key, n);
    if (label_copy(host, key, n) < 0)
        return; /* refused when it was put */
    if (inbound_is_own(d, host))
        agent_own_lease_gone(d->agent, clock_now_ns());
    else
        liveness_remove(d->liveness, host, clock_now_ns());
}

static void hosts_snapshot_begin(void *arg)
{
    struct inbound *f = arg;
    f->snapshot = true;
    agent_hosts_snapshot_begin(f->daemon->agent);
    write_report_snapshot_begin(f->daemon->write_report, BUS_HOSTS);
}

static void hosts_snapshot_end(void *arg, enum follow_end end)
{
    struct inbound *f = arg;
    f->snapshot = false;
    if (end != FOLLOW_ABORTED) {
        write_report_snapshot_end(f->daemon->write_report, BUS_HOSTS);
        remembered_hosts_synced(f->daemon);
        agent_hosts_synced(f->daemon->agent, clock_now_ns());
    }
}

void inbound_leases_ops(struct follow_ops *ops)
{
    ops->apply = hosts_apply;
    ops->remove = hosts_remove;
    ops->snapshot_begin = hosts_snapshot_begin;
    ops->snapshot_end = hosts_snapshot_end;
}

/* --- liveness and health --- */

static void host_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    struct daemon *d = arg;
    host_news_tell(d, host, status);
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
bool inbound_trustworthy(const struct daemon *d)
{
    return d->health.reason == HEALTH_OK ||
           (d->health.reason == HEALTH_NO_CANARY && agent_status(d->agent).name == AGENT_NAME_CONFLICT);
}

static void health_changed(void *arg, enum health_reason reason)
{
    struct daemon *d = arg;
    int64_t now_ns = clock_now_ns();
    bool was_trusted = d->trusted;
    d->trusted = inbound_trustworthy(d);
    liveness_set_healthy(d->liveness, d->trusted, now_ns);
    if (was_trusted && !d->trusted)
        catalog_freeze(d->catalog, true);
    else if (!was_trusted && d->trusted)
        catalog_extend(d->catalog, now_ns);
    if (reason == HEALTH_OK) /* whatever was wrong is over */
        d->bus_error[0] = '\0';
    if (reason == HEALTH_OVERDUE) {
        log_warning("the own lease did not come back in time: reading both buckets again, no lease runs out meanwhile");
        follow_doubt(d->inbound[BUS_SERVICES].follow, now_ns);
        follow_doubt(d->inbound[BUS_HOSTS].follow, now_ns);
    }
}

void inbound_lease_sent(struct daemon *d, const struct lease *lease, int64_t now_ns)
{
    d->own_lease = *lease;
    health_sent(&d->health, lease->counter, now_ns);
}

int inbound_liveness_start(struct daemon *d)
{
    static const struct liveness_events events = {host_changed, guard};
    struct leases_options leases = {.max_hosts = d->config->limits.hosts,
                                    .guard_percent = d->config->registry.guard_percent,
                                    .guard_min = d->config->registry.guard_min,
                                    .guard_ns = d->config->registry.guard_duration_ns,
                                    .probe = probe};
    health_init(&d->health, d->config->registry.lease_ttl_ns / 2, health_changed, d);
    int err = leases_new(&leases, &events, d, &d->liveness);
    if (!err)
        err = liveness_add_metrics(d->liveness, d->metrics);
    if (err)
        return err;
    liveness_set_records_known(d->liveness, false);
    return 0;
}
