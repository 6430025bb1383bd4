/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out whether another live host uses this host's name. */
#include "daemon/agent/name_conflict.h"

#include "libdiscover/core/clock.h"

#define HOLD_SHARE    3  /* of the lease's TTL, as a beat */
#define RETURN_SHARE  2  /* of it: so long another may take to connect again; less than its readers wait for us */
#define ANSWER_SHARE  12 /* of the lease's TTL; an answer is put at the latest after half of that */
#define ANSWER_MAX_NS (500 * NS_PER_MS)
#define CONNECT_NS    NS_PER_S /* a server that is there is connected to by then */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void name_conflict_init(struct name_conflict *c, uint64_t node, uint64_t life, int64_t lease_ttl_ns, int64_t now_ns)
{
    *c = (struct name_conflict){
        .name = AGENT_NAME_UNKNOWN,
        .node = node,
        .life = life,
        .claim = UINT64_MAX,
        .hold_ns = lease_ttl_ns / HOLD_SHARE,
        .answer_ns = earlier(lease_ttl_ns / ANSWER_SHARE, ANSWER_MAX_NS),
        .hold_until_ns = INT64_MAX,
        .other_until_ns = INT64_MIN,
        .started_ns = now_ns,
    };
}

void name_conflict_remember(struct name_conflict *c, uint64_t last_life)
{
    c->remembers = true;
    c->last_life = last_life;
}

/* The other may not be connected again yet. */
static int64_t return_ns(const struct name_conflict *c)
{
    return HOLD_SHARE * c->hold_ns / RETURN_SHARE;
}

/* Whoever had the name last may be alive elsewhere, and its lease so old that the bucket has forgotten it. */
static bool may_be_a_copy(const struct name_conflict *c)
{
    return c->remembers && c->last_life == 0;
}

void name_conflict_connected(struct name_conflict *c, int64_t now_ns)
{
    if (c->hold_until_ns == INT64_MAX)
        c->hold_until_ns = now_ns + (may_be_a_copy(c) ? return_ns(c) : c->hold_ns);
    c->server_was_away |= now_ns - c->started_ns > CONNECT_NS;
    if (c->name == AGENT_NAME_CONFLICT)
        c->other_until_ns = now_ns + (int64_t)c->other.ttl_ms * NS_PER_MS;
}

/*
 * Perhaps it was the server that went away, and nobody could renew a lease: whoever has the name keeps it for a whole
 * TTL after our return, as its readers keep it.
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

bool name_conflict_wants_to_ask(const struct name_conflict *c)
{
    return c->ask_due;
}

struct lease name_conflict_question(const struct name_conflict *c)
{
    struct lease question = c->other;
    question.asked_by = c->life;
    question.ran_out = c->other_ran_out;
    return question;
}

/* Never so long that the lease, if it is our own, runs out meanwhile. */
static int64_t wait_at_most(const struct name_conflict *c, int64_t wait_ns, int64_t now_ns)
{
    return now_ns + earlier(wait_ns, (c->other_until_ns - now_ns) / 2);
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

/* Another machine has the time in which it would renew its lease in any case. */
static void question_came_back(struct name_conflict *c, int64_t now_ns)
{
    int64_t wait_ns = c->other.node == c->node ? c->answer_ns : c->hold_ns;
    if (c->asked && c->name == AGENT_NAME_UNKNOWN && other_valid(c) && !has_to_return(c))
        c->answer_until_ns = earlier(c->answer_until_ns, wait_at_most(c, wait_ns, now_ns));
}

/* --- others --- */

/*
 * The first lease of a life cannot know its own sequence yet: then it is the one it came with. Claims of one bucket
 * order all lives, and no clock is asked. A version before claims decides by node, and expects that of us.
 */
static bool goes_before_us(const struct name_conflict *c, const struct lease *l, uint64_t seq)
{
    uint64_t theirs = l->claim ? l->claim : seq;
    if (!l->life)
        return l->node <= c->node;
    return theirs != c->claim ? theirs < c->claim : l->life < c->life;
}

static enum name_conflict_news tell(struct name_conflict *c, uint64_t life, enum name_conflict_news news)
{
    if (news == NAME_CONFLICT_IGNORED && c->told_life == life)
        return NAME_CONFLICT_NOTHING;
    c->told_life = life;
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

/* Another life uses the name. Who stands down begins anew when it gets the name. */
static enum name_conflict_news judge(struct name_conflict *c, const struct lease *l, uint64_t seq, int64_t now_ns)
{
    if (c->name == AGENT_NAME_CONFLICT)
        return NAME_CONFLICT_NOTHING;
    if (c->name == AGENT_NAME_OURS && !goes_before_us(c, l, seq)) {
        answer(c, l->life, now_ns);
        return tell(c, l->life ? l->life : l->node, NAME_CONFLICT_IGNORED);
    }
    answer(c, l->life, now_ns);
    c->last_word_due = c->name == AGENT_NAME_OURS;
    c->name = AGENT_NAME_CONFLICT;
    c->claim = UINT64_MAX;
    c->ask_due = c->answer_due = false;
    return tell(c, l->life ? l->life : l->node, NAME_CONFLICT_FOUND);
}

/*
 * Whether it has renewed its lease since we first saw it. What comes in quick succession does not count: those may be
 * the last words of a dead one, held up on their way. They took the place of our question: somebody who has just
 * connected has not seen it, and is asked again.
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

/* It is no lease of whoever asks, who has none yet; nor is it one of whom it was copied from. */
static enum name_conflict_news take_question(struct name_conflict *c, const struct lease *l, int64_t now_ns)
{
    answer(c, l->asked_by, now_ns);
    return c->name == AGENT_NAME_OURS ? tell(c, l->asked_by, NAME_CONFLICT_IGNORED) : NAME_CONFLICT_NOTHING;
}

/* A lease that said good-bye, or ran out; the server may have been away since. */
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
    if (l->asked_by && other_valid(c) && lease_same_life(l, &c->other)) /* it tells nothing new of that one */
        return NAME_CONFLICT_NOTHING;
    bool lives = note(c, l, now_ns) || (l->answers && l->answers == c->life);
    int64_t until_ns = l->leaving || l->ran_out ? now_ns : now_ns - age_ns + (int64_t)l->ttl_ms * NS_PER_MS;
    if (until_ns <= now_ns) {
        take_ended(c, l, now_ns);
        return NAME_CONFLICT_NOTHING;
    }
    c->other_ran_out = false;
    if (c->name == AGENT_NAME_CONFLICT)
        until_ns = later(until_ns, c->other_until_ns);
    else if (c->name == AGENT_NAME_UNKNOWN && has_to_return(c))
        until_ns = later(until_ns, now_ns + return_ns(c));
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
        c->claim = seq < c->claim ? seq : c->claim; /* lower than the first: the bucket has begun anew */
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
    return waits_for_answer ? earlier(c->answer_until_ns, c->other_until_ns) : c->other_until_ns;
}
