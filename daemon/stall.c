/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon must do that did not run for a while because it was stopped, suspended, or got no processor time.
 *
 *  1. The loop turns once a second at least. When it turns much later than it meant to, nothing was read meanwhile: the
 *     time does not count, neither for heartbeats of programs nor for records nor for our own lease on its way.
 *  2. A TTL that has run out is not concluded from before everything has been read that came by then. What waits in
 *     sockets is not known; but a timer that goes round the loop some times comes behind it.
 */
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

#define STALL_NS  (250 * NS_PER_MS)
#define LOGGED_NS NS_PER_S
#define ROUNDS    8        /* the loop takes 32 events at first, and twice as many each time when there are more */
#define ROUNDS_NS NS_PER_S /* at most, with programs that never stop sending */

static void arm(struct daemon *d)
{
    loop_timer_arm(&d->stall.timer, 0, 0);
}

static void on_round(void *arg)
{
    struct daemon *d = arg;
    struct stall *s = &d->stall;
    bool in_time = clock_now_ns() - s->begun_ns < ROUNDS_NS;
    if (++s->rounds < ROUNDS || (in_time && d->api && api_has_backlog(d->api))) {
        arm(d);
        return;
    }
    agent_read_until(d->agent, s->begun_ns);
    s->begun_ns = 0;
    daemon_turn(d);
}

static const struct metric metrics_table[] = {
    COUNTER_OF(stall, stalls, "discoverd_stalls_total", "Times this process did not run for more than 250 ms."),
};
METRICS_LISTED(metrics_table)

int stall_start(struct daemon *d)
{
    int err = loop_timer_init(&d->stall.timer, d->base, on_round, d);
    return err ? err : metrics_add(d->metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &d->stall);
}

void stall_stop(struct daemon *d)
{
    loop_timer_fini(&d->stall.timer);
}

static void excuse(struct daemon *d, int64_t late_ns, int64_t now_ns)
{
    metric_inc(&d->stall.stalls);
    if (late_ns >= LOGGED_NS)
        log_warning("this process did not run for %.1f s: what came meanwhile is read before anything runs out",
                    (double)late_ns / 1e9);
    registrar_stalled(agent_registrar(d->agent), now_ns);
    catalog_postpone(d->catalog, late_ns);
    inbound_stalled(d->inbound, late_ns);
    regions_stalled(d->regions, late_ns);
}

void stall_begin_turn(struct daemon *d, int64_t now_ns)
{
    int64_t late_ns = d->stall.due_ns ? now_ns - d->stall.due_ns : 0;
    if (d->stall.due_ns == 0)
        agent_read_until(d->agent, now_ns);
    else if (late_ns > STALL_NS)
        excuse(d, late_ns, now_ns);
}

void stall_end_turn(struct daemon *d, int64_t next_ns, int64_t now_ns)
{
    d->stall.due_ns = next_ns < now_ns + NS_PER_S ? next_ns : now_ns + NS_PER_S;
    if (d->stall.due_ns < now_ns)
        d->stall.due_ns = now_ns;
    if (d->stall.begun_ns || !agent_waits_for_input(d->agent))
        return;
    d->stall.begun_ns = now_ns;
    d->stall.rounds = 0;
    arm(d);
}
