/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out whether another live host uses this host's name. */
#include "daemon/agent/name_conflict.h"

#include "daemon/base/deadlines.h"
#include "libdiscover/core/clock.h"

#define HOLD_SHARE 3 /* a part of the lease's TTL: the time between two puts of it */
/* a part of the TTL: so long another host may take to connect again; hosts that know its lease wait longer */
#define RETURN_SHARE  2
#define ANSWER_SHARE  12 /* a part of the lease's TTL: an answer is put at the latest after half of that */
#define ANSWER_MAX_NS (500 * NS_PER_MS)
#define CONNECT_NS    NS_PER_S /* a server that is up is connected to within this time */

void name_conflict_init(struct name_conflict *c, uint64_t node, uint64_t life, int64_t lease_ttl_ns, int64_t now_ns)
{
    *c = (struct name_conflict){
        .name = AGENT_NAME_UNKNOWN,
        .node = node,
        .life = life,
        .claim = UINT64_MAX,
        .hold_ns = lease_ttl_ns / HOLD_SHARE,
        .answer_ns = deadline_earlier(lease_ttl_ns / ANSWER_SHARE, ANSWER_MAX_NS),
        .hold_until_ns = INT64_MAX,
        .other_until_ns = INT64_MIN,
        .asked_ns = now_ns,
    };
}

void name_conflict_remember(struct name_conflict *c, uint64_t last_life)
{
    c->remembers = true;
    c->last_life = last_life;
}

/* How long the other host may take to connect again after the server was away. */
static int64_t return_ns(const struct name_conflict *c)
{
    return HOLD_SHARE * c->hold_ns / RETURN_SHARE;
}

/*
 * Whether this machine may be a copy: the host that had the name last may be alive elsewhere, and its lease so old that
 * the bucket has forgotten it.
 */
static bool may_be_a_copy(const struct name_conflict *c)
{
    return c->remembers && c->last_life == 0;
}

void name_conflict_connected(struct name_conflict *c, int64_t now_ns)
{
    if (c->hold_until_ns == INT64_MAX)
        c->hold_until_ns = now_ns + (may_be_a_copy(c) ? return_ns(c) : c->hold_ns);
    c->server_was_away |= now_ns - c->asked_ns > CONNECT_NS;
    if (c->name == AGENT_NAME_CONFLICT)
        c->other_until_ns = now_ns + (int64_t)c->other.ttl_ms * NS_PER_MS;
}

/*
 * Perhaps the server went away, and nobody could renew a lease: the host that has the name keeps it for a whole TTL
 * after our return, as all other hosts keep its lease.
 */
void name_conflict_disconnected(struct name_conflict *c)
{
    if (c->name == AGENT_NAME_OURS)
        return;
    if (c->name == AGENT_NAME_CONFLICT) {
        c->other_until_ns = INT64_MAX;
        return;
    }
    c->name = AGENT_NAME_UNKNOWN;
    c->hold_until_ns = INT64_MAX;
    c->other_until_ns = INT64_MIN;
    c->ask_due = c->asked = c->other_ran_out = false;
    c->server_was_away = true;
}

/*
 * Whether the other may live and not be connected again yet. The server may have been away just before we came: all that
 * tells our own earlier life from whoever had the name where we were copied from is what this machine remembers.
 */
static bool has_to_return(const struct name_conflict *c)
{
    bool stranger = c->remembers && c->other.life != c->last_life;
    return c->server_was_away || c->other_ran_out || stranger;
}

static bool other_valid(const struct name_conflict *c)
{
    return c->other_until_ns != INT64_MIN;
}

void name_conflict_hosts_synced(struct name_conflict *c, int64_t now_ns)
{
    if (other_valid(c) || !may_be_a_copy(c))
        c->hold_until_ns = now_ns;
    name_conflict_tick(c, now_ns);
    c->ask_due = c->name == AGENT_NAME_UNKNOWN && !c->asked && other_valid(c);
}

/* --- asking --- */

struct lease name_conflict_question(const struct name_conflict *c)
{
    struct lease question = c->other;
    question.asked_by = c->life;
    question.ran_out = c->other_ran_out;
    return question;
}

/*
 * A time at which half of what is left of the lease is over, at the latest: if it is our own, it must not run out
 * meanwhile.
 */
static int64_t wait_at_most(const struct name_conflict *c, int64_t wait_ns, int64_t now_ns)
{
    return now_ns + deadline_earlier(wait_ns, (c->other_until_ns - now_ns) / 2);
}

/*
 * The time for the answer begins when the question has come back. If it does not: our own earlier life is waited for as
 * if there had been no snapshot, another machine as long as its lease runs.
 */
void name_conflict_asked(struct name_conflict *c, int64_t now_ns)
{
    c->ask_due = false;
    c->asked = true;
    if (has_to_return(c))
        c->answer_until_ns = now_ns + return_ns(c);
    else
        c->answer_until_ns = c->other.node == c->node ? wait_at_most(c, c->hold_ns, now_ns) : c->other_until_ns;
}

/* Begins the time for an answer: another machine has as long as it would take to renew its lease in any case. */
static void question_came_back(struct name_conflict *c, int64_t now_ns)
{
    int64_t wait_ns = c->other.node == c->node ? c->answer_ns : c->hold_ns;
    if (c->asked && c->name == AGENT_NAME_UNKNOWN && other_valid(c) && !has_to_return(c))
        c->answer_until_ns = deadline_earlier(c->answer_until_ns, wait_at_most(c, wait_ns, now_ns));
}

/* --- others --- */

/*
 * Whose first lease came earlier keeps the name. A life's first lease cannot know its own sequence yet: then the claim
 * is the sequence it came with. Claims of one bucket order all lives, and no clock is asked. Versions before claims
 * decide by node, and expect the same of us.
 */
static bool goes_before_us(const struct name_conflict *c, const struct lease *l, uint64_t seq)
{
    uint64_t theirs = l->claim ? l->claim : seq;
    if (!l->life)
        return l->node <= c->node;
    return theirs != c->claim ? theirs < c->claim : l->life < c->life;
}

static enum name_conflict_news report(struct name_conflict *c, uint64_t life, enum name_conflict_news news)
{
    if (news == NAME_CONFLICT_IGNORED && c->reported_life == life)
        return NAME_CONFLICT_NOTHING;
    c->reported_life = life;
    return news;
}

static void answer(struct name_conflict *c, uint64_t life, int64_t now_ns)
{
    if (c->name != AGENT_NAME_OURS)
        return;
    c->answers = life;
    c->answers_until_ns = now_ns + HOLD_SHARE * c->hold_ns;
    c->answer_due = true;
}

/* Another life uses the name: one of us stands down. If we do, our claim begins anew when we get the name again. */
static enum name_conflict_news judge(struct name_conflict *c, const struct lease *l, uint64_t seq, int64_t now_ns)
{
    if (c->name == AGENT_NAME_CONFLICT)
        return NAME_CONFLICT_NOTHING;
    if (c->name == AGENT_NAME_OURS && !goes_before_us(c, l, seq)) {
        answer(c, l->life, now_ns);
        return report(c, l->life ? l->life : l->node, NAME_CONFLICT_IGNORED);
    }
    answer(c, l->life, now_ns);
    c->last_word_due = c->name == AGENT_NAME_OURS;
    c->name = AGENT_NAME_CONFLICT;
    c->claim = UINT64_MAX;
    c->ask_due = c->answer_due = false;
    return report(c, l->life ? l->life : l->node, NAME_CONFLICT_FOUND);
}

/*
 * Whether the other has renewed its lease since we first saw it. Leases in quick succession do not count: they may be
 * the last ones of a dead host, held up on their way. But as they have overwritten our question, that is put again: a
 * host that has just connected has not seen it.
 */
static bool note(struct name_conflict *c, const struct lease *l, int64_t now_ns)
{
    bool same = lease_same_life(l, &c->other), newer = l->epoch > c->other.epoch || l->counter > c->other.counter;
    bool renewed = same && newer && now_ns - c->other_since_ns >= c->hold_ns / 2;
    if (!same)
        c->other_since_ns = now_ns;
    c->ask_due |= same && newer && c->asked && c->name == AGENT_NAME_UNKNOWN;
    c->other = *l;
    return renewed;
}

/*
 * A question is no lease of the life that asks, which has none yet, nor of the life whose lease it copies. A question
 * of our own earlier life was held up on its way: no alarm. It is answered all the same, as we may be the copy of a
 * machine that is only starting.
 */
static enum name_conflict_news take_question(struct name_conflict *c, const struct lease *l, int64_t now_ns)
{
    answer(c, l->asked_by, now_ns);
    bool alarming = c->name == AGENT_NAME_OURS && l->asked_by != c->last_asker;
    return alarming ? report(c, l->asked_by, NAME_CONFLICT_IGNORED) : NAME_CONFLICT_NOTHING;
}

/* Takes a lease that said good-bye or has run out; the server may have been away since it was put. */
static void take_ended(struct name_conflict *c, const struct lease *l, int64_t now_ns)
{
    if (l->leaving) {
        c->other_until_ns = INT64_MIN;
    } else if (c->name == AGENT_NAME_UNKNOWN && !other_valid(c) && !c->asked) {
        c->other_ran_out = true;
        c->other_until_ns = now_ns + return_ns(c);
    }
    name_conflict_tick(c, now_ns);
}

static enum name_conflict_news take_lease(struct name_conflict *c, const struct lease *l, uint64_t seq, int64_t age_ns,
                                          int64_t now_ns)
{
    /* a question: it says nothing new of the life whose lease it copies */
    if (l->asked_by && other_valid(c) && lease_same_life(l, &c->other))
        return NAME_CONFLICT_NOTHING;
    bool lives = note(c, l, now_ns) || (l->answers && l->answers == c->life);
    int64_t until_ns = l->leaving || l->ran_out ? now_ns : now_ns - age_ns + (int64_t)l->ttl_ms * NS_PER_MS;
    if (until_ns <= now_ns) {
        take_ended(c, l, now_ns);
        return NAME_CONFLICT_NOTHING;
    }
    c->other_ran_out = false;
    if (c->name == AGENT_NAME_CONFLICT)
        until_ns = deadline_later(until_ns, c->other_until_ns);
    else if (c->name == AGENT_NAME_UNKNOWN && has_to_return(c))
        until_ns = deadline_later(until_ns, now_ns + return_ns(c));
    c->other_until_ns = until_ns;
    if (lives)
        return judge(c, l, seq, now_ns);
    answer(c, l->life, now_ns);
    return NAME_CONFLICT_NOTHING;
}

enum name_conflict_news name_conflict_seen(struct name_conflict *c, const struct lease *l, uint64_t seq, int64_t age_ns,
                                           int64_t now_ns)
{
    bool fresh = age_ns < (int64_t)l->ttl_ms * NS_PER_MS;
    if (name_conflict_is_ours(c, l))
        c->claim = seq < c->claim ? seq : c->claim; /* lower than the first: the bucket was made anew */
    else if (l->asked_by == c->life && c->asked)
        question_came_back(c, now_ns);
    else if (l->asked_by && (c->name == AGENT_NAME_OURS || l->life == c->life))
        return fresh ? take_question(c, l, now_ns) : NAME_CONFLICT_NOTHING;
    else
        return take_lease(c, l, seq, age_ns, now_ns);
    return NAME_CONFLICT_NOTHING;
}

/* --- time --- */

static bool unanswered(const struct name_conflict *c, int64_t now_ns)
{
    return c->name == AGENT_NAME_UNKNOWN && c->asked && c->answer_until_ns <= now_ns;
}

void name_conflict_tick(struct name_conflict *c, int64_t now_ns)
{
    if (c->other_until_ns <= now_ns || unanswered(c, now_ns))
        c->other_until_ns = INT64_MIN;
    if (c->answers_until_ns <= now_ns)
        c->answers = 0;
    if (other_valid(c))
        return;
    if (c->name == AGENT_NAME_CONFLICT || c->hold_until_ns <= now_ns)
        c->name = AGENT_NAME_OURS;
}

int64_t name_conflict_deadline(const struct name_conflict *c)
{
    if (c->name == AGENT_NAME_OURS)
        return INT64_MAX;
    if (!other_valid(c))
        return c->hold_until_ns;
    bool waits_for_answer = c->name == AGENT_NAME_UNKNOWN && c->asked;
    return waits_for_answer ? deadline_earlier(c->answer_until_ns, c->other_until_ns) : c->other_until_ns;
}
