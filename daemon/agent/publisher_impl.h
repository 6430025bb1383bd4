/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structures of the publisher, shared by what puts (publisher.c) and what is observed (publisher_observed.c).
 * Nobody else includes this.
 */
#ifndef AGENT_PUBLISHER_IMPL_H
#define AGENT_PUBLISHER_IMPL_H

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
    struct entry *prev, *next; /* queued */
    struct deadline deadline;  /* idle, flying, waiting */
    uint8_t *value;            /* wanted, encoded; NULL: gone */
    size_t n;
    struct version version; /* of value, or of the wish to have it gone */
    struct version stored;  /* what the bucket holds; epoch 0: nothing */
    struct version vouched; /* what the lease vouches for, whoever has written over it; epoch 0: nothing */
    struct version flown;   /* of what was put last; epoch 0: a delete */
    uint64_t seq;           /* in the stream, of what the bucket holds; 0: not known */
    uint64_t crossed_seq;   /* the newest that was observed while the last put was flying */
    uint64_t token;         /* of what was put last */
    int64_t sent_ns;
    int64_t rtt_ns; /* until that was confirmed; 0: it was not */
    struct backoff backoff;
    uint32_t snapshot; /* the last one in which it was known to be stored */
    uint8_t status;
    bool failed; /* the last put did */
    bool kept;   /* neither value nor gone: as it is */
    bool unsure; /* something was put, and it is not known whether it arrived */
    bool alien;  /* the bucket holds what this host cannot have written */
    bool behind;
    bool refused; /* the last answer was a refusal */
    size_t key_n;
    char key[];
};

struct publisher {
    struct publisher_options options;
    const struct agent_ops *ops;
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

/* publisher.c */
struct entry *publisher_find(const struct publisher *w, const struct instance_key *key);
struct entry *publisher_find_or_add(struct publisher *w, const struct instance_key *key); /* NULL: no memory */
bool publisher_settled(const struct entry *e);
void publisher_recount(struct publisher *w, struct entry *e);
void publisher_vouch(struct publisher *w, struct entry *e, struct version version);
void publisher_set_status(struct publisher *w, struct entry *e, enum status status, int64_t at_ns);
void publisher_pump(struct publisher *w, int64_t now_ns);
int publisher_set_value(struct entry *e, const struct record *record);

/* Wanted or stored has changed, and nothing is flying: decides what comes next. May free e. */
void publisher_aim(struct publisher *w, struct entry *e, int64_t now_ns);

/* publisher_observed.c: somebody has written over it. It is put again at once, but not more often than that. */
void publisher_put_back(struct publisher *w, struct entry *e, int64_t now_ns);

#endif
