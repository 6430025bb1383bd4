/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the host's name is ours. */
#include "daemon/agent/rival.h"

#include "libdiscover/core/clock.h"

void rival_init(struct rival *r, uint64_t node, uint64_t epoch, int64_t lease_ttl_ns)
{
    *r = (struct rival){
        .name = AGENT_NAME_UNKNOWN,
        .node = node,
        .first_epoch = epoch,
        .epoch = epoch,
        .hold_ns = lease_ttl_ns / RIVAL_HOLD_SHARE,
        .hold_until_ns = INT64_MAX,
        .other_until_ns = INT64_MIN,
    };
}

void rival_jump(struct rival *r, uint64_t epoch)
{
    r->epoch = epoch;
}

void rival_connected(struct rival *r, int64_t now_ns)
{
    if (r->hold_until_ns == INT64_MAX)
        r->hold_until_ns = now_ns + r->hold_ns;
}

void rival_disconnected(struct rival *r)
{
    if (r->name == AGENT_NAME_OURS)
        return;
    r->name = AGENT_NAME_UNKNOWN;
    r->hold_until_ns = INT64_MAX;
    r->other_until_ns = INT64_MIN;
}

void rival_hosts_synced(struct rival *r, int64_t now_ns)
{
    r->hold_until_ns = now_ns;
    rival_tick(r, now_ns);
}

static bool is_this_life(const struct rival *r, const struct lease *l)
{
    return l->node == r->node && l->epoch >= r->first_epoch && l->epoch <= r->epoch;
}

/* By node: epochs move when one of the two goes above the other's. A copy of our own state has our node. */
static bool goes_before_us(const struct rival *r, const struct lease *l)
{
    return l->node != r->node ? l->node < r->node : l->epoch < r->epoch;
}

static enum rival_news tell(struct rival *r, const struct lease *l, enum rival_news news)
{
    if (news == RIVAL_IGNORED && r->told_node == l->node && r->told_epoch == l->epoch)
        return RIVAL_NOTHING;
    r->told_node = l->node;
    r->told_epoch = l->epoch;
    return news;
}

/* Another host lives and uses the name. */
static enum rival_news judge(struct rival *r, const struct lease *l)
{
    if (r->name == AGENT_NAME_RIVAL)
        return RIVAL_NOTHING;
    if (r->name == AGENT_NAME_OURS && !goes_before_us(r, l))
        return tell(r, l, RIVAL_IGNORED);
    r->name = AGENT_NAME_RIVAL;
    return tell(r, l, RIVAL_FOUND);
}

/*
 * Whether it has renewed its lease since we first saw it. What comes in quick succession does not count: those may be
 * the last words of a dead one, held up on their way.
 */
static bool note(struct rival *r, const struct lease *l, int64_t now_ns)
{
    bool same = l->node == r->other_node && l->epoch == r->other_epoch;
    bool renewed = same && l->counter > r->other_counter && now_ns - r->other_since_ns >= r->hold_ns / 2;
    if (!same)
        r->other_since_ns = now_ns;
    r->other_node = l->node;
    r->other_epoch = l->epoch;
    r->other_counter = l->counter;
    return renewed;
}

enum rival_news rival_seen(struct rival *r, const struct lease *l, int64_t age_ns, int64_t now_ns)
{
    if (is_this_life(r, l))
        return RIVAL_NOTHING;
    bool renewed = note(r, l, now_ns);
    if (l->leaving) {
        r->other_until_ns = INT64_MIN;
        rival_tick(r, now_ns);
        return RIVAL_NOTHING;
    }
    /* The last lease of our own earlier life, unless it is renewed: then somebody runs a copy of our state. */
    if (l->node == r->node && !renewed)
        return RIVAL_NOTHING;
    int64_t until_ns = now_ns - age_ns + (int64_t)l->ttl_ms * NS_PER_MS;
    if (until_ns <= now_ns)
        return RIVAL_NOTHING;
    r->other_until_ns = until_ns;
    return renewed ? judge(r, l) : RIVAL_NOTHING;
}

void rival_tick(struct rival *r, int64_t now_ns)
{
    if (r->other_until_ns <= now_ns)
        r->other_until_ns = INT64_MIN;
    if (r->other_until_ns != INT64_MIN)
        return;
    if (r->name == AGENT_NAME_RIVAL || r->hold_until_ns <= now_ns)
        r->name = AGENT_NAME_OURS;
}

int64_t rival_deadline(const struct rival *r)
{
    if (r->name == AGENT_NAME_OURS)
        return INT64_MAX;
    return r->other_until_ns != INT64_MIN ? r->other_until_ns : r->hold_until_ns;
}
