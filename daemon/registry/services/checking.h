/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of this host's instances, whichever way they came: what they find goes to the agent, and what a registration
 * that outlives its connection wants checked is stored beside it. Main thread only.
 */
#ifndef REGISTRY_CHECKING_H
#define REGISTRY_CHECKING_H

#include <event2/event.h>

#include "daemon/agent/registrar.h"
#include "daemon/agent/state_dir.h"
#include "daemon/api/api.h"
#include "daemon/check/checks.h"
#include "daemon/config/config.h"

struct checking;

/* What it reaches; all stay the caller's. */
struct checking_reach {
    struct event_base *base;
    struct metrics *metrics;
    const struct config *config;
    struct registrar *registrar;
    struct state_dir *state_dir;     /* NULL: nothing is stored */
    const struct check_units *units; /* NULL: there is no systemd to ask */
    void (*turn)(void *arg);         /* a check has changed the state of an instance: the agent has something to do */
    void *arg;
};

/* Goes on with the checks that an earlier life has stored, of instances that are registered. -ENOMEM. */
int checking_new(const struct checking_reach *reach, struct checking **ret_c);
void checking_free(struct checking *c);           /* NULL is fine */
void checking_limits_changed(struct checking *c); /* takes the new limits of the configuration */

/*
 * Registers a service of the configuration with its checks. As registrar_static_set; checks that cannot be run are
 * logged.
 */
void checking_static_set(struct checking *c, struct static_service *service, char *const *specs, size_t n);

/*
 * A registration with checks takes two steps. checking_plan, before it is registered: so that it is never seen in
 * another state than that of its checks. checking_begin, once it is, with the key it has then: if the checks cannot be
 * begun, the registration is ended. -EINVAL with *ret_why (valid until the next call): a check that may not be; or a
 * negative errno.
 */
struct checking_plan {
    enum discover_state before; /* the instance's state in an earlier life; 0: it was not registered then */
    uint8_t checked;            /* the state that its checks give it; 0: it has no checks */
};
int checking_plan(struct checking *c, const struct instance_key *key, const struct api_checks *wanted,
                  struct checking_plan *ret_plan, const char **ret_why);
int checking_begin(struct checking *c, const struct registration_request *request, const struct api_checks *wanted,
                   const struct checking_plan *plan, const char **ret_why);

/* A registration of this host has ended, whoever made it: it is checked no longer. */
void checking_gone(struct checking *c, const struct instance_key *key);

/* The program reports itself: as checks_report; -EPERM: the instance is another user's. */
int checking_report(struct checking *c, const struct api_check_report *report);

/* As checks_each: of all instances, of those of a service (instance ""), or of one. */
size_t checking_show(const struct checking *c, const struct instance_key *key, api_check_fn *fn, void *arg);

/* The checks themselves, for reading. */
const struct checks *checking_checks(const struct checking *c);

#endif
