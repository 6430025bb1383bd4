/* SPDX-License-Identifier: Apache-2.0 */
/* What checks find out: the state of an instance, and its end. */
#include <errno.h>

#include "daemon/agent/registrar_impl.h"

int registrar_set_state(struct registrar *r, const struct instance_key *key, enum discover_state state, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    if (!reg)
        return -ENOENT;
    uint8_t before = registration_state(reg);
    reg->checked = (uint8_t)state;
    return before == registration_state(reg) ? 0 : registrar_publish(r, reg, now_ns);
}

void registrar_drop(struct registrar *r, const struct instance_key *key, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    if (reg && reg->owner.kind != OWNER_INHERITED)
        registrar_end(r, reg, now_ns);
}

void registrar_static_drop(struct registrar *r, const struct instance_key *key, int64_t now_ns)
{
    struct registration *reg = registrations_find(&r->registrations, key);
    if (reg && reg->owner.kind == OWNER_STATIC)
        registrar_end(r, reg, now_ns);
}

int registrar_may_report(const struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid)
{
    const struct registration *reg = registrations_find(&r->registrations, key);
    if (!reg || reg->owner.kind == OWNER_INHERITED)
        return -ENOENT;
    bool allowed = reg->owner.kind == OWNER_STATIC || registration_allows(reg, client, uid);
    return allowed && !registrations_is_kept_from(&r->registrations, key, uid) ? 0 : -EPERM;
}

int registrar_port(const struct registrar *r, const struct instance_key *key, uint16_t *ret_port)
{
    const struct registration *reg = registrations_find(&r->registrations, key);
    struct record record;
    if (!reg || reg->owner.kind == OWNER_INHERITED)
        return -ENOENT;
    registration_record(reg, &record);
    *ret_port = record.port;
    return 0;
}

enum discover_state registrar_inherited_state(const struct registrar *r, const struct instance_key *key)
{
    const struct registration *reg = registrations_find(&r->registrations, key);
    return reg && reg->owner.kind == OWNER_INHERITED ? (enum discover_state)reg->record.state : 0;
}
