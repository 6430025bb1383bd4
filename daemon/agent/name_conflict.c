/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the host's name is ours. */
#include "daemon/agent/name_conflict.h"

#include "libdiscover/core/clock.h"

void name_conflict_init(struct name_conflict *r, uint64_t node, uint64_t epoch, int64_t lease_ttl_ns)
{
    *r = (struct name_conflict){
        .name = AGENT_NAME_UNKNOWN,
        .node = node,
        .first_epoch = epoch,
        .epoch = epoch,
        .hold_ns = lease_ttl_ns / NAME_CONFLICT_HOLD_SHARE,
        .hold_until_ns = INT64_MAX,
        .other_until_ns = INT64_MIN,
    };
}

void name_conflict_jump(struct name_conflict *r, uint64_t epoch)
{
    r->epoch = epoch;
}

void name_conflict_connected(struct name_conflict *r, int64_t now_ns)
{
    if (r->hold_until_ns == INT64_MAX)
        r->hold_until_ns = now_ns + r->hold_ns;
}

void name_conflict_disconnected(struct name_conflict *r)
{
    if (r->name == AGENT_NAME_OURS)
        return;
    r->name = AGENT_NAME_UNKNOWN;
    r->hold_until_ns = INT64_MAX;
    r->other_until_ns = INT64_MIN;
}

void name_conflict_hosts_synced(struct name_conflict *r, int64_t now_ns)
{
    r->hold_until_ns = now_ns;
    name_conflict_tick(r, now_ns);
}

static bool is_this_life(const struct name_conflict *r, const struct lease *l)
{
    return l->node == r->node && l->epoch >= r->first_epoch && l->epoch <= r->epoch;
}

/* By node: epochs move when one of the two goes above the other's. A copy of our own state has our node. */
static bool goes_before_us(const struct name_conflict *r, const struct lease *l)
{
    return l->node != r->node ? l->node < r->node : l->epoch < r->epoch;
}

static enum name_conflict_news tell(struct name_conflict *r, const struct lease *l, enum name_conflict_news news)
{
    if (news == NAME_CONFLICT_IGNORED && r->told_node == l->node && r->told_epoch == l->epoch)
        return NAME_CONFLICT_NOTHING;
    r->told_node = l->node;
    r->told_epoch = l->epoch;
    return news;
}

/* Another host lives and uses the name. */
static enum name_conflict_news judge(struct name_conflict *r, const struct lease *l)
{
    if (r->name == AGENT_NAME_CONFLICT)
        return NAME_CONFLICT_NOTHING;
    if (r->name == AGENT_NAME_OURS && !goes_before_us(r, l))
        return tell(r, l, NAME_CONFLICT_IGNORED);
    r->name = AGENT_NAME_CONFLICT;
    return tell(r, l, NAME_CONFLICT_FOUND);
}

/*
 * Whether it has renewed its lease since we first saw it. What comes in quick succession does not count: those may be
 * the last words of a dead one, held up on their way.
 */
static bool note(struct name_conflict *r, const struct lease *l, int64_t now_ns)
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

enum name_conflict_news name_conflict_seen(struct name_conflict *r, const struct lease *l, int64_t age_ns,
                                           int64_t now_ns)
{
    if (is_this_life(r, l))
        return NAME_CONFLICT_NOTHING;
    bool renewed = note(r, l, now_ns);
    if (l->leaving) {
        r->other_until_ns = INT64_MIN;
        name_conflict_tick(r, now_ns);
        return NAME_CONFLICT_NOTHING;
    }
    /* The last lease of our own earlier life, unless it is renewed: then somebody runs a copy of our state. */
    if (l->node == r->node && !renewed)
        return NAME_CONFLICT_NOTHING;
    int64_t until_ns = now_ns - age_ns + (int64_t)l->ttl_ms * NS_PER_MS;
    if (until_ns <= now_ns)
        return NAME_CONFLICT_NOTHING;
    r->other_until_ns = until_ns;
    return renewed ? judge(r, l) : NAME_CONFLICT_NOTHING;
}

void name_conflict_tick(struct name_conflict *r, int64_t now_ns)
{
    if (r->other_until_ns <= now_ns)
        r->other_until_ns = INT64_MIN;
    if (r->other_until_ns != INT64_MIN)
        return;
    if (r->name == AGENT_NAME_CONFLICT || r->hold_until_ns <= now_ns)
        r->name = AGENT_NAME_OURS;
}

int64_t name_conflict_deadline(const struct name_conflict *r)
{
    if (r->name == AGENT_NAME_OURS)
        return INT64_MAX;
    return r->other_until_ns != INT64_MIN ? r->other_until_ns : r->hold_until_ns;
}
