/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why nobody is declared dead over a link that was cut: a lease has at least two beats left when it was heard last. After
 * one of silence the region is asked, and before the second is over it is stale unless it has answered.
 */
#include "daemon/sync/region_health.h"

#include <errno.h>

#include "daemon/base/deadlines.h"
#include "libdiscover/core/clock.h"

#define BEATS_PER_TTL 3
#define BEAT_MIN_NS   (300 * NS_PER_MS) /* whoever writes leases of a shorter TTL does not make us ask more often */

#define ANSWER_PERCENT 60 /* of a beat, for an answer: what is left is for us to notice */
#define ANSWER_MAX_NS  (2 * NS_PER_S)
#define AGAIN_NS       (NS_PER_S * 3 / 4) /* between two questions to one that does not answer */

static void update(struct region_health *h)
{
    enum region_state state = !h->known                        ? REGION_NEVER
                              : !h->connected || !h->reachable ? REGION_STALE
                              : h->synced                      ? REGION_LIVE
                                                               : REGION_CATCHING_UP;
    if (state == h->state)
        return;
    h->state = state;
    h->ops.changed(h->arg, state);
}

void region_health_init(struct region_health *h, const struct region_health_ops *ops, void *arg, int64_t lease_ttl_ns)
{
    *h = (struct region_health){.ops = *ops, .arg = arg, .beat_ns = lease_ttl_ns / BEATS_PER_TTL};
}

void region_health_remember(struct region_health *h)
{
    h->known = true;
    update(h);
}

static void set_reachable(struct region_health *h, bool reachable, int64_t now_ns)
{
    if (h->reachable == reachable)
        return;
    h->reachable = reachable;
    h->doubted_ns = 0;
    h->ask_ns = now_ns + AGAIN_NS;
    h->ops.reachable(h->arg, reachable);
    update(h);
}

void region_health_set_connected(struct region_health *h, bool connected, int64_t now_ns)
{
    h->connected = connected;
    if (!connected)
        set_reachable(h, false, now_ns);
    h->ask_ns = now_ns;
    update(h);
}

void region_health_heard(struct region_health *h, int64_t now_ns)
{
    if (!h->connected)
        return;
    h->heard_ns = now_ns;
    h->doubted_ns = 0;
    set_reachable(h, true, now_ns);
}

void region_health_answered(struct region_health *h, int err, int64_t now_ns)
{
    h->asking = false;
    if (!err)
        region_health_heard(h, now_ns);
    else if (err != -ETIMEDOUT)
        set_reachable(h, false, now_ns);
}

void region_health_set_synced(struct region_health *h, bool synced)
{
    h->synced = synced;
    h->known |= synced;
    update(h);
}

void region_health_lease(struct region_health *h, int64_t ttl_ns)
{
    int64_t beat_ns = ttl_ns / BEATS_PER_TTL;
    if (beat_ns < BEAT_MIN_NS)
        beat_ns = BEAT_MIN_NS;
    if (beat_ns < h->beat_ns)
        h->beat_ns = beat_ns;
}

void region_health_stalled(struct region_health *h, int64_t ns)
{
    h->heard_ns += ns;
    if (h->doubted_ns)
        h->doubted_ns += ns;
}

static int64_t answer_timeout_ns(const struct region_health *h)
{
    return deadline_earlier(h->beat_ns * ANSWER_PERCENT / 100, ANSWER_MAX_NS);
}

static void ask(struct region_health *h)
{
    h->asking = true;
    h->asked++;
    h->ops.ask(h->arg);
}

/*
 * Looks after a region that answers, as far as is known: asks it when it has been silent for a beat. Returns when to
 * look again.
 */
static int64_t doubt(struct region_health *h, int64_t now_ns)
{
    int64_t silent_ns = h->heard_ns + h->beat_ns;
    if (now_ns < silent_ns)
        return silent_ns;
    if (!h->doubted_ns)
        h->doubted_ns = now_ns;
    if (now_ns - h->doubted_ns >= answer_timeout_ns(h)) {
        set_reachable(h, false, now_ns);
        return h->ask_ns;
    }
    if (!h->asking)
        ask(h);
    return h->doubted_ns + answer_timeout_ns(h);
}

int64_t region_health_tick(struct region_health *h, int64_t now_ns)
{
    if (!h->connected)
        return INT64_MAX;
    if (h->reachable)
        return doubt(h, now_ns);
    if (now_ns >= h->ask_ns) {
        h->ask_ns = now_ns + AGAIN_NS;
        if (!h->asking)
            ask(h);
    }
    return h->ask_ns;
}

const char *region_state_text(enum region_state state)
{
    static const char *const texts[] = {"never", "live", "stale", "catching up"};
    return texts[state];
}
