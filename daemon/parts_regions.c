/* SPDX-License-Identifier: Apache-2.0 */
/* Other regions, as a part: what they reach. */
#include "daemon/daemon.h"

static void turn(void *arg)
{
    daemon_turn(arg);
}

static void service_changed(void *arg, const char *service)
{
    struct daemon *d = arg;
    if (d->api)
        api_changed(d->api, service);
}

int regions_part_start(struct daemon *d)
{
    const struct region_reach reach = {.base = d->base,
                                       .config = d->config,
                                       .table = catalog_table(d->catalog),
                                       .started_ns = d->started_ns,
                                       .arg = d,
                                       .turn = turn,
                                       .service_changed = service_changed};
    return regions_new(&reach, &d->regions);
}

void regions_part_stop(struct daemon *d)
{
    regions_free(d->regions);
    d->regions = NULL;
}
