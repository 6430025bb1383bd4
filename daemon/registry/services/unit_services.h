/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that are units of systemd: those of the configuration with `unit`, and those that units name in a section
 * [X-Discover] (systemd.units). Each is registered while its unit is up, drains while that stops, and is gone with it, or a
 * moment before: with the unit's main process. Main thread only.
 *
 * While systemd cannot be asked, what was known of the units stays, but for main processes that die.
 */
#ifndef REGISTRY_UNIT_SERVICES_H
#define REGISTRY_UNIT_SERVICES_H

#include <event2/event.h>

#include "daemon/base/metrics.h"
#include "daemon/config/config.h"
#include "daemon/registry/services/services.h"
#include "daemon/units/units.h"

struct unit_services;

/* What it reaches; all stay the caller's. */
struct unit_services_reach {
    struct event_base *base;
    struct metrics *metrics;
    const struct config *config;
    struct services *services;
    struct units *units;
    void *arg;
    void (*turn)(void *arg); /* a process died, or units were read: the agent may have something to do */
};

/* Systemd is asked only when there is a reason: systemd.units, or a service with a unit. Before the loop runs. -ENOMEM. */
int unit_services_new(const struct unit_services_reach *reach, struct unit_services **ret_s);
void unit_services_free(struct unit_services *s); /* NULL is fine */

/*
 * To be called when the services of the configuration are set: those of units follow, in the same round. After a reload
 * the units that it names, and what their files say, are looked up again.
 */
void unit_services_set(struct unit_services *s);

#endif
