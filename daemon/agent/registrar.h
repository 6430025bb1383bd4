/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registrations, as programs, the configuration and operators ask for them. Takes them, and carries out what follows from
 * each: the local catalog, the publisher, the store, the watch on a process. registrations.h says who may have what; this
 * says what is done. It belongs to the agent, which makes it (agent_registrar). Pure; main thread. Every call may make
 * something due: agent_tick is to follow.
 */
#ifndef AGENT_REGISTRAR_H
#define AGENT_REGISTRAR_H

#include "daemon/agent/agent_ops.h"
#include "daemon/agent/overrides.h"

struct agent_metrics;
struct publisher;
struct registrar;

struct registration_request {
    uint64_t client; /* the connection, never used again for another one */
    uid_t uid;
    struct instance_key key; /* the host is ignored; instance "": one is made up. Both are filled in on success */
    struct record record;    /* epoch and counter are ignored; no address: the host's */
    int64_t ttl_ns;          /* not 0: lives that long after the last heartbeat */
    pid_t pid;               /* not 0: lives as long as that process; else as long as the connection */
    bool take_over;          /* it takes a name from another connection of the same user */
    uint8_t checked;         /* the instance's state by its checks (enum discover_state); 0: it has none yet */
};

/*
 * Registers, or changes what the same owner registered before. -EINVAL with *ret_why (static); -EEXIST: of another live
 * owner; -ENOSPC: instances_max; -ESRCH: no such process; -ESHUTDOWN: leaving; -EIO: it cannot be stored for the next
 * life, so nothing has changed; -ENOMEM.
 */
int registrar_register(struct registrar *r, struct registration_request *request, int64_t now_ns, const char **ret_why);

/*
 * Ends a registration. Allowed to the connection that made it, to its user and to root. -ENOENT; -EPERM (also: it comes
 * from the configuration); -EIO: the disk cannot forget it, so it stays.
 */
int registrar_deregister(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                         int64_t now_ns);

/* Begins a TTL anew. -ENOENT; -EPERM; -EINVAL: the registration has no TTL. */
int registrar_heartbeat(struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid,
                        int64_t now_ns);

void registrar_client_gone(struct registrar *r, uint64_t client, int64_t now_ns);
void registrar_pid_gone(struct registrar *r, pid_t pid, int64_t now_ns);

/* Why a registration was refused with that errno, for people, where *ret_why was not set: a static text. */
const char *registration_refusal(int err);

/*
 * Sets the state by the instance's checks. Weighed against the state that the owner registered: maintenance and draining stay,
 * otherwise the worse of the two counts. -ENOENT.
 */
int registrar_set_state(struct registrar *r, const struct instance_key *key, enum discover_state state, int64_t now_ns);

/*
 * Whether a client may report the instance's state: as with a heartbeat, and anybody may for one of the configuration.
 * -ENOENT, -EPERM.
 */
int registrar_may_report(const struct registrar *r, const struct instance_key *key, uint64_t client, uid_t uid);

/* The port of an instance that is registered, and not only inherited. -ENOENT. */
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

/* --- the configuration --- */

struct static_service {
    struct instance_key key; /* the host is filled in; and the instance, where it is "" */
    struct record record;
    uint8_t checked;     /* as in a registration_request */
    int ret_result;      /* 0, or as registrar_register */
    const char *ret_why; /* static; when ret_result is -EINVAL */
};

/*
 * Replaces the set of static registrations: begin, then set for each that there is, then end until it returns true: it
 * removes registrations that were not set since begin, one a call. Other calls may come in between; a begin before the
 * end begins anew.
 */
void registrar_static_begin(struct registrar *r);
void registrar_static_set(struct registrar *r, struct static_service *service, int64_t now_ns);
bool registrar_static_end(struct registrar *r, int64_t now_ns);

/* Ends a static registration; any other registration of that name stays. */
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
 * A registration of an earlier life, found in the bucket or kept by the catalog's file: it is vouched for until the
 * grace is over, unless somebody has registered that key.
 */
void registrar_inherit(struct registrar *r, const struct instance_key *key, const struct record *record,
                       int64_t now_ns);

/* The state of an inherited registration that nobody has claimed yet; 0: there is none of that name. */
enum discover_state registrar_inherited_state(const struct registrar *r, const struct instance_key *key);

/* A name that was given to the note op could not be stored: counts it. */
void registrar_note_failed(struct registrar *r);

/* The daemon did not run for a while, and could not take heartbeats: each TTL begins anew. */
void registrar_stalled(struct registrar *r, int64_t now_ns);

/* --- the agent's alone --- */

struct registrar_stats {
    uint32_t registrations; /* inherited ones included */
    uint32_t inherited;
    uint32_t overrides;
};

/*
 * What changes all registrations (an epoch, an address, the end of the grace) is carried out in a round: the first ones
 * follow at once, others at the next ticks. Whether the round is over.
 */
bool registrar_round_is_over(const struct registrar *r);

/* From now on all records are of this epoch: those that there are are put again, in a round. */
void registrar_set_epoch(struct registrar *r, uint64_t epoch, int64_t now_ns);

/* The host leaves: programs register nothing more. */
void registrar_close(struct registrar *r);

/* An inherited registration is gone from the bucket: it ends, unless somebody has claimed it. */
void registrar_disinherit(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/*
 * The key was overwritten with something else: an inherited registration, which nobody else would put again, is put
 * again.
 */
void registrar_overwritten(struct registrar *r, const struct instance_key *key, int64_t now_ns);

/* The grace is over: inherited registrations end, and so do the names that were kept. */
void registrar_drop_inherited(struct registrar *r, int64_t now_ns);

/*
 * registrar_tick ends registrations whose TTL ran out by read_ns. registrar_deadline: when it is due next; INT64_MAX: only
 * after another call.
 */
void registrar_tick(struct registrar *r, int64_t read_ns, int64_t now_ns);
int64_t registrar_deadline(const struct registrar *r);

struct registrar_stats registrar_stats(const struct registrar *r);

/*
 * The host's addresses, in the options, have changed. registrar_waiting: how many registrations wait for it to have
 * one.
 */
void registrar_addresses_changed(struct registrar *r, int64_t now_ns);
uint32_t registrar_waiting(const struct registrar *r);

#endif
