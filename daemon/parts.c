/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the daemon: how each is made from the configuration, and in which order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/file.h"
#include "daemon/base/lock.h"
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

struct part {
    const char *name;
    int (*start)(struct daemon *d); /* says itself what was wrong, if more than the errno is to be said */
    void (*stop)(struct daemon *d);
};

static int take_lock(const char *what, const char *path, int *ret_fd)
{
    pid_t holder = 0;
    int err = lock_take(path, ret_fd, &holder);
    if (err == -EBUSY)
        log_error("%s is in use by another discoverd (process %d)", what, (int)holder);
    else if (err)
        log_error("%s: %s", path, err == -EPERM ? "it belongs to another user, or is no file" : strerror(-err));
    return err;
}

static int locks_start(struct daemon *d)
{
    char path[4096];
    if (mkdir(d->config->state_dir, 0750) < 0 && errno != EEXIST) {
        log_error("state_dir %s: %s", d->config->state_dir, strerror(errno));
        return -errno;
    }
    snprintf(path, sizeof path, "%s/lock", d->config->state_dir);
    int err = take_lock(d->config->state_dir, path, &d->state_lock);
    if (err)
        return err;
    snprintf(path, sizeof path, "%s.lock", d->config->api.socket);
    return take_lock(d->config->api.socket, path, &d->socket_lock);
}

static void locks_stop(struct daemon *d)
{
    lock_release(d->socket_lock);
    lock_release(d->state_lock);
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
    if (d->base)
        event_base_free(d->base);
}

/* The socket's clients and the DNS workers are given the new segment; both go on reading the old one until then. */
static void table_moved(void *arg, int fd)
{
    struct daemon *d = arg;
    d->dns_table_error = d->dns ? dns_set_table(d->dns, fd) : 0;
    if (d->api)
        api_table_moved(d->api);
}

bool daemon_table_whole(const struct daemon *d)
{
    /* What is tried again in slices is in the table when nothing is left to be written. */
    bool trying = d->unwritten > 0 && catalog_is_dirty(d->catalog);
    return !d->dns_table_error && !catalog_is_unwritten(d->catalog) && !trying;
}

void daemon_table_again(struct daemon *d)
{
    if (d->dns_table_error)
        d->dns_table_error = dns_set_table(d->dns, table_writer_fd(catalog_table(d->catalog)));
    (void)catalog_flush_again(d->catalog);
}

static int catalog_start(struct daemon *d)
{
    struct catalog_options options = {.host = d->config->host,
                                      .region = d->config->region,
                                      .zone = d->config->zone,
                                      .table_words = d->config->limits.table_bytes / sizeof(uint64_t),
                                      .hosts_max = d->config->limits.hosts,
                                      .services_max = d->config->limits.services,
                                      .instances_per_host_max = d->config->limits.instances_per_host,
                                      .hostnames_per_host_max = d->config->limits.hostnames_per_host,
                                      .instances_max = d->config->limits.instances,
                                      .instances_per_service_max = d->config->limits.instances_per_service};
    int err = catalog_new(&options, table_moved, d, &d->catalog);
    if (err)
        return err;
    table_writer_alive(catalog_table(d->catalog), clock_now_ns());
    soa_serial_start(d);
    return 0;
}

static int catalog_file_start(struct daemon *d)
{
    int err = catalog_file_new(d->config->state_dir, d->metrics, &d->catalog_file);
    if (!err && catalog_file_load(d->catalog_file, d->catalog, clock_now_ns(), &d->stale_since_ns))
        table_writer_set_sync(catalog_table(d->catalog), TABLE_UNSYNCED, d->stale_since_ns);
    return err;
}

static void catalog_file_stop(struct daemon *d)
{
    int64_t true_ns;
    if (d->catalog_file && catalog_is_worth_storing(d, clock_now_ns(), &true_ns))
        catalog_file_write_now(d->catalog_file, catalog_table(d->catalog), true_ns);
    catalog_file_free(d->catalog_file);
}

static int host_address_start(struct daemon *d)
{
    return host_address_new(d->base, d->config, outbound_address_changed, d, &d->host_address);
}

static void host_address_stop(struct daemon *d)
{
    host_address_free(d->host_address);
}

static void catalog_stop(struct daemon *d)
{
    catalog_free(d->catalog);
}

static void on_bus(void *arg)
{
    struct daemon *d = arg;
    bus_dispatch(d->bus);
    daemon_turn(d);
}

void daemon_bus_options(const struct config *c, bool create, struct bus_options *ret_options)
{
    *ret_options = (struct bus_options){.servers = (const char *const *)c->nats.servers.items,
                                        .n_servers = c->nats.servers.n,
                                        .credentials = c->nats.credentials,
                                        .nkey_seed = c->nats.nkey_seed,
                                        .user = c->nats.user,
                                        .password_file = c->nats.password_file,
                                        .tls_ca = c->nats.tls.ca,
                                        .tls_cert = c->nats.tls.cert,
                                        .tls_key = c->nats.tls.key,
                                        .js_domain = c->nats.js_domain,
                                        .buckets = {c->registry.services_bucket, c->registry.hosts_bucket},
                                        .region = c->region,
                                        .host = c->host,
                                        .create = create,
                                        .replicas = (int)c->registry.replicas,
                                        .max_bytes = {c->registry.services_max_bytes, c->registry.hosts_max_bytes},
                                        .record_ttl_ns = c->registry.record_ttl_ns,
                                        .lease_ttl_ns = c->registry.lease_ttl_ns,
                                        .mailbox = c->limits.mailbox,
                                        .max_puts = c->limits.puts,
                                        .max_value = c->limits.record_bytes,
                                        .snapshot_timeout_ns = c->limits.snapshot_duration_ns};
}

int daemon_bus_new(const struct config *c, bool create, const struct bus_events *events, void *arg,
                   struct bus **ret_bus)
{
    char why[BUS_WHY_CAP];
    struct bus_options options;
    daemon_bus_options(c, create, &options);
    int err = bus_new(&options, events, arg, ret_bus, why);
    if (err)
        log_error("%s", why);
    return err;
}

static int bus_part_start(struct daemon *d)
{
    int err = daemon_bus_new(d->config, d->config->registry.create, &inbound_bus_events, d, &d->bus);
    if (!err)
        err = bus_add_metrics(d->bus, d->metrics);
    if (!err)
        err = loop_watch_init(&d->bus_watch, d->base, bus_fd(d->bus), on_bus, d);
    return err ? err : bus_start(d->bus);
}

static void bus_part_stop(struct daemon *d)
{
    loop_watch_fini(&d->bus_watch);
    if (d->bus)
        bus_stop(d->bus);
    bus_free(d->bus);
    d->bus = NULL;
}

/* Registered by now is what the configuration and the last life left; it is served from the first query on. */
static int configured_start(struct daemon *d)
{
    services_set(d, NULL);
    catalog_flush(d->catalog);
    return 0;
}

static void agent_stop(struct daemon *d)
{
    agent_free(d->agent);
    pids_free(d->pids);
}

static void checks_stop(struct daemon *d)
{
    checks_free(d->checks);
    d->checks = NULL;
}

/* Socket activation: all that systemd passes is for DNS, which is what needs a port below 1024. */
static size_t inherited_sockets(int ret_fds[static DNS_LISTEN_MAX])
{
    int n = sd_listen_fds(1);
    for (int i = 0; i < n && i < DNS_LISTEN_MAX; i++)
        ret_fds[i] = SD_LISTEN_FDS_START + i;
    return n < 0 ? 0 : n > DNS_LISTEN_MAX ? DNS_LISTEN_MAX : (size_t)n;
}

static int dns_part_start(struct daemon *d)
{
    char reason[DNS_REASON_CAP] = "";
    const struct config *c = d->config;
    struct dns_options o;
    dns_options_init(&o);
    int inherited[DNS_LISTEN_MAX];
    o.n_inherited = inherited_sockets(inherited);
    o.inherited = inherited;
    d->dns_inherited = o.n_inherited > 0;
    if (o.n_inherited == 0 && c->dns.listen.n == 0)
        return 0; /* nobody wants it here */
    o.listen = (const char *const *)c->dns.listen.items;
    o.n_listen = c->dns.listen.n;
    o.zones = (const char *const *)c->dns.zones.items;
    o.n_zones = c->dns.zones.n;
    o.allow = (const char *const *)c->dns.allow.items;
    o.n_allow = c->dns.allow.n;
    o.ttl_s = (uint32_t)(c->dns.ttl_ns / NS_PER_S);
    o.workers = c->dns.workers;
    o.udp_payload = c->dns.remote_payload;
    o.loopback_payload = c->dns.udp_payload;
    o.rate_limit = c->dns.rrl;
    o.tcp_connections = c->dns.tcp_clients;
    o.tcp_per_client = c->dns.tcp_clients_per_address;
    o.tcp_idle_ms = (uint32_t)(c->dns.tcp_idle_ns / NS_PER_MS);
    o.tcp_message_ms = (uint32_t)(c->dns.tcp_message_ns / NS_PER_MS);
    o.cache_bytes = c->dns.cache_bytes;
    int err = dns_new(&o, d->metrics, &d->dns, reason);
    if (!err)
        err = dns_set_table(d->dns, table_writer_fd(catalog_table(d->catalog)));
    if (!err)
        err = dns_start(d->dns);
    if (err)
        log_error("dns: %s", reason[0] ? reason : strerror(-err));
    return err;
}

static void dns_part_stop(struct daemon *d)
{
    dns_free(d->dns);
    d->dns = NULL;
}

static int api_start(struct daemon *d)
{
    int err = requests_start(d);
    if (err)
        log_error("api.socket %s: %s", d->config->api.socket, strerror(-err));
    return err;
}

static void api_stop(struct daemon *d)
{
    api_free(d->api);
    d->api = NULL;
}

static const struct table *http_table(void *arg)
{
    struct daemon *d = arg;
    return table_writer_table(catalog_table(d->catalog));
}

static const struct catalog *http_catalog(void *arg)
{
    struct daemon *d = arg;
    return d->catalog;
}

static int http_part_start(struct daemon *d)
{
    if (!d->config->http.listen[0])
        return 0;
    struct http_options options = {.listen = d->config->http.listen,
                                   .names = {.hosts = (const char *const *)d->config->http.hosts.items,
                                             .n_hosts = d->config->http.hosts.n,
                                             .zones = (const char *const *)d->config->dns.zones.items,
                                             .n_zones = d->config->dns.zones.n},
                                   .connections_max = d->config->limits.http_clients,
                                   .per_user_max = d->config->limits.http_clients_per_user,
                                   .reserve = d->config->limits.http_reserve,
                                   .timeout_ns = d->config->limits.http_time_ns};
    struct http_ops ops = {.arg = d, .table = http_table, .catalog = http_catalog, .status = status_fill};
    int err = http_new(d->base, &options, &ops, d->metrics, &d->http);
    if (err == -EAFNOSUPPORT)
        return 0; /* IPv6 is switched off here: status says so */
    if (err)
        log_error("http.listen %s: %s", d->config->http.listen, strerror(-err));
    return err;
}

static void http_part_stop(struct daemon *d)
{
    http_free(d->http);
}

/*
 * The order says who needs whom: the ways in come after what they reach, so that nobody is let in before there is an
 * answer. The bus comes last and goes first, because its events reach everything else.
 */
static const struct part parts[] = {
    {"locks", locks_start, locks_stop},
    {"event loop", base_start, base_stop},
    {"state directory", state_start, state_stop},
    {"host address", host_address_start, host_address_stop},
    {"catalog", catalog_start, catalog_stop},
    {"stored catalog", catalog_file_start, catalog_file_stop},
    {"timers and signals", daemon_loop_start, daemon_loop_stop},
    {"inbound", inbound_start, inbound_stop},
    {"checks", services_start, checks_stop},
    {"registrations", outbound_start, agent_stop},
    {"services", configured_start, NULL},
    {"host names", hostnames_start, hostnames_stop},
    {"DNS", dns_part_start, dns_part_stop},
    {"socket", api_start, api_stop},
    {"HTTP", http_part_start, http_part_stop},
    {"bus", bus_part_start, bus_part_stop},
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

void parts_stop(struct daemon *d)
{
    stop_first(d, PARTS);
}
