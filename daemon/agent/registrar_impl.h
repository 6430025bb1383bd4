/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the registrar share. registrar.c takes registrations and ends them. On it build registrar_states.c
 * (what checks find), registrar_overrides.c (what operators set), registrar_ends.c (what ends by itself) and
 * registrar_round.c (what concerns all of them).
 */
#ifndef AGENT_REGISTRAR_IMPL_H
#define AGENT_REGISTRAR_IMPL_H

#include "daemon/agent/publisher.h"
#include "daemon/agent/registrar.h"
#include "daemon/agent/registrations.h"

struct registrar {
    const struct agent_options *options;
    const struct agent_ops *ops;
    struct publisher *publisher;
    struct registrations registrations;
    struct overrides overrides;
    struct registrar_gone {
        bool process;
        uint64_t id;
    } * gone; /* clients and processes that are gone, whose registrations are being ended */
    size_t n_gone, gone_cap;
    struct registration *round_next; /* the next that registrar_round_on looks at; NULL: the round is over */
    bool dropping;                   /* inherited registrations end with the round, then the names that are kept */
    uint32_t addresses_round;        /* counts changes of the host's addresses */
    uint64_t epoch;
    bool closed;
    uint32_t inherited;
    struct agent_metrics *metrics;
};

/* Keeps all pointers, which stay the caller's. */
void registrar_init(struct registrar *r, const struct agent_options *options, const struct agent_ops *ops,
                    struct publisher *publisher, struct agent_metrics *metrics);
void registrar_fini(struct registrar *r);

/* Ends a registration. The disk's failure to forget it is only counted: there is nobody to report it to. */
void registrar_end(struct registrar *r, struct registration *reg, int64_t now_ns);

/* registrar_overrides.c: has overrides whose grace is over at that time in force as maintenance. */
void registrar_end_graces(struct registrar *r, int64_t now_ns);

/* Puts the registration, with the state in force, into the local catalog and the bucket. -ENOMEM. */
int registrar_publish(struct registrar *r, struct registration *reg, int64_t now_ns);

/*
 * registrar_round.c. registrar_round begins to compare what is published of each registration with what should be, and
 * publishes what differs; registrar_round_on goes on with that.
 */
void registrar_round(struct registrar *r, int64_t now_ns);
void registrar_round_on(struct registrar *r, int64_t now_ns);

/*
 * registration_check.c: what a request must look like, whichever way it came, over the socket or from the configuration. 0, or
 * -EINVAL with *ret_why, a static text.
 */
int registration_check_names(const struct instance_key *key, const char **ret_why);

/* A record without an address is marked as being at the host's. */
int registration_check_record(const struct agent_options *options, struct record *record, const char **ret_why);
int registration_check_life(const struct registration_request *request, const char **ret_why);

struct owner registration_owner(const struct registration_request *request);

#endif
