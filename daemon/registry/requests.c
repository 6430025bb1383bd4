/* SPDX-License-Identifier: Apache-2.0 */
/* Hands requests that come over the Unix socket to the agent, the checks and the catalog. */
#include "daemon/registry/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"

struct requests {
    struct requests_reach reach;
    struct registrar *registrar; /* of the agent */
    struct api *api;             /* NULL: before it is made, and while it is being closed */
};

static void turn(const struct requests *r)
{
    r->reach.turn(r->reach.arg);
}

/* Adds the reason to -EIO, of which the errno alone does not say what is wrong. */
static int with_reason(const struct requests *r, int err, const char **ret_why)
{
    if (err == -EIO)
        *ret_why = r->reach.store_error(r->reach.arg);
    return err;
}

static int register_instance(void *arg, struct registration_request *request, const struct api_checks *checks,
                             const char **ret_why)
{
    struct requests *r = arg;
    struct checking_plan plan;
    int err = hostname_addresses_check(r->reach.hostnames, &request->record, ret_why);
    if (!err)
        err = checking_plan(r->reach.checking, &request->key, checks, &plan, ret_why);
    if (!err) {
        request->checked = plan.checked;
        err = registrar_register(r->registrar, request, clock_now_ns(), ret_why);
    }
    if (!err)
        err = checking_begin(r->reach.checking, request, checks, &plan, ret_why);
    turn(r);
    return with_reason(r, err, ret_why);
}

static void operation(void *arg, const char *traceparent, const char *tracestate, const char *whose)
{
    struct requests *r = arg;
    if (r->reach.tracing && traceparent)
        tracing_operation_begin(r->reach.tracing, traceparent, tracestate, whose);
    else if (r->reach.tracing)
        tracing_operation_end(r->reach.tracing);
}

static int deregister_instance(void *arg, const struct instance_key *key, uint64_t client, uid_t uid,
                               const char **ret_why)
{
    struct requests *r = arg;
    int err = registrar_deregister(r->registrar, key, client, uid, clock_now_ns());
    turn(r);
    return with_reason(r, err, ret_why);
}

static int api_heartbeat(void *arg, const struct instance_key *key, uint64_t client, uid_t uid)
{
    struct requests *r = arg;
    int err = registrar_heartbeat(r->registrar, key, client, uid, clock_now_ns());
    turn(r);
    return err;
}

static int api_report_check(void *arg, const struct api_check_report *report)
{
    struct requests *r = arg;
    return checking_report(r->reach.checking, report);
}

static size_t api_each_check(void *arg, const struct instance_key *key, api_check_fn *fn, void *fn_arg)
{
    struct requests *r = arg;
    return checking_show(r->reach.checking, key, fn, fn_arg);
}

static void log_override(const struct override *o, bool on)
{
    char grace[48] = "";
    if (on && o->grace_ms)
        snprintf(grace, sizeof grace, ", %s%.3g s of draining", o->state == DISCOVER_DRAINING ? "" : "after ",
                 (double)o->grace_ms / 1000);
    log_notice("user %u %s %s: %s%s%s%s%s%s%s%s", (unsigned)o->uid, on ? "sets" : "ends",
               o->state == DISCOVER_DRAINING ? "draining" : "maintenance",
               o->key.domain[0] ? o->key.domain : "this host", o->key.domain[0] ? "/" : "", o->key.service,
               o->key.instance[0] ? " " : "", o->key.instance, o->reason[0] ? ": " : "", o->reason, grace);
}

static int api_override(void *arg, const struct override *o, bool on, const char **ret_why)
{
    struct requests *r = arg;
    struct override with = *o;
    with.set_ms = clock_wall_ms();
    int err = registrar_override(r->registrar, &with, on, clock_now_ns());
    if (!err)
        log_override(o, on);
    turn(r);
    return with_reason(r, err, ret_why);
}

/*
 * When the daemon itself closes the connections at its end, registrations are left to the good-bye and to the next
 * life.
 */
static void api_client_gone(void *arg, uint64_t client)
{
    struct requests *r = arg;
    if (!r->api || r->reach.is_leaving(r->reach.arg))
        return;
    registrar_client_gone(r->registrar, client, clock_now_ns());
    turn(r);
}

static uint64_t api_epoch(void *arg)
{
    struct requests *r = arg;
    return agent_status(r->reach.agent).epoch;
}

static int api_table_fd(void *arg)
{
    struct requests *r = arg;
    return table_writer_fd(catalog_table(r->reach.catalog));
}

static int api_failover(void *arg, const char *service, const char *region, uid_t uid, const char **ret_why)
{
    struct requests *r = arg;
    int err = r->reach.failover(r->reach.arg, service, region, uid, ret_why);
    turn(r);
    return with_reason(r, err, ret_why);
}

static int listen_on(struct requests *r)
{
    const struct config *c = r->reach.config;
    const struct api_ops ops = {.arg = r,
                                .register_instance = register_instance,
                                .operation = operation,
                                .deregister_instance = deregister_instance,
                                .report_check = api_report_check,
                                .each_check = api_each_check,
                                .override = api_override,
                                .failover = api_failover,
                                .heartbeat = api_heartbeat,
                                .client_gone = api_client_gone,
                                .epoch = api_epoch,
                                .table_fd = api_table_fd,
                                .daemon = r->reach.daemon};
    const struct api_options options = {.path = c->api.socket,
                                        .inherited = r->reach.inherited,
                                        .group = c->api.register_group,
                                        .version = DISCOVER_VERSION,
                                        .host = c->host,
                                        .clients_max = c->limits.api_clients,
                                        .clients_per_uid_max = c->limits.api_clients_per_uid,
                                        .clients_reserve = c->limits.api_reserve,
                                        .ejections_max = c->limits.ejections,
                                        .watches_max = c->limits.api_watches,
                                        .watches_per_uid_max = c->limits.api_watches_per_uid,
                                        .watches_all_max = c->limits.api_watches_all,
                                        .output_max = c->limits.api_output_bytes,
                                        .frames_per_wakeup = API_FRAMES_PER_WAKEUP,
                                        .handshake_timeout_ns = c->limits.api_handshake_ns};
    return api_new(r->reach.base, &options, &ops, r->reach.metrics, &r->api);
}

/* Called before the loop runs, so that the rule holds from the first client on. */
static int set_access(struct requests *r)
{
    struct access_rule rule;
    int err = configured_access(r->reach.config, &rule);
    if (!err)
        api_set_access(r->api, &rule);
    return err;
}

int requests_new(const struct requests_reach *reach, struct requests **ret_r)
{
    struct requests *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->reach = *reach;
    r->registrar = agent_registrar(reach->agent);
    int err = listen_on(r);
    if (!err)
        err = set_access(r);
    if (err) {
        log_error("api.socket %s: %s", reach->config->api.socket, strerror(-err));
        api_free(r->api);
        free(r);
        return err;
    }
    *ret_r = r;
    return 0;
}

void requests_free(struct requests *r)
{
    if (!r)
        return;
    struct api *api = r->api;
    r->api = NULL;
    api_free(api);
    free(r);
}

struct api *requests_api(struct requests *r)
{
    return r->api;
}
