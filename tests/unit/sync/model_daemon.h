/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon of the model test: the followers, leases, health and beat as they are, put together as the real daemon
 * does, with a catalog and a write side that are as simple as can be.
 */
#ifndef UNIT_SYNC_MODEL_DAEMON_H
#define UNIT_SYNC_MODEL_DAEMON_H

#include "daemon/agent/lease_schedule.h"
#include "daemon/agent/name_conflict.h"
#include "daemon/sync/follow.h"
#include "daemon/sync/health.h"
#include "daemon/sync/liveness.h"
#include "tests/unit/sync/model_bus.h"

/* What this host wants stored under one of its keys, and how far that is. */
struct intent {
    bool wanted;
    uint64_t counter; /* of the value that is wanted */
    bool stored;      /* acknowledged as it is */
    bool reported;    /* acknowledged at least once since it is wanted */
    bool out;         /* a put is on its way */
    uint64_t seq;     /* of what is known to be stored; 0: not known */
    uint64_t crossed; /* the newest that was seen while the last put was on its way */
    uint64_t token;
    int64_t retry_ns;
    uint64_t flown, vouched; /* what the last put adds to the digest in the lease, and the last that was acknowledged */
};

struct known {
    bool present, marked;
    bool spared;        /* the bucket has something unreadable, which may be of the epoch that is vouched for by now */
    struct value value; /* the newest; of one that was removed, too. Epoch 0: from the file */
    struct value found; /* what the last snapshot has instead: it is older. Epoch 0: nothing */
};

struct daemon {
    int client; /* its index, and its connection */
    int host;   /* under which name: a copy has that of another */
    bool running;
    uint64_t node, life;
    uint64_t epoch, min_epoch, counter, next_token;
    struct name_conflict name;
    uint64_t boot;                 /* of its machine */
    uint64_t kept_boot, kept_life; /* on its disk: who had the name last, and where; 0: unknown */
    uint64_t seen_epoch;           /* the highest under our name that is of another life */
    bool publishing;               /* connected, and the name is ours */
    bool stood_down;
    uint64_t forgotten; /* times it lost its state */
    struct intent intents[INSTANCES];
    struct lease_beat beat;
    int64_t grace_until_ns;
    bool connected;
    bool lease_seen; /* since the snapshot of the leases began */
    int64_t boot_ns;
    bool cut_off;           /* there was no bus as it began */
    bool leases_read;       /* a whole snapshot of them, in this life */
    bool remembered[HOSTS]; /* known from the file only */
    /* read side */
    struct feed {
        struct daemon *daemon;
        enum bucket bucket;
        struct follow *follow;
        bool synced;
    } feeds[BUCKETS];
    bool complete;   /* nothing was missing in the last snapshot of the records */
    int64_t read_ns; /* when that was begun */
    struct liveness *liveness;
    struct health health;
    struct known known[HOSTS * INSTANCES];
    enum host_status status[HOSTS];
    uint64_t lease_min_epoch[HOSTS];
    struct {
        uint64_t digest; /* in its last lease */
        int differed;    /* how often in a row, with that digest, from what is known here */
    } compared[HOSTS];
    bool served[HOSTS][INSTANCES]; /* as of the last time anybody looked */
    int64_t paused_ns;             /* until when it stands still */
};
extern struct daemon daemons[CLIENTS];

void daemon_boot(int host);   /* a new life, with the intents of the last one */
void daemon_forget(int host); /* what it knows of its earlier lives: it does not run */
void daemon_copy(int host);   /* boots the last client with the name and the state of that one */
void daemon_kill(int host);
void daemon_want(int host, int instance, bool wanted);
void daemon_mail(int host, const struct mail *mail);
void daemon_turn(int host);

/* Whether the daemon would answer with that instance. */
bool daemon_serves(const struct daemon *d, int host, int instance);

/* What one record adds to its host's digest. */
uint64_t model_digest(int key, const struct value *value);

/* False when what is known of the host differs from that digest for the 2nd, 4th, 8th, ... time in a row. */
bool model_agrees(struct daemon *d, int host, uint64_t digest);

/* Whether all records that its lease vouches for are known. */
bool model_has_records(const struct daemon *d, int host, const struct lease *lease);

/* Our own key, as the message with that sequence has it; NULL: deleted, or, without one, not there. */
void model_own_record(struct daemon *d, int key, const struct value *value, uint64_t seq);

struct value model_value(const struct kv_message *m);
int model_key(const char *key, size_t key_len);

/* For the follower of SERVICES; arg is its feed. */
void model_records_apply(void *arg, const struct kv_message *m, bool from_snapshot);
void model_records_remove(void *arg, const char *key, size_t key_len, uint64_t seq);
void model_records_begin(void *arg);
void model_records_end(void *arg, enum follow_end end);
size_t model_records_unmarked(void *arg);

/* What the file of the life before tells a new one; and what becomes of that when it is connected, and has read leases. */
void model_remember(struct daemon *d, const struct daemon *before);
void model_remembered_connected(struct daemon *d);
void model_remembered_leases_read(struct daemon *d);

#endif
