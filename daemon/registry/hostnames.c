/* SPDX-License-Identifier: Apache-2.0 */
/* The host names that instances in the catalog have, to the resolver and back as addresses. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/zones.h"
#include "daemon/daemon.h"

static void on_hostname(void *arg, const char *name, bool held, const struct catalog_address *address)
{
    struct daemon *d = arg;
    struct names_address last = {.families = address->families};
    memcpy(last.ipv4, address->ipv4, sizeof last.ipv4);
    memcpy(last.ipv6, address->ipv6, sizeof last.ipv6);
    if (held)
        resolver_add(d->resolver, name, &last);
    else
        resolver_remove(d->resolver, name);
}

static void on_resolved(void *arg, const char *name, const struct names_address *address)
{
    struct daemon *d = arg;
    struct catalog_address to = {.families = address->families};
    memcpy(to.ipv4, address->ipv4, sizeof to.ipv4);
    memcpy(to.ipv6, address->ipv6, sizeof to.ipv6);
    if (catalog_set_address(d->catalog, name, &to) < 0)
        log_error("host name %s: no memory for its address", name);
}

static void on_settled(void *arg)
{
    daemon_turn(arg);
}

int hostnames_start(struct daemon *d)
{
    const struct config *c = d->config;
    const struct resolver_options options = {.servers = &c->resolver.servers,
                                             .zones = &c->dns.zones,
                                             .names = {.names_max = c->limits.hostnames,
                                                       .queries_max = c->resolver.queries,
                                                       .min_ttl_ns = c->resolver.min_ttl_ns,
                                                       .max_ttl_ns = c->resolver.max_ttl_ns,
                                                       .denied_ns = c->resolver.denied_grace_ns}};
    const struct resolver_ops ops = {.arg = d, .resolved = on_resolved, .settled = on_settled};
    int err = resolver_new(d->base, &options, &ops, d->metrics, &d->resolver);
    if (err)
        log_error("resolver.servers: %s", strerror(-err));
    else
        catalog_watch_hostnames(d->catalog, on_hostname, d);
    return err;
}

void hostnames_stop(struct daemon *d)
{
    if (d->catalog)
        catalog_watch_hostnames(d->catalog, NULL, NULL);
    resolver_free(d->resolver);
    d->resolver = NULL;
}

int hostnames_check(const struct daemon *d, const struct record *record, const char **ret_why)
{
    if (zones_find(&d->config->dns.zones, record->hostname)) {
        *ret_why = "address: a host name below our own zones";
        return -EINVAL;
    }
    if (!catalog_hostname_fits(d->catalog, record->hostname)) {
        *ret_why = "address: this host has as many host names as it may (limits.hostnames_per_host)";
        return -ENOSPC;
    }
    return 0;
}
