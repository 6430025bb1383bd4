/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that talk with systemd: inherited sockets, its watchdog, its units. */
#include "daemon/daemon.h"

int activation_part_start(struct daemon *d)
{
    return activation_take(&d->activation);
}

int unit_checks_part_start(struct daemon *d)
{
    return unit_checks_new(d->base, &d->unit_checks);
}

void unit_checks_part_stop(struct daemon *d)
{
    unit_checks_free(d->unit_checks);
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
        &(struct unit_services_reach){d->base, d->metrics, d->config, d->services, d->unit_checks, d, daemon_turn_soon},
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
