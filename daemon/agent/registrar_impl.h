/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the registrar share: registrar.c takes registrations, registrar_overrides.c what operators say. */
#ifndef AGENT_REGISTRAR_IMPL_H
#define AGENT_REGISTRAR_IMPL_H

#include "daemon/agent/publisher.h"
#include "daemon/agent/registrar.h"
#include "daemon/agent/registrations.h"

struct registrar {
    const struct agent_options *options;
    const struct agent_ops *ops;
    struct publisher *publisher;
    struct registrations *registrations;
    struct overrides overrides;
    uint64_t *gone; /* clients that are, and whose registrations are being ended */
    size_t n_gone, gone_cap;
    uint64_t epoch;
    bool closed;
    struct registrar_stats stats;
};

/* It ends by itself, so nobody can be told that it could not be forgotten: that is counted. */
void registrar_end(struct registrar *r, struct registration *reg, int64_t now_ns);

/* registrar_ends.c: some of what is left of clients that are gone, and of what ran out by then; the rest is due at once. */
void registrar_end_gone(struct registrar *r, int64_t now_ns);
void registrar_end_expired(struct registrar *r, int64_t until_ns, int64_t now_ns);

/* registrar_overrides.c: those whose grace is over at that time. */
void registrar_end_graces(struct registrar *r, int64_t now_ns);

/* What is registered, with the state in force, to the local catalog and to the bus. */
int registrar_publish(struct registrar *r, const struct registration *reg, int64_t now_ns);

#endif
