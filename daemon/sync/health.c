/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the bus from three inputs (connection, followers, canary), anew after each change of one. */
#include "daemon/sync/health.h"

#define SMOOTHING 8 /* a new measurement counts for one part in so many */

static bool is_overdue(const struct health *h, int64_t now_ns)
{
    return h->waiting && now_ns - h->waiting_since_ns >= h->overdue_ns;
}

static enum health_reason judge(const struct health *h, int64_t now_ns)
{
    if (!h->connected)
        return HEALTH_DISCONNECTED;
    if (!h->synced)
        return HEALTH_UNSYNCED;
    if (is_overdue(h, now_ns))
        return HEALTH_OVERDUE;
    return h->heard ? HEALTH_OK : HEALTH_NO_CANARY;
}

static void update(struct health *h, int64_t now_ns)
{
    enum health_reason reason = judge(h, now_ns);
    if (reason == h->reason)
        return;
    h->reason = reason;
    h->changed(h->arg, reason);
}

void health_init(struct health *h, int64_t overdue_ns, health_changed_fn *changed, void *arg)
{
    *h = (struct health){
        .changed = changed,
        .arg = arg,
        .overdue_ns = overdue_ns,
        .reason = HEALTH_DISCONNECTED,
        .last_ns = -1,
    };
}

void health_set_connected(struct health *h, bool connected, int64_t now_ns)
{
    h->connected = connected;
    h->heard = h->waiting = false; /* what was put before says nothing of this connection */
    update(h, now_ns);
}

void health_set_synced(struct health *h, bool synced, int64_t now_ns)
{
    h->synced = synced;
    update(h, now_ns);
}

void health_sent(struct health *h, uint64_t counter, int64_t now_ns)
{
    h->sent = counter;
    h->sent_ns = now_ns;
    if (!h->waiting) {
        h->waiting = true;
        h->waiting_since_ns = now_ns;
    }
    update(h, now_ns);
}

static void measure(struct health *h, int64_t took_ns)
{
    h->smoothed_ns = h->last_ns < 0 ? took_ns : h->smoothed_ns + (took_ns - h->smoothed_ns) / SMOOTHING;
    h->last_ns = took_ns;
}

void health_seen(struct health *h, uint64_t counter, int64_t now_ns)
{
    if (counter > h->sent || counter <= h->seen)
        return; /* of another life, or a repetition */
    h->seen = counter;
    h->heard = true;
    if (counter == h->sent) {
        measure(h, now_ns - h->sent_ns);
        h->waiting = false;
    } else {
        /* A later canary is out. When those between were put is not known: the newest one's time has to do. */
        h->waiting_since_ns = h->sent_ns;
    }
    update(h, now_ns);
}

void health_stalled(struct health *h, int64_t ns)
{
    h->waiting_since_ns += ns;
}

int64_t health_tick(struct health *h, int64_t now_ns)
{
    update(h, now_ns);
    bool may_become_overdue = h->connected && h->synced && h->waiting && !is_overdue(h, now_ns);
    return may_become_overdue ? h->waiting_since_ns + h->overdue_ns : INT64_MAX;
}

const char *health_reason_text(enum health_reason reason)
{
    static const char *const texts[] = {
        [HEALTH_OK] = "ok",
        [HEALTH_DISCONNECTED] = "not connected to NATS",
        [HEALTH_UNSYNCED] = "not synchronised with the buckets",
        [HEALTH_NO_CANARY] = "the own lease has not come back yet",
        [HEALTH_OVERDUE] = "the own lease did not come back in time",
    };
    return texts[reason];
}
