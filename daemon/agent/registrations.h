/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is registered on this host, by whom, and for how long. Pure bookkeeping: who may have which key; what follows
 * from a change is the agent's. Main thread. Owns the registrations; pointers are valid until removed.
 *
 * Those of the configuration are set in rounds: whoever has not been named in the present one is of an earlier
 * configuration.
 *
 * Owners      goes
 * STATIC      when the configuration no longer has it
 * CONNECTION  with the connection of the client
 * TTL         so long after the last heartbeat
 * PID         with the process
 * INHERITED   found in the bucket from an earlier life of this daemon: when the grace is over
 */
#ifndef AGENT_REGISTRATIONS_H
#define AGENT_REGISTRATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/agent/reserved_names.h"
#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "libdiscover/core/record.h"

enum owner_kind { OWNER_STATIC, OWNER_CONNECTION, OWNER_TTL, OWNER_PID, OWNER_INHERITED };

struct owner {
    enum owner_kind kind;
    uint64_t client; /* the connection it came by; 0: none */
    uid_t uid;
    int64_t ttl_ns;     /* TTL */
    bool take_over;     /* it takes a name from another connection of its user */
    pid_t pid;          /* PID */
    uint64_t pid_start; /* PID */
};

struct registration {
    UT_hash_handle hh;                /* by key_text */
    struct registration *prev, *next; /* of the same connection or process */
    struct deadline deadline;         /* TTL */
    struct owner owner;
    uint8_t checked;    /* enum discover_state that checks found; 0: nothing yet */
    uint8_t overridden; /* the state an operator has set instead; 0: none */
    uint32_t round;     /* STATIC: in which it was named last */
    uint8_t *record;    /* as its owner said, encoded without epoch and counter */
    size_t record_n;
    struct instance_key key;
    char key_text[KEY_CAP];
};

struct registrations;

/* -ENOMEM. */
int registrations_new(size_t max, struct registrations **ret_r);
void registrations_free(struct registrations *r);

size_t registrations_count(const struct registrations *r);

struct registration *registrations_find(const struct registrations *r, const struct instance_key *key);

/* Keeps a name for the user who had it. -ENOMEM. And whether it is kept from this one, who is neither that user nor root. */
int registrations_reserve(struct registrations *r, const struct instance_key *key, uid_t uid);
bool registrations_is_kept_from(const struct registrations *r, const struct instance_key *key, uid_t uid);

/* Whether it is kept at all, and for whom. */
bool registrations_reserved_for(const struct registrations *r, const struct instance_key *key, uid_t *ret_uid);

/* A name that nobody has come for, which is kept no longer; false: there is none left. */
bool registrations_unreserve(struct registrations *r, struct instance_key *ret_key);

/*
 * Whether owner may have the key: 0; -EEXIST: another live owner has it; -ENOSPC: too many. The same owner may
 * again; who says so takes over from another connection of his user; anyone takes over what was inherited; a client takes over what a client of the same user left behind with
 * a TTL or a PID.
 */
int registrations_may_claim(const struct registrations *r, const struct instance_key *key, const struct owner *owner);

/*
 * Gives key to owner with that record. Ask registrations_may_claim before. *ret_changed: it is new, or the record
 * differs. -ENOMEM, -EMSGSIZE: nothing has changed.
 */
int registrations_set(struct registrations *r, const struct instance_key *key, const struct owner *owner,
                      const struct record *record, int64_t now_ns, struct registration **ret_registration,
                      bool *ret_changed);

void registrations_remove(struct registrations *r, struct registration *registration);

/*
 * Makes up a name for an instance: "<service>-<port>", with a number appended while another one has it. A nameless
 * registration of the same endpoint by someone who may claim it is taken for the same instance.
 */
void registrations_name(const struct registrations *r, const struct owner *owner, const struct record *record,
                        struct instance_key *key);

/* The record as its owner said it. */
void registration_record(const struct registration *registration, struct record *ret_record);

/* The record with the state that is to be published. */
void registration_effective(const struct registration *registration, struct record *ret_record);

/* Whether a client may remove it or keep it alive. */
bool registration_allows(const struct registration *registration, uint64_t client, uid_t uid);

/* A TTL begins anew. */
void registrations_heartbeat(struct registrations *r, struct registration *registration, int64_t now_ns);

/* The TTL of each begins anew: nobody could hear their heartbeats. */
void registrations_begin_anew(struct registrations *r, int64_t now_ns);

/* One whose TTL has run out, or NULL. And when the next one will. */
struct registration *registrations_expired(const struct registrations *r, int64_t now_ns);
int64_t registrations_deadline(const struct registrations *r);

/* A round begins: the configuration is named anew. And one of it that was not named since, or NULL. */
void registrations_begin_round(struct registrations *r);
struct registration *registrations_of_earlier_round(const struct registrations *r);

/* One that is bound to that connection or process, or NULL. */
struct registration *registrations_of_client(const struct registrations *r, uint64_t client);
struct registration *registrations_of_pid(const struct registrations *r, pid_t pid);

/* All of them, in no order; removing the one it is at is fine. */
struct registration *registrations_first(const struct registrations *r);
static inline struct registration *registrations_next(const struct registration *registration)
{
    return registration->hh.next;
}

#endif
