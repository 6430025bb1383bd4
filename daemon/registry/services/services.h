/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that the configuration names: registered with the agent, and checked as it says. One whose name another has
 * waits until that one has gone. Main thread only.
 */
#ifndef REGISTRY_SERVICES_H
#define REGISTRY_SERVICES_H

#include <event2/event.h>

#include "daemon/agent/agent.h"
#include "daemon/api/api.h"
#include "daemon/base/metrics.h"
#include "daemon/config/config.h"
#include "daemon/registry/services/checking.h"

struct services;

/* What it reaches; all stay the caller's. */
struct services_reach {
    struct event_base *base;
    struct metrics *metrics;
    struct config *config;
    struct registrar *registrar;
    struct state_dir *state_dir;     /* NULL: what is checked is not stored */
    const struct check_units *units; /* NULL: there is no systemd to ask */
    void (*set_others)(void *arg);   /* or NULL: within a round, when all of the configuration are set */
    void (*turn)(void *arg);         /* the agent has something to do */
    void *arg;
};

/* Registers nothing yet; goes on with the checks of what an earlier life has left. -ENOMEM. */
int services_new(const struct services_reach *reach, struct services **ret_s);
void services_free(struct services *s); /* NULL is fine */

/* The checks of what is registered here, for whoever tells of them. */
const struct checks *services_checks(const struct services *s);

/*
 * Takes the services of the configuration: at the start, all at once; and after a reload, as many a turn of the loop as fit
 * into it. done: all are taken; the configuration must not change before. What cannot be registered is logged, and added
 * to the report, which stays the caller's.
 */
typedef void services_done_fn(void *arg);
void services_set_now(struct services *s);
void services_set(struct services *s, struct reload_report *report, services_done_fn *done, void *arg);

/*
 * One that comes and goes by itself (unit_services.h): registered, or changed, with its checks, in that state; and ended. What
 * set_others puts in a round belongs to it, as what the configuration says.
 */
void services_put(struct services *s, const struct service_config *config, enum discover_state state);
void services_end(struct services *s, const struct instance_key *key);

/* Stores what the files of services_dir say, once that is in force; any thread, blocks on the disk. Logged when it cannot be. */
void services_store(const struct config *config);

/* Once a second: tries again what could not be registered, when something has gone that may have been in the way. */
void services_second(struct services *s);

/* A registration of this host has ended, whoever made it: it is checked no longer, and what it was in the way of may be tried. */
void services_registration_gone(struct services *s, const struct instance_key *key);

/* The checks of this host's instances, those of programs as well. */
struct checking *services_checking(struct services *s);

#endif
