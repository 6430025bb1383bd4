/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a store equal to a bucket: decides when to take a snapshot, what of the live feed to apply, and when a
 * sequence is missing or the bucket is another one. Pure: messages, time and randomness come in as arguments,
 * what is to be done goes out through follow_ops. One follower a bucket; main thread.
 *
 * What the store may rely on:
 *  - apply and remove come in the order of the stream for each key, also while a snapshot is being read, and also
 *    when the feed brings messages in another order;
 *  - every key that exists is applied between snapshot_begin and any snapshot_end but FOLLOW_ABORTED.
 * Operations may call follow_doubt, of this or another follower, and nothing else of this one.
 *
 * Nothing here fails: what goes wrong is tried again, with a back-off that is jittered so that a fleet does not
 * stampede, and shows in follow_stats and in synced(false).
 */
#ifndef SYNC_FOLLOW_H
#define SYNC_FOLLOW_H

#include "daemon/base/metrics.h"
#include "daemon/sync/message.h"

struct follow;

/*
 * What a snapshot does not have although it was known has no proof of its death: a deletion would have left a
 * marker. It is kept for 30 s, in which its owner puts it again, and only then, in another snapshot, missing.
 */
enum follow_end {
    FOLLOW_COMPLETE,  /* sweep what was not marked */
    FOLLOW_MISSING,   /* keep what was not marked: another snapshot will follow by itself */
    FOLLOW_RECREATED, /* the same, because the bucket is a new one */
    FOLLOW_ABORTED,   /* forget the marks, sweep nothing */
};

struct follow_ops {
    void (*resync)(void *arg); /* STREAM.INFO, then a snapshot: answered by follow_info .. follow_snapshot_end */
    void (*check)(void *arg);  /* STREAM.INFO alone: answered by follow_info */
    void (*apply)(void *arg, const struct kv_message *m, bool from_snapshot); /* but KV_DELETE */
    void (*remove)(void *arg, const char *key, size_t key_len, uint64_t seq);
    void (*snapshot_begin)(void *arg); /* from now on, what is applied is marked; may come twice: start again */
    void (*snapshot_end)(void *arg, enum follow_end end);
    void (*synced)(void *arg, bool synced); /* only when it changes; false in the beginning */
    uint32_t (*random)(void *arg);

    /* A snapshot brings what the live feed had lost; before apply or remove of it. NULL: nobody wants to know. */
    void (*was_lost)(void *arg, const struct kv_message *m);
};

#define FOLLOW_TOUCHED_MAX 65536
#define FOLLOW_QUIET_NS    (10 * NS_PER_S)

struct follow_options {
    size_t touched_max;            /* keys changed during a snapshot, FOLLOW_TOUCHED_MAX; more: another snapshot */
    size_t (*unmarked)(void *arg); /* how many keys of the store were not marked since snapshot_begin; NULL: what is
                                      missing is kept only when the bucket is a new one */
    int64_t quiet_ns; /* after so long without a live message, a check asks whether the bucket has moved on */
};

int follow_new(const struct follow_options *options, const struct follow_ops *ops, void *arg,
               struct follow **ret_follow); /* -ENOMEM */
void follow_free(struct follow *f);

/* The bus is connected and the live feed subscribed. Also after each reconnect. */
void follow_connected(struct follow *f, int64_t now_ns);
void follow_disconnected(struct follow *f, int64_t now_ns);

/*
 * Before the first snapshot: what the store has already could not be renewed until now, so what the snapshot lacks of it
 * is kept like what is missing later. Without this call it is older news, and swept.
 */
void follow_keep_known(struct follow *f);

/*
 * What STREAM.INFO said: the answer to a check; the first answer to a resync, and once more when the snapshot was
 * read, before its end. err is 0 or a negative errno (-ENOENT: no such stream); created and last_seq are then
 * meaningless. Orders are answered in their order. A resync whose info failed still has its end.
 */
void follow_info(struct follow *f, int err, int64_t created, uint64_t last_seq, int64_t now_ns);

void follow_snapshot_entry(struct follow *f, const struct kv_message *m);

/* The only end of each resync, in whatever way it ended. err: 0 when every message up to last_seq was seen. */
void follow_snapshot_end(struct follow *f, int err, int64_t now_ns);

/*
 * True: everything up to this message is known now. False: there is a hole before it, or it seems to be a repetition
 * (which may be one of another incarnation, whose sequences began anew).
 */
bool follow_live(struct follow *f, const struct kv_message *m, int64_t now_ns);

/* The feed lost messages, it is not known which. */
void follow_gap(struct follow *f, int64_t now_ns);

/*
 * Checks STREAM.INFO now, and not only when the feed has been quiet for long. False: the follower is not live, so it
 * does not.
 */
bool follow_check_now(struct follow *f);

/* Whether the answer to a check is outstanding. */
bool follow_is_checking(const struct follow *f);

/* Schedules a snapshot, for messages that could not be read live: that may take its time, since their keys are known. */
void follow_reread(struct follow *f, int64_t now_ns);

/* Something else makes the content doubtful (canary overdue, digest mismatch): back to a snapshot. */
void follow_doubt(struct follow *f, int64_t now_ns);

/* Does what is due. Returns when to call again; INT64_MAX: not by time. Call it after each input as well. */
int64_t follow_tick(struct follow *f, int64_t now_ns);

/* Why a snapshot is read. */
enum resync_cause {
    RESYNC_CONNECTED,
    RESYNC_GAP,
    RESYNC_DOUBT,
    RESYNC_MISSING,
    RESYNC_UNREADABLE,
    RESYNC_RECREATED,
    RESYNC_FAILED,
    RESYNC_CAUSES
};

/* A static word: "gap". */
const char *resync_cause_word(enum resync_cause cause);

/* The resync that the present snapshot belongs to; valid from snapshot_begin to the return of snapshot_end. */
struct follow_resync {
    enum resync_cause cause; /* why it was begun */
    int64_t since_ns;        /* when that was: the store has not been known to be equal since */
    int64_t snapshot_ns;     /* when this snapshot was asked for */
};
struct follow_resync follow_resync(const struct follow *f);

struct follow_counters {
    metric_value resyncs[RESYNC_CAUSES];    /* snapshots asked for, by what for, */
    metric_value begun, completed, aborted; /* in all; finished; given up */
    metric_value gaps, deferred;            /* holes in the live feed; too many at a time */
    metric_value lost;                      /* changes that were in them */
    metric_value recreated, missing;        /* snapshots that ended so */
    metric_value rereads;                   /* snapshots for what came live and could not be read */
    metric_value checks;
    metric_value ignored; /* live messages that were known already */
    metric_value late;    /* live messages that came behind a later one */
};

/* Shows what it counts; followers add up. -ENOMEM. The follower must live as long as m. */
int follow_add_metrics(struct follow *f, struct metrics *m);

/* The sequence up to which everything is known; 0 when not live. */
uint64_t follow_horizon(const struct follow *f);

/* Whether it follows, and knows of no hole. */
bool follow_is_live(const struct follow *f);

#endif
