/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of the daemon as a whole: its documents, which reach all its parts, and to forget a host. */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/registry/explain/document_requests.h"
#include "daemon/registry/explain/explain_instances.h"

void daemon_status(void *arg, Discover__V1__Status *ret_status)
{
    struct daemon *d = arg;
    status_fill(d->status, ret_status);
    regions_status(d->regions, clock_now_ns(), ret_status);
    region_failover_status(d->failover, clock_now_ns(), ret_status);
    listen_problems_status(d->config, d->activation.http > 0, ret_status);
}

static struct dns *dns_of(void *arg)
{
    const struct daemon *d = arg;
    return d->dns;
}

static const struct api *api_of(void *arg)
{
    const struct daemon *d = arg;
    return d->api;
}

static const struct checks *checks_of(void *arg)
{
    const struct daemon *d = arg;
    return d->services ? services_checks(d->services) : NULL;
}

static struct document_reach reach_of(struct daemon *d)
{
    return (struct document_reach){.metrics = d->metrics,
                                   .explain = {.config = d->config,
                                               .catalog = d->catalog,
                                               .agent = d->agent,
                                               .inbound = d->inbound,
                                               .regions = d->regions,
                                               .failover = d->failover,
                                               .arg = d,
                                               .dns = dns_of,
                                               .api = api_of,
                                               .checks = checks_of,
                                               .status = daemon_status}};
}

int daemon_document(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n)
{
    struct document_reach reach = reach_of(arg);
    return document_text(&reach, name, is_operator, ret_text, ret_n);
}

int daemon_explain(void *arg, const char *what, json_t **ret_document)
{
    struct document_reach reach = reach_of(arg);
    return explain_document(&reach.explain, what, ret_document);
}

int daemon_checks(void *arg, const struct catalog_instance *i, json_t **ret_list)
{
    struct instance_key key = {.domain = ""};
    if (service_parse(i->service, key.domain, key.service) < 0)
        return -ENOENT;
    snprintf(key.host, sizeof key.host, "%s", i->entry.host);
    snprintf(key.instance, sizeof key.instance, "%s", i->entry.instance);
    json_t *list = explain_checks(checks_of(arg), &key, false, clock_now_ns());
    bool some = json_array_size(list) > 0;
    if (some)
        *ret_list = list;
    else
        json_decref(list);
    return some ? 0 : -ENOENT;
}

int daemon_region(void *arg, const char *name, struct http_region *ret_region)
{
    const struct daemon *d = arg;
    struct region_status status;
    const struct region *r = regions_find(d->regions, name);
    if (!r)
        return -ENOENT;
    region_status(r, clock_now_ns(), &status);
    *ret_region = (struct http_region){.catalog = region_catalog(r),
                                       .sync = status.state == REGION_LIVE ? TABLE_LIVE
                                               : status.stale_ms < 0       ? TABLE_UNSYNCED
                                                                           : TABLE_STALE,
                                       .age_ms = status.stale_ms};
    return 0;
}

static int remove_key(void *arg, enum bus_bucket bucket, const char *key, uint64_t token)
{
    struct daemon *d = arg;
    return bus_connected(d->bus) ? bus_delete(d->bus, bucket, key, token) : -ENOTCONN;
}

static void forgotten(void *arg, const char *why)
{
    struct daemon *d = arg;
    if (d->api)
        api_forgotten(d->api, why);
}

int daemon_forget_start(struct daemon *d)
{
    const struct forget_reach reach = {.catalog = d->catalog, .arg = d, .remove = remove_key, .done = forgotten};
    return forget_new(&reach, &d->forget);
}

int daemon_forget(void *arg, const char *host, const char **ret_why)
{
    struct daemon *d = arg;
    return d->forget ? forget_begin(d->forget, host, ret_why) : -ENOTCONN;
}

bool daemon_forget_published(void *arg, const struct bus_put_result *result)
{
    struct daemon *d = arg;
    return d->forget && forget_published(d->forget, result);
}
