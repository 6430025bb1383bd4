/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan:
 *
 *  DOWN      no connection. What is known stays.
 *  WAITING   connected; a snapshot is due at due_ns (at once, after a jitter, or after a back-off). What comes
 *            live is applied: it is newer than anything known.
 *  SNAPSHOT  asked for. 1. The first info tells L0: the snapshot will bring what was stored up to there. An info of
 *            another incarnation makes the store keep what is missing; one that went back is not believed at first
 *            (a new leader of a cluster may lag behind).
 *            2. Entries are applied, except of keys that changed live meanwhile: those are known better.
 *            3. The second info tells L1. A key whose old message was overwritten before it was read, and whose new
 *            one is still on its way to us, is in no entry: so the snapshot is complete only once the live feed,
 *            without a hole behind L0, has reached L1.
 *            4. What the store has and the snapshot has not left no marker, as a deletion would have: it is kept, and
 *            swept only when it is missing again in a snapshot that began some time later (KEEP_NS).
 *  LIVE      everything up to `high` is known but for what is in `holes`. The next is applied; a jump is a hole: what
 *            is in it may be late (holes.h), and is applied when it comes, unless its key has changed since; if it
 *            does not come in time: WAITING. One that is known is ignored, and makes us look whether the bucket is
 *            another one. Looked at as well when it is quiet: a deaf subscription makes no sound. One whose headers
 *            cannot be read counts as come; what it holds is told by a snapshot, later.
 */
#include "daemon/sync/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sync/holes.h"
#include "daemon/sync/resync_budget.h"
#include "daemon/sync/touched.h"
#include "libdiscover/core/backoff.h"
#include "libdiscover/core/clock.h"

#define QUIET_NS       (10 * NS_PER_S)   /* no live message for so long: look whether the bucket has moved on */
#define SETTLE_NS      NS_PER_S          /* how long a live message may be behind the sequence STREAM.INFO tells */
#define BACKOFF_NS     (250 * NS_PER_MS) /* first wait after a failure */
#define BACKOFF_MAX_NS (15 * NS_PER_S)
#define JITTER_NS      (500 * NS_PER_MS) /* spread of resyncs that a whole fleet has a reason for at once */
#define GRACE_NS       (3 * NS_PER_S)    /* a gap that is closed within this time does not count as not synced */
#define KEEP_NS        (30 * NS_PER_S)   /* what is missing in a snapshot is kept so long */
#define LATE_NS        (200 * NS_PER_MS) /* how long a sequence that was jumped over may still come */

#define SPREAD_MAX       4 /* times the jitter is doubled */
#define GAPS_BURST       6 /* resyncs because of a gap, and one more each GAPS_EVERY_NS */
#define GAPS_EVERY_NS    (3 * NS_PER_S)
#define REREADS_BURST    2 /* resyncs because of what could not be read, and one more each REREADS_EVERY_NS */
#define REREADS_EVERY_NS (60 * NS_PER_S)
#define BACKWARDS_MAX    3 /* times the last sequence must be found behind ours to be believed */

enum state { DOWN, WAITING, SNAPSHOT, LIVE };

struct follow {
    struct follow_ops ops;
    void *arg;
    struct follow_options options;
    struct follow_counters counters;
    struct backoff backoff;
    struct resync_pace gaps; /* a feed that loses something all the time is not read all the time */
    struct resync_pace rereads;
    enum state state;
    bool synced, connected_before;
    bool keep_known;    /* what the store had before the first snapshot */
    unsigned failed;    /* snapshots, since one was completed */
    int64_t unsync_ns;  /* not LIVE and synced: when that is over */
    int64_t due_ns;     /* WAITING: for the snapshot */
    bool reading;       /* a resync was ordered and its end has not come; perhaps of an earlier connection */
    bool checking;      /* a check was ordered and not answered */
    int64_t check_ns;   /* LIVE: for the next check */
    uint64_t high;      /* LIVE: everything up to here is known but holes. Always: older live ones are repetitions */
    struct holes holes; /* LIVE, SNAPSHOT (behind run_first): jumped over, perhaps late */
    struct touched touched; /* SNAPSHOT: what came live. LIVE: what came since the oldest hole */
    uint64_t ordered;       /* `high` when an info was ordered: it cannot tell less, unless something went back */
    int64_t created;        /* of the incarnation the store has; 0: none yet */
    bool recreated;         /* and the bucket is another one by now */
    unsigned backwards;     /* times its last sequence was behind ours */
    uint64_t behind;        /* LIVE: STREAM.INFO told this sequence, which is to come by behind_ns; 0: nothing is */
    int64_t behind_ns;
    int64_t reread_ns; /* something came live that could not be read: to be read by a snapshot then; 0: nothing is */
    int64_t keep_ns;   /* what was missing in a snapshot is kept until then; 0: nothing is */
    int64_t began_ns;  /* SNAPSHOT */
    struct {
        unsigned infos;
        bool unusable; /* goes on, but must be done again */
        bool ended;    /* all entries came; the live feed has to reach `last` by settle_ns */
        int64_t created, settle_ns;
        uint64_t first, last;         /* L0, L1 */
        uint64_t run_first, run_last; /* what came live, without a hole that is not in holes; 0: nothing */
    } snapshot;
};

int follow_new(const struct follow_options *options, const struct follow_ops *ops, void *arg,
               struct follow **ret_follow)
{
    struct follow *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->ops = *ops;
    f->arg = arg;
    f->options = *options;
    f->gaps = (struct resync_pace){.burst = GAPS_BURST, .every_ns = GAPS_EVERY_NS};
    f->rereads = (struct resync_pace){.burst = REREADS_BURST, .every_ns = REREADS_EVERY_NS};
    f->touched.max = f->options.touched_max;
    backoff_init(&f->backoff, BACKOFF_NS, BACKOFF_MAX_NS);
    *ret_follow = f;
    return 0;
}

void follow_free(struct follow *f)
{
    if (!f)
        return;
    touched_clear(&f->touched);
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
    touched_clear(&f->touched);
}

static int64_t jitter(struct follow *f)
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
    return jitter(f) << doubled;
}

static void wait_for_snapshot(struct follow *f, int64_t delay_ns, int64_t now_ns)
{
    if (f->state == LIVE)
        f->unsync_ns = now_ns + GRACE_NS;
    f->state = WAITING;
    f->due_ns = now_ns + delay_ns;
    f->behind = 0;
    forget_holes(f);
}

/* What comes live from now on counts as seen. */
static void mark_from_here(struct follow *f)
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
    metric_inc(&f->counters.resyncs);
    mark_from_here(f);
    f->ops.resync(f->arg);
}

static void abort_snapshot(struct follow *f, int64_t now_ns)
{
    f->failed++;
    metric_inc(&f->counters.aborted);
    wait_for_snapshot(f, backoff_next(&f->backoff, f->ops.random(f->arg)), now_ns);
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
    bool first = metric_get(&f->counters.resyncs) == 1 && !f->keep_known; /* what the store had before is older news */
    if (f->recreated)
        return keep(f, FOLLOW_RECREATED, now_ns);
    if (!first && missing && (!f->keep_ns || f->began_ns < f->keep_ns))
        return keep(f, FOLLOW_MISSING, now_ns);
    f->keep_ns = 0;
    return FOLLOW_COMPLETE;
}

static void complete_snapshot(struct follow *f, uint64_t high, int64_t now_ns)
{
    enum follow_end end = verdict(f, now_ns);
    f->state = LIVE;
    f->high = high;
    if (f->holes.n == 0)
        touched_clear(&f->touched);
    f->created = f->snapshot.created;
    f->recreated = false;
    f->failed = 0;
    f->backwards = 0;
    f->behind = 0;
    f->check_ns = now_ns + QUIET_NS;
    backoff_reset(&f->backoff);
    metric_inc(&f->counters.completed);
    f->ops.snapshot_end(f->arg, end);
    set_synced(f, true);
}

/* It is another bucket under the same name: sequences start anew. */
static void set_recreated(struct follow *f)
{
    f->recreated = true;
    f->high = f->ordered = 0;
    f->backwards = 0;
}

void follow_connected(struct follow *f, int64_t now_ns)
{
    wait_for_snapshot(f, f->connected_before ? jitter_after_failures(f) : 0, now_ns);
    f->connected_before = true;
    if (f->keep_ns)
        f->keep_ns = now_ns + KEEP_NS; /* nobody could put anything while the server was away */
}

void follow_keep_known(struct follow *f)
{
    f->keep_known = true;
}

void follow_disconnected(struct follow *f, int64_t now_ns)
{
    bool aborted = f->state == SNAPSHOT;
    if (aborted)
        abort_snapshot(f, now_ns);
    f->state = DOWN;
    f->behind = 0;
    forget_holes(f);
    set_synced(f, false);
}

/* ---- what STREAM.INFO says ---- */

/* False: it went back, and that is not believed yet. */
static bool plausible(struct follow *f, int64_t created, uint64_t last_seq)
{
    if (f->created && created != f->created)
        set_recreated(f);
    else if (last_seq < f->ordered && ++f->backwards < BACKWARDS_MAX)
        return false;
    else if (last_seq < f->ordered)
        set_recreated(f);
    return true;
}

static void check_answered(struct follow *f, int err, int64_t created, uint64_t last_seq, int64_t now_ns)
{
    if (f->state != LIVE)
        return;
    f->check_ns = now_ns + QUIET_NS;
    if (err) {
        wait_for_snapshot(f, backoff_next(&f->backoff, f->ops.random(f->arg)), now_ns);
    } else if (!plausible(f, created, last_seq)) {
        f->check_ns = now_ns + SETTLE_NS;
    } else if (f->recreated) {
        wait_for_snapshot(f, jitter(f), now_ns);
    } else {
        f->backwards = 0;
        if (last_seq > f->high && !f->behind) {
            f->behind = last_seq;
            f->behind_ns = now_ns + SETTLE_NS;
        }
    }
}

static void first_info(struct follow *f, int64_t created, uint64_t last_seq)
{
    bool known = f->recreated;
    bool usable = plausible(f, created, last_seq);
    if (f->recreated && !known)
        mark_from_here(f); /* what came live until now was of the old one */
    f->snapshot.unusable |= !usable;
    f->snapshot.created = created;
    f->snapshot.first = f->snapshot.last = last_seq;
}

static void snapshot_info(struct follow *f, int err, int64_t created, uint64_t last_seq)
{
    if (err) {
        f->snapshot.unusable = true;
    } else if (f->snapshot.infos == 0) {
        first_info(f, created, last_seq);
    } else {
        f->snapshot.unusable |= created != f->snapshot.created || last_seq < f->snapshot.first;
        f->snapshot.last = last_seq;
    }
    f->snapshot.infos++;
}

void follow_info(struct follow *f, int err, int64_t created, uint64_t last_seq, int64_t now_ns)
{
    if (f->checking) {
        f->checking = false;
        check_answered(f, err, created, last_seq, now_ns);
    } else if (f->state == SNAPSHOT) {
        snapshot_info(f, err, created, last_seq);
    }
}

/* ---- the snapshot ---- */

/* 0 as long as the live feed has not reached what the snapshot does not have. */
static uint64_t reached(const struct follow *f)
{
    bool joined = f->snapshot.run_last > f->snapshot.first && f->snapshot.run_first <= f->snapshot.first + 1;
    uint64_t high = joined ? f->snapshot.run_last : f->snapshot.first;
    return high >= f->snapshot.last && holes_first(&f->holes) > f->snapshot.last ? high : 0;
}

/* The live feed began behind what the snapshot has, or had a hole there. */
static bool has_hole(const struct follow *f)
{
    return f->snapshot.run_last > f->snapshot.first && f->snapshot.run_first > f->snapshot.first + 1;
}

static void try_to_complete(struct follow *f, int64_t now_ns)
{
    holes_forget(&f->holes, f->snapshot.first);
    if (f->snapshot.unusable || has_hole(f))
        abort_snapshot(f, now_ns);
    else if (f->snapshot.last <= f->snapshot.first || reached(f) > 0)
        complete_snapshot(f, reached(f), now_ns);
}

void follow_snapshot_entry(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    (void)now_ns;
    if (f->state != SNAPSHOT || f->snapshot.infos == 0 || f->snapshot.unusable)
        return;
    if (touched_seq(&f->touched, m->key, m->key_len) >= m->seq)
        return;
    if (m->kind == KV_DELETE)
        f->ops.remove(f->arg, m->key, m->key_len, m->seq);
    else
        f->ops.apply(f->arg, m, true);
}

void follow_snapshot_end(struct follow *f, int err, int64_t now_ns)
{
    f->reading = false;
    if (f->state != SNAPSHOT)
        return;
    f->snapshot.ended = true;
    f->snapshot.settle_ns = now_ns + SETTLE_NS;
    f->snapshot.unusable |= err != 0 || f->snapshot.infos == 0;
    try_to_complete(f, now_ns);
}

/* ---- the live feed ---- */

static void lost(struct follow *f, int64_t now_ns)
{
    int64_t wait_ns = resync_pace_take(&f->gaps, now_ns);
    metric_inc(&f->counters.gaps);
    if (wait_ns > 0)
        metric_inc(&f->counters.deferred);
    wait_for_snapshot(f, wait_ns + jitter(f), now_ns);
}

/* While a snapshot is read: what came live, and whether that had holes. */
static void note_run(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    uint64_t last = f->snapshot.run_last;
    bool joins = last > 0 && (m->seq == last + 1 || holes_add(&f->holes, last + 1, m->seq - 1, now_ns));
    if (!joins) {
        f->snapshot.run_first = m->seq;
        f->holes.n = 0;
    }
    f->snapshot.run_last = m->seq;
    if (!touched_add(&f->touched, m->key, m->key_len, m->seq))
        f->snapshot.unusable = true;
}

/* What comes late must not undo what came since: so that is remembered as long as there is a hole. */
static void note_since_hole(struct follow *f, const struct kv_message *m, uint64_t before, int64_t now_ns)
{
    bool noted = m->seq == before + 1 || holes_add(&f->holes, before + 1, m->seq - 1, now_ns);
    if (f->holes.n > 0)
        noted = noted && touched_add(&f->touched, m->key, m->key_len, m->seq);
    if (!noted)
        lost(f, now_ns);
}

/* A snapshot may be able to read it. Nothing is missing meanwhile, so it has time. */
static void reread(struct follow *f, int64_t now_ns)
{
    if (f->reread_ns)
        return;
    metric_inc(&f->counters.rereads);
    f->reread_ns = now_ns + resync_pace_take(&f->rereads, now_ns) + jitter(f);
}

static void apply_live(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    if (m->kind == KV_UNREADABLE)
        reread(f, now_ns);
    if (m->kind == KV_DELETE)
        f->ops.remove(f->arg, m->key, m->key_len, m->seq);
    else
        f->ops.apply(f->arg, m, false);
}

static void ignore_known(struct follow *f, int64_t now_ns)
{
    metric_inc(&f->counters.ignored);
    if (f->state == LIVE && f->check_ns > now_ns + SETTLE_NS)
        f->check_ns = now_ns + SETTLE_NS; /* perhaps the sequences started anew */
}

/* Whether it is one that was missing. A snapshot's run may have begun with the later one of two that changed places. */
static bool was_missing(struct follow *f, uint64_t seq)
{
    if (holes_fill(&f->holes, seq))
        return true;
    if (f->state != SNAPSHOT || seq <= f->ordered || seq + 1 != f->snapshot.run_first)
        return false;
    f->snapshot.run_first = seq;
    return true;
}

static void take_late(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    metric_inc(&f->counters.late);
    if (touched_seq(&f->touched, m->key, m->key_len) < m->seq) {
        (void)touched_add(&f->touched, m->key, m->key_len, m->seq); /* without it, a still later one is older */
        apply_live(f, m, now_ns);
    }
    if (f->state == LIVE && f->holes.n == 0)
        touched_clear(&f->touched);
}

static void take_next(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    uint64_t before = f->high;
    f->high = m->seq;
    f->check_ns = now_ns + QUIET_NS;
    if (f->behind && m->seq >= f->behind)
        f->behind = 0;
    if (f->state == SNAPSHOT)
        note_run(f, m, now_ns);
    else if (f->state == LIVE)
        note_since_hole(f, m, before, now_ns);
    apply_live(f, m, now_ns);
}

bool follow_live(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    bool next = m->seq > f->high;
    if (f->state == DOWN)
        return false;
    if (next)
        take_next(f, m, now_ns);
    else if (was_missing(f, m->seq))
        take_late(f, m, now_ns);
    else
        ignore_known(f, now_ns);
    if (f->state == SNAPSHOT && f->snapshot.ended)
        try_to_complete(f, now_ns);
    return next && follow_is_live(f);
}

void follow_gap(struct follow *f, int64_t now_ns)
{
    if (f->state == LIVE)
        lost(f, now_ns);
    else if (f->state == SNAPSHOT)
        f->snapshot.unusable = true;
}

void follow_doubt(struct follow *f, int64_t now_ns)
{
    if (f->state == LIVE)
        wait_for_snapshot(f, jitter(f), now_ns);
}

/* ---- time ---- */

static void check(struct follow *f)
{
    f->checking = true;
    f->ordered = f->high;
    metric_inc(&f->counters.checks);
    f->ops.check(f->arg);
}

/* When what is missing is not late any more, but lost. */
static int64_t late_ns(const struct follow *f)
{
    return f->holes.n > 0 ? f->holes.all[0].since_ns + LATE_NS : INT64_MAX;
}

int64_t follow_tick(struct follow *f, int64_t now_ns)
{
    if (f->state == SNAPSHOT && f->snapshot.ended && now_ns >= f->snapshot.settle_ns)
        abort_snapshot(f, now_ns);
    if (f->state == LIVE && f->behind && now_ns >= f->behind_ns)
        lost(f, now_ns);
    if (f->state == LIVE && now_ns >= late_ns(f))
        lost(f, now_ns);
    if (f->state == LIVE && !f->checking && now_ns >= f->check_ns)
        check(f);
    if (f->state == LIVE && f->keep_ns && now_ns >= f->keep_ns)
        follow_doubt(f, now_ns);
    if (f->state == LIVE && f->reread_ns && now_ns >= f->reread_ns)
        wait_for_snapshot(f, 0, now_ns);
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

const char *follow_state(const struct follow *f)
{
    static const char *const names[] = {"down", "waiting", "snapshot", "live"};
    return names[f->state];
}

const struct follow_counters *follow_counters(const struct follow *f)
{
    return &f->counters;
}

static const struct metric metric_table[] = {
    COUNTER_OF(follow_counters, resyncs, "discoverd_follow_resyncs_total",
               "Snapshots of the buckets that were asked for"),
    COUNTER_OF(follow_counters, completed, "discoverd_follow_completed_total", "Of these, completed"),
    COUNTER_OF(follow_counters, aborted, "discoverd_follow_aborted_total", "Of these, given up, to be tried again"),
    COUNTER_OF(follow_counters, gaps, "discoverd_follow_gaps_total", "Holes in the live feeds"),
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

int follow_add_metrics(struct follow *f, struct metrics *m)
{
    return metrics_add(m, metric_table, sizeof metric_table / sizeof *metric_table, &f->counters);
}
