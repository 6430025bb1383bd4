/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who decides that a host is gone: a host is alive until the TTL in its newest lease has passed since that arrived, on
 * this host's monotonic clock. Pure: time comes in as an argument. Main thread.
 *
 * The mass-loss guard: when a lease runs out and more than guard_percent of the hosts alive (and at least
 * guard_min) are overdue as well, it is more likely that their way to the bus broke than that all died. They are
 * held (HOST_HELD) until they are heard again, but no longer than guard_ns. A host that said good-bye is never held.
 *
 * There is no sweep: a lease that is missing in a snapshot was not renewed, which its deadline shows as well,
 * and a bucket that was emptied or made anew must take no host with it.
 */
#ifndef SYNC_LIVENESS_H
#define SYNC_LIVENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libdiscover/core/record.h"

enum host_status {
    HOST_ALIVE,
    HOST_HELD,    /* its lease has run out, with too many others at once: kept for a limited time */
    HOST_LEFT,    /* said good-bye */
    HOST_EXPIRED, /* its lease has run out */
};

static inline bool host_alive(enum host_status s)
{
    return s <= HOST_HELD;
}

/* "alive", "kept", "left", "expired". Static. */
const char *host_status_word(enum host_status s);

struct liveness_events {
    /* A host is new, has another status, or another lease with the same status. lease: the newest known (but see
       has_records and liveness_set_records_known). */
    void (*host_changed)(void *arg, const char *host, const struct lease *lease, enum host_status status);
    /* The mass-loss guard holds so many hosts, until then; 0: it has ended. why: a static text. */
    void (*guard)(void *arg, size_t held, int64_t until_ns, const char *why);
};

struct liveness_stats {
    size_t hosts; /* in the table, also those that are gone and only remembered */
    size_t alive, held;
};

struct liveness_options {
    size_t max_hosts;
    unsigned guard_percent; /* 100 switches the guard off */
    unsigned guard_min;
    int64_t guard_ns;

    /*
     * Makes something come through the live feed soon (the own lease, put at once). When it is given, a lease runs
     * out only once something was heard after its deadline: nobody is declared dead over a feed that may be deaf.
     * Called when nothing was heard so long after it, which is seldom where there are many hosts: else a host that dies
     * would make all others put a lease in the same millisecond. NULL: none.
     */
    void (*probe)(void *arg);
    int64_t probe_after_ns;

    /*
     * Whether all records that a lease vouches for are here. As long as they are not, one may be lost in a hole of its
     * feed that nobody has noticed yet: a host that is alive is reported with its old min_epoch until they are, or until
     * all records have been read behind its lease (liveness_set_records_known). NULL: they always are.
     */
    bool (*has_records)(void *arg, const char *host, const struct lease *lease);
};

struct liveness;
struct metrics;

/* options and events are copied. -ENOMEM. */
int liveness_new(const struct liveness_options *options, const struct liveness_events *events, void *arg,
                 struct liveness **ret_l);
void liveness_free(struct liveness *l);

/*
 * A lease arrived; age_ns is 0 on the live feed. 0: applied; -EALREADY: known, or older than what is known of the same
 * life; -ESTALE: ignored, as it is of a life with an older epoch than the one known under this name; -ENOSPC: more hosts
 * than the limit; -EINVAL: not a host name; -ENOMEM.
 */
int liveness_apply(struct liveness *l, const char *host, const struct lease *lease, int64_t age_ns, int64_t now_ns);

/* The lease was deleted: the host is gone at once. */
void liveness_remove(struct liveness *l, const char *host, int64_t now_ns);

/* While the bus is not healthy, and one lease TTL beyond, no lease runs out. Not healthy in the beginning. */
void liveness_set_healthy(struct liveness *l, bool healthy, int64_t now_ns);

/*
 * Whether the follower of the leases is live. While it knows of a hole in the feed no lease runs out: the renewal may
 * be in that hole. Whole in the beginning.
 */
void liveness_set_whole(struct liveness *l, bool whole);

/*
 * Whether all records are known: their follower is live, and nothing was missing in its last snapshot, which was begun at
 * read_ns. Until they are, hosts are reported with the min_epoch that was reported before: a lease that was heard before
 * the records of the new epoch would take the old ones away. A lease that came after read_ns waits on for those it
 * vouches for: they may be stored behind what was read, and lost on the feed. Known in the beginning.
 */
void liveness_set_records_known(struct liveness *l, bool known, int64_t read_ns);

/*
 * Until now_ns the feed of the leases is known not to have been deaf: something came through it behind all else, or it
 * was found that there was nothing to come.
 */
void liveness_heard(struct liveness *l, int64_t now_ns);

/*
 * liveness_heard_ns: until when the feed is known not to have been deaf, for other things that run out. liveness_probe
 * makes something come through it, where that is not late enough; returns when to try again.
 */
int64_t liveness_heard_ns(const struct liveness *l);
int64_t liveness_probe(struct liveness *l, int64_t now_ns);

/*
 * Lets leases run out. Returns when to call again; INT64_MAX: not by time. Call it after each input as well. When it
 * is called more than a second later than it said, this process was stopped, and nobody is blamed for that.
 */
int64_t liveness_tick(struct liveness *l, int64_t now_ns);

/* One host, for status and explain. */
struct liveness_host {
    enum host_status status;
    struct lease lease;  /* the newest known */
    int64_t heard_ns;    /* when that lease arrived, had it come live */
    int64_t deadline_ns; /* alive: when its lease runs out; held: until when it is held */
    struct lease ignored;
    int64_t ignored_ns; /* when a lease of another life under its name, which is not believed, came last; 0: none */
};

/* -ENOENT: nothing was heard of it lately. */
int liveness_host(const struct liveness *l, const char *host, struct liveness_host *ret_host);

/*
 * The host that reports something: own, or another one that is alive, was heard lately, has been there since then, and publishes
 * events (its lease says so), but not the one it is about. The same on all hosts that have heard the same. All hosts are looked
 * at, in pieces: true when best is it, else call again with the same.
 */
struct liveness_choice {
    char best[LABEL_CAP], next[LABEL_CAP];
    uint64_t best_weight;
    int64_t begun_ns; /* 0: not yet */
};
bool liveness_choose(const struct liveness *l, const char *own, const char *of, int64_t since_ns, int64_t now_ns,
                     struct liveness_choice *c);

/* Whether the chosen host is own, found in one call. */
bool liveness_is_chosen(const struct liveness *l, const char *own, const char *of, int64_t since_ns, int64_t now_ns);

/*
 * Looks in pieces for a host whose lease has not run out and for which is() is true, from *next on, where the next call goes
 * on ("": with the first). 1: *next is one; 0: there is none; -EAGAIN: none so far.
 */
typedef bool liveness_is_fn(void *arg, const char *host, const struct lease *lease);
int liveness_find_some(const struct liveness *l, int64_t now_ns, liveness_is_fn *is, void *arg,
                       char next[static LABEL_CAP]);

struct liveness_stats liveness_stats(const struct liveness *l);

/* Shows what it counts. -ENOMEM. l must live as long as m. */
int liveness_add_metrics(struct liveness *l, struct metrics *m);

#endif
