/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agent/bucket.h"

struct bucket *bucket;

static struct slot *slot_of(struct slot *slots, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(slots[i].key, key) == 0)
            return &slots[i];
    return NULL;
}

struct slot *slot_put(struct slot *slots, size_t *n, const char *key, const struct record *record)
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

void slot_remove(struct slot *slots, size_t *n, const char *key)
{
    struct slot *slot = slot_of(slots, *n, key);
    if (slot)
        *slot = slots[--*n];
}

static int op_publish(void *arg, const char *key, const uint8_t *bytes, size_t n, uint64_t token)
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

static int op_unpublish(void *arg, const char *key, uint64_t token)
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

static int op_publish_lease(void *arg, const struct lease *lease, uint64_t token)
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

static void op_local_put(void *arg, const struct instance_key *key, const struct record *record)
{
    struct bucket *b = arg;
    char text[KEY_CAP];
    instance_key_format(key, text);
    (void)slot_put(b->local, &b->n_local, text, record);
}

static void op_local_remove(void *arg, const struct instance_key *key)
{
    struct bucket *b = arg;
    char text[KEY_CAP];
    instance_key_format(key, text);
    slot_remove(b->local, &b->n_local, text);
}

static int op_watch_pid(void *arg, pid_t pid, uint64_t *start)
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

static void op_unwatch_pid(void *arg, pid_t pid)
{
    struct bucket *b = arg;
    for (size_t i = 0; i < 8; i++)
        if (b->processes[i].pid == pid)
            b->processes[i].watchers--;
}

struct stored *stored_of(struct bucket *b, const char *name)
{
    for (size_t i = 0; i < b->n_store; i++)
        if (strcmp(b->store[i].name, name) == 0)
            return &b->store[i];
    return NULL;
}

static int op_store(void *arg, const char *name, const uint8_t *bytes, size_t n)
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

static int op_forget(void *arg, const char *name)
{
    struct bucket *b = arg;
    struct stored *s = stored_of(b, name);
    b->flights_before_forget = b->n_flights;
    if (b->store_result < 0)
        return b->store_result;
    if (s)
        *s = b->store[--b->n_store];
    return 0;
}

static void op_note(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    (void)(n ? op_store(arg, name, bytes, n) : op_forget(arg, name));
}

static uint64_t op_random(void *arg)
{
    struct bucket *b = arg;
    return b->random++ * UINT64_C(2654435761) + 1;
}

static void op_rival(void *arg, const struct lease *lease, bool stand_down)
{
    struct bucket *b = arg;
    (void)lease;
    b->name_conflicts++;
    b->stand_down = stand_down;
}

static void op_grace_over(void *arg, const struct override *override)
{
    struct bucket *b = arg;
    b->graces_over += override->over;
}

void bucket_new(void)
{
    bucket = calloc(1, sizeof *bucket);
    ck_assert_ptr_nonnull(bucket);
}

void bucket_free(void)
{
    free(bucket);
}

struct agent_ops bucket_ops(void)
{
    return (struct agent_ops){bucket,       op_local_put,     op_local_remove, op_local_remove, op_publish,
                              op_unpublish, op_publish_lease, op_watch_pid,    op_unwatch_pid,  op_store,
                              op_forget,    op_note,          op_random,       op_rival,        op_grace_over};
}

struct flight bucket_land(void)
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

const struct record *bucket_holds(const char *key)
{
    struct slot *slot = slot_of(bucket->slots, bucket->n_slots, key);
    return slot ? &slot->record : NULL;
}

const struct record *local_holds(const char *key)
{
    struct slot *slot = slot_of(bucket->local, bucket->n_local, key);
    return slot ? &slot->record : NULL;
}

struct instance_key bucket_key(const char *text)
{
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    return key;
}

struct record bucket_record(uint16_t port)
{
    struct record r;
    record_init(&r);
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    return r;
}
