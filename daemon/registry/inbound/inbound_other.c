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

/* Whether HOSTS held nothing at the time of the question that is not known here: then no host spoke until then. */
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

/* A check that is under way began too early to prove anything now; its answer is waited for. */
static void ask(void *arg)
{
    struct inbound *in = arg;
    struct follow *hosts = in->followers[BUS_HOSTS].follow;
    if (follow_is_checking(hosts) && follow_is_live(hosts))
        return;
    in->asked_ns = clock_now_ns();
    if (!follow_check_now(hosts))
        (void)in->reach.order(in->reach.arg, BUS_CHECK, BUS_HOSTS); /* busy: the answer to the earlier order will do */
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

static void reachable(void *arg, bool is_reachable)
{
    struct inbound *in = arg;
    inbound_follow(in, is_reachable, clock_now_ns());
}

static void log_state(const struct inbound *in, enum region_state state)
{
    if (state == REGION_LIVE)
        log_notice("region %s: live", in->reach.region);
    else if (state == REGION_STALE)
        log_warning("region %s: stale from now on: %s; what is known of it stays", in->reach.region, stale_reason(in));
}

static void changed(void *arg, enum region_state state)
{
    struct inbound *in = arg;
    log_state(in, state);
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

const struct region_health *inbound_region(const struct inbound *in)
{
    return &in->region;
}

const struct inbound_kind inbound_other = {
    .init = init,
    .connected = connected,
    .disconnected = disconnected,
    .moved = moved,
    .checked = checked,
    .probe = ask,
    .trustworthy = trustworthy,
    .stale = stale,
    .stale_reason = stale_reason,
};
