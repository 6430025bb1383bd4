/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the daemon: how each is made from the configuration, and in which order. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"

struct part {
    const char *name;
    int (*start)(struct daemon *d); /* logs what was wrong, if there is more to it than the errno */
    void (*stop)(struct daemon *d);
};

static int locks_start(struct daemon *d)
{
    return daemon_locks_take(d->config, &d->locks);
}

static void locks_stop(struct daemon *d)
{
    daemon_locks_release(&d->locks);
}

static int traces_start(struct daemon *d)
{
    return tracing_new(d->base, d->config, d->metrics, &d->tracing);
}

static void traces_stop(struct daemon *d)
{
    tracing_free(d->tracing);
}

static int state_start(struct daemon *d)
{
    return state_dir_open(d->config->state_dir, &d->state_dir);
}

static void state_stop(struct daemon *d)
{
    state_dir_close(d->state_dir);
}

static int base_start(struct daemon *d)
{
    d->base = loop_new();
    int err = d->base ? metrics_new(&d->metrics) : -ENOMEM;
    if (!err)
        err = log_add_metrics(d->metrics);
    return err ? err : loop_meter_add_metrics(&d->loop_meter, d->metrics);
}

static void base_stop(struct daemon *d)
{
    metrics_free(d->metrics);
    loop_free(d->base);
}

/* The socket's clients and the DNS workers are given the new segment; both go on reading the old one until then. */
static void table_moved(void *arg, int fd)
{
    struct daemon *d = arg;
    d->dns_table_error = d->dns ? dns_set_table(d->dns, fd) : 0;
    if (d->api)
        api_table_moved(d->api);
}

void daemon_table_again(struct daemon *d)
{
    if (d->dns_table_error)
        d->dns_table_error = dns_set_table(d->dns, table_writer_fd(catalog_table(d->catalog)));
    (void)catalog_flush_again(d->catalog);
}

static int catalog_start(struct daemon *d)
{
    int err = configured_catalog_new(d->config, table_moved, d, &d->catalog);
    if (err)
        return err;
    table_writer_alive(catalog_table(d->catalog), clock_now_ns());
    return soa_serial_init(&d->soa_serial, d->base, d->state_dir, d->config->state_dir, catalog_table(d->catalog));
}

static int catalog_file_start(struct daemon *d)
{
    int err = catalog_file_new(d->base, d->config->state_dir, "", d->metrics, &d->catalog_file);
    if (!err && catalog_file_load(d->catalog_file, d->catalog, clock_now_ns(), &d->stored_since_ns))
        table_writer_set_sync(catalog_table(d->catalog), TABLE_UNSYNCED, d->stored_since_ns);
    return err;
}

static void catalog_file_stop(struct daemon *d)
{
    catalog_file_free(d->catalog_file);
}

static void address_changed(void *arg)
{
    struct daemon *d = arg;
    if (d->outbound)
        outbound_address_changed(d->outbound);
}

static int host_address_start(struct daemon *d)
{
    return host_address_new(d->base, d->config, address_changed, d, &d->host_address);
}

static void host_address_stop(struct daemon *d)
{
    host_address_free(d->host_address);
}

static void catalog_stop(struct daemon *d)
{
    soa_serial_fini(&d->soa_serial);
    catalog_free(d->catalog);
}

static enum events_way events_way(void *arg)
{
    struct daemon *d = arg;
    struct agent_status agent = agent_status(d->agent);
    if (!d->bus || !bus_connected(d->bus) || agent.name == AGENT_NAME_UNKNOWN)
        return EVENTS_SHUT;
    return agent.name == AGENT_NAME_OURS ? EVENTS_OPEN : EVENTS_ENDED;
}

static int publish(void *arg, const char *subject, const void *bytes, size_t n)
{
    struct daemon *d = arg;
    return bus_publish(d->bus, subject, 0, bytes, n);
}

static int events_start(struct daemon *d)
{
    const struct events_reach reach = {
        .metrics = d->metrics, .config = d->config, .arg = d, .way = events_way, .publish = publish};
    return events_new(&reach, &d->events);
}

static void events_stop(struct daemon *d)
{
    events_free(d->events);
    d->events = NULL;
}

static void on_bus(void *arg)
{
    struct daemon *d = arg;
    bus_dispatch(d->bus);
    daemon_turn(d);
}

static int bus_part_start(struct daemon *d)
{
    int err = configured_bus_new(d->config, d->config->registry.create, &inbound_bus_events, d->inbound, &d->bus);
    if (!err)
        err = bus_add_metrics(d->bus, d->metrics);
    if (!err)
        err = loop_watch_init(&d->bus_watch, d->base, bus_fd(d->bus), on_bus, d);
    if (err)
        return err;
    outbound_set_bus(d->outbound, d->bus);
    inbound_bus_begins(d->inbound, clock_now_ns());
    return bus_start(d->bus, &d->watchdog);
}

static void bus_part_stop(struct daemon *d)
{
    loop_watch_fini(&d->bus_watch);
    if (d->bus)
        bus_stop(d->bus);
    outbound_set_bus(d->outbound, NULL);
    bus_free(d->bus);
    d->bus = NULL;
}

static int order(void *arg, enum bus_order order, enum bus_bucket bucket)
{
    struct daemon *d = arg;
    return bus_order(d->bus, order, bucket);
}

static int inbound_start(struct daemon *d)
{
    const struct inbound_reach reach = {
        .metrics = d->metrics,
        .config = d->config,
        .buckets = {d->config->registry.services_bucket, d->config->registry.hosts_bucket},
        .catalog = d->catalog,
        .catalog_file = d->catalog_file,
        .host_address = d->host_address,
        .agent = d->agent,
        .events = d->events,
        .tracing = d->tracing,
        .arg = d,
        .order = order,
        .put_done = daemon_forget_published,
        .request = daemon_rpc_request};
    return inbound_new(&reach, &d->inbound);
}

static void inbound_stop(struct daemon *d)
{
    inbound_free(d->inbound);
}

static bool is_connected(void *arg)
{
    struct daemon *d = arg;
    return bus_connected(d->bus);
}

static int dns_table_error(void *arg)
{
    const struct daemon *d = arg;
    return d->dns_table_error;
}

static void answers_begin(void *arg)
{
    struct daemon *d = arg;
    if (d->api)
        api_changed_all(d->api);
}

static int status_start(struct daemon *d)
{
    const struct status_reach reach = {.config = d->config,
                                       .catalog = d->catalog,
                                       .agent = d->agent,
                                       .outbound = d->outbound,
                                       .inbound = d->inbound,
                                       .host_address = d->host_address,
                                       .started_ns = d->started_ns,
                                       .stored_since_ns = d->stored_since_ns,
                                       .arg = d,
                                       .bus_connected = is_connected,
                                       .dns_table_error = dns_table_error,
                                       .answers_begin = answers_begin};
    return status_new(&reach, &d->status);
}

static void status_stop(struct daemon *d)
{
    status_free(d->status);
}

/* Registered by now is what the configuration and the last life left; it is served from the first query on. */
static int services_start(struct daemon *d)
{
    const struct checking_reach reach = {.base = d->base,
                                         .metrics = d->metrics,
                                         .config = d->config,
                                         .registrar = agent_registrar(d->agent),
                                         .state_dir = d->state_dir,
                                         .units = &d->check_units,
                                         .turn = daemon_turn_soon,
                                         .arg = d};
    int err = services_new(&reach, daemon_set_unit_services, &d->services);
    if (err)
        return err;
    services_set_now(d->services);
    services_store(d->config);
    catalog_flush(d->catalog);
    return 0;
}

static void services_stop(struct daemon *d)
{
    services_free(d->services);
    d->services = NULL;
}

static void registration_gone(void *arg, const struct instance_key *key)
{
    struct daemon *d = arg;
    if (d->services)
        services_registration_gone(d->services, key);
}

static void lease_sent(void *arg, const struct lease *lease)
{
    struct daemon *d = arg;
    inbound_lease_sent(d->inbound, lease, clock_now_ns());
}

static int outbound_start(struct daemon *d)
{
    const struct outbound_reach reach = {.base = d->base,
                                         .metrics = d->metrics,
                                         .config = d->config,
                                         .state_dir = d->state_dir,
                                         .catalog = d->catalog,
                                         .catalog_file = d->catalog_file,
                                         .host_address = d->host_address,
                                         .events = d->events,
                                         .tracing = d->tracing,
                                         .arg = d,
                                         .turn = daemon_turn_soon,
                                         .registration_gone = registration_gone,
                                         .lease_sent = lease_sent};
    int err = outbound_new(&reach, &d->outbound);
    if (!err)
        d->agent = outbound_agent(d->outbound);
    return err;
}

static void outbound_stop(struct daemon *d)
{
    outbound_free(d->outbound);
}

static int hostnames_start(struct daemon *d)
{
    return hostname_addresses_new(d->base, d->config, d->catalog, d->metrics, daemon_turn_soon, d, &d->hostnames);
}

static void hostnames_stop(struct daemon *d)
{
    hostname_addresses_free(d->hostnames);
}

/* --- other regions --- */

/* The table says something else of a service: of another region, of the own one, or since another one answers for it. */
static void notify_programs(void *arg, const char *service)
{
    struct daemon *d = arg;
    if (d->api)
        api_changed(d->api, service, tracing_seen(d->tracing, service));
}

static void changed(void *arg, const char *service)
{
    struct daemon *d = arg;
    notify_programs(d, service);
    region_failover_note(d->failover, service);
}

/* Who watches "shop/payment@a" in region a hears of it as well: while no other region answers, its name there has none behind it. */
static void own_changed(void *arg, const char *service)
{
    struct daemon *d = arg;
    char ref[SERVICE_REF_CAP];
    changed(d, service);
    if (!d->api || !*service || strchr(service, '@') || d->config->n_regions == 0)
        return;
    snprintf(ref, sizeof ref, "%s@%s", service, d->config->region);
    api_changed(d->api, ref, NULL);
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

static int regions_start(struct daemon *d)
{
    const struct regions_reach reach = {.base = d->base,
                                        .config = d->config,
                                        .table = catalog_table(d->catalog),
                                        .tracing = d->tracing,
                                        .arg = d,
                                        .turn = daemon_turn,
                                        .service_changed = changed};
    d->region_events =
        (struct region_events){.events = d->events, .config = d->config, .liveness = inbound_liveness(d->inbound)};
    int err = regions_new(&reach, &d->regions);
    return err ? err : failover_start(d);
}

static void regions_stop(struct daemon *d)
{
    catalog_watch_services(d->catalog, NULL, d);
    region_failover_free(d->failover);
    d->failover = NULL;
    regions_free(d->regions);
    d->regions = NULL;
}

/* --- all of them --- */

/*
 * The order says who needs whom: the ways in come after what they reach, so that nobody is let in before there is an
 * answer. The bus comes last and goes first, because its events reach everything else.
 */
static const struct part parts[] = {
    {"inherited sockets", activation_part_start, NULL},
    {"locks", locks_start, locks_stop},
    {"event loop", base_start, base_stop},
    {"traces", traces_start, traces_stop},
    {"state directory", state_start, state_stop},
    {"host address", host_address_start, host_address_stop},
    {"catalog", catalog_start, catalog_stop},
    {"stored catalog", catalog_file_start, catalog_file_stop},
    {"timers and signals", daemon_loop_start, daemon_loop_stop},
    {"events", events_start, events_stop},
    {"registrations", outbound_start, outbound_stop},
    {"inbound", inbound_start, inbound_stop},
    {"status", status_start, status_stop},
    {"units", units_part_start, units_part_stop},
    {"services", services_start, services_stop},
    {"reload", reload_start, reload_stop},
    {"services of units", unit_services_part_start, unit_services_part_stop},
    {"host names", hostnames_start, hostnames_stop},
    {"DNS", dns_part_start, dns_part_stop},
    {"socket", requests_part_start, requests_part_stop},
    {"HTTP", http_part_start, http_part_stop},
    {"requests over NATS", rpc_part_start, rpc_part_stop},
    {"regions", regions_start, regions_stop},
    {"bus", bus_part_start, bus_part_stop},
    {"supervision", supervision_part_start, supervision_part_stop},
};

#define PARTS (sizeof parts / sizeof *parts)

static void stop_first(struct daemon *d, size_t n)
{
    while (n-- > 0)
        if (parts[n].stop)
            parts[n].stop(d);
}

/* A part that could not start has cleaned up after itself only if its stop can: that is what every stop takes. */
int parts_start(struct daemon *d)
{
    for (size_t i = 0; i < PARTS; i++) {
        int err = parts[i].start(d);
        if (err < 0) {
            log_error("cannot start %s: %s", parts[i].name, strerror(-err));
            stop_first(d, i + 1);
            return err;
        }
    }
    return 0;
}

/* First what this life knew goes to disk, while DNS is served: nothing takes longer at the end. */
void parts_stop(struct daemon *d)
{
    status_store_last(d->status, d->catalog_file);
    stop_first(d, PARTS);
}
