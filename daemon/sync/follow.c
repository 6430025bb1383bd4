/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan:
 *
 *  DOWN      no connection. What is known stays.
 *  WAITING   connected; a snapshot is due at due_ns (at once, after a jitter, or after a back-off). What comes
 *            live is applied: it is newer than anything known.
 *  SNAPSHOT  asked for. 1. The first info has L0: the snapshot will bring what was stored up to there. An info of
 *            another incarnation makes the store keep what is missing; one that went back is not believed at first
 *            (a new leader of a cluster may lag behind).
 *            2. Entries are applied, except of keys that changed live meanwhile: those are known better.
 *            3. The second info has L1. A key whose old message was overwritten before it was read, and whose new
 *            one is still on its way to us, is in no entry: so the snapshot is complete only once the live feed,
 *            without a hole behind L0, has reached L1.
 *            4. What the store has and the snapshot has not left no marker, as a deletion would have: it is kept, and
 *            swept only when it is missing again in a snapshot that began some time later (KEEP_NS).
 *  LIVE      everything up to `high` is known but for what is in `holes`. The next is applied; a jump is a hole: what
 *            is in it may be late (holes.h), and is applied when it comes, unless its key has changed since; if it
 *            does not come in time: WAITING. One that is known is ignored, and makes us look whether the bucket is
 *            another one. Looked at as well when it is quiet: a deaf subscription makes no sound. One whose headers
 *            cannot be read counts as come; what it holds comes with a snapshot, later.
 */
#include "daemon/sync/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sync/follow_impl.h"

int follow_new(const struct follow_options *options, const struct follow_ops *ops, void *arg,
               struct follow **ret_follow)
{
    struct follow *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->ops = *ops;
    f->arg = arg;
    f->options = *options;
    f->gaps = (struct pace){.burst = GAPS_BURST, .every_ns = GAPS_EVERY_NS};
    f->rereads = (struct pace){.burst = REREADS_BURST, .every_ns = REREADS_EVERY_NS};
    f->touched.max = options->touched_max;
    backoff_init(&f->backoff, BACKOFF_NS, BACKOFF_MAX_NS);
    *ret_follow = f;
    return 0;
}

void follow_free(struct follow *f)
{
    if (!f)
        return;
    newest_clear(&f->touched);
    free(f);
}

/* ---- between states ---- */

static void set_synced(struct follow *f, bool synced)
{
    if (f->synced == synced)
        return;
    f->synced = synced;
    f->ops.synced(f->arg, synced);
}

static void forget_holes(struct follow *f)
{
    f->holes.n = 0;
    newest_clear(&f->touched);
}

int64_t follow_jitter(struct follow *f)
{
    return (int64_t)(f->ops.random(f->arg) % (uint64_t)JITTER_NS);
}

/*
 * A server that cannot serve all who come back loses them, and they come back: then they have to come ever further
 * apart, or it goes on for ever.
 */
static int64_t jitter_after_failures(struct follow *f)
{
    unsigned doubled = f->failed < SPREAD_MAX ? f->failed : SPREAD_MAX;
    return follow_jitter(f) << doubled;
}

void follow_wait(struct follow *f, enum resync_cause cause, int64_t delay_ns, int64_t now_ns)
{
    f->cause = cause;
    if (!f->resync_ns) {
        f->resync_ns = now_ns;
        f->resync_cause = cause;
    }
    if (f->state == LIVE)
        f->unsync_ns = now_ns + GRACE_NS;
    f->state = WAITING;
    f->due_ns = now_ns + delay_ns;
    f->behind = 0;
    forget_holes(f);
}

/* What comes live from now on counts as seen. */
void follow_mark_from_here(struct follow *f)
{
    forget_holes(f);
    memset(&f->snapshot, 0, sizeof f->snapshot);
    f->ops.snapshot_begin(f->arg);
}

static void begin_snapshot(struct follow *f, int64_t now_ns)
{
    f->state = SNAPSHOT;
    f->began_ns = now_ns;
    f->reading = true;
    f->reread_ns = 0;
    f->ordered = f->high;
    metric_inc(&f->counters.resyncs[f->cause]);
    metric_inc(&f->counters.begun);
    follow_mark_from_here(f);
    f->ops.resync(f->arg);
}

void follow_abort(struct follow *f, int64_t now_ns)
{
    f->failed++;
    metric_inc(&f->counters.aborted);
    follow_wait(f, RESYNC_FAILED, backoff_next(&f->backoff, f->ops.random(f->arg)), now_ns);
    f->ops.snapshot_end(f->arg, FOLLOW_ABORTED);
}

static enum follow_end keep(struct follow *f, enum follow_end end, int64_t now_ns)
{
    metric_inc(end == FOLLOW_RECREATED ? &f->counters.recreated : &f->counters.missing);
    if (end == FOLLOW_RECREATED || !f->keep_ns)
        f->keep_ns = now_ns + KEEP_NS;
    return end;
}

static enum follow_end verdict(struct follow *f, int64_t now_ns)
{
    bool missing = f->options.unmarked ? f->options.unmarked(f->arg) > 0 : f->keep_ns != 0;
    bool first = metric_get(&f->counters.begun) == 1 && !f->keep_known; /* what the store had before is older news */
    if (f->recreated)
        return keep(f, FOLLOW_RECREATED, now_ns);
    if (!first && missing && (!f->keep_ns || f->began_ns < f->keep_ns))
        return keep(f, FOLLOW_MISSING, now_ns);
    f->keep_ns = 0;
    return FOLLOW_COMPLETE;
}

void follow_complete(struct follow *f, uint64_t high, int64_t now_ns)
{
    enum follow_end end = verdict(f, now_ns);
    f->state = LIVE;
    f->high = high;
    if (f->holes.n == 0)
        newest_clear(&f->touched);
    f->created = f->snapshot.created;
    f->recreated = false;
    f->failed = 0;
    f->backwards = 0;
    f->behind = 0;
    f->lost_first = f->lost_last = 0;
    f->check_ns = now_ns + f->options.quiet_ns;
    backoff_reset(&f->backoff);
    metric_inc(&f->counters.completed);
    f->ops.snapshot_end(f->arg, end);
    f->resync_ns = 0;
    set_synced(f, true);
}

/* It is another bucket under the same name: sequences start anew. */
void follow_set_recreated(struct follow *f)
{
    f->recreated = true;
    f->high = f->ordered = 0;
    f->lost_first = f->lost_last = 0;
    f->backwards = 0;
}

void follow_connected(struct follow *f, int64_t now_ns)
{
    follow_wait(f, RESYNC_CONNECTED, f->connected_before ? jitter_after_failures(f) : 0, now_ns);
    f->connected_before = true;
    if (f->keep_ns)
        f->keep_ns = now_ns + KEEP_NS; /* while the server was away nobody could put again what is missing */
}

void follow_keep_known(struct follow *f)
{
    f->keep_known = true;
}

void follow_disconnected(struct follow *f, int64_t now_ns)
{
    bool aborted = f->state == SNAPSHOT;
    if (aborted)
        follow_abort(f, now_ns);
    f->state = DOWN;
    f->behind = 0;
    f->lost_first = f->lost_last = 0;
    forget_holes(f);
    set_synced(f, false);
}

/* ---- holes ---- */

/* A snapshot will show what it was. */
static void note_lost(struct follow *f)
{
    uint64_t first = f->holes.n > 0 ? holes_first(&f->holes) : f->high + 1;
    uint64_t last = f->holes.n > 0 ? holes_last(&f->holes) : f->behind ? f->behind : UINT64_MAX;
    if (!f->lost_first || first < f->lost_first)
        f->lost_first = first;
    if (last > f->lost_last)
        f->lost_last = last;
}

void follow_lost(struct follow *f, int64_t now_ns)
{
    note_lost(f);
    int64_t wait_ns = pace_take(&f->gaps, now_ns);
    metric_inc(&f->counters.gaps);
    if (wait_ns > 0)
        metric_inc(&f->counters.deferred);
    follow_wait(f, RESYNC_GAP, wait_ns + follow_jitter(f), now_ns);
}

void follow_gap(struct follow *f, int64_t now_ns)
{
    if (f->state == LIVE)
        follow_lost(f, now_ns);
    else if (f->state == SNAPSHOT)
        f->snapshot.unusable = true;
}

void follow_doubt(struct follow *f, int64_t now_ns)
{
    if (f->state == LIVE)
        follow_wait(f, RESYNC_DOUBT, follow_jitter(f), now_ns);
}

/* ---- time ---- */

static void check(struct follow *f)
{
    f->checking = true;
    f->ordered = f->high;
    metric_inc(&f->counters.checks);
    f->ops.check(f->arg);
}

bool follow_check_now(struct follow *f)
{
    if (f->state == LIVE && !f->checking)
        check(f);
    return f->state == LIVE;
}

bool follow_is_checking(const struct follow *f)
{
    return f->checking;
}

/* When what is missing is not late any more, but lost. */
static int64_t late_ns(const struct follow *f)
{
    return f->holes.n > 0 ? f->holes.all[0].since_ns + LATE_NS : INT64_MAX;
}

int64_t follow_tick(struct follow *f, int64_t now_ns)
{
    if (f->state == SNAPSHOT && f->snapshot.ended && now_ns >= f->snapshot.settle_ns)
        follow_abort(f, now_ns);
    if (f->state == LIVE && f->behind && now_ns >= f->behind_ns)
        follow_lost(f, now_ns);
    if (f->state == LIVE && now_ns >= late_ns(f))
        follow_lost(f, now_ns);
    if (f->state == LIVE && !f->checking && now_ns >= f->check_ns)
        check(f);
    if (f->state == LIVE && f->keep_ns && now_ns >= f->keep_ns)
        follow_wait(f, RESYNC_MISSING, follow_jitter(f), now_ns);
    if (f->state == LIVE && f->reread_ns && now_ns >= f->reread_ns)
        follow_wait(f, RESYNC_UNREADABLE, 0, now_ns);
    if (f->state != LIVE && f->synced && now_ns >= f->unsync_ns)
        set_synced(f, false);
    if (f->state == WAITING && !f->reading && now_ns >= f->due_ns)
        begin_snapshot(f, now_ns);

    int64_t next_ns = INT64_MAX;
    int64_t candidates[] = {
        f->state == SNAPSHOT && f->snapshot.ended ? f->snapshot.settle_ns : INT64_MAX,
        f->state == LIVE && f->behind ? f->behind_ns : INT64_MAX,
        f->state == LIVE ? late_ns(f) : INT64_MAX,
        f->state == LIVE && !f->checking ? f->check_ns : INT64_MAX,
        f->state == LIVE && f->keep_ns ? f->keep_ns : INT64_MAX,
        f->state == LIVE && f->reread_ns ? f->reread_ns : INT64_MAX,
        f->state != LIVE && f->synced ? f->unsync_ns : INT64_MAX,
        f->state == WAITING && !f->reading ? f->due_ns : INT64_MAX,
    };
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        next_ns = candidates[i] < next_ns ? candidates[i] : next_ns;
    return next_ns;
}

/* ---- what can be seen ---- */

uint64_t follow_horizon(const struct follow *f)
{
    uint64_t first = holes_first(&f->holes);
    return f->state == LIVE ? (first <= f->high ? first - 1 : f->high) : 0;
}

bool follow_is_live(const struct follow *f)
{
    return f->state == LIVE && f->holes.n == 0;
}

const char *resync_cause_word(enum resync_cause cause)
{
    static const char *const words[RESYNC_CAUSES] = {"connected",  "gap",       "doubt", "missing",
                                                     "unreadable", "recreated", "failed"};
    return words[cause];
}

struct follow_resync follow_resync(const struct follow *f)
{
    return (struct follow_resync){.cause = f->resync_cause, .since_ns = f->resync_ns, .snapshot_ns = f->began_ns};
}

static const struct metric metric_table[] = {
    COUNTER_OF(follow_counters, resyncs[RESYNC_CONNECTED], "discoverd_resyncs_total{cause=\"connected\"}",
               "Snapshots of the buckets that were asked for, by what for."),
    COUNTER_OF(follow_counters, resyncs[RESYNC_GAP], "discoverd_resyncs_total{cause=\"gap\"}", NULL),
    COUNTER_OF(follow_counters, resyncs[RESYNC_DOUBT], "discoverd_resyncs_total{cause=\"doubt\"}", NULL),
    COUNTER_OF(follow_counters, resyncs[RESYNC_MISSING], "discoverd_resyncs_total{cause=\"missing\"}", NULL),
    COUNTER_OF(follow_counters, resyncs[RESYNC_UNREADABLE], "discoverd_resyncs_total{cause=\"unreadable\"}", NULL),
    COUNTER_OF(follow_counters, resyncs[RESYNC_RECREATED], "discoverd_resyncs_total{cause=\"recreated\"}", NULL),
    COUNTER_OF(follow_counters, resyncs[RESYNC_FAILED], "discoverd_resyncs_total{cause=\"failed\"}", NULL),
    COUNTER_OF(follow_counters, begun, "discoverd_follow_resyncs_total", "Snapshots that were asked for, whatever for"),
    COUNTER_OF(follow_counters, completed, "discoverd_follow_completed_total", "Snapshots that were completed"),
    COUNTER_OF(follow_counters, aborted, "discoverd_follow_aborted_total", "Snapshots given up, to be tried again"),
    COUNTER_OF(follow_counters, gaps, "discoverd_follow_gaps_total", "Holes in the live feeds"),
    COUNTER_OF(follow_counters, lost, "discoverd_follow_lost_total",
               "Changes that were in such holes, as far as they can be named"),
    COUNTER_OF(follow_counters, deferred, "discoverd_follow_deferred_total",
               "Of these, read again only after a wait, as there were too many"),
    COUNTER_OF(follow_counters, recreated, "discoverd_follow_recreated_total",
               "Times a bucket turned out to be a new one"),
    COUNTER_OF(follow_counters, missing, "discoverd_follow_missing_total",
               "Snapshots in which something was missing that nobody deleted"),
    COUNTER_OF(follow_counters, rereads, "discoverd_follow_rereads_total",
               "Snapshots because of messages whose writers gave them headers that cannot be read"),
    COUNTER_OF(follow_counters, checks, "discoverd_follow_checks_total",
               "Times a quiet bucket was asked whether it has moved on"),
    COUNTER_OF(follow_counters, ignored, "discoverd_follow_ignored_total", "Live messages that were known already"),
    COUNTER_OF(follow_counters, late, "discoverd_follow_late_total", "Live messages that came behind a later one"),
};
METRICS_LISTED(metric_table)

int follow_add_metrics(struct follow *f, struct metrics *m)
{
    return metrics_add(m, metric_table, sizeof metric_table / sizeof *metric_table, &f->counters);
}
