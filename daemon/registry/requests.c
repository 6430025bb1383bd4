/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for over the Unix socket: to the agent and the catalog. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

/* What an errno does not tell. */
static int told(const struct daemon *d, int err, const char **ret_why)
{
    if (err == -EIO)
        *ret_why = d->store_error;
    return err;
}

static int api_add(void *arg, const struct agent_request *request, char ret_instance[static LABEL_CAP],
                   const char **ret_why)
{
    struct daemon *d = arg;
    int err = hostnames_check(d, &request->record, ret_why);
    if (err)
        return err;
    err = agent_register(d->agent, request, clock_now_ns(), ret_instance, ret_why);
    daemon_turn(d);
    return told(d, err, ret_why);
}

static int api_remove(void *arg, const struct instance_key *key, uint64_t client, uid_t uid, const char **ret_why)
{
    struct daemon *d = arg;
    int err = agent_deregister(d->agent, key, client, uid, clock_now_ns());
    daemon_turn(d);
    return told(d, err, ret_why);
}

static int api_heartbeat(void *arg, const struct instance_key *key, uint64_t client, uid_t uid)
{
    struct daemon *d = arg;
    int err = agent_heartbeat(d->agent, key, client, uid, clock_now_ns());
    daemon_turn(d);
    return err;
}

static int api_override(void *arg, const struct override *o, bool on, const char **ret_why)
{
    struct daemon *d = arg;
    int err = agent_override(d->agent, o, on, clock_now_ns());
    if (!err)
        log_notice("an operator %s %s: %s%s%s%s%s", on ? "sets" : "ends",
                   o->state == DISCOVER_DRAINING ? "draining" : "maintenance", o->domain[0] ? o->domain : "this host",
                   o->domain[0] ? "/" : "", o->service, o->instance[0] ? " " : "", o->instance);
    daemon_turn(d);
    return told(d, err, ret_why);
}

static void api_leave(void *arg)
{
    stop_begin(arg, STOPPING_LEAVES);
}

static void api_reload(void *arg, struct reload_report *report)
{
    daemon_reload(arg, report);
}

/* What our own closing of the connections at the end would do is left to the good-bye and to the next life. */
static void api_client_gone(void *arg, uint64_t client)
{
    struct daemon *d = arg;
    if (d->stopping == STOPPING_LEAVES || !d->bus)
        return;
    agent_client_gone(d->agent, client, clock_now_ns());
    daemon_turn(d);
}

static uint64_t api_epoch(void *arg)
{
    struct daemon *d = arg;
    return agent_status(d->agent).epoch;
}

static int api_table_fd(void *arg)
{
    struct daemon *d = arg;
    return table_writer_fd(catalog_table(d->catalog));
}

static void service_changed(void *arg, const char *service)
{
    struct daemon *d = arg;
    if (d->api)
        api_changed(d->api, service);
}

int requests_start(struct daemon *d)
{
    const struct api_ops ops = {.arg = d,
                                .add = api_add,
                                .remove = api_remove,
                                .override = api_override,
                                .heartbeat = api_heartbeat,
                                .client_gone = api_client_gone,
                                .reload = api_reload,
                                .leave = api_leave,
                                .status = status_fill,
                                .epoch = api_epoch,
                                .table_fd = api_table_fd};
    struct api_options options = {.path = d->config->api.socket,
                                  .group = d->config->api.register_group,
                                  .version = DAEMON_VERSION,
                                  .host = d->config->host,
                                  .clients_max = d->config->limits.api_clients,
                                  .clients_per_uid_max = d->config->limits.api_clients_per_uid,
                                  .clients_reserve = d->config->limits.api_reserve,
                                  .ejections_max = d->config->limits.ejections,
                                  .watches_max = d->config->limits.api_watches,
                                  .watches_per_uid_max = d->config->limits.api_watches_per_uid,
                                  .watches_all_max = d->config->limits.api_watches_all,
                                  .output_max = d->config->limits.api_output_bytes,
                                  .frames_per_wakeup = API_FRAMES_PER_WAKEUP,
                                  .handshake_timeout_ns = d->config->limits.api_handshake_ns};
    catalog_watch_services(d->catalog, service_changed, d);
    return api_new(d->base, &options, &ops, d->metrics, &d->api);
}
