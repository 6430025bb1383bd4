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

#include "daemon/agent/encoded_record.h"
#include "daemon/agent/reserved_names.h"
#include "daemon/base/deadlines.h"
#include "daemon/base/hash.h"
#include "libdiscover/core/record.h"

enum owner_kind { OWNER_STATIC, OWNER_CONNECTION, OWNER_TTL, OWNER_PID, OWNER_INHERITED };

struct owner {
    enum owner_kind kind;
    uint64_t client; /* the connection by which it was registered; 0: none */
    uid_t uid;
    int64_t ttl_ns;     /* OWNER_TTL */
    bool take_over;     /* it takes a name from another connection of its user */
    pid_t pid;          /* OWNER_PID */
    uint64_t pid_start; /* OWNER_PID: its start time */
};

struct registration {
    UT_hash_handle hh;                /* by key_text */
    struct registration *prev, *next; /* of the same connection, process or configuration */
    struct deadline deadline;         /* of OWNER_TTL */
    struct owner owner;
    uint8_t checked;    /* enum discover_state by its checks; 0: none yet */
    uint8_t overridden; /* the state that an operator has set instead; 0: none */
    struct {
        uint64_t epoch;
        uint32_t addresses; /* number of the host's addresses, by the registrar's count */
        uint8_t state;
    } published;                  /* the version that is in the local catalog and was given to the bus */
    uint32_t round;               /* OWNER_STATIC: the round in which it was named last */
    struct encoded_record record; /* as its owner registered it; the body is owned by the registration */
    struct instance_key key;
    char key_text[KEY_CAP];
};

/* All zeros but max: none. */
struct registrations {
    size_t max;
    struct registration *by_key;
    struct holder *holders;
    struct deadlines deadlines;
    struct reserved_names reserved; /* names that are kept for the users who had them */
    uint32_t round;                 /* the configuration's; the next begins with one more */
};

void registrations_fini(struct registrations *r);

struct registration *registrations_find(const struct registrations *r, const struct instance_key *key);

/* Whether the name is kept, and this user is neither the one it is kept for nor root. */
bool registrations_is_kept_from(const struct registrations *r, const struct instance_key *key, uid_t uid);

/*
 * Whether owner may have the key: 0; -EEXIST: another live owner has it; -ENOSPC: too many. The same owner may have it
 * again; an owner with take_over takes it from another connection of the same user; anyone takes over what was
 * inherited; a client takes over what a client of the same user left behind with a TTL or a PID.
 */
int registrations_may_claim(const struct registrations *r, const struct instance_key *key, const struct owner *owner);

/*
 * Gives the key to owner, with a copy of that record. Call registrations_may_claim before. *ret_changed: it is new, or
 * the record differs. -ENOMEM: nothing has changed.
 */
int registrations_set(struct registrations *r, const struct instance_key *key, const struct owner *owner,
                      const struct encoded_record *record, int64_t now_ns, struct registration **ret_registration,
                      bool *ret_changed);

void registrations_remove(struct registrations *r, struct registration *registration);

/*
 * Fills in a name for an instance: "<service>-<port>", with a number appended while another instance has it. A nameless
 * registration of the same endpoint by someone who may claim it is taken for the same instance.
 */
void registrations_name(const struct registrations *r, const struct owner *owner, const struct record *record,
                        struct instance_key *key);

/* Decodes the record as its owner registered it. */
void registration_record(const struct registration *registration, struct record *ret_record);

/* The state that is to be published (enum discover_state): an operator's, or else the owner's and the checks'. */
uint8_t registration_state(const struct registration *registration);

/* Whether a client may end the registration or send it heartbeats. */
bool registration_allows(const struct registration *registration, uint64_t client, uid_t uid);

/* The registration's TTL begins anew, if it has one. */
void registrations_heartbeat(struct registrations *r, struct registration *registration, int64_t now_ns);

/* A registration whose TTL has run out; NULL: there is none. */
struct registration *registrations_expired(const struct registrations *r, int64_t now_ns);

/* One of the configuration that was not named in this round; NULL: there is none. */
struct registration *registrations_of_earlier_round(const struct registrations *r);

/* A registration that is bound to that connection or process; NULL: there is none. */
struct registration *registrations_of_client(const struct registrations *r, uint64_t client);
struct registration *registrations_of_pid(const struct registrations *r, pid_t pid);

#endif
