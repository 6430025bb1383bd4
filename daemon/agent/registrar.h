/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registrations, as programs, the configuration and operators ask for them. Takes them, and carries out what follows from
 * each: the local catalog, the publisher, the store, the watch on a process. registrations.h says who may have what; this
 * says what is done. It belongs to the agent, which makes it (agent_registrar). Pure; main thread. Every call may make
 * something due: agent_tick is to follow.
 */
#ifndef AGENT_REGISTRAR_H
#define AGENT_REGISTRAR_H

#include "daemon/agent/agent.h"
#include "daemon/agent/overrides.h"

struct registrar;
struct publisher;

struct registration_request {
    uint64_t client; /* the connection, never used again for another one */
    uid_t uid;
    struct instance_key key; /* the host is ignored; instance "": one is made up. Both are filled in when it is taken */
    struct record record;    /* epoch and counter are ignored; no address: the host's */
    int64_t ttl_ns;          /* not 0: lives that long after the last heartbeat */
    pid_t pid;               /* not 0: lives as long as that process; else as long as the connection */
    bool take_over;          /* from another connection of the same user */
    uint8_t checked;         /* its state by its checks (enum discover_state); 0: it has none yet */
};

/*
 * Registers, or changes what the same owner registered before. -EINVAL with *ret_why; -EEXIST: of another live
 * owner; -ENOSPC: instances_max; -ESRCH: no such process; -ESHUTDOWN: leaving; -EIO: what it is to be remembered by
 * cannot be stored, so nothing has changed; -ENOMEM.
 */
int registrar_register(struct registrar *r, struct registration_request *request, int64_t now_ns, const char **ret_why);

/*
 * Removes. Allowed to the connection that registered it, to its user and to root. -ENOENT; -EPERM (also: it comes
 * from the configuration); -EIO: it cannot be forgotten, so it stays.
 */
int registrar_deregister(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                         int64_t now_ns);

/* -ENOENT; -EPERM; -EINVAL: it has no TTL. */
int registrar_heartbeat(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                        int64_t now_ns);

void registrar_client_gone(struct registrar *r, uint64_t client, int64_t now_ns);
void registrar_pid_gone(struct registrar *r, pid_t pid, int64_t now_ns);

/* Why a registration was refused, for people, where nothing more is said of it: a static text. */
const char *registration_refusal(int err);

/*
 * What checks found. Weighed against what the owner said: maintenance and draining stay, otherwise the worse of
 * the two counts. -ENOENT.
 */
int registrar_set_state(struct registrar *r, const struct instance_key *key, enum discover_state state, int64_t now_ns);

/* Whether a client may say how the instance is: as with a heartbeat, and anybody of one of the configuration. -ENOENT, -EPERM. */
int registrar_may_report(const struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid);

/* The port of what is registered, and not only inherited. -ENOENT. */
int registrar_port(const struct registrar *r, const struct instance_key *key, uint16_t *ret_port);

/* Ends a registration, whoever has made it, also one of the configuration, until that is set again. */
void registrar_drop(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/*
 * An operator's word over the programs', for instances that are here and that will come; kept across restarts, until it
 * is taken back (on = false) for just the same instances and state. With a grace it drains first, and is in maintenance when
 * that is over, also when no daemon ran at that time; set_ms says when it began. -EINVAL: names or state; -ENOSPC; -ENOENT:
 * it is not in force; -EIO: it cannot be stored, so nothing has changed; -ENOMEM.
 */
int registrar_override(struct registrar *r, const struct override *override, bool on, int64_t now_ns);

/* All that are in force; valid until the next call. */
const struct overrides *registrar_overrides(const struct registrar *r);

/* --- the configuration --- */

struct static_service {
    struct instance_key key; /* the host is written here; and the instance, where it is "" */
    struct record record;
    uint8_t checked;     /* as in a request */
    int ret_result;      /* 0, or as registrar_register */
    const char *ret_why; /* when -EINVAL */
};

/*
 * Replaces the set of static registrations: begin, each that there is, and end until that says true: what was not set since
 * is removed, one a call. Other calls may come in between; a begin before the end begins anew.
 */
void registrar_static_begin(struct registrar *r);
void registrar_static_set(struct registrar *r, struct static_service *service, int64_t now_ns);
bool registrar_static_end(struct registrar *r, int64_t now_ns);

/* One of them ends by itself; any other registration of that name stays. */
void registrar_static_drop(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/* --- what an earlier life had; right after agent_new, in this order --- */

/* Keeps the name of an instance for the user who had it, until the grace is over. -EBADMSG, -ENOMEM. */
int registrar_restore_name(struct registrar *r, const uint8_t *bytes, size_t n);

/* Brings back an override. -EBADMSG; or as registrar_override. */
int registrar_restore_override(struct registrar *r, const uint8_t *bytes, size_t n, int64_t now_ns);

/*
 * Brings back a registration. -ESRCH: its process is gone (forgotten); -EBADMSG: not a stored registration; or as
 * registrar_register.
 */
int registrar_restore(struct registrar *r, const uint8_t *bytes, size_t n, int64_t now_ns);

/*
 * Something of this host, found in the bucket with an earlier epoch, or kept by the catalog's file: vouched for until the
 * grace is over, unless somebody has that key.
 */
void registrar_inherit(struct registrar *r, const struct instance_key *key, const struct record *record,
                       int64_t now_ns);

/* The state of what is inherited, and nobody has claimed yet; 0: nothing of that name. */
enum discover_state registrar_inherited_state(const struct registrar *r, const struct instance_key *key);

/* Something that the note op was given could not be stored. */
void registrar_note_failed(struct registrar *r);

/* The daemon did not run for a while, and heard nobody's heartbeats: each TTL begins anew. */
void registrar_stalled(struct registrar *r, int64_t now_ns);

/* --- the agent's alone --- */

struct registrar_stats {
    uint64_t registered, updated, removed, expired, processes_gone, conflicts, limited, store_errors, overrides_limited;
    uint32_t count, inherited, overrides;
};

/* Keeps the pointers. -ENOMEM. */
int registrar_new(const struct agent_options *options, const struct agent_ops *ops, struct publisher *publisher,
                  struct registrar **ret_r);
void registrar_free(struct registrar *r);

/* From now on everything is of this epoch; what there is, is put again. */
void registrar_set_epoch(struct registrar *r, uint64_t epoch, int64_t now_ns);

/* The host leaves: programs register nothing more. */
void registrar_close(struct registrar *r);

/* It is gone from the bucket: no loss if somebody has registered it. */
void registrar_disinherit(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/* Something else was written over it: what nobody else would put again is put again by us. */
void registrar_overwritten(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/* The grace is over. */
void registrar_drop_inherited(struct registrar *r, int64_t now_ns);

/* Lets the TTLs run out that did so by read_ns; the next deadline. */
int64_t registrar_tick(struct registrar *r, int64_t read_ns, int64_t now_ns);
int64_t registrar_deadline(const struct registrar *r);

struct registrar_stats registrar_stats(const struct registrar *r);

/* The host's addresses, in the options, are other ones. And how many wait for it to have any. */
void registrar_addresses_changed(struct registrar *r, int64_t now_ns);
uint32_t registrar_waiting(const struct registrar *r);

#endif
