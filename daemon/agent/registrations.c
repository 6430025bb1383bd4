/* SPDX-License-Identifier: Apache-2.0 */
/* What is registered on this host, by whom, and for how long. */
#include "daemon/agent/registrations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/*
 * What registrations are bound to: a connection, a process, or the configuration. The last one's list is in the order
 * in which they were named.
 */
struct holder {
    UT_hash_handle hh;
    struct holder_id {
        uint64_t kind, id;
    } id;
    struct registration *list;
};

void registrations_fini(struct registrations *r)
{
    while (r->by_key)
        registrations_remove(r, r->by_key);
    deadlines_fini(&r->deadlines);
    reserved_names_fini(&r->reserved);
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

bool registrations_is_kept_from(const struct registrations *r, const struct instance_key *key, uid_t uid)
{
    const uid_t *had = reserved_names_find(&r->reserved, key);
    return had && uid != *had && uid != 0;
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
    /* moved to the end of its list if it is of the configuration: the first is of the earliest round */
    if (from == to && owner->kind != OWNER_STATIC)
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

struct registration *registrations_of_earlier_round(const struct registrations *r)
{
    struct registration *reg = held_by(r, OWNER_STATIC, 0);
    return reg && reg->round != r->round ? reg : NULL;
}

/* --- setting and removing --- */

static int set_record(struct registration *reg, const struct encoded_record *record, bool *ret_changed)
{
    *ret_changed = !reg->record.body || !encoded_record_equal(&reg->record, record);
    if (!*ret_changed)
        return 0;
    uint8_t *body = malloc(record->n ? record->n : 1);
    if (!body)
        return -ENOMEM;
    memcpy(body, record->body, record->n);
    free((uint8_t *)reg->record.body);
    reg->record = *record;
    reg->record.body = body;
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
                      const struct encoded_record *record, int64_t now_ns, struct registration **ret_registration,
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
    free((uint8_t *)reg->record.body);
    free(reg);
}

/* --- names --- */

static bool same_endpoint(const struct registration *reg, const struct record *record)
{
    struct record held;
    registration_record(reg, &held);
    return held.port == record->port && strcmp(held.hostname, record->hostname) == 0 &&
           addresses_equal(&held.addresses, &record->addresses);
}

static bool name_fits(const struct registrations *r, const struct owner *owner, const struct record *record,
                      const struct instance_key *key)
{
    const struct registration *reg = registrations_find(r, key);
    if (!reg)
        return registrations_may_claim(r, key, owner) != -EEXIST;
    if (registrations_may_claim(r, key, owner) < 0)
        return false;
    /* Two services of the configuration may be alike: one that was named in this round is another one's. */
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
    uint8_t bytes[RECORD_WIRE_MAX];
    const char *why;
    if (record_decode(bytes, encoded_record_unversioned(&reg->record, bytes), ret_record, &why) < 0)
        record_init(ret_record);
}

uint8_t registration_state(const struct registration *reg)
{
    uint8_t registered = reg->record.state;
    bool by_hand = registered == DISCOVER_MAINTENANCE || registered == DISCOVER_DRAINING;
    if (reg->overridden)
        return reg->overridden;
    return !by_hand && reg->checked > registered ? reg->checked : registered;
}

/* --- time to live --- */

void registrations_heartbeat(struct registrations *r, struct registration *reg, int64_t now_ns)
{
    if (reg->owner.kind == OWNER_TTL)
        deadlines_set(&r->deadlines, &reg->deadline, now_ns + reg->owner.ttl_ns);
    else
        deadlines_clear(&r->deadlines, &reg->deadline);
}

struct registration *registrations_expired(const struct registrations *r, int64_t now_ns)
{
    struct deadline *d = deadlines_first(&r->deadlines);
    if (!d || d->at_ns > now_ns)
        return NULL;
    return (struct registration *)((char *)d - offsetof(struct registration, deadline));
}
