/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of the daemon as a whole: to `discoverctl status`, to HTTP, and to every reader of the table. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

static const char *const sync_names[] = {"unsynced", "live", "stale", "degraded"};

/* As many as fit into a frame together with everything else; all are counted. */
#define OVERRIDES_SHOWN 64

static void fill_overrides(const struct daemon *d, Discover__V1__Status *ret_status)
{
    static Discover__V1__Override all[OVERRIDES_SHOWN], *pointers[OVERRIDES_SHOWN];
    static char services[OVERRIDES_SHOWN][SERVICE_CAP];
    const struct overrides *from = agent_overrides(d->agent);
    size_t n = from->n < OVERRIDES_SHOWN ? from->n : OVERRIDES_SHOWN;
    for (size_t i = 0; i < n; i++) {
        const struct override *o = &from->all[i];
        services[i][0] = '\0';
        if (o->domain[0])
            service_format(o->domain, o->service, services[i]);
        discover__v1__override__init(&all[i]);
        all[i].service = services[i];
        all[i].instance = (char *)o->instance;
        all[i].state = o->state;
        pointers[i] = &all[i];
    }
    ret_status->n_overrides = n;
    ret_status->overrides = pointers;
}

static void fill_guard(const struct daemon *d, int64_t now_ns, Discover__V1__Status *s)
{
    if (!d->guard_held)
        return;
    s->held = (uint32_t)d->guard_held;
    s->held_ms = d->guard_until_ns > now_ns ? (d->guard_until_ns - now_ns) / NS_PER_MS : 0;
    s->held_reason = (char *)d->guard_reason;
}

/* Static or of this function: why what is registered here may be heard of nowhere else. */
static const char *lease_problem(const struct daemon *d, const struct agent_status *agent, int64_t now_ns)
{
    static char text[160];
    int64_t silent_ns = now_ns - agent->lease_seen_ns;
    if (agent->name == AGENT_NAME_CONFLICT) {
        snprintf(text, sizeof text,
                 "another live host is called %s: nothing is published from here as long as it lives", d->config->host);
        return text;
    }
    int64_t server_ms = inbound_server_ms(d, now_ns);
    if (server_ms && !epoch_plausible(agent->epoch, server_ms))
        return "the clock of this host was more than a day ahead of the server's when it started: others refuse its "
               "lease";
    if (!agent->publishing || silent_ns <= d->config->registry.lease_ttl_ns)
        return "";
    snprintf(text, sizeof text, "the lease of this host has not come back from NATS for %lld s",
             (long long)(silent_ns / NS_PER_S));
    return text;
}

/* Blocks of the shared table, or the whole of it for the DNS workers. */
static size_t unwritten(const struct daemon *d)
{
    return catalog_unwritten(d->catalog) + (d->dns_table_error ? 1 : 0);
}

static const char *unwritten_reason(const struct daemon *d)
{
    int err = d->dns_table_error ? d->dns_table_error : catalog_counts(d->catalog).flush_error;
    return daemon_table_whole(d) ? "" : strerror(-err);
}

void status_fill(void *arg, Discover__V1__Status *ret_status)
{
    struct daemon *d = arg;
    struct catalog_counts counts = catalog_counts(d->catalog);
    struct agent_status agent = agent_status(d->agent);
    int64_t now_ns = clock_now_ns();
    Discover__V1__Status *s = ret_status;
    s->version = (char *)DAEMON_VERSION;
    s->host = d->config->host;
    s->epoch = agent.epoch;
    bool stored = d->sync == TABLE_UNSYNCED && d->stale_since_ns;
    s->sync = (char *)sync_names[stored ? TABLE_STALE : d->sync];
    s->stale_ms = table_age_ns(table_writer_table(catalog_table(d->catalog)), now_ns) / NS_PER_MS;
    s->bus_connected = bus_connected(d->bus);
    s->bus_server = d->bus_server;
    s->bus_error = d->bus_error;
    s->hosts = (uint32_t)counts.hosts;
    s->services = (uint32_t)counts.services;
    s->instances = (uint32_t)counts.instances;
    s->registrations = agent.registrations;
    s->unacknowledged = agent.unacknowledged;
    s->uptime_ms = (now_ns - d->started_ns) / NS_PER_MS;
    if (!inbound_trustworthy(d))
        s->distrust = (char *)health_reason_text(d->health.reason);
    s->name_taken = agent.name == AGENT_NAME_CONFLICT;
    s->lease_problem = (char *)lease_problem(d, &agent, now_ns);
    fill_guard(d, now_ns, s);
    write_report_status(d->write_report, now_ns, s);
    buckets_status(d->buckets, now_ns, s);
    if (d->sync == TABLE_LIVE && *s->write_refusal)
        s->sync = (char *)"read-only"; /* one half alone is live */
    fill_overrides(d, s);
    s->store_error = d->store_error;
    s->unwritten = (uint32_t)unwritten(d);
    s->unwritten_reason = (char *)unwritten_reason(d);
    s->address = (char *)host_address_why(d->host_address);
    s->waiting = agent.waiting;
    listen_problems_status(d, s);
}

static enum table_sync present_sync(const struct daemon *d)
{
    if (!d->synced_once)
        return TABLE_UNSYNCED;
    if (d->health.reason != HEALTH_OK && d->health.reason != HEALTH_NO_CANARY)
        return TABLE_STALE;
    return d->guard_held || !daemon_table_whole(d) ? TABLE_DEGRADED : TABLE_LIVE;
}

/* Once when it begins, and once when it is over. */
static void log_unwritten(struct daemon *d)
{
    bool whole = daemon_table_whole(d);
    if (whole == !d->unwritten)
        return;
    d->unwritten = whole ? 0 : unwritten(d);
    if (whole)
        log_notice("everything is in the shared table again");
    else
        log_error(
            "the shared table cannot take what has changed, so answers miss it (%zu entries now): %s; it is tried "
            "again each second",
            d->unwritten, unwritten_reason(d));
}

/* What was never whole would replace something better; what is stale has at least what has changed on this host since. */
bool catalog_is_worth_storing(const struct daemon *d, int64_t now_ns, int64_t *ret_true_ns)
{
    bool is_true = d->sync == TABLE_LIVE || d->sync == TABLE_DEGRADED;
    *ret_true_ns = is_true ? now_ns : d->stale_since_ns;
    return daemon_table_whole(d) && !catalog_is_dirty(d->catalog) && (is_true || d->stale_since_ns);
}

void status_update_sync(struct daemon *d, int64_t now_ns)
{
    log_unwritten(d);
    enum table_sync sync = present_sync(d);
    bool better = sync == TABLE_LIVE || d->sync == TABLE_UNSYNCED;
    if (sync == d->sync || (better && catalog_is_dirty(d->catalog))) /* not before the table has it all */
        return;
    if (sync == TABLE_STALE) {
        d->stale_since_ns = now_ns;
        log_warning("answers are stale from now on: %s", health_reason_text(d->health.reason));
    } else if (d->sync == TABLE_STALE) {
        log_notice("answers are %s again", sync_names[sync]);
    }
    bool was_unsynced = d->sync == TABLE_UNSYNCED;
    d->sync = sync;
    table_writer_set_sync(catalog_table(d->catalog), sync, sync == TABLE_STALE ? d->stale_since_ns : 0);
    if (was_unsynced && d->api)
        api_changed_all(d->api);
}
