/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which region answers for a service: the own one or another in order, and after which time it changes. */
#include "daemon/sync/failover.h"

#include "libdiscover/core/clock.h"

#define SOON_NS     (600 * NS_PER_S) /* who goes again within this time has come back too early */
#define WAIT_MAX_NS (600 * NS_PER_S)

static bool has_enough(const struct failover_rule *rule, const struct failover_seen *home)
{
    return home->usable >= rule->min && home->usable > 0;
}

/*
 * The first other region that is live and has instances. If there is none, and the own one has no instance at all, the
 * first that had any when it was heard last.
 */
static int first_of(const struct failover_seen *home, const struct failover_seen *others, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (others[i].known && others[i].usable > 0)
            return (int)i;
    for (size_t i = 0; i < n && home->usable == 0; i++)
        if (others[i].usable > 0)
            return (int)i;
    return FAILOVER_HOME;
}

static int best_of(const struct failover_rule *rule, const struct failover_seen *home,
                   const struct failover_seen *others, size_t n)
{
    return has_enough(rule, home) ? FAILOVER_HOME : first_of(home, others, n);
}

static void go(struct failover *f, int to)
{
    f->switches += f->at != to;
    f->at = to;
    f->home_since_ns = f->nearer_since_ns = 0;
    f->lacking_since_ns = 0;
}

static int64_t first_wait_ns(const struct failover_rule *rule)
{
    return rule->back_after_ns + rule->back_after_ns / 100 * rule->jitter_percent;
}

/* Twice as long as the last time, if that did not last. */
static void set_wait(struct failover *f, const struct failover_rule *rule, int64_t now_ns)
{
    int64_t wait_ns = first_wait_ns(rule);
    if (f->returned_ns && now_ns - f->returned_ns < SOON_NS && f->wait_ns > 0)
        wait_ns = 2 * f->wait_ns < WAIT_MAX_NS ? 2 * f->wait_ns : WAIT_MAX_NS;
    f->wait_ns = wait_ns;
}

static int64_t leave_home(struct failover *f, const struct failover_rule *rule, const struct failover_seen *home,
                          int best, int64_t now_ns)
{
    if (!home->known || has_enough(rule, home)) {
        f->lacking_since_ns = 0;
        return INT64_MAX;
    }
    if (!f->lacking_since_ns)
        f->lacking_since_ns = now_ns;
    if (now_ns - f->lacking_since_ns < rule->after_ns)
        return f->lacking_since_ns + rule->after_ns;
    if (best != FAILOVER_HOME) {
        set_wait(f, rule, now_ns);
        go(f, best);
    }
    return INT64_MAX;
}

static void note_home(struct failover *f, bool has_enough, int64_t now_ns)
{
    if (!has_enough)
        f->home_since_ns = 0;
    else if (!f->home_since_ns)
        f->home_since_ns = now_ns;
}

static void note_nearer(struct failover *f, int first, int64_t now_ns)
{
    bool is_nearer = first != FAILOVER_HOME && first < f->at;
    if (!is_nearer)
        f->nearer_since_ns = 0;
    else if (!f->nearer_since_ns || f->nearer != first)
        f->nearer_since_ns = now_ns;
    f->nearer = first;
}

static int64_t home_due_ns(const struct failover *f)
{
    return f->home_since_ns ? f->home_since_ns + f->wait_ns : INT64_MAX;
}

int64_t failover_back_ns(const struct failover *f)
{
    int64_t home_ns = home_due_ns(f), nearer_ns = f->nearer_since_ns ? f->nearer_since_ns + f->wait_ns : INT64_MAX;
    return home_ns < nearer_ns ? home_ns : nearer_ns;
}

/* To the own one, or to one that is nearer: each has to have been there by itself, whatever the other one does. */
static int64_t go_nearer(struct failover *f, int64_t now_ns)
{
    int64_t home_ns = home_due_ns(f), due_ns = failover_back_ns(f);
    if (now_ns < due_ns)
        return due_ns;
    f->returned_ns = now_ns;
    go(f, now_ns >= home_ns ? FAILOVER_HOME : f->nearer);
    return now_ns; /* decides anew at once: after the change, there is something else to wait for */
}

/*
 * Whether the region at that place can go on answering: it is live and has instances, or has any while there is
 * nothing better.
 */
static bool holds(int at, int best, const struct failover_seen *others, size_t n)
{
    if ((size_t)at >= n || others[at].usable == 0)
        return false;
    return others[at].known || best == at;
}

static void force(struct failover *f)
{
    if (f->at != f->forced)
        go(f, f->forced);
}

int64_t failover_decide(struct failover *f, const struct failover_rule *rule, const struct failover_seen *home,
                        const struct failover_seen *others, size_t n, int64_t now_ns)
{
    if (f->forced != FAILOVER_AUTO) {
        force(f);
        return INT64_MAX;
    }
    int best = best_of(rule, home, others, n);
    if (f->at == FAILOVER_HOME)
        return leave_home(f, rule, home, best, now_ns);
    if (!holds(f->at, best, others, n)) {
        if (best == FAILOVER_HOME)
            f->returned_ns = now_ns;
        go(f, best);
        return INT64_MAX;
    }
    note_home(f, has_enough(rule, home), now_ns);
    note_nearer(f, first_of(home, others, n), now_ns);
    return go_nearer(f, now_ns);
}
