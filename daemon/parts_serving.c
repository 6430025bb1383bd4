/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that answer clients: DNS, the API's socket, HTTP and requests over NATS; and the documents they share. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/registry/configured.h"
#include "daemon/registry/explain/document_requests.h"
#include "daemon/registry/explain/explain_instances.h"
#include "libdiscover/core/clock.h"

/* --- documents --- */

void daemon_status(void *arg, Discover__V1__Status *ret_status)
{
    struct daemon *d = arg;
    status_fill(d->status, ret_status);
    regions_status(d->regions, clock_now_ns(), ret_status);
    region_failover_status(d->failover, clock_now_ns(), ret_status);
    listen_problems_status(d->config, d->activation.http > 0, ret_status);
}

static const struct checks *checks_of(const struct daemon *d)
{
    return d->services ? checking_checks(services_checking(d->services)) : NULL;
}

/* As it is now: some of these come later than others, and go earlier. */
static struct explain_reach reach_of(struct daemon *d)
{
    return (struct explain_reach){.config = d->config,
                                  .metrics = d->metrics,
                                  .catalog = d->catalog,
                                  .agent = d->agent,
                                  .inbound = d->inbound,
                                  .regions = d->regions,
                                  .failover = d->failover,
                                  .arg = d,
                                  .dns = d->dns,
                                  .api = d->api,
                                  .checks = checks_of(d),
                                  .status = daemon_status};
}

static int document(void *arg, const char *name, bool is_operator, char **ret_text, size_t *ret_n)
{
    const struct explain_reach reach = reach_of(arg);
    return document_text(&reach, name, is_operator, ret_text, ret_n);
}

static int explain(void *arg, const char *what, json_t **ret_document)
{
    const struct explain_reach reach = reach_of(arg);
    return explain_document(&reach, what, ret_document);
}

static int instance_checks(void *arg, const struct catalog_instance *i, json_t **ret_list)
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

static int region(void *arg, const char *name, struct http_region *ret_region)
{
    const struct daemon *d = arg;
    const struct region *r = regions_find(d->regions, name);
    if (!r)
        return -ENOENT;
    int64_t stale_ms = region_stale_ms(r, clock_now_ns());
    *ret_region = (struct http_region){.catalog = region_catalog(r),
                                       .sync = region_state_of(r) == REGION_LIVE ? TABLE_LIVE
                                               : stale_ms < 0                    ? TABLE_UNSYNCED
                                                                                 : TABLE_STALE,
                                       .age_ms = stale_ms};
    return 0;
}

/* --- DNS --- */

int dns_part_start(struct daemon *d)
{
    char reason[DNS_REASON_CAP] = "";
    struct dns_options o;
    configured_dns_options(d->config, &o);
    o.n_inherited = d->activation.n_dns;
    o.inherited = d->activation.dns;
    o.watchdog = &d->watchdog;
    if (o.n_inherited == 0 && o.listen->n == 0)
        return 0; /* DNS is switched off by the configuration */
    int err = dns_new(&o, d->metrics, &d->dns, reason);
    if (!err)
        err = dns_set_table(d->dns, table_writer_fd(catalog_table(d->catalog)));
    if (!err)
        err = dns_start(d->dns);
    if (err)
        log_error("dns: %s", reason[0] ? reason : strerror(-err));
    return err;
}

void dns_part_stop(struct daemon *d)
{
    dns_free(d->dns);
    d->dns = NULL;
}

/* --- the socket --- */

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

static int forget_start(struct daemon *d)
{
    const struct forget_reach reach = {.catalog = d->catalog, .arg = d, .remove = remove_key, .done = forgotten};
    return forget_new(&reach, &d->forget);
}

static int forget(void *arg, const char *host, const char **ret_why)
{
    struct daemon *d = arg;
    return d->forget ? forget_begin(d->forget, host, ret_why) : -ENOTCONN;
}

bool daemon_forget_published(void *arg, const struct bus_put_result *result)
{
    struct daemon *d = arg;
    return d->forget && forget_published(d->forget, result);
}

static void leave(void *arg)
{
    stop_begin(arg, STOPPING_LEAVES);
}

static bool is_leaving(void *arg)
{
    const struct daemon *d = arg;
    return d->stopping == STOPPING_LEAVES;
}

static const char *store_error(void *arg)
{
    const struct daemon *d = arg;
    return outbound_store_error(d->outbound);
}

static int failover(void *arg, const char *service, const char *region, uid_t uid, const char **ret_why)
{
    struct daemon *d = arg;
    return region_failover_force(d->failover, service, region, uid, ret_why);
}

int requests_part_start(struct daemon *d)
{
    const struct requests_reach reach = {.base = d->base,
                                         .metrics = d->metrics,
                                         .config = d->config,
                                         .catalog = d->catalog,
                                         .agent = d->agent,
                                         .checking = services_checking(d->services),
                                         .tracing = d->tracing,
                                         .hostnames = d->hostnames,
                                         .inherited = d->activation.api,
                                         .arg = d,
                                         .turn = daemon_turn_soon,
                                         .is_leaving = is_leaving,
                                         .store_error = store_error,
                                         .failover = failover,
                                         .daemon = {.arg = d,
                                                    .status = daemon_status,
                                                    .reload = daemon_reload,
                                                    .leave = leave,
                                                    .forget = forget,
                                                    .document = document}};
    int err = forget_start(d);
    if (!err)
        err = requests_new(&reach, &d->requests);
    if (!err)
        d->api = requests_api(d->requests);
    return err;
}

void requests_part_stop(struct daemon *d)
{
    d->api = NULL;
    requests_free(d->requests);
    forget_free(d->forget);
    d->forget = NULL;
}

/* --- HTTP --- */

static int host_lease(void *arg, const char *host, struct liveness_host *ret_host)
{
    const struct daemon *d = arg;
    return liveness_host(inbound_liveness(d->inbound), host, ret_host);
}

int http_part_start(struct daemon *d)
{
    if (!d->config->http.listen[0] && !d->activation.http)
        return 0;
    struct http_options options;
    struct http_ops ops = {.arg = d,
                           .catalog = d->catalog,
                           .status = daemon_status,
                           .explain = explain,
                           .host = host_lease,
                           .checks = instance_checks,
                           .region = region};
    configured_http_options(d->config, &options);
    options.inherited = d->activation.http;
    int err = http_new(d->base, &options, &ops, d->metrics, &d->http);
    if (err == -EAFNOSUPPORT)
        return 0; /* IPv6 is switched off here: status says so */
    if (err)
        log_error("http.listen %s: %s", d->config->http.listen, strerror(-err));
    return err;
}

void http_part_stop(struct daemon *d)
{
    http_free(d->http);
}

/* --- requests over NATS --- */

static int answer(void *arg, const char *reply, int error, const char *text, size_t n)
{
    struct daemon *d = arg;
    return d->bus ? bus_publish(d->bus, reply, error, text, n) : -ENOTCONN;
}

void daemon_rpc_request(void *arg, const struct bus_request *request)
{
    struct daemon *d = arg;
    if (d->rpc)
        rpc_request(d->rpc, request);
}

int rpc_part_start(struct daemon *d)
{
    const struct rpc_reach reach = {.metrics = d->metrics,
                                    .config = d->config,
                                    .catalog = d->catalog,
                                    .arg = d,
                                    .document = document,
                                    .answer = answer};
    return rpc_new(&reach, &d->rpc);
}

void rpc_part_stop(struct daemon *d)
{
    rpc_free(d->rpc);
    d->rpc = NULL;
}
