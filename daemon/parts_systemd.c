/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that talk with systemd: inherited sockets, its watchdog, its units. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/daemon.h"

int activation_part_start(struct daemon *d)
{
    return activation_take(&d->activation);
}

/* --- units --- */

/* A unit that a check asks about. */
struct checked_unit {
    check_unit_fn *fn;
    void *arg;
    struct unit_watch *watch;
    enum unit_state state; /* as systemd said last */
};

static void checked_unit_state(void *arg, enum unit_state state, pid_t main_pid)
{
    struct checked_unit *c = arg;
    (void)main_pid;
    if (state == c->state)
        return;
    c->state = state;
    c->fn(c->arg, state == UNIT_UP ? CHECK_PASS : CHECK_FAIL, unit_state_word(state));
}

static int follow_for_check(void *arg, const char *unit, check_unit_fn *fn, void *fn_arg, void **ret_follow)
{
    struct checked_unit *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    *c = (struct checked_unit){.fn = fn, .arg = fn_arg};
    int err = units_watch(arg, unit, checked_unit_state, c, &c->watch);
    if (err)
        free(c);
    else
        *ret_follow = c;
    return err;
}

static void unfollow_for_check(void *arg, void *follow)
{
    struct checked_unit *c = follow;
    (void)arg;
    units_unwatch(c->watch);
    free(c);
}

int units_part_start(struct daemon *d)
{
    int err = units_new(d->base, d->config->systemd.bus, d->metrics, &d->units);
    d->check_units = (struct check_units){d->units, follow_for_check, unfollow_for_check};
    return err;
}

void units_part_stop(struct daemon *d)
{
    units_free(d->units);
}

void daemon_set_unit_services(void *arg)
{
    struct daemon *d = arg;
    if (d->unit_services)
        unit_services_set(d->unit_services);
}

int unit_services_part_start(struct daemon *d)
{
    int err = unit_services_new(
        &(struct unit_services_reach){d->base, d->metrics, d->config, d->services, d->units, d, daemon_turn_soon},
        &d->unit_services);
    daemon_set_unit_services(d);
    return err;
}

void unit_services_part_stop(struct daemon *d)
{
    unit_services_free(d->unit_services);
    d->unit_services = NULL;
}

int supervision_part_start(struct daemon *d)
{
    return supervision_new(&(struct supervision_reach){d->base, d->metrics, &d->watchdog, d, daemon_status},
                           &d->supervision);
}

void supervision_part_stop(struct daemon *d)
{
    supervision_free(d->supervision);
}
