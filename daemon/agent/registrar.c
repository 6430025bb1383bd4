/* SPDX-License-Identifier: Apache-2.0 */
/* Takes registrations, and does what each entails: serves it here, publishes it, stores it, watches its process. */
#include "daemon/agent/registrar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent/registrar_impl.h"
#include "daemon/agent/stored.h"
#include "libdiscover/core/clock.h"

void registrar_init(struct registrar *r, const struct agent_options *options, const struct agent_ops *ops,
                    struct publisher *publisher, struct agent_metrics *metrics)
{
    *r = (struct registrar){.options = options,
                            .ops = ops,
                            .publisher = publisher,
                            .registrations = {.max = options->instances_max},
                            .overrides = {.max = options->overrides_max, .next_end_ns = INT64_MAX},
                            .metrics = metrics};
}

void registrar_fini(struct registrar *r)
{
    free(r->gone);
    registrations_fini(&r->registrations);
    overrides_fini(&r->overrides);
}

/* --- what follows from a change --- */

static int withhold(struct registrar *r, const struct registration *reg, int64_t now_ns)
{
    r->ops->local_hide(r->ops->arg, &reg->key);
    publisher_remove(r->publisher, &reg->key, now_ns);
    return 0;
}

static void note_published(const struct registrar *r, struct registration *reg)
{
    reg->published.epoch = r->epoch;
    reg->published.addresses = r->addresses_round;
    reg->published.state = registration_state(reg);
}

/*
 * A registration at the host's address waits until the host has one. What is served here is decoded from the same bytes
 * as all others get.
 */
int registrar_publish(struct registrar *r, struct registration *reg, int64_t now_ns)
{
    const struct addresses *addresses = reg->record.at_host ? &r->options->addresses : &reg->record.addresses;
    if (reg->record.at_host && !addresses->families) {
        note_published(r, reg);
        return withhold(r, reg, now_ns);
    }
    struct record record;
    uint8_t bytes[RECORD_WIRE_MAX];
    const char *why;
    size_t n = encoded_record_join(&reg->record, registration_state(reg), addresses, bytes);
    int err = record_decode(bytes, n, &record, &why);
    if (err == 0)
        err = publisher_put(r->publisher, &reg->key, r->epoch, bytes, n, now_ns, &record.counter);
    if (err < 0)
        return err;
    note_published(r, reg);
    record.epoch = r->epoch;
    r->ops->local_put(r->ops->arg, &reg->key, &record);
    return 0;
}

static bool is_stored(const struct owner *owner)
{
    return owner->kind == OWNER_TTL || owner->kind == OWNER_PID;
}

/*
 * A registration that was acknowledged must be there after a restart: so it is stored before anything else is done with
 * it.
 */
static int store(struct registrar *r, const struct instance_key *key, const struct owner *owner,
                 const struct encoded_record *record)
{
    int err = stored_keep_registration(r->ops, key, owner, record);
    metric_add(&r->metrics->store_errors, err < 0);
    return err;
}

static int forget(struct registrar *r, const struct instance_key *key)
{
    int err = stored_drop(r->ops, STORED_REGISTRATION, key);
    metric_add(&r->metrics->store_errors, err < 0);
    return err;
}

static int watch(struct registrar *r, struct owner *owner)
{
    const struct registration *other = registrations_of_pid(&r->registrations, owner->pid);
    if (!other)
        return r->ops->watch_pid(r->ops->arg, owner->pid, &owner->pid_start);
    if (owner->pid_start != 0 && owner->pid_start != other->owner.pid_start)
        return -ESRCH;
    owner->pid_start = other->owner.pid_start;
    return 0;
}

static void unwatch(struct registrar *r, const struct owner *owner)
{
    if (owner->kind == OWNER_PID && !registrations_of_pid(&r->registrations, owner->pid))
        r->ops->unwatch_pid(r->ops->arg, owner->pid);
}

/* Whether the store has the name as this user's already. */
static bool name_is_noted(const struct registrar *r, const struct instance_key *key, const struct owner *before,
                          const struct owner *owner)
{
    const uid_t *uid = reserved_names_find(&r->registrations.reserved, key);
    return (before->kind == OWNER_CONNECTION && before->uid == owner->uid) || (uid && *uid == owner->uid);
}

/*
 * Stores whose name it is: after a restart nobody else of this host may have it until the program has registered again.
 * A failure refuses nobody.
 */
static void note_name(struct registrar *r, const struct instance_key *key, const struct owner *before,
                      const struct owner *owner, bool noted)
{
    bool had = before->kind == OWNER_CONNECTION, has = owner->kind == OWNER_CONNECTION;
    if (has && !noted)
        stored_note_name(r->ops, key, owner->uid);
    else if (had && !has)
        stored_note_no_name(r->ops, key);
}

void registrar_note_failed(struct registrar *r)
{
    metric_inc(&r->metrics->store_errors);
}

/* The disk comes last: the local catalog and the bus are not to wait until it has forgotten the registration. */
void registrar_end(struct registrar *r, struct registration *reg, int64_t now_ns)
{
    const struct instance_key key = reg->key;
    const struct owner owner = reg->owner;
    r->inherited -= owner.kind == OWNER_INHERITED;
    if (r->round_next == reg)
        r->round_next = reg->hh.next;
    registrations_remove(&r->registrations, reg);
    unwatch(r, &owner);
    r->ops->local_remove(r->ops->arg, &key);
    publisher_remove(r->publisher, &key, now_ns);
    metric_inc(&r->metrics->removed);
    if (is_stored(&owner))
        (void)forget(r, &key);
    note_name(r, &key, &owner, &(struct owner){.kind = OWNER_INHERITED}, false);
}

/* --- taking one --- */

/* Stores what the next life is to find once the registration is taken: its record, or none. */
static int remember(struct registrar *r, const struct instance_key *key, const struct owner *before,
                    const struct owner *owner, const struct encoded_record *record)
{
    if (is_stored(owner))
        return store(r, key, owner, record);
    return is_stored(before) ? forget(r, key) : 0;
}

/* Stores what was before, as the registration was not taken after all. */
static void remember_again(struct registrar *r, const struct instance_key *key, const struct registration *reg)
{
    if (reg && is_stored(&reg->owner))
        (void)store(r, key, &reg->owner, &reg->record);
    else
        (void)forget(r, key);
}

static int set(struct registrar *r, const struct instance_key *key, struct owner *owner,
               const struct encoded_record *record, uint8_t checked, bool restored, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    struct owner before = reg ? reg->owner : (struct owner){.kind = OWNER_STATIC};
    bool known = reg != NULL, changed;
    int err = owner->kind == OWNER_PID ? watch(r, owner) : 0;
    if (err < 0)
        return err;
    if (!restored)
        err = remember(r, key, &before, owner, record);
    if (err < 0) {
        unwatch(r, owner);
        return err;
    }
    bool noted = name_is_noted(r, key, &before, owner);
    err = registrations_set(&r->registrations, key, owner, record, now_ns, &reg, &changed);
    if (err < 0) {
        unwatch(r, owner);
        remember_again(r, key, known ? reg : NULL);
        return err;
    }
    r->inherited -= known && before.kind == OWNER_INHERITED;
    unwatch(r, &before);
    reg->overridden = overrides_state(&r->overrides, key);
    if (checked && checked != reg->checked) {
        reg->checked = checked;
        changed = true;
    }
    metric_add(&r->metrics->registered, !known);
    metric_add(&r->metrics->updated, known && changed);
    err = changed ? registrar_publish(r, reg, now_ns) : 0;
    if (err < 0)
        registrar_end(r, reg, now_ns);
    else
        note_name(r, key, &before, owner, noted);
    return err;
}

/* checked: the state by the instance's checks, or 0. restored: an earlier life has stored it. */
static int claim(struct registrar *r, struct instance_key *key, struct owner *owner, const struct record *record,
                 uint8_t checked, bool restored, int64_t now_ns)
{
    struct encoded_record encoded;
    uint8_t body[RECORD_WIRE_MAX];
    memcpy(key->host, r->options->host, sizeof key->host);
    if (!key->instance[0])
        registrations_name(&r->registrations, owner, record, key);
    int err = registrations_may_claim(&r->registrations, key, owner);
    metric_add(&r->metrics->conflicts, err == -EEXIST);
    metric_add(&r->metrics->limited, err == -ENOSPC);
    if (err == 0)
        err = encoded_record_init(&encoded, record, r->options->record_max, body);
    return err < 0 ? err : set(r, key, owner, &encoded, checked, restored, now_ns);
}

int registrar_register(struct registrar *r, struct registration_request *request, int64_t now_ns, const char **ret_why)
{
    struct instance_key key = request->key;
    struct owner owner = registration_owner(request);
    int err = r->closed ? -ESHUTDOWN : registration_check_names(&key, ret_why);
    if (err == 0)
        err = registration_check_life(request, ret_why);
    if (err == 0)
        err = registration_check_record(r->options, &request->record, ret_why);
    if (err == 0)
        err = claim(r, &key, &owner, &request->record, request->checked, false, now_ns);
    if (err == 0)
        request->key = key;
    return err;
}

void registrar_close(struct registrar *r)
{
    r->closed = true;
    r->round_next = NULL; /* all registrations are taken away now, so no round has anything to do */
    r->dropping = false;
}

int registrar_restore(struct registrar *r, const uint8_t *bytes, size_t n, int64_t now_ns)
{
    struct instance_key key;
    struct owner owner;
    struct record record;
    int err = stored_registration_decode(bytes, n, &key, &owner, &record);
    if (err < 0)
        return err;
    err = claim(r, &key, &owner, &record, 0, true, now_ns);
    if (err == -ESRCH)
        (void)forget(r, &key);
    return err;
}

static int claim_static(struct registrar *r, struct static_service *service, int64_t now_ns)
{
    struct owner owner = {.kind = OWNER_STATIC};
    int err = registration_check_names(&service->key, &service->ret_why);
    if (err == 0)
        err = registration_check_record(r->options, &service->record, &service->ret_why);
    return err == 0 ? claim(r, &service->key, &owner, &service->record, service->checked, false, now_ns) : err;
}

void registrar_static_begin(struct registrar *r)
{
    r->registrations.round++;
}

void registrar_static_set(struct registrar *r, struct static_service *service, int64_t now_ns)
{
    service->ret_result = claim_static(r, service, now_ns);
}

bool registrar_static_end(struct registrar *r, int64_t now_ns)
{
    struct registration *reg = registrations_of_earlier_round(&r->registrations);
    if (reg)
        registrar_end(r, reg, now_ns);
    return !reg;
}

/* --- changing and ending one --- */

static int find_allowed(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                        struct registration **ret_reg)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    if (!reg)
        return -ENOENT;
    if (!registration_allows(reg, client, uid) || registrations_is_kept_from(&r->registrations, key, uid))
        return -EPERM;
    *ret_reg = reg;
    return 0;
}

int registrar_deregister(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                         int64_t now_ns)
{
    struct registration *reg;
    int err = find_allowed(r, key, client, uid, &reg);
    if (err == 0 && is_stored(&reg->owner))
        err = forget(r, key);
    if (err == 0)
        registrar_end(r, reg, now_ns);
    return err;
}

int registrar_heartbeat(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid, int64_t now_ns)
{
    struct registration *reg;
    int err = find_allowed(r, key, client, uid, &reg);
    if (err == 0 && reg->owner.kind != OWNER_TTL)
        err = -EINVAL;
    if (err == 0)
        registrations_heartbeat(&r->registrations, reg, now_ns);
    return err;
}

/* --- inheritance --- */

void registrar_inherit(struct registrar *r, const struct instance_key *key, const struct record *record, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    struct owner nobody = {.kind = OWNER_INHERITED};
    struct encoded_record encoded;
    uint8_t body[RECORD_WIRE_MAX];
    bool is_new = !reg, changed;
    if (reg && reg->owner.kind != OWNER_INHERITED)
        return;
    if (!reg && HASH_COUNT(r->registrations.by_key) >= r->options->instances_max)
        return;
    if (encoded_record_init(&encoded, record, r->options->record_max, body) < 0 ||
        registrations_set(&r->registrations, key, &nobody, &encoded, now_ns, &reg, &changed) < 0)
        return;
    r->inherited += is_new;
    r->ops->local_put(r->ops->arg, key, record);
    publisher_retain(r->publisher, key);
}

void registrar_disinherit(struct registrar *r, const struct instance_key *key, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    if (reg && reg->owner.kind == OWNER_INHERITED)
        registrar_end(r, reg, now_ns);
}

void registrar_overwritten(struct registrar *r, const struct instance_key *key, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    if (reg && reg->owner.kind == OWNER_INHERITED)
        (void)registrar_publish(r, reg, now_ns); /* -ENOMEM: it stays lost in the bucket until it is claimed */
}

int registrar_restore_name(struct registrar *r, const uint8_t *bytes, size_t n)
{
    struct instance_key key;
    uid_t uid;
    int err = stored_name_decode(bytes, n, &key, &uid);
    if (err < 0)
        return err;
    memcpy(key.host, r->options->host, sizeof key.host);
    return reserved_names_add(&r->registrations.reserved, &key, uid);
}

uint32_t registrar_waiting(const struct registrar *r)
{
    uint32_t n = 0;
    if (r->options->addresses.families)
        return 0;
    for (struct registration *reg = r->registrations.by_key; reg; reg = reg->hh.next)
        n += reg->record.at_host;
    return n;
}

struct registrar_stats registrar_stats(const struct registrar *r)
{
    return (struct registrar_stats){
        .registrations = HASH_COUNT(r->registrations.by_key),
        .inherited = r->inherited,
        .overrides = (uint32_t)r->overrides.n,
    };
}
