/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded read of a stream. */
#include "daemon/bus/bus_snapshot.h"

#include <errno.h>

#include "daemon/bus/bus_gets.h"
#include "daemon/bus/bus_pull.h"
#include "libdiscover/core/clock.h"

/* Posts how far the stream has come meanwhile: what the snapshot does not have up to there comes live. */
static int post_info(struct bus_reading *r)
{
    struct bus_stream_state state;
    int err = bus_stream_info(r->session, r->s->stream, &state, r->reason);
    state.info.lacks = state.settings.lacks;
    if (r->s->of_mirror) {
        state.info.created = r->state->info.created;
        state.info.lacks = "";
    }
    if (err == 0)
        bus_mail_info(r->s->shared->box, r->s->bucket, false, &state.info);
    return err;
}

/* Without another way, pulls that are cut go on all the same: each new one begins where the last one ended. */
static int read_all(struct bus_reading *r)
{
    int way = bus_pull_read(r);
    if (way != BUS_WAY_CLOSED && way != BUS_WAY_CUT)
        return way;
    int err = bus_gets_read(r);
    if (err != -EACCES || way == BUS_WAY_CLOSED)
        return err;
    r->only_pulls = true;
    return bus_pull_read(r);
}

int bus_snapshot_read(struct bus_snapshot *snapshot, struct bus_link *link, const struct bus_session *session,
                      const struct bus_stream_state *state)
{
    struct bus_reading r = {
        .s = snapshot,
        .link = link,
        .session = session,
        .state = state,
        .deadline_ns = clock_now_ns() + snapshot->shared->options.snapshot_timeout_ns,
        .now_ns = state->now_ns,
        .next_seq = 1,
    };
    int err = read_all(&r);
    bus_reading_post(&r);
    if (err == 0 && !snapshot->remembers)
        err = post_info(&r);
    metric_inc(err ? &snapshot->shared->counters.snapshot_failures : &snapshot->shared->counters.snapshots);
    if (!err && snapshot->of_mirror)
        metric_inc(&snapshot->shared->counters.mirror_snapshots);
    if (!snapshot->remembers)
        bus_mail_text(snapshot->shared->box, BUS_MAIL_END, snapshot->bucket, err, r.reason);
    return err;
}
