/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together the status, and decides on the sync state. */
#include "daemon/registry/status.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/agent/registrar.h"
#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

struct status {
    struct status_reach reach;
    enum table_sync sync; /* as last written into the table */
    int64_t stale_since_ns;
    size_t unwritten; /* number of blocks that were logged as missing in the table */
};

/* As many overrides as fit into a frame together with everything else; the count covers all. */
#define OVERRIDES_SHOWN 64

static void fill_overrides(const struct agent *agent, Discover__V1__Status *ret_status)
{
    static Discover__V1__Override all[OVERRIDES_SHOWN], *pointers[OVERRIDES_SHOWN];
    static char services[OVERRIDES_SHOWN][SERVICE_CAP];
    const struct overrides *from = agent_overrides(agent);
    int64_t wall_ms = clock_wall_ms(), now_ns = clock_now_ns();
    size_t n = from->n < OVERRIDES_SHOWN ? from->n : OVERRIDES_SHOWN;
    for (size_t i = 0; i < n; i++) {
        const struct override *o = &from->all[i];
        services[i][0] = '\0';
        if (o->key.domain[0])
            service_format(o->key.domain, o->key.service, services[i]);
        discover__v1__override__init(&all[i]);
        all[i].service = services[i];
        all[i].instance = (char *)o->key.instance;
        all[i].state = o->state;
        all[i].reason = (char *)o->reason;
        all[i].uid = o->uid;
        all[i].age_ms = o->set_ms ? wall_ms - o->set_ms : -1;
        all[i].over = o->over;
        if (o->grace_ms && !o->over && o->grace_end_ns > now_ns)
            all[i].grace_ms = (uint32_t)((o->grace_end_ns - now_ns) / NS_PER_MS) + 1;
        pointers[i] = &all[i];
    }
    ret_status->n_overrides = n;
    ret_status->overrides = pointers;
}

/*
 * Why registrations of this host may be unknown elsewhere; "": nothing is wrong. The text is static, or of this
 * function until its next call.
 */
static const char *lease_problem(const struct status *s, const struct agent_status *agent, int64_t now_ns)
{
    static char text[160];
    int64_t silent_ns = now_ns - agent->lease_seen_ns;
    if (agent->name == AGENT_NAME_CONFLICT) {
        snprintf(text, sizeof text,
                 "another live host is called %s: nothing is published from here as long as it lives",
                 s->reach.config->host);
        return text;
    }
    int64_t server_ms = inbound_server_ms(s->reach.inbound, now_ns);
    if (server_ms && !epoch_plausible(agent->epoch, server_ms))
        return "the clock of this host was more than a day ahead of the server's when it started: others refuse its "
               "lease, until the clock is right and discoverd is restarted";
    if (!agent->publishing || silent_ns <= s->reach.config->registry.lease_ttl_ns)
        return "";
    snprintf(text, sizeof text, "the lease of this host has not come back from NATS for %lld s",
             (long long)(silent_ns / NS_PER_S));
    return text;
}

static int dns_error(const struct status *s)
{
    return s->reach.dns_table_error(s->reach.arg);
}

/* Whether the table, as DNS workers and clients have it, holds all that the catalog does. */
static bool is_whole(const struct status *s)
{
    /*
     * Blocks that failed before are tried again in slices: they are in the table only when nothing is left to be
     * written.
     */
    bool trying = s->unwritten > 0 && catalog_is_dirty(s->reach.catalog);
    return !dns_error(s) && !catalog_is_unwritten(s->reach.catalog) && !trying;
}

/* Number of blocks that the shared table lacks; a table that the DNS workers could not be given counts as one. */
static size_t unwritten(const struct status *s)
{
    return catalog_unwritten(s->reach.catalog) + (dns_error(s) ? 1 : 0);
}

static const char *unwritten_reason(const struct status *s)
{
    int err = dns_error(s) ? dns_error(s) : catalog_counts(s->reach.catalog).flush_error;
    return is_whole(s) ? "" : strerror(-err);
}

static void fill_counts(const struct status *s, Discover__V1__Status *to)
{
    struct catalog_counts counts = catalog_counts(s->reach.catalog);
    to->hosts = (uint32_t)counts.hosts;
    to->services = (uint32_t)counts.services;
    to->instances = (uint32_t)counts.instances;
    to->unwritten = (uint32_t)unwritten(s);
    to->unwritten_reason = (char *)unwritten_reason(s);
}

static void fill_agent(const struct status *s, int64_t now_ns, Discover__V1__Status *to)
{
    struct agent_status agent = agent_status(s->reach.agent);
    to->epoch = agent.epoch;
    to->registrations = agent.registrations;
    to->unacknowledged = agent.unacknowledged;
    to->waiting = agent.waiting;
    to->name_taken = agent.name == AGENT_NAME_CONFLICT;
    to->lease_problem = (char *)lease_problem(s, &agent, now_ns);
    fill_overrides(s->reach.agent, to);
}

static void fill_sync(const struct status *s, int64_t now_ns, Discover__V1__Status *to)
{
    bool stored = s->sync == TABLE_UNSYNCED && s->stale_since_ns;
    to->sync = (char *)sync_word(stored ? TABLE_STALE : s->sync);
    if (s->sync == TABLE_LIVE && *to->write_refusal)
        to->sync = (char *)SYNC_READ_ONLY; /* answers are live, and puts are refused */
    to->stale_ms = table_age_ns(table_writer_table(catalog_table(s->reach.catalog)), now_ns) / NS_PER_MS;
}

void status_fill(struct status *s, Discover__V1__Status *ret_status)
{
    int64_t now_ns = clock_now_ns();
    Discover__V1__Status *to = ret_status;
    to->version = (char *)DISCOVER_VERSION;
    to->host = s->reach.config->host;
    to->uptime_ms = (now_ns - s->reach.started_ns) / NS_PER_MS;
    to->bus_connected = s->reach.bus_connected(s->reach.arg);
    to->store_error = (char *)outbound_store_error(s->reach.outbound);
    to->address = (char *)host_address_why(s->reach.host_address);
    fill_counts(s, to);
    fill_agent(s, now_ns, to);
    inbound_status(s->reach.inbound, now_ns, to);
    fill_sync(s, now_ns, to);
}

static enum table_sync present_sync(const struct status *s)
{
    enum table_sync sync = inbound_sync(s->reach.inbound);
    return sync == TABLE_LIVE && !is_whole(s) ? TABLE_DEGRADED : sync;
}

/* Logs once when blocks begin to be missing in the table, and once when none is any more. */
static void log_unwritten(struct status *s)
{
    bool whole = is_whole(s);
    if (whole == !s->unwritten)
        return;
    s->unwritten = whole ? 0 : unwritten(s);
    if (whole)
        log_notice("everything is in the shared table again");
    else
        log_error(
            "the shared table cannot take what has changed, so answers miss it (%zu entries now): %s; it is tried "
            "again each second",
            s->unwritten, unwritten_reason(s));
}

/*
 * A catalog that was never whole must not replace a better file; a stale one has at least this host's changes since the
 * file was written.
 */
bool status_catalog_is_worth_storing(const struct status *s, int64_t now_ns, int64_t *ret_true_ns)
{
    bool is_true = s->sync == TABLE_LIVE || s->sync == TABLE_DEGRADED;
    *ret_true_ns = is_true ? now_ns : s->stale_since_ns;
    return is_whole(s) && !catalog_is_dirty(s->reach.catalog) && (is_true || s->stale_since_ns);
}

void status_store_last(const struct status *s, struct catalog_file *file)
{
    int64_t true_ns;
    if (status_catalog_is_worth_storing(s, clock_now_ns(), &true_ns))
        catalog_file_write_now(file, catalog_table(s->reach.catalog), true_ns);
}

void status_update_sync(struct status *s, int64_t now_ns)
{
    log_unwritten(s);
    enum table_sync sync = present_sync(s);
    bool better = sync == TABLE_LIVE || s->sync == TABLE_UNSYNCED;
    /* a better state is announced only when the table holds everything */
    if (sync == s->sync || (better && catalog_is_dirty(s->reach.catalog)))
        return;
    if (sync == TABLE_STALE) {
        s->stale_since_ns = now_ns;
        log_warning("answers are stale from now on: %s", inbound_stale_reason(s->reach.inbound));
    } else if (s->sync == TABLE_STALE) {
        log_notice("answers are %s again", sync_word(sync));
    }
    bool was_unsynced = s->sync == TABLE_UNSYNCED;
    s->sync = sync;
    table_writer_set_sync(catalog_table(s->reach.catalog), sync, sync == TABLE_STALE ? s->stale_since_ns : 0);
    if (was_unsynced)
        s->reach.answers_begin(s->reach.arg);
}

int status_new(const struct status_reach *reach, struct status **ret_s)
{
    struct status *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    *s = (struct status){.reach = *reach, .stale_since_ns = reach->stored_since_ns};
    *ret_s = s;
    return 0;
}

void status_free(struct status *s)
{
    free(s);
}
