/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services that the configuration names: registered with the agent, and checked as it says. One whose name another has
 * waits until that one has gone. Main thread only.
 */
#ifndef REGISTRY_SERVICES_H
#define REGISTRY_SERVICES_H

#include "daemon/api/api.h"
#include "daemon/config/config.h"
#include "daemon/registry/services/checking.h"

struct services;

/*
 * Registers nothing yet; goes on with the checks that an earlier life has stored. set_others, or NULL, is called with
 * the reach's arg in each round, when all services of the configuration are set. -ENOMEM.
 */
int services_new(const struct checking_reach *reach, void (*set_others)(void *arg), struct services **ret_s);
void services_free(struct services *s); /* NULL is fine */

/*
 * Registers the services of the configuration: services_set_now at once, for the start; services_set after a reload, as
 * many in each turn of the loop as fit into it. done is called when all are set; the configuration must not change
 * before. What cannot be registered is logged, and added to the report, which stays the caller's.
 */
typedef void services_done_fn(void *arg);
void services_set_now(struct services *s);
void services_set(struct services *s, struct reload_report *report, services_done_fn *done, void *arg);

/*
 * A service that comes and goes by itself (unit_services.h). services_put registers or changes it, with its checks, in
 * that state; services_end ends it. What set_others puts is part of the round, like the services of the configuration.
 */
void services_put(struct services *s, const struct service_config *config, enum discover_state state);
void services_end(struct services *s, const struct instance_key *key);

/*
 * Stores what the files of services_dir say, once that is in force. Any thread; blocks on the disk. A failure is
 * logged.
 */
void services_store(const struct config *config);

/*
 * Once a second: tries again what could not be registered, when a registration has ended that may have been in the way.
 */
void services_second(struct services *s);

/*
 * A registration of this host has ended, whoever made it: ends its checks, and tries again what it may have been in the
 * way of.
 */
void services_registration_gone(struct services *s, const struct instance_key *key);

/* The checks of this host's instances, those that programs registered as well. */
struct checking *services_checking(struct services *s);

#endif
