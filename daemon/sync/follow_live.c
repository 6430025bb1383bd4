/* SPDX-License-Identifier: Apache-2.0 */
/* The live feed: what comes next, what comes late, and the holes between. */
#include "daemon/sync/follow_impl.h"

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
    if (!newest_add(&f->touched, m->key, m->key_len, m->seq))
        f->snapshot.unusable = true;
}

/* What comes late must not undo what came since: so that is remembered as long as there is a hole. */
static void note_since_hole(struct follow *f, const struct kv_message *m, uint64_t before, int64_t now_ns)
{
    bool noted = m->seq == before + 1 || holes_add(&f->holes, before + 1, m->seq - 1, now_ns);
    if (f->holes.n > 0)
        noted = noted && newest_add(&f->touched, m->key, m->key_len, m->seq);
    if (!noted)
        follow_lost(f, now_ns);
}

void follow_reread(struct follow *f, int64_t now_ns)
{
    if (f->reread_ns)
        return;
    metric_inc(&f->counters.rereads);
    f->reread_ns = now_ns + pace_take(&f->rereads, now_ns) + follow_jitter(f);
}

static void apply_live(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    if (m->kind == KV_UNREADABLE)
        follow_reread(f, now_ns);
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
    if (newest_seq(&f->touched, m->key, m->key_len) < m->seq) {
        /* Without memory for it, a message that comes even later is not known to be older. */
        (void)newest_add(&f->touched, m->key, m->key_len, m->seq);
        apply_live(f, m, now_ns);
    }
    if (f->state == LIVE && f->holes.n == 0)
        newest_clear(&f->touched);
}

static void take_next(struct follow *f, const struct kv_message *m, int64_t now_ns)
{
    uint64_t before = f->high;
    f->high = m->seq;
    f->check_ns = now_ns + f->options.quiet_ns;
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
        follow_try_to_complete(f, now_ns);
    return next && follow_is_live(f);
}
