/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the read side is in another region: nothing of this host is there, and whether it can be trusted is found out by
 * asking (region_health.h). To the followers a region that does not answer is a connection that is down.
 */
#include "daemon/base/log.h"
#include "daemon/registry/inbound/inbound_impl.h"

static void connected(struct inbound *in, const char *server, int64_t now_ns)
{
    log_info("region %s: connected to %s", in->reach.region, server);
    region_health_set_connected(&in->region, true, now_ns);
}

static void disconnected(struct inbound *in, const char *reason, int64_t now_ns)
{
    log_info("region %s: lost NATS: %s", in->reach.region, reason);
    region_health_set_connected(&in->region, false, now_ns);
}

static void moved(struct inbound *in, const char *server, bool reloaded)
{
    (void)reloaded;
    log_info("region %s: connected to %s", in->reach.region, server);
}

static void heard(struct inbound *in, int64_t now_ns)
{
    region_health_heard(&in->region, now_ns);
}

/* When it was asked for, nothing was there that is not here: nobody spoke until then. */
static bool proves_silence(const struct inbound *in, const struct bus_info *info)
{
    const struct follow *hosts = in->followers[BUS_HOSTS].follow;
    return !info->err && follow_is_live(hosts) && info->last_seq == follow_horizon(hosts);
}

static void checked(struct inbound *in, const struct bus_info *info, int64_t now_ns)
{
    if (proves_silence(in, info))
        liveness_heard(in->liveness, in->asked_ns);
    region_health_answered(&in->region, info->err, now_ns);
    if (info->err)
        inbound_mirror_read(in);
}

static void lease(struct inbound *in, const struct lease *lease)
{
    region_health_lease(&in->region, (int64_t)lease->ttl_ms * NS_PER_MS);
}

static void synced(struct inbound *in, bool both, int64_t now_ns)
{
    region_health_set_synced(&in->region, both, now_ns);
}

/* A check that is out already began too early to prove anything now; its answer is waited for. */
static void ask(void *arg)
{
    struct inbound *in = arg;
    struct follow *hosts = in->followers[BUS_HOSTS].follow;
    if (follow_is_checking(hosts) && follow_is_live(hosts))
        return;
    in->asked_ns = clock_now_ns();
    if (!follow_check_now(hosts))
        (void)in->reach.check(in->reach.arg, BUS_HOSTS); /* busy: the answer to the earlier one will do */
}

static void probe(struct inbound *in, int64_t now_ns)
{
    (void)now_ns;
    ask(in);
}

static bool trustworthy(const struct inbound *in)
{
    return in->region.state == REGION_LIVE;
}

static bool stale(const struct inbound *in)
{
    return in->region.state != REGION_LIVE;
}

static const char *stale_reason(const struct inbound *in)
{
    switch (in->region.state) {
    case REGION_NEVER:
        return "nothing is known of it yet";
    case REGION_CATCHING_UP:
        return "it answers again, and is being read";
    default:
        return in->region.connected ? "it does not answer" : "not connected to NATS";
    }
}

static void stalled(struct inbound *in, int64_t ns)
{
    region_health_stalled(&in->region, ns);
}

static int64_t tick(struct inbound *in, int64_t now_ns)
{
    return region_health_tick(&in->region, now_ns);
}

static void reachable(void *arg, bool is_reachable)
{
    struct inbound *in = arg;
    inbound_follow(in, is_reachable, clock_now_ns());
}

static void tell(const struct inbound *in, enum region_state state)
{
    if (state == REGION_LIVE)
        log_notice("region %s: live", in->reach.region);
    else if (state == REGION_STALE)
        log_warning("region %s: stale from now on: %s; what is known of it stays", in->reach.region, stale_reason(in));
}

static void changed(void *arg, enum region_state state)
{
    struct inbound *in = arg;
    tell(in, state);
    inbound_trust(in, clock_now_ns());
}

static void init(struct inbound *in)
{
    static const struct region_health_ops ops = {ask, reachable, changed};
    region_health_init(&in->region, &ops, in, in->reach.config->registry.lease_ttl_ns);
}

void inbound_remember(struct inbound *in)
{
    region_health_remember(&in->region);
}

enum region_state inbound_region_state(const struct inbound *in)
{
    return in->region.state;
}

int64_t inbound_heard_ns(const struct inbound *in)
{
    return in->region.heard_ns;
}

uint64_t inbound_questions(const struct inbound *in)
{
    return in->region.asked;
}

const struct inbound_kind inbound_other = {
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
