/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations, names and overrides as the bytes that the state directory keeps. */
#include "daemon/agent/stored.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/entry.h"
#include "proto/state.pb-c.h"

size_t stored_identity_encode(const struct agent_identity *identity, uint8_t ret_bytes[static STORED_MAX])
{
    Discover__V1__StoredIdentity msg = DISCOVER__V1__STORED_IDENTITY__INIT;
    msg.node = identity->node;
    msg.epoch = identity->epoch;
    msg.min_epoch = identity->min_epoch;
    msg.boot = identity->boot;
    msg.life = identity->life;
    msg.asker = identity->asker;
    return discover__v1__stored_identity__pack(&msg, ret_bytes);
}

int stored_identity_decode(const uint8_t *bytes, size_t n, struct agent_identity *ret_identity)
{
    Discover__V1__StoredIdentity *msg = n > STORED_MAX ? NULL : discover__v1__stored_identity__unpack(NULL, n, bytes);
    if (!msg)
        return -EBADMSG;
    struct agent_identity identity = {msg->node, msg->epoch, msg->min_epoch, msg->boot, msg->life, msg->asker};
    discover__v1__stored_identity__free_unpacked(msg, NULL);
    if (identity.node == 0 || identity.epoch == 0 || identity.min_epoch > identity.epoch)
        return -EBADMSG;
    *ret_identity = identity;
    return 0;
}

void stored_name(const char *kind, const struct instance_key *key, char ret_name[static STORED_NAME_CAP])
{
    snprintf(ret_name, STORED_NAME_CAP, "%s%016" PRIx64, kind, instance_id(key));
}

int stored_key(const char *service, const char *instance, struct instance_key *ret_key)
{
    *ret_key = (struct instance_key){0};
    bool named = service_parse(service, ret_key->domain, ret_key->service) == 0 &&
                 label_copy(ret_key->instance, instance, strlen(instance)) == 0;
    return named ? 0 : -EBADMSG;
}

static size_t registration_encode(const struct instance_key *key, const struct owner *owner,
                                  const struct encoded_record *record, uint8_t ret_bytes[static STORED_MAX])
{
    char service[SERVICE_CAP];
    uint8_t bytes[RECORD_WIRE_MAX];
    Discover__V1__StoredRegistration msg = DISCOVER__V1__STORED_REGISTRATION__INIT;
    service_format(key->domain, key->service, service);
    msg.service = service;
    msg.instance = (char *)key->instance;
    msg.uid = owner->uid;
    msg.ttl_ns = owner->ttl_ns;
    msg.pid = owner->pid;
    msg.start = owner->pid_start;
    msg.record = (ProtobufCBinaryData){encoded_record_unversioned(record, bytes), bytes};
    return discover__v1__stored_registration__pack(&msg, ret_bytes);
}

static int take(const Discover__V1__StoredRegistration *msg, struct instance_key *ret_key, struct owner *ret_owner,
                struct record *ret_record)
{
    const char *why;
    bool bound = (msg->pid > 0) != (msg->ttl_ns > 0);
    if (!bound || stored_key(msg->service, msg->instance, ret_key) < 0 ||
        record_decode(msg->record.data, msg->record.len, ret_record, &why) < 0)
        return -EBADMSG;
    *ret_owner = (struct owner){
        .kind = msg->pid > 0 ? OWNER_PID : OWNER_TTL,
        .uid = msg->uid,
        .ttl_ns = msg->ttl_ns,
        .pid = msg->pid,
        .pid_start = msg->start,
    };
    return 0;
}

int stored_registration_decode(const uint8_t *bytes, size_t n, struct instance_key *ret_key, struct owner *ret_owner,
                               struct record *ret_record)
{
    Discover__V1__StoredRegistration *msg =
        n > STORED_MAX ? NULL : discover__v1__stored_registration__unpack(NULL, n, bytes);
    if (!msg)
        return -EBADMSG;
    int err = take(msg, ret_key, ret_owner, ret_record);
    discover__v1__stored_registration__free_unpacked(msg, NULL);
    return err;
}

static size_t override_encode(const struct override *override, uint8_t ret_bytes[static STORED_MAX])
{
    Discover__V1__StoredOverride msg = DISCOVER__V1__STORED_OVERRIDE__INIT;
    msg.domain = (char *) override->key.domain;
    msg.service = (char *) override->key.service;
    msg.instance = (char *) override->key.instance;
    msg.state = override->state;
    msg.reason = (char *) override->reason;
    msg.uid = override->uid;
    msg.set_ms = override->set_ms;
    msg.grace_ms = override->grace_ms;
    return discover__v1__stored_override__pack(&msg, ret_bytes);
}

static int copy_label(char ret_label[static LABEL_CAP], const char *text)
{
    return *text ? label_copy(ret_label, text, strlen(text)) : 0;
}

int stored_override_decode(const uint8_t *bytes, size_t n, struct override *ret_override)
{
    Discover__V1__StoredOverride *msg = n > STORED_MAX ? NULL : discover__v1__stored_override__unpack(NULL, n, bytes);
    struct override override = {0};
    if (!msg)
        return -EBADMSG;
    bool named = copy_label(override.key.domain, msg->domain) == 0 &&
                 copy_label(override.key.service, msg->service) == 0 &&
                 copy_label(override.key.instance, msg->instance) == 0;
    override.state = (uint8_t)msg->state;
    snprintf(override.reason, sizeof override.reason, "%s", msg->reason);
    override.uid = msg->uid;
    override.set_ms = msg->set_ms;
    override.grace_ms = msg->grace_ms;
    discover__v1__stored_override__free_unpacked(msg, NULL);
    if (!named)
        return -EBADMSG;
    *ret_override = override;
    return 0;
}

static int store(const struct agent_ops *ops, const char *kind, const struct instance_key *key, const uint8_t *bytes,
                 size_t n)
{
    char name[STORED_NAME_CAP];
    stored_name(kind, key, name);
    return ops->store(ops->arg, name, bytes, n) < 0 ? -EIO : 0;
}

int stored_keep_registration(const struct agent_ops *ops, const struct instance_key *key, const struct owner *owner,
                             const struct encoded_record *record)
{
    uint8_t bytes[STORED_MAX];
    return store(ops, STORED_REGISTRATION, key, bytes, registration_encode(key, owner, record, bytes));
}

int stored_keep_override(const struct agent_ops *ops, const struct override *override)
{
    uint8_t bytes[STORED_MAX];
    return store(ops, STORED_OVERRIDE, &override->key, bytes, override_encode(override, bytes));
}

int stored_drop(const struct agent_ops *ops, const char *kind, const struct instance_key *key)
{
    char name[STORED_NAME_CAP];
    stored_name(kind, key, name);
    return ops->forget(ops->arg, name) < 0 ? -EIO : 0;
}

void stored_note_name(const struct agent_ops *ops, const struct instance_key *key, uid_t uid)
{
    char name[STORED_NAME_CAP], service[SERVICE_CAP];
    uint8_t bytes[STORED_MAX];
    Discover__V1__StoredName msg = DISCOVER__V1__STORED_NAME__INIT;
    stored_name(STORED_NAME, key, name);
    service_format(key->domain, key->service, service);
    msg.service = service;
    msg.instance = (char *)key->instance;
    msg.uid = uid;
    ops->note(ops->arg, name, bytes, discover__v1__stored_name__pack(&msg, bytes));
}

void stored_note_no_name(const struct agent_ops *ops, const struct instance_key *key)
{
    char name[STORED_NAME_CAP];
    stored_name(STORED_NAME, key, name);
    ops->note(ops->arg, name, NULL, 0);
}

int stored_name_decode(const uint8_t *bytes, size_t n, struct instance_key *ret_key, uid_t *ret_uid)
{
    Discover__V1__StoredName *msg = n > STORED_MAX ? NULL : discover__v1__stored_name__unpack(NULL, n, bytes);
    if (!msg)
        return -EBADMSG;
    int err = stored_key(msg->service, msg->instance, ret_key);
    *ret_uid = msg->uid;
    discover__v1__stored_name__free_unpacked(msg, NULL);
    return err;
}
