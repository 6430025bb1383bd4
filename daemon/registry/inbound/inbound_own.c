/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the read side is in the own region: this host has records and a lease there, which are the agent's, and the lease that
 * comes back proves that the feed is not deaf.
 */
#include <errno.h>

#include "daemon/base/log.h"
#include "daemon/registry/inbound/inbound_impl.h"

#define LOOK_NS (5 * NS_PER_S) /* between looks for a bucket that no server serves */

static void connected(struct inbound *in, const char *server, int64_t now_ns)
{
    log_notice("connected to %s", server);
    host_address_set_server(in->reach.host_address, server);
    host_events_bus_back(&in->host_events, now_ns);
    health_set_connected(&in->health, true, now_ns);
    in->arrivals.clock.known = false; /* this may be another server, with another clock */
    agent_connected(in->reach.agent, now_ns);
    inbound_follow(in, true, now_ns);
}

static void disconnected(struct inbound *in, const char *reason, int64_t now_ns)
{
    log_warning("lost NATS: %s; answers stay as they are, marked stale", reason);
    host_events_bus_lost(&in->host_events, reason, now_ns);
    buckets_disconnected(&in->buckets);
    health_set_connected(&in->health, false, now_ns);
    agent_disconnected(in->reach.agent, now_ns);
    inbound_follow(in, false, now_ns);
}

static void moved(struct inbound *in, const char *server, bool reloaded)
{
    if (reloaded)
        log_notice("connected anew to the NATS server at %s, as the configuration and its files say now", server);
    else
        log_notice("the NATS server at %s is about to stop: moved to %s", in->server, server);
    host_address_set_server(in->reach.host_address, server);
}

/* Puts the own lease now: it must come back before a lease of another host may run out. */
static void probe(void *arg)
{
    struct inbound *in = arg;
    agent_beat_now(in->reach.agent, clock_now_ns());
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

static void health_changed(void *arg, enum health_reason reason)
{
    struct inbound *in = arg;
    int64_t now_ns = clock_now_ns();
    inbound_trust(in, now_ns);
    if (reason == HEALTH_OK) /* the last error of the bus is over, too */
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
    for (int b = 0; b < BUS_BUCKETS; b++)
        in->looks[b] = (struct pace){.burst = 1, .every_ns = LOOK_NS};
}

void inbound_lease_sent(struct inbound *in, const struct lease *lease, int64_t now_ns)
{
    in->own_lease = *lease;
    health_sent(&in->health, lease->counter, now_ns);
}

void inbound_bus_begins(struct inbound *in, int64_t now_ns)
{
    in->remembered.asked_ns = now_ns;
    agent_bus_begins(in->reach.agent, now_ns);
}

/*
 * Nobody took a put: the bucket has no leader, and there will be an answer when it has one; or it does not exist any more, and
 * the answer comes at once. Only the latter is the follower's business: without a leader nothing was lost, and all who
 * would read again are many.
 */
static void look_for_bucket(struct inbound *in, enum bus_bucket bucket, int64_t now_ns)
{
    if (pace_try(&in->looks[bucket], now_ns))
        (void)in->reach.order(in->reach.arg, BUS_CHECK, bucket); /* busy: a check is under way */
}

bool inbound_own_looked(struct inbound *in, enum bus_bucket bucket, const struct bus_info *info)
{
    struct follow *follow = in->followers[bucket].follow;
    bool looked = in->reach.agent && info->check && !follow_is_checking(follow);
    if (looked && (info->err == 0 || info->err == -ENOENT))
        (void)follow_check_now(follow);
    return looked;
}

void inbound_put_done(void *arg, const struct bus_put_result *result)
{
    struct inbound *in = arg;
    int64_t now_ns = clock_now_ns();
    if (in->reach.put_done && in->reach.put_done(in->reach.arg, result))
        return;
    if (!in->reach.agent)
        return; /* another region, into which nothing is put */
    if (in->reach.tracing && result->bucket == BUS_SERVICES && !result->err)
        tracing_put_done(in->reach.tracing, result->token);
    agent_published(in->reach.agent, result->token, result->err, result->seq, result->rtt_ns, now_ns);
    struct agent_status agent = agent_status(in->reach.agent);
    if (result->bucket == BUS_HOSTS && !result->err && agent.publishing && !in->own_lease.leaving)
        host_events_lease_stored(&in->host_events, agent.registrations, now_ns);
    buckets_put(&in->buckets, result, result->bucket == BUS_HOSTS ? agent.lease_refused : agent.refused, now_ns);
    if (result->err == -ENODEV)
        look_for_bucket(in, result->bucket, now_ns);
}

const struct inbound_kind inbound_own = {
    .init = init,
    .connected = connected,
    .disconnected = disconnected,
    .moved = moved,
    .probe = probe,
    .trustworthy = trustworthy,
    .stale = stale,
    .stale_reason = stale_reason,
};
