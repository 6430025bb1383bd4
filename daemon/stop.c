/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a life, which is one of two:
 *
 *   handing over  the daemon stops, its services go on: the lease is put once more, so that the next life has the whole
 *                 of it to come back in, and what has changed until now is given to NATS
 *   leaving       the host leaves the registry: a lease that says good-bye, then its records are taken away
 *
 * Either ends when NATS has confirmed it, when there is no NATS to wait for, or when it has taken too long.
 */
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

#include <systemd/sd-daemon.h>

/* systemd waits 90 s for the end of a service; an operator does not want to wait nearly as long. */
#define LEAVE_NS     (3 * NS_PER_S)
#define HAND_OVER_NS NS_PER_S

#define LOOK_NS (5 * NS_PER_MS)

static bool handed_over(const struct daemon *d)
{
    struct agent_status agent = agent_status(d->agent);
    bool publishing = bus_connected(d->bus) && agent.name == AGENT_NAME_OURS;
    return !publishing || (agent.lease_acknowledged && agent.unacknowledged == 0);
}

/* Where the sockets outlive this process, who comes now waits in them for the next life, and nobody is turned away. */
static void leave_newcomers_waiting(struct daemon *d)
{
    if (d->activation.api)
        api_stop_accepting(d->api);
    if (d->activation.http)
        http_stop_accepting(d->http);
}

/* Who was let in before gets his answer. */
static bool owes_an_answer(const struct daemon *d)
{
    return d->activation.http && http_is_owed(d->http);
}

static void look_again(struct daemon *d)
{
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&d->stop_look_timer, now_ns + LOOK_NS, now_ns);
}

/* why: nobody confirmed it; NULL: it is done. */
static void finish(struct daemon *d, const char *why)
{
    if (why)
        log_warning("%s", why);
    if (d->api)
        api_left(d->api, why);
    event_base_loopbreak(d->base);
}

static void took_too_long(void *arg)
{
    struct daemon *d = arg;
    finish(d, d->stopping == STOPPING_LEAVES
                  ? "NATS did not confirm the good-bye in time: other hosts will notice when the lease runs out"
                  : "NATS did not confirm the last changes in time: they are put again after the next start");
}

static void hand_over(struct daemon *d)
{
    if (bus_connected(d->bus))
        log_notice("stopping: the services of this host stay registered until its lease runs out, in %lld s",
                   (long long)(d->config->registry.lease_ttl_ns / NS_PER_S));
    else
        log_warning("stopping, and NATS is not connected: what it has not confirmed is put again after the next start");
    agent_beat_now(d->agent, clock_now_ns());
}

static void leave(struct daemon *d)
{
    log_notice("leaving: taking the registrations of this host back");
    inbound_leaving(d->inbound);
    agent_leave(d->agent, clock_now_ns());
}

void stop_begin(struct daemon *d, enum stopping how)
{
    int64_t now_ns = clock_now_ns();
    if (how <= d->stopping)
        return;
    d->stopping = how;
    sd_notify(0, "STOPPING=1");
    leave_newcomers_waiting(d);
    if (how == STOPPING_LEAVES)
        leave(d);
    else
        hand_over(d);
    loop_timer_arm(&d->stop_timer, now_ns + (how == STOPPING_LEAVES ? LEAVE_NS : HAND_OVER_NS), now_ns);
    daemon_turn(d);
}

void stop_by_signal(struct daemon *d)
{
    if (d->stopping) /* the second signal ends the daemon at once */
        event_base_loopbreak(d->base);
    else
        stop_begin(d, d->config->registry.on_stop == ON_STOP_LEAVE ? STOPPING_LEAVES : STOPPING_HANDS_OVER);
}

void stop_check(void *arg)
{
    struct daemon *d = arg;
    bool connected = bus_connected(d->bus);
    if (d->stopping == STOPPING_HANDS_OVER && handed_over(d) && owes_an_answer(d))
        look_again(d);
    else if (d->stopping == STOPPING_HANDS_OVER && handed_over(d))
        finish(d, NULL);
    else if (d->stopping == STOPPING_LEAVES && !connected)
        finish(d,
               "NATS is not connected, so nobody hears the good-bye: other hosts will notice when the lease runs out");
    else if (d->stopping == STOPPING_LEAVES && agent_left(d->agent))
        finish(d, NULL);
}

int stop_init(struct daemon *d)
{
    int err = loop_timer_init(&d->stop_timer, d->base, took_too_long, d);
    return err ? err : loop_timer_init(&d->stop_look_timer, d->base, stop_check, d);
}
