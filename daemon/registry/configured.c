/* SPDX-License-Identifier: Apache-2.0 */
/* From the keys of the configuration to the options of the parts. */
#include "daemon/registry/configured.h"

#include <time.h>

#include <errno.h>
#include <stdlib.h>

#include "daemon/api/access_policy.h"
#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"

/* Above all numbers of the last life, unless that saw more than a million changes a second all its time. */
static uint64_t first_index(void)
{
    return (uint64_t)time(NULL) << 20;
}

int configured_catalog_new(const struct config *c, table_moved_fn *moved, void *arg, struct catalog **ret_c)
{
    const struct catalog_options options = {.host = c->host,
                                            .region = c->region,
                                            .zone = c->zone,
                                            .table_words = c->limits.table_bytes / sizeof(uint64_t),
                                            .first_index = first_index(),
                                            .hosts_max = c->limits.hosts,
                                            .services_max = c->limits.services,
                                            .instances_per_host_max = c->limits.instances_per_host,
                                            .hostnames_per_host_max = c->limits.hostnames_per_host,
                                            .instances_max = c->limits.instances,
                                            .instances_per_service_max = c->limits.instances_per_service};
    return catalog_new(&options, moved, arg, ret_c);
}

void configured_bus_options(const struct config *c, bool create, struct bus_options *ret_options)
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

int configured_bus_new(const struct config *c, bool create, const struct bus_events *events, void *arg,
                       struct bus **ret_bus)
{
    char why[BUS_WHY_CAP];
    struct bus_options options;
    configured_bus_options(c, create, &options);
    int err = bus_new(&options, events, arg, ret_bus, why);
    if (err)
        log_error("%s", why);
    return err;
}

void configured_dns_options(const struct config *c, struct dns_options *ret_options)
{
    struct dns_options *o = ret_options;
    dns_options_init(o);
    o->listen = (const char *const *)c->dns.listen.items;
    o->n_listen = c->dns.listen.n;
    o->zones = (const char *const *)c->dns.zones.items;
    o->n_zones = c->dns.zones.n;
    o->allow = (const char *const *)c->dns.allow.items;
    o->n_allow = c->dns.allow.n;
    o->ttl_s = (uint32_t)(c->dns.ttl_ns / NS_PER_S);
    o->workers = c->dns.workers;
    o->udp_payload = c->dns.remote_payload;
    o->loopback_payload = c->dns.udp_payload;
    o->rate_limit = c->dns.rrl;
    o->tcp_connections = c->dns.tcp_clients;
    o->tcp_per_client = c->dns.tcp_clients_per_address;
    o->tcp_idle_ms = (uint32_t)(c->dns.tcp_idle_ns / NS_PER_MS);
    o->tcp_message_ms = (uint32_t)(c->dns.tcp_message_ns / NS_PER_MS);
    o->cache_bytes = c->dns.cache_bytes;
}

void configured_http_options(const struct config *c, struct http_options *ret_options)
{
    *ret_options = (struct http_options){.listen = c->http.listen,
                                         .names = {.hosts = (const char *const *)c->http.hosts.items,
                                                   .n_hosts = c->http.hosts.n,
                                                   .zones = (const char *const *)c->dns.zones.items,
                                                   .n_zones = c->dns.zones.n},
                                         .dns_listen = (const char *const *)c->dns.listen.items,
                                         .n_dns_listen = c->dns.listen.n,
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
    (void)access_rule_init(ret_rule, c->api.register_group); /* no such group: said when it is taken */
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
