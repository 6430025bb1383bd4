/* SPDX-License-Identifier: Apache-2.0 */
/* What is registered on this host, by whom, and for how long. */
#include "daemon/agent/registrations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* What registrations are bound to: a connection, a process, or the configuration, whose list is in the order of naming. */
struct holder {
    UT_hash_handle hh;
    struct holder_id {
        uint64_t kind, id;
    } id;
    struct registration *list;
};

struct registrations {
    size_t max;
    struct registration *by_key;
    struct holder *holders;
    struct deadlines deadlines;
    struct reserved_names reserved;
    uint32_t round;
};

int registrations_new(size_t max, struct registrations **ret_r)
{
    struct registrations *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->max = max;
    deadlines_init(&r->deadlines);
    *ret_r = r;
    return 0;
}

void registrations_free(struct registrations *r)
{
    if (!r)
        return;
    while (r->by_key)
        registrations_remove(r, r->by_key);
    deadlines_fini(&r->deadlines);
    reserved_names_fini(&r->reserved);
    free(r);
}

size_t registrations_count(const struct registrations *r)
{
    return HASH_COUNT(r->by_key);
}

struct registration *registrations_find(const struct registrations *r, const struct instance_key *key)
{
    char text[KEY_CAP];
    struct registration *reg;
    instance_key_format(key, text);
    HASH_FIND_STR(r->by_key, text, reg);
    return reg;
}

/* --- who may have a key --- */

static bool same_owner(const struct owner *a, const struct owner *b)
{
    if (a->kind == OWNER_STATIC || b->kind == OWNER_STATIC)
        return a->kind == b->kind;
    return a->client != 0 && a->client == b->client;
}

static bool may_take_over(const struct owner *from, const struct owner *to)
{
    if (from->kind == OWNER_INHERITED)
        return true;
    bool left_behind = from->kind == OWNER_TTL || from->kind == OWNER_PID;
    bool asked_for = from->kind == OWNER_CONNECTION && to->kind == OWNER_CONNECTION && to->take_over;
    return (left_behind || asked_for) && to->kind != OWNER_STATIC && from->uid == to->uid;
}

int registrations_reserve(struct registrations *r, const struct instance_key *key, uid_t uid)
{
    return reserved_names_add(&r->reserved, key, uid);
}

bool registrations_is_kept_from(const struct registrations *r, const struct instance_key *key, uid_t uid)
{
    uid_t had;
    return reserved_names_find(&r->reserved, key, &had) && uid != had && uid != 0;
}

bool registrations_reserved_for(const struct registrations *r, const struct instance_key *key, uid_t *ret_uid)
{
    return reserved_names_find(&r->reserved, key, ret_uid);
}

bool registrations_unreserve(struct registrations *r, struct instance_key *ret_key)
{
    return reserved_names_take(&r->reserved, ret_key);
}

int registrations_may_claim(const struct registrations *r, const struct instance_key *key, const struct owner *owner)
{
    const struct registration *reg = registrations_find(r, key);
    if (owner->kind != OWNER_STATIC && registrations_is_kept_from(r, key, owner->uid))
        return -EEXIST;
    if (!reg)
        return HASH_COUNT(r->by_key) >= r->max ? -ENOSPC : 0;
    return same_owner(&reg->owner, owner) || may_take_over(&reg->owner, owner) ? 0 : -EEXIST;
}

bool registration_allows(const struct registration *reg, uint64_t client, uid_t uid)
{
    if (reg->owner.kind == OWNER_STATIC)
        return false;
    if (reg->owner.kind == OWNER_INHERITED)
        return true;
    return reg->owner.client == client || reg->owner.uid == uid || uid == 0;
}

/* --- what they are bound to --- */

static bool holder_id_of(const struct owner *owner, struct holder_id *ret_id)
{
    if (owner->kind == OWNER_CONNECTION)
        *ret_id = (struct holder_id){OWNER_CONNECTION, owner->client};
    else if (owner->kind == OWNER_PID)
        *ret_id = (struct holder_id){OWNER_PID, (uint64_t)owner->pid};
    else if (owner->kind == OWNER_STATIC)
        *ret_id = (struct holder_id){OWNER_STATIC, 0};
    else
        return false;
    return true;
}

static struct holder *find_holder(const struct registrations *r, struct holder_id id)
{
    struct holder *h;
    HASH_FIND(hh, r->holders, &id, sizeof id, h);
    return h;
}

static struct holder *find_or_add_holder(struct registrations *r, struct holder_id id)
{
    struct holder *h = find_holder(r, id);
    if (h)
        return h;
    h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->id = id;
    HASH_ADD(hh, r->holders, id, sizeof h->id, h);
    if (hash_added(&h->hh))
        return h;
    free(h);
    return NULL;
}

static void drop_if_empty(struct registrations *r, struct holder *h)
{
    if (!h || h->list)
        return;
    HASH_DELETE(hh, r->holders, h);
    free(h);
}

static struct holder *holder_of(const struct registrations *r, const struct owner *owner)
{
    struct holder_id id;
    return holder_id_of(owner, &id) ? find_holder(r, id) : NULL;
}

static void set_owner(struct registrations *r, struct registration *reg, const struct owner *owner)
{
    struct holder *from = holder_of(r, &reg->owner), *to = holder_of(r, owner);
    reg->owner = *owner;
    if (from == to && owner->kind != OWNER_STATIC) /* of those the list tells which were named last */
        return;
    if (from)
        DL_DELETE(from->list, reg);
    if (to)
        DL_APPEND(to->list, reg);
    drop_if_empty(r, from);
}

static struct registration *held_by(const struct registrations *r, enum owner_kind kind, uint64_t id)
{
    struct holder *h = find_holder(r, (struct holder_id){kind, id});
    return h ? h->list : NULL;
}

struct registration *registrations_of_client(const struct registrations *r, uint64_t client)
{
    return held_by(r, OWNER_CONNECTION, client);
}

struct registration *registrations_of_pid(const struct registrations *r, pid_t pid)
{
    return held_by(r, OWNER_PID, (uint64_t)pid);
}

void registrations_begin_round(struct registrations *r)
{
    r->round++;
}

struct registration *registrations_of_earlier_round(const struct registrations *r)
{
    struct registration *reg = held_by(r, OWNER_STATIC, 0);
    return reg && reg->round != r->round ? reg : NULL;
}

/* --- setting and removing --- */

static int set_record(struct registration *reg, const struct record *record, bool *ret_changed)
{
    struct record bare = *record;
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    bare.epoch = bare.counter = 0;
    int err = record_encode(&bare, bytes, &n);
    if (err < 0)
        return err;
    *ret_changed = !reg->record || reg->record_n != n || memcmp(reg->record, bytes, n) != 0;
    if (!*ret_changed)
        return 0;
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, bytes, n);
    free(reg->record);
    reg->record = copy;
    reg->record_n = n;
    return 0;
}

static struct registration *add(struct registrations *r, const struct instance_key *key)
{
    if (deadlines_reserve(&r->deadlines, HASH_COUNT(r->by_key) + 1) < 0)
        return NULL;
    struct registration *reg = calloc(1, sizeof *reg);
    if (!reg)
        return NULL;
    reg->owner.kind = OWNER_INHERITED;
    reg->key = *key;
    instance_key_format(key, reg->key_text);
    HASH_ADD_STR(r->by_key, key_text, reg);
    if (hash_added(&reg->hh))
        return reg;
    free(reg);
    return NULL;
}

int registrations_set(struct registrations *r, const struct instance_key *key, const struct owner *owner,
                      const struct record *record, int64_t now_ns, struct registration **ret_registration,
                      bool *ret_changed)
{
    struct registration *reg = registrations_find(r, key);
    bool is_new = !reg, inherited = reg && reg->owner.kind == OWNER_INHERITED, changed = false;
    struct holder_id id;
    struct holder *holder = NULL;
    int err = 0;
    if (is_new)
        reg = add(r, key);
    if (holder_id_of(owner, &id) && !(holder = find_or_add_holder(r, id)))
        err = -ENOMEM;
    if (reg && err == 0)
        err = set_record(reg, record, &changed);
    if (!reg || err < 0) {
        drop_if_empty(r, holder);
        if (reg && is_new)
            registrations_remove(r, reg);
        return reg ? err : -ENOMEM;
    }
    set_owner(r, reg, owner);
    if (owner->kind != OWNER_INHERITED)
        reserved_names_remove(&r->reserved, key);
    registrations_heartbeat(r, reg, now_ns);
    reg->round = r->round;
    *ret_registration = reg;
    /* What was inherited is of an earlier epoch: claiming it is a change even if every word is the same. */
    *ret_changed = changed || inherited;
    return 0;
}

void registrations_remove(struct registrations *r, struct registration *reg)
{
    static const struct owner nobody = {.kind = OWNER_INHERITED};
    set_owner(r, reg, &nobody);
    deadlines_clear(&r->deadlines, &reg->deadline);
    HASH_DEL(r->by_key, reg);
    free(reg->record);
    free(reg);
}

struct registration *registrations_first(const struct registrations *r)
{
    return r->by_key;
}

/* --- names --- */

static bool same_endpoint(const struct registration *reg, const struct record *record)
{
    struct record held;
    registration_record(reg, &held);
    return held.port == record->port && held.families == record->families &&
           strcmp(held.hostname, record->hostname) == 0 && memcmp(held.ipv4, record->ipv4, sizeof held.ipv4) == 0 &&
           memcmp(held.ipv6, record->ipv6, sizeof held.ipv6) == 0;
}

static bool name_fits(const struct registrations *r, const struct owner *owner, const struct record *record,
                      const struct instance_key *key)
{
    const struct registration *reg = registrations_find(r, key);
    if (!reg)
        return registrations_may_claim(r, key, owner) != -EEXIST;
    if (registrations_may_claim(r, key, owner) < 0)
        return false;
    /* Two services of the configuration may well be alike: one that was named in this round is taken. */
    bool named_now = owner->kind == OWNER_STATIC && reg->round == r->round;
    return reg->owner.kind == OWNER_INHERITED || (!named_now && same_endpoint(reg, record));
}

void registrations_name(const struct registrations *r, const struct owner *owner, const struct record *record,
                        struct instance_key *key)
{
    char suffix[32], text[LABEL_CAP + sizeof suffix];
    for (unsigned number = 1;; number++) {
        int n = snprintf(suffix, sizeof suffix, number == 1 ? "-%u" : "-%u-%u", record->port, number);
        int room = LABEL_MAX - n;
        snprintf(text, sizeof text, "%.*s%s", room, key->service, suffix);
        memcpy(key->instance, text, strlen(text) + 1);
        if (name_fits(r, owner, record, key))
            return;
    }
}

/* --- records and states --- */

void registration_record(const struct registration *reg, struct record *ret_record)
{
    const char *why;
    if (record_decode(reg->record, reg->record_n, ret_record, &why) < 0)
        record_init(ret_record);
}

void registration_effective(const struct registration *reg, struct record *ret_record)
{
    registration_record(reg, ret_record);
    bool by_hand = ret_record->state == DISCOVER_MAINTENANCE || ret_record->state == DISCOVER_DRAINING;
    if (!by_hand && reg->checked > ret_record->state)
        ret_record->state = reg->checked;
    if (reg->overridden)
        ret_record->state = reg->overridden;
}

/* --- time to live --- */

void registrations_heartbeat(struct registrations *r, struct registration *reg, int64_t now_ns)
{
    if (reg->owner.kind == OWNER_TTL)
        deadlines_set(&r->deadlines, &reg->deadline, now_ns + reg->owner.ttl_ns);
    else
        deadlines_clear(&r->deadlines, &reg->deadline);
}

void registrations_begin_anew(struct registrations *r, int64_t now_ns)
{
    for (struct registration *reg = registrations_first(r); reg; reg = registrations_next(reg))
        if (reg->owner.kind == OWNER_TTL)
            registrations_heartbeat(r, reg, now_ns);
}

struct registration *registrations_expired(const struct registrations *r, int64_t now_ns)
{
    struct deadline *d = deadlines_first(&r->deadlines);
    if (!d || d->at_ns > now_ns)
        return NULL;
    return (struct registration *)((char *)d - offsetof(struct registration, deadline));
}

int64_t registrations_deadline(const struct registrations *r)
{
    return deadlines_next_ns(&r->deadlines);
}
