/* SPDX-License-Identifier: Apache-2.0 */
/* Has the resolver resolve the host names of instances, and puts their addresses into the catalog. */
#include "daemon/registry/hostname_addresses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/zones.h"
#include "daemon/resolver/resolver.h"

struct hostname_addresses {
    const struct config *config;
    struct catalog *catalog;
    struct resolver *resolver;
    hostname_addresses_settled_fn *settled;
    void *arg;
};

static bool on_hostname(void *arg, const char *name, bool held, const struct addresses *address)
{
    struct hostname_addresses *h = arg;
    if (held)
        return resolver_add(h->resolver, name, address);
    resolver_remove(h->resolver, name);
    return true;
}

static void on_resolved(void *arg, const char *name, const struct addresses *address)
{
    struct hostname_addresses *h = arg;
    if (catalog_set_address(h->catalog, name, address) < 0)
        log_error("host name %s: no memory for its address", name);
}

static void on_settled(void *arg)
{
    struct hostname_addresses *h = arg;
    h->settled(h->arg);
}

static int resolver_start(struct hostname_addresses *h, struct event_base *base, struct metrics *metrics)
{
    const struct config *c = h->config;
    const struct resolver_options options = {.servers = &c->resolver.servers,
                                             .zones = &c->dns.zones,
                                             .allow_loopback = &c->allow_loopback,
                                             .names = {.names_max = c->limits.hostnames,
                                                       .queries_max = c->resolver.queries,
                                                       .min_ttl_ns = c->resolver.min_ttl_ns,
                                                       .max_ttl_ns = c->resolver.max_ttl_ns,
                                                       .denied_ns = c->resolver.denied_grace_ns}};
    const struct resolver_ops ops = {.arg = h, .resolved = on_resolved, .settled = on_settled};
    return resolver_new(base, &options, &ops, metrics, &h->resolver);
}

int hostname_addresses_new(struct event_base *base, const struct config *config, struct catalog *catalog,
                           struct metrics *metrics, hostname_addresses_settled_fn *settled, void *arg,
                           struct hostname_addresses **ret_h)
{
    struct hostname_addresses *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    *h = (struct hostname_addresses){.config = config, .catalog = catalog, .settled = settled, .arg = arg};
    int err = resolver_start(h, base, metrics);
    if (err) {
        log_error("resolver.servers: %s", strerror(-err));
        free(h);
        return err;
    }
    catalog_watch_hostnames(catalog, on_hostname, h);
    *ret_h = h;
    return 0;
}

void hostname_addresses_free(struct hostname_addresses *h)
{
    if (!h)
        return;
    catalog_watch_hostnames(h->catalog, NULL, NULL);
    resolver_free(h->resolver);
    free(h);
}

int hostname_addresses_check(const struct hostname_addresses *h, const struct record *record, const char **ret_why)
{
    if (zones_find(&h->config->dns.zones, record->hostname)) {
        *ret_why = "address: a host name below our own zones";
        return -EINVAL;
    }
    if (!catalog_hostname_fits(h->catalog, record->hostname)) {
        *ret_why = "address: this host has as many host names as it may (limits.hostnames_per_host)";
        return -ENOSPC;
    }
    return 0;
}
