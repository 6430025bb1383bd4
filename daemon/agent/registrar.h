/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes registrations, and carries out what follows from each: the local catalog, the publisher, the store, the watch
 * on a process. registrations.h says who may have what; this says what is done. Pure; main thread.
 */
#ifndef AGENT_REGISTRAR_H
#define AGENT_REGISTRAR_H

#include "daemon/agent/agent.h"
#include "daemon/agent/registrations.h"
#include "daemon/agent/publisher.h"

struct registrar;

struct registrar_stats {
    uint64_t registered, updated, removed, expired, processes_gone, conflicts, limited, store_errors, overrides_limited;
    uint32_t count, inherited, overrides;
};

/* Keeps the pointers; options must have no zeros where agent.h has a default. -ENOMEM. */
int registrar_new(const struct agent_options *options, const struct agent_ops *ops, struct publisher *publisher,
                  struct registrar **ret_r);
void registrar_free(struct registrar *r);

/* From now on everything is of this epoch; what there is, is put again. */
void registrar_set_epoch(struct registrar *r, uint64_t epoch, int64_t now_ns);

/* As the functions of agent.h. */
int registrar_restore(struct registrar *r, const uint8_t *bytes, size_t n, int64_t now_ns);
int registrar_register(struct registrar *r, const struct agent_request *request, int64_t now_ns,
                       char ret_instance[static LABEL_CAP], const char **ret_why);
int registrar_deregister(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                         int64_t now_ns);
int registrar_heartbeat(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                        int64_t now_ns);
void registrar_client_gone(struct registrar *r, uint64_t client, int64_t now_ns);
void registrar_pid_gone(struct registrar *r, pid_t pid, int64_t now_ns);
int registrar_set_state(struct registrar *r, const struct instance_key *key, enum discover_state state, int64_t now_ns);
void registrar_drop(struct registrar *r, const struct instance_key *key, int64_t now_ns);
int registrar_may_report(const struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid);
int registrar_port(const struct registrar *r, const struct instance_key *key, uint16_t *ret_port);
enum discover_state registrar_inherited_state(const struct registrar *r, const struct instance_key *key);
int registrar_override(struct registrar *r, const struct override *override, bool on, int64_t now_ns);
int registrar_restore_override(struct registrar *r, const uint8_t *bytes, size_t n, int64_t now_ns);
int registrar_restore_name(struct registrar *r, const uint8_t *bytes, size_t n);
const struct overrides *registrar_overrides(const struct registrar *r);
void registrar_static_begin(struct registrar *r);
void registrar_static_drop(struct registrar *r, const struct instance_key *key, int64_t now_ns);
void registrar_static_set(struct registrar *r, struct agent_service *service, int64_t now_ns);
bool registrar_static_end(struct registrar *r, int64_t now_ns);

/* Found in the bucket, of an earlier epoch: vouched for until the grace is over, unless somebody has that key. */
void registrar_inherit(struct registrar *r, const struct instance_key *key, const struct record *record,
                       int64_t now_ns);

/* It is gone from the bucket: no loss if somebody has registered it. */
void registrar_disinherit(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/* Something else was written over it: what nobody else would put again is put again by us. */
void registrar_overwritten(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/* The grace is over. */
void registrar_drop_inherited(struct registrar *r, int64_t now_ns);

/* Lets the TTLs run out that did so by read_ns; the next deadline. */
int64_t registrar_tick(struct registrar *r, int64_t read_ns, int64_t now_ns);
void registrar_stalled(struct registrar *r, int64_t now_ns);
int64_t registrar_deadline(const struct registrar *r);

struct registrar_stats registrar_stats(const struct registrar *r);

/* The host's addresses, in the options, are other ones. And how many wait for it to have any. */
void registrar_addresses_changed(struct registrar *r, int64_t now_ns);
uint32_t registrar_waiting(const struct registrar *r);

#endif
