/* SPDX-License-Identifier: Apache-2.0 */
/* Fills in the options of each part from the keys of the configuration. */
#include "daemon/registry/configured.h"

#include <time.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/access_policy.h"
#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

/* A first index above all those of the last life, unless that saw more than a million changes a second all its time. */
static uint64_t first_index(void)
{
    return (uint64_t)time(NULL) << 20;
}

/* Whether another region answers is to be known within seconds: one that has not answered after this time will not. */
#define REGION_INFO_TIMEOUT_NS NS_PER_S

static void catalog_options(const struct config *c, struct catalog_options *ret_options)
{
    *ret_options = (struct catalog_options){.host = c->host,
                                            .region = c->region,
                                            .zone = c->zone,
                                            .table_words = c->limits.table_bytes / sizeof(uint64_t),
                                            .first_index = first_index(),
                                            .hosts_max = c->limits.hosts,
                                            .services_max = c->limits.services,
                                            .services_per_domain_max = c->limits.services_per_domain,
                                            .instances_per_host_max = c->limits.instances_per_host,
                                            .hostnames_per_host_max = c->limits.hostnames_per_host,
                                            .instances_max = c->limits.instances,
                                            .instances_per_service_max = c->limits.instances_per_service};
}

int configured_catalog_new(const struct config *c, table_moved_fn *moved, void *arg, struct catalog **ret_c)
{
    struct catalog_options options;
    catalog_options(c, &options);
    return catalog_new(&options, moved, arg, ret_c);
}

int configured_region_catalog_new(const struct config *c, const char *region, struct table_writer *table,
                                  struct catalog **ret_c)
{
    struct catalog_options options;
    catalog_options(c, &options);
    options.host = ""; /* a host of our name in another region is another host */
    options.of_region = region;
    options.table = table;
    return catalog_new(&options, NULL, NULL, ret_c);
}

static void set_access(const struct nats_config *nats, struct bus_options *o)
{
    o->servers = (const char *const *)nats->servers.items;
    o->n_servers = nats->servers.n;
    o->credentials = nats->credentials;
    o->nkey_seed = nats->nkey_seed;
    o->user = nats->user;
    o->password_file = nats->password_file;
    o->tls_ca = nats->tls.ca;
    o->tls_cert = nats->tls.cert;
    o->tls_key = nats->tls.key;
}

void configured_bus_options(const struct config *c, bool create, struct bus_options *ret_options)
{
    *ret_options = (struct bus_options){.js_domain = c->nats.js_domain,
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
                                        .max_requests = c->requests.answer ? c->limits.requests_waiting : 0,
                                        .snapshot_timeout_ns = c->limits.snapshot_duration_ns,
                                        .info_timeout_ns = BUS_INFO_TIMEOUT_NS};
    set_access(&c->nats, ret_options);
}

static void name_mirrors(const struct config *c, const struct region_config *region, struct region_mirrors *ret_names)
{
    const char *buckets[BUS_BUCKETS] = {c->registry.services_bucket, c->registry.hosts_bucket};
    size_t head = strcspn(region->mirror, "%");
    for (int b = 0; b < BUS_BUCKETS; b++) {
        char *name = ret_names->names[b];
        name[0] = '\0';
        if (region->mirror[0])
            snprintf(name, BUS_NAME_CAP, "%.*s%s%s", (int)head, region->mirror, buckets[b], region->mirror + head + 2);
    }
}

void configured_region_bus_options(const struct config *c, const struct region_config *region,
                                   struct region_mirrors *mirrors, struct bus_options *ret_options)
{
    configured_bus_options(c, false, ret_options);
    name_mirrors(c, region, mirrors);
    for (int b = 0; b < BUS_BUCKETS; b++)
        ret_options->mirrors[b] = mirrors->names[b];
    ret_options->mirror_domain = region->nats.servers.n > 0 ? "" : c->nats.js_domain;
    ret_options->mirror_region = c->region;
    ret_options->create_mirrors = c->registry.create;
    ret_options->keep_ns = region->keep_ns;
    if (region->nats.servers.n > 0)
        set_access(&region->nats, ret_options);
    ret_options->js_domain = region->js_domain;
    ret_options->region = region->name;
    ret_options->max_puts = 1; /* nothing is ever put into another region */
    ret_options->max_requests = 0;
    ret_options->info_timeout_ns = REGION_INFO_TIMEOUT_NS;
}

static int bus_of(const struct bus_options *options, const struct bus_events *events, void *arg, struct bus **ret_bus)
{
    char why[BUS_WHY_CAP];
    int err = bus_new(options, events, arg, ret_bus, why);
    if (err)
        log_error("%s", why);
    return err;
}

int configured_bus_new(const struct config *c, bool create, const struct bus_events *events, void *arg,
                       struct bus **ret_bus)
{
    struct bus_options options;
    configured_bus_options(c, create, &options);
    return bus_of(&options, events, arg, ret_bus);
}

int configured_region_bus_new(const struct config *c, const struct region_config *region,
                              const struct bus_events *events, void *arg, struct bus **ret_bus)
{
    struct bus_options options;
    struct region_mirrors mirrors;
    configured_region_bus_options(c, region, &mirrors, &options);
    return bus_of(&options, events, arg, ret_bus);
}

void configured_dns_options(const struct config *c, struct dns_options *ret_options)
{
    *ret_options = (struct dns_options){.listen = &c->dns.listen,
                                        .zones = &c->dns.zones,
                                        .allow = &c->dns.allow,
                                        .ttl_s = (uint32_t)(c->dns.ttl_ns / NS_PER_S),
                                        .workers = c->dns.workers,
                                        .udp_payload = c->dns.remote_payload,
                                        .loopback_payload = c->dns.udp_payload,
                                        .rate_limit = c->dns.rrl,
                                        .tcp_connections = c->dns.tcp_clients,
                                        .tcp_per_client = c->dns.tcp_clients_per_address,
                                        .tcp_idle_ms = (uint32_t)(c->dns.tcp_idle_ns / NS_PER_MS),
                                        .tcp_message_ms = (uint32_t)(c->dns.tcp_message_ns / NS_PER_MS),
                                        .cache_bytes = c->dns.cache_bytes};
}

void configured_http_options(const struct config *c, struct http_options *ret_options)
{
    *ret_options = (struct http_options){.listen = c->http.listen,
                                         .names = {&c->http.hosts, &c->dns.zones},
                                         .dns_listen = &c->dns.listen,
                                         .connections_max = c->limits.http_clients,
                                         .per_user_max = c->limits.http_clients_per_user,
                                         .reserve = c->limits.http_reserve,
                                         .held_max = c->limits.http_held,
                                         .idle_ns = c->limits.http_idle_ns,
                                         .heartbeat_ns = HTTP_HEARTBEAT_NS,
                                         .timeout_ns = c->limits.http_time_ns};
}

int configured_access(const struct config *c, struct access_rule *ret_rule)
{
    size_t n = c->api.n_policy;
    /* a group that does not exist is logged where the rule is put in force */
    (void)access_rule_init(ret_rule, c->api.register_group);
    if (n == 0)
        return 0;
    struct access_policy_source *lines = calloc(n, sizeof *lines);
    if (!lines)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct policy_line *l = &c->api.policy[i];
        lines[i] = (struct access_policy_source){l->user, l->group, &l->services, l->overrides, l->place};
    }
    int err = access_policy_new(lines, n, &ret_rule->policy);
    free(lines);
    return err;
}
