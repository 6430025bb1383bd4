/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world around a publisher or an agent: records what goes out through struct agent_ops. Puts stay in flight until
 * the test answers them; an answered put is in the bucket.
 */
#ifndef TESTS_AGENT_BUCKET_H
#define TESTS_AGENT_BUCKET_H

#include <errno.h>
#include <string.h>

#include "daemon/agent/agent.h"
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
    int store_result; /* negative: what store and forget return */
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

static struct bucket *bucket;

static inline struct slot *slot_of(struct slot *slots, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(slots[i].key, key) == 0)
            return &slots[i];
    return NULL;
}

static inline struct slot *slot_put(struct slot *slots, size_t *n, const char *key, const struct record *record)
{
    struct slot *slot = slot_of(slots, *n, key);
    if (!slot) {
        ck_assert_uint_lt(*n, SLOTS_MAX);
        slot = &slots[(*n)++];
        strcpy(slot->key, key);
    }
    slot->record = *record;
    return slot;
}

static inline void slot_remove(struct slot *slots, size_t *n, const char *key)
{
    struct slot *slot = slot_of(slots, *n, key);
    if (slot)
        *slot = slots[--*n];
}

static inline int op_publish(void *arg, const char *key, const uint8_t *bytes, size_t n, uint64_t token)
{
    struct bucket *b = arg;
    const char *why;
    if (b->refuse)
        return b->refuse;
    ck_assert_uint_lt(b->n_flights, FLIGHTS_MAX);
    struct flight *f = &b->flights[b->n_flights++];
    f->token = token;
    f->is_delete = false;
    strcpy(f->key, key);
    ck_assert_int_eq(record_decode(bytes, n, &f->record, &why), 0);
    return 0;
}

static inline int op_unpublish(void *arg, const char *key, uint64_t token)
{
    struct bucket *b = arg;
    if (b->refuse)
        return b->refuse;
    ck_assert_uint_lt(b->n_flights, FLIGHTS_MAX);
    struct flight *f = &b->flights[b->n_flights++];
    f->token = token;
    f->is_delete = true;
    strcpy(f->key, key);
    return 0;
}

static inline int op_publish_lease(void *arg, const struct lease *lease, uint64_t token)
{
    struct bucket *b = arg;
    ck_assert_uint_lt(b->n_leases, FLIGHTS_MAX);
    if (lease->asked_by) {
        b->question = *lease;
        b->n_questions++;
        return 0;
    }
    b->lease_tokens[b->n_leases] = token;
    b->leases[b->n_leases++] = *lease;
    return 0;
}

static inline void op_local_put(void *arg, const struct instance_key *key, const struct record *record)
{
    struct bucket *b = arg;
    char text[KEY_CAP];
    instance_key_format(key, text);
    (void)slot_put(b->local, &b->n_local, text, record);
}

static inline void op_local_remove(void *arg, const struct instance_key *key)
{
    struct bucket *b = arg;
    char text[KEY_CAP];
    instance_key_format(key, text);
    slot_remove(b->local, &b->n_local, text);
}

static inline int op_watch_pid(void *arg, pid_t pid, uint64_t *start)
{
    struct bucket *b = arg;
    for (size_t i = 0; i < 8; i++) {
        if (b->processes[i].pid != pid || b->processes[i].start == 0)
            continue;
        if (*start != 0 && *start != b->processes[i].start)
            return -ESRCH;
        *start = b->processes[i].start;
        b->processes[i].watchers++;
        return 0;
    }
    return -ESRCH;
}

static inline void op_unwatch_pid(void *arg, pid_t pid)
{
    struct bucket *b = arg;
    for (size_t i = 0; i < 8; i++)
        if (b->processes[i].pid == pid)
            b->processes[i].watchers--;
}

static inline struct stored *stored_of(struct bucket *b, const char *name)
{
    for (size_t i = 0; i < b->n_store; i++)
        if (strcmp(b->store[i].name, name) == 0)
            return &b->store[i];
    return NULL;
}

static inline int op_store(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    struct bucket *b = arg;
    struct stored *s = stored_of(b, name);
    if (b->store_result < 0)
        return b->store_result;
    if (!s) {
        ck_assert_uint_lt(b->n_store, SLOTS_MAX);
        s = &b->store[b->n_store++];
        strcpy(s->name, name);
    }
    memcpy(s->bytes, bytes, n);
    s->n = n;
    return 0;
}

static inline int op_forget(void *arg, const char *name)
{
    struct bucket *b = arg;
    struct stored *s = stored_of(b, name);
    if (b->store_result < 0)
        return b->store_result;
    if (s)
        *s = b->store[--b->n_store];
    return 0;
}

static inline void op_note(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    (void)(n ? op_store(arg, name, bytes, n) : op_forget(arg, name));
}

static inline uint64_t op_random(void *arg)
{
    struct bucket *b = arg;
    return b->random++ * UINT64_C(2654435761) + 1;
}

static inline void op_rival(void *arg, const struct lease *lease, bool stand_down)
{
    struct bucket *b = arg;
    (void)lease;
    b->name_conflicts++;
    b->stand_down = stand_down;
}

static inline void op_grace_over(void *arg, const struct override *override)
{
    struct bucket *b = arg;
    b->graces_over += override->over;
}

static inline void bucket_new(void)
{
    bucket = calloc(1, sizeof *bucket);
    ck_assert_ptr_nonnull(bucket);
}

static inline void bucket_free(void)
{
    free(bucket);
}

static inline struct agent_ops bucket_ops(void)
{
    return (struct agent_ops){bucket,       op_local_put,     op_local_remove, op_local_remove, op_publish,
                              op_unpublish, op_publish_lease, op_watch_pid,    op_unwatch_pid,  op_store,
                              op_forget,    op_note,          op_random,       op_rival,        op_grace_over};
}

/* Takes the oldest flight out; what it did is in the bucket now. */
static inline struct flight bucket_land(void)
{
    ck_assert_uint_gt(bucket->n_flights, 0);
    struct flight f = bucket->flights[0];
    memmove(bucket->flights, bucket->flights + 1, --bucket->n_flights * sizeof f);
    f.seq = ++bucket->seq;
    if (f.is_delete)
        slot_remove(bucket->slots, &bucket->n_slots, f.key);
    else
        slot_put(bucket->slots, &bucket->n_slots, f.key, &f.record)->seq = f.seq;
    return f;
}

static inline const struct record *bucket_holds(const char *key)
{
    struct slot *slot = slot_of(bucket->slots, bucket->n_slots, key);
    return slot ? &slot->record : NULL;
}

static inline const struct record *local_holds(const char *key)
{
    struct slot *slot = slot_of(bucket->local, bucket->n_local, key);
    return slot ? &slot->record : NULL;
}

static inline struct instance_key bucket_key(const char *text)
{
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    return key;
}

static inline struct record bucket_record(uint16_t port)
{
    struct record r;
    record_init(&r);
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    return r;
}

#endif
