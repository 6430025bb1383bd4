/* SPDX-License-Identifier: Apache-2.0 */
/* The part that reads other regions and decides which one answers for a service; connects it with the parts it uses. */
#include "daemon/daemon.h"

#include <stdio.h>
#include <string.h>

/* The table says something else of a service: of another region, of the own one, or since another one answers for it. */
static void notify_programs(void *arg, const char *service)
{
    struct daemon *d = arg;
    if (d->api)
        api_changed(d->api, service, tracing_seen(d->tracing, service));
}

static void note(struct daemon *d, const char *service)
{
    region_failover_note(d->failover, service);
}

/* Who watches "shop/payment@a" in region a hears of it as well: while no other region answers, its name there has none behind it. */
static void own_changed(void *arg, const char *service)
{
    struct daemon *d = arg;
    char ref[SERVICE_REF_CAP];
    note(d, service);
    if (!d->api || !*service || strchr(service, '@') || d->config->n_regions == 0)
        return;
    snprintf(ref, sizeof ref, "%s@%s", service, d->config->region);
    api_changed(d->api, ref, NULL);
}

static void other_changed(void *arg, const char *service)
{
    notify_programs(arg, service);
    note(arg, service);
}

static void moved(void *arg, const struct region_move *move)
{
    struct daemon *d = arg;
    region_events_moved(&d->region_events, move, clock_now_ns());
}

static int failover_start(struct daemon *d)
{
    const struct region_failover_reach reach = {.metrics = d->metrics,
                                                .config = d->config,
                                                .catalog = d->catalog,
                                                .inbound = d->inbound,
                                                .regions = d->regions,
                                                .state_dir = d->state_dir,
                                                .arg = d,
                                                .service_changed = notify_programs,
                                                .moved = moved};
    int err = region_failover_new(&reach, &d->failover);
    if (!err)
        catalog_watch_services(d->catalog, own_changed, d);
    return err;
}

int daemon_failover(void *arg, const char *service, const char *region, uid_t uid, const char **ret_why)
{
    struct daemon *d = arg;
    return region_failover_force(d->failover, service, region, uid, ret_why);
}

int regions_part_start(struct daemon *d)
{
    const struct regions_reach reach = {.base = d->base,
                                        .config = d->config,
                                        .table = catalog_table(d->catalog),
                                        .tracing = d->tracing,
                                        .arg = d,
                                        .turn = daemon_turn,
                                        .service_changed = other_changed};
    d->region_events =
        (struct region_events){.events = d->events, .config = d->config, .liveness = inbound_liveness(d->inbound)};
    int err = regions_new(&reach, &d->regions);
    return err ? err : failover_start(d);
}

void regions_part_stop(struct daemon *d)
{
    catalog_watch_services(d->catalog, NULL, d);
    region_failover_free(d->failover);
    d->failover = NULL;
    regions_free(d->regions);
    d->regions = NULL;
}
