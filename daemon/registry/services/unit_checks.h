/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of kind unit, joined to whoever follows systemd's units: that one comes later than the first checks, and only when
 * somebody asks about a unit. Main thread only.
 */
#ifndef REGISTRY_UNIT_CHECKS_H
#define REGISTRY_UNIT_CHECKS_H

#include <event2/event.h>
#include <stdbool.h>

#include "daemon/check/unit_follow.h"
#include "daemon/units/units.h"

struct unit_checks;

/*
 * unit_checks_set_wanted: wanted is called when a check asks about a unit and unit_checks_ask was not called yet.
 * -ENOMEM.
 */
int unit_checks_new(struct event_base *base, struct unit_checks **ret_c);
void unit_checks_free(struct unit_checks *c); /* NULL is fine; after the last check */
void unit_checks_set_wanted(struct unit_checks *c, void (*wanted)(void *arg), void *arg);

/* The functions that checks are given to ask with; they live as long as c. */
const struct check_units *unit_checks_ops(const struct unit_checks *c);

/* Whether a check asks about a unit. */
bool unit_checks_any(const struct unit_checks *c);

/* Sets who is asked from now on, which stays the caller's; NULL: nobody, and the states known so far stay. */
void unit_checks_ask(struct unit_checks *c, struct units *units);

#endif
