/* SPDX-License-Identifier: Apache-2.0 */
/* What STREAM.INFO says, and the snapshot that is read between two of them. */
#include "daemon/sync/follow_impl.h"

/* ---- what STREAM.INFO says ---- */

/* False: the stream seems to have gone back, which is not believed yet. */
static bool plausible(struct follow *f, int64_t created, uint64_t last_seq)
{
    if (f->created && created != f->created)
        follow_set_recreated(f);
    else if (last_seq < f->ordered && ++f->backwards < BACKWARDS_MAX)
        return false;
    else if (last_seq < f->ordered)
        follow_set_recreated(f);
    return true;
}

static void check_answered(struct follow *f, int err, int64_t created, uint64_t last_seq, int64_t now_ns)
{
    if (f->state != LIVE)
        return;
    f->check_ns = now_ns + f->options.quiet_ns;
    if (err) {
        follow_wait(f, RESYNC_FAILED, backoff_next(&f->backoff, f->ops.random(f->arg)), now_ns);
    } else if (!plausible(f, created, last_seq)) {
        f->check_ns = now_ns + SETTLE_NS;
    } else if (f->recreated) {
        follow_wait(f, RESYNC_RECREATED, follow_jitter(f), now_ns);
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
        follow_mark_from_here(f); /* what came live until now was of the old one */
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

void follow_try_to_complete(struct follow *f, int64_t now_ns)
{
    holes_forget(&f->holes, f->snapshot.first);
    if (f->snapshot.unusable || has_hole(f))
        follow_abort(f, now_ns);
    else if (f->snapshot.last <= f->snapshot.first || reached(f) > 0)
        follow_complete(f, reached(f), now_ns);
}

static void was_lost(struct follow *f, const struct kv_message *m)
{
    metric_inc(&f->counters.lost);
    if (f->ops.was_lost)
        f->ops.was_lost(f->arg, m);
}

void follow_snapshot_entry(struct follow *f, const struct kv_message *m)
{
    if (f->state != SNAPSHOT || f->snapshot.infos == 0 || f->snapshot.unusable)
        return;
    if (newest_seq(&f->touched, m->key, m->key_len) >= m->seq)
        return;
    if (f->lost_first && m->seq >= f->lost_first && m->seq <= f->lost_last)
        was_lost(f, m);
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
    follow_try_to_complete(f, now_ns);
}
