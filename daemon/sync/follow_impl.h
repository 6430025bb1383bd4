/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of follow.h share; the plan is in follow.c. */
#ifndef SYNC_FOLLOW_IMPL_H
#define SYNC_FOLLOW_IMPL_H

#include "daemon/base/pace.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/holes.h"
#include "daemon/sync/newest.h"
#include "libdiscover/core/backoff.h"
#include "libdiscover/core/clock.h"

#define SETTLE_NS      NS_PER_S          /* how long a live message may be behind the sequence that STREAM.INFO has */
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
    struct pace gaps; /* a feed that loses something all the time is not read all the time */
    struct pace rereads;
    enum state state;
    enum resync_cause cause; /* WAITING: of the snapshot */
    bool synced, connected_before;
    bool keep_known;       /* the first snapshot keeps what the store had before and it lacks (follow_keep_known) */
    unsigned failed;       /* number of snapshots that failed since one was completed */
    int64_t unsync_ns;     /* synced, but not LIVE: when it stops to count as synced */
    int64_t due_ns;        /* WAITING: when the snapshot is due */
    bool reading;          /* a resync was ordered, perhaps over an earlier connection, and has not ended yet */
    bool checking;         /* a check was ordered and not answered */
    int64_t check_ns;      /* LIVE: when the next check is due */
    uint64_t high;         /* LIVE: everything up to here is known but holes. Always: older live ones are repetitions */
    struct holes holes;    /* LIVE, SNAPSHOT (behind run_first): jumped over, perhaps late */
    struct newest touched; /* SNAPSHOT: what came live. LIVE: what came since the oldest hole */
    uint64_t ordered;      /* `high` when an info was ordered: if it has less than that, the stream went back */
    int64_t created;       /* when the stream was created whose contents the store has; 0: it has none yet */
    bool recreated;        /* the bucket is another stream by now */
    unsigned backwards;    /* how many times STREAM.INFO said a sequence behind ours */
    uint64_t behind;       /* LIVE: STREAM.INFO had this sequence, which is to come by behind_ns; 0: nothing is */
    int64_t behind_ns;
    uint64_t lost_first, lost_last; /* what is missing is among these; 0: nothing is */
    int64_t reread_ns; /* something came live that could not be read: to be read by a snapshot then; 0: nothing is */
    int64_t keep_ns;   /* until when keys that were missing in a snapshot are kept; 0: none were missing */
    int64_t began_ns;  /* SNAPSHOT: when it was asked for */
    int64_t resync_ns; /* since when it has not been LIVE; 0: it is, or was never connected */
    enum resync_cause resync_cause; /* why it stopped to be LIVE */
    struct {
        unsigned infos;
        bool unusable; /* it is read to its end, but another one must follow */
        bool ended;    /* all entries came; the live feed has to reach `last` by settle_ns */
        int64_t created, settle_ns;
        uint64_t first, last;         /* L0, L1 */
        uint64_t run_first, run_last; /* what came live, without a hole that is not in holes; 0: nothing */
    } snapshot;
};

/* A random part of the time over which a fleet that has the same reason spreads its resyncs. */
int64_t follow_jitter(struct follow *f);

void follow_wait(struct follow *f, enum resync_cause cause, int64_t delay_ns, int64_t now_ns); /* to WAITING */
void follow_mark_from_here(struct follow *f);                          /* SNAPSHOT begins, or anew */
void follow_abort(struct follow *f, int64_t now_ns);                   /* SNAPSHOT to WAITING */
void follow_complete(struct follow *f, uint64_t high, int64_t now_ns); /* SNAPSHOT to LIVE */
void follow_set_recreated(struct follow *f);                           /* the bucket is another one */
void follow_lost(struct follow *f, int64_t now_ns); /* something live is missing and will not come: to WAITING */

/* SNAPSHOT, all entries have come: completes it when the live feed has reached it, or gives it up. */
void follow_try_to_complete(struct follow *f, int64_t now_ns);

#endif
