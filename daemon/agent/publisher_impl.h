/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the publisher, which publisher.c shares with the files that build on it: publisher_observed.c, for what
 * is seen in the bucket, and agent_explain.c.
 */
#ifndef AGENT_PUBLISHER_IMPL_H
#define AGENT_PUBLISHER_IMPL_H

#include "daemon/agent/encoded_record.h"
#include "daemon/agent/publisher.h"
#include "daemon/agent/window.h"
#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "libdiscover/core/backoff.h"

struct version {
    uint64_t epoch, counter; /* epoch 0: none */
};

enum status { NEW, IDLE, QUEUED, FLYING, WAITING };

struct entry {
    UT_hash_handle hh;         /* by key */
    UT_hash_handle by_token;   /* while token is not 0 */
    struct entry *prev, *next; /* in the queue */
    struct deadline deadline;  /* of an entry that is idle, flying or waiting */
    uint8_t *value;            /* the wanted record without its version; NULL: gone */
    size_t n;
    struct version version; /* of value, or of the wish to delete it */
    struct version stored;  /* what the bucket holds; epoch 0: nothing */
    struct version vouched; /* what the lease vouches for, whoever has written over it; epoch 0: nothing */
    struct version flown;   /* what was put last; epoch 0: a delete */
    uint64_t seq;           /* sequence in the stream of what the bucket holds; 0: not known */
    uint64_t crossed_seq;   /* the newest sequence that was observed while the last put was flying */
    uint64_t token;         /* of the last put */
    int64_t sent_ns;
    int64_t rtt_ns; /* how long the confirmation of the last put took; 0: there was none */
    struct backoff backoff;
    uint32_t snapshot; /* the last snapshot at which the key was known to be stored */
    uint8_t status;
    bool failed;   /* the last put failed */
    bool retained; /* publisher_retain: neither a value nor a delete is wanted */
    bool unsure;   /* something was put that may or may not have been stored */
    bool alien;    /* the bucket holds what this host cannot have written */
    bool behind;
    bool refused; /* the answer to the last put was a refusal */
    size_t key_n;
    char key[];
};

struct publisher {
    const struct agent_options *options;
    const struct agent_ops *ops;
    struct agent_metrics *metrics;
    struct entry *by_key, *by_token;
    struct entry *queue;
    struct deadlines deadlines;
    struct window window;
    struct publisher_stats stats;
    uint64_t counter;
    uint64_t epoch;    /* of the last value that was wanted */
    int64_t resume_ns; /* the bus took no more: nothing is put before this */
    uint32_t snapshot;
    bool paused;
};

static inline bool version_same(struct version a, struct version b)
{
    return a.epoch == b.epoch && a.counter == b.counter;
}

/* Uses publish, unpublish and random of ops. Keeps all pointers, which stay the caller's. */
void publisher_init(struct publisher *p, const struct agent_options *options, const struct agent_ops *ops,
                    struct agent_metrics *metrics);
void publisher_fini(struct publisher *p);

struct entry *publisher_find(const struct publisher *p, const struct instance_key *key);
struct entry *publisher_find_or_add(struct publisher *p, const struct instance_key *key); /* NULL: no memory */
bool publisher_settled(const struct entry *e);
void publisher_recount(struct publisher *p, struct entry *e);
void publisher_vouch(struct publisher *p, struct entry *e, struct version version);
void publisher_set_status(struct publisher *p, struct entry *e, enum status status, int64_t at_ns);
void publisher_pump(struct publisher *p, int64_t now_ns);

/* The wanted record as it goes into the bucket. Returns the number of bytes. */
size_t publisher_value(const struct entry *e, uint8_t ret_bytes[static RECORD_WIRE_MAX]);

/* Wanted or stored has changed, and nothing is flying: decides what comes next. May free e. */
void publisher_aim(struct publisher *p, struct entry *e, int64_t now_ns);

/* Somebody has overwritten the key: it is put again at once, or a little later if it was put just now. */
void publisher_put_back(struct publisher *p, struct entry *e, int64_t now_ns);

#endif
