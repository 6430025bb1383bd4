/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world around a publisher or an agent: records what goes out through struct agent_ops. Puts stay in flight until
 * the test answers them; an answered put is in the bucket.
 */
#ifndef TESTS_AGENT_BUCKET_H
#define TESTS_AGENT_BUCKET_H

#include <errno.h>
#include <string.h>

#include "daemon/agent/agent_ops.h"
#include "daemon/agent/overrides.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define FLIGHTS_MAX 4096
#define SLOTS_MAX   64

struct flight {
    uint64_t token;
    uint64_t seq; /* once it has landed */
    char key[KEY_CAP];
    bool is_delete;
    struct record record; /* of a put */
};

struct slot {
    char key[KEY_CAP];
    struct record record;
    uint64_t seq;
};

struct stored {
    char name[32];
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
};

struct bucket {
    struct flight flights[FLIGHTS_MAX]; /* not answered yet, oldest first */
    size_t n_flights;
    struct slot slots[SLOTS_MAX]; /* what was acknowledged */
    size_t n_slots;
    uint64_t seq;                 /* of the stream */
    struct slot local[SLOTS_MAX]; /* the local catalog */
    size_t n_local;
    struct lease leases[FLIGHTS_MAX];
    uint64_t lease_tokens[FLIGHTS_MAX];
    size_t n_leases;
    struct lease question; /* the last one put */
    size_t n_questions;
    struct stored store[SLOTS_MAX];
    size_t n_store;
    int store_result;             /* negative: what store and forget return */
    size_t flights_before_forget; /* that were on their way when something was forgotten last */
    struct {
        pid_t pid;
        uint64_t start; /* 0: no such process */
        int watchers;
    } processes[8];
    uint64_t random, last_seq;
    int refuse; /* what publish returns */
    size_t name_conflicts;
    size_t graces_over;
    bool stand_down;
};

extern struct bucket *bucket;

struct slot *slot_put(struct slot *slots, size_t *n, const char *key, const struct record *record);
void slot_remove(struct slot *slots, size_t *n, const char *key);
struct stored *stored_of(struct bucket *b, const char *name);
void bucket_new(void);
void bucket_free(void);
struct agent_ops bucket_ops(void);

/* Takes the oldest flight out; what it did is in the bucket now. */
struct flight bucket_land(void);
const struct record *bucket_holds(const char *key);
const struct record *local_holds(const char *key);
struct instance_key bucket_key(const char *text);
struct record bucket_record(uint16_t port);

#endif
