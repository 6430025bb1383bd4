/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the read side is in the own region: this host has records and a lease there, which are the agent's, and the lease that
 * comes back proves that the feed is not deaf.
 */
#include <stdio.h>

#include "daemon/base/log.h"
#include "daemon/registry/inbound/inbound_impl.h"

static void connected(struct inbound *in, const char *server, int64_t now_ns)
{
    log_notice("connected to %s", server);
    host_address_set_server(in->reach.host_address, server);
    host_events_bus_back(&in->host_events, now_ns);
    health_set_connected(&in->health, true, now_ns);
    in->arrivals.clock.known = false; /* it may be another server's */
    agent_connected(in->reach.agent, now_ns);
    inbound_follow(in, true, now_ns);
}

static void disconnected(struct inbound *in, const char *reason, int64_t now_ns)
{
    log_warning("lost NATS: %s; answers stay as they are, marked stale", reason);
    host_events_bus_lost(&in->host_events, reason, now_ns);
    buckets_disconnected(in->buckets);
    health_set_connected(&in->health, false, now_ns);
    agent_disconnected(in->reach.agent, now_ns);
    inbound_follow(in, false, now_ns);
}

static void moved(struct inbound *in, const char *server, bool reloaded)
{
    if (reloaded)
        log_notice("connected anew to the NATS server at %s by what the configuration and its files say now", server);
    else
        log_notice("the NATS server at %s is about to stop: moved to %s", in->server, server);
    host_address_set_server(in->reach.host_address, server);
}

static void heard(struct inbound *in, int64_t now_ns)
{
    (void)in, (void)now_ns;
}

static void checked(struct inbound *in, const struct bus_info *info, int64_t now_ns)
{
    (void)in, (void)info, (void)now_ns;
}

static void lease(struct inbound *in, const struct lease *lease)
{
    (void)in, (void)lease;
}

static void synced(struct inbound *in, bool both, int64_t now_ns)
{
    health_set_synced(&in->health, both, now_ns);
}

/* Our own lease must come back before one runs out. */
static void probe(struct inbound *in, int64_t now_ns)
{
    agent_beat_now(in->reach.agent, now_ns);
}

/* While another host has our name we send no lease, so none can come back: that says nothing about the bus. */
static bool trustworthy(const struct inbound *in)
{
    return in->health.reason == HEALTH_OK ||
           (in->health.reason == HEALTH_NO_CANARY && agent_status(in->reach.agent).name == AGENT_NAME_CONFLICT);
}

static bool stale(const struct inbound *in)
{
    return in->health.reason != HEALTH_OK && in->health.reason != HEALTH_NO_CANARY;
}

static const char *stale_reason(const struct inbound *in)
{
    return health_reason_text(in->health.reason);
}

static void stalled(struct inbound *in, int64_t ns)
{
    health_stalled(&in->health, ns);
}

static int64_t tick(struct inbound *in, int64_t now_ns)
{
    return health_tick(&in->health, now_ns);
}

static void health_changed(void *arg, enum health_reason reason)
{
    struct inbound *in = arg;
    int64_t now_ns = clock_now_ns();
    inbound_trust(in, now_ns);
    if (reason == HEALTH_OK) /* whatever was wrong is over */
        in->error[0] = '\0';
    if (reason == HEALTH_OVERDUE) {
        log_warning("the own lease did not come back in time: reading both buckets again, no lease runs out meanwhile");
        follow_doubt(in->followers[BUS_SERVICES].follow, now_ns);
        follow_doubt(in->followers[BUS_HOSTS].follow, now_ns);
    }
}

static void init(struct inbound *in)
{
    health_init(&in->health, in->reach.config->registry.lease_ttl_ns / 2, health_changed, in);
}

void inbound_lease_sent(struct inbound *in, const struct lease *lease, int64_t now_ns)
{
    in->own_lease = *lease;
    health_sent(&in->health, lease->counter, now_ns);
}

const struct inbound_kind inbound_own = {
    .init = init,
    .connected = connected,
    .disconnected = disconnected,
    .moved = moved,
    .heard = heard,
    .checked = checked,
    .lease = lease,
    .synced = synced,
    .probe = probe,
    .trustworthy = trustworthy,
    .stale = stale,
    .stale_reason = stale_reason,
    .stalled = stalled,
    .tick = tick,
};
