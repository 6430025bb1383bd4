/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the agent decides: in this host's catalog, in NATS, and in the state directory. */
#include "daemon/registry/outbound.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent/registrar.h"
#include "daemon/agent/stored.h"
#include "daemon/base/log.h"
#include "daemon/catalog/catalog_read.h"
#include "daemon/check/pid.h"
#include "daemon/registry/events/events.h"
#include "daemon/registry/state_writer.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

struct outbound {
    struct outbound_reach reach;
    struct agent *agent;
    struct registrar *registrar; /* of the agent */
    struct bus *bus;             /* NULL: before the bus is made, and after it is stopped */
    struct pids *pids;
    bool restored; /* the last life's registrations are restored: changes from now on are reported as events */
    struct state_writer *state_writer;
    char store_error[4200]; /* why the state directory cannot be written; "": it can */
};

/* --- the agent's way out --- */

/*
 * Before there is a bus no other host can have heard of a change: what the configuration and the last life left is
 * written in one go.
 */
static void flush(struct outbound *o, const struct instance_key *key)
{
    if (o->bus)
        catalog_flush_service(o->reach.catalog, key);
    catalog_file_hurry(o->reach.catalog_file);
}

/* The state in which the instance is served now; 0: it is not served, or nobody wants events. */
static int state_before(const struct outbound *o, const struct instance_key *key,
                        struct discover_endpoint *ret_endpoint)
{
    if (!o->restored || !events_wanted(o->reach.events) ||
        catalog_endpoint(o->reach.catalog, instance_id(key), ret_endpoint) < 0)
        return 0;
    return ret_endpoint->state;
}

static void report(struct outbound *o, const struct instance_key *key, struct event event)
{
    event.domain = key->domain;
    event.service = key->service;
    event.instance = key->instance;
    if (o->restored)
        events_report(o->reach.events, &event);
}

static void report_put(struct outbound *o, const struct instance_key *key, const struct record *record, int was,
                       const struct trace_context *trace)
{
    char traceparent[TRACE_PARENT_CAP];
    if (was == record->state)
        return;
    if (trace)
        trace_context_format(trace, traceparent);
    report(o, key,
           (struct event){.type = was ? EVENT_INSTANCE_STATE : EVENT_INSTANCE_UP,
                          .state = record->state,
                          .was = was,
                          .port = record->port,
                          .addresses = &record->addresses,
                          .traceparent = trace ? traceparent : NULL,
                          .tracestate = trace ? trace->state : NULL});
}

/*
 * Takes the instance out of the answers before its event is reported: whoever hears of the event must not find it any
 * more.
 */
static void withdraw(struct outbound *o, const struct instance_key *key, const char *reason)
{
    struct discover_endpoint endpoint;
    int state = state_before(o, key, &endpoint);
    catalog_remove(o->reach.catalog, key);
    flush(o, key);
    if (state)
        report(o, key,
               (struct event){.type = EVENT_INSTANCE_DOWN, .state = state, .port = endpoint.port, .reason = reason});
}

/*
 * A change is served on this host at once, before NATS hears of it: whoever learns of it from another host finds it
 * here as well.
 */
static void local_put(void *arg, const struct instance_key *key, const struct record *record)
{
    struct outbound *o = arg;
    struct discover_endpoint before;
    const struct trace_context *trace = o->reach.tracing ? tracing_local(o->reach.tracing, key) : NULL;
    int was = state_before(o, key, &before), err = catalog_put(o->reach.catalog, key, record);
    if (err < 0)
        log_error("registration %s/%s %s cannot be served: %s", key->domain, key->service, key->instance,
                  catalog_limit_text(err) ? catalog_limit_text(err) : strerror(-err));
    else
        report_put(o, key, record, was, trace);
    flush(o, key);
}

static void local_remove(void *arg, const struct instance_key *key)
{
    struct outbound *o = arg;
    withdraw(o, key, NULL);
    if (o->reach.tracing)
        tracing_withdrawn(o->reach.tracing, key);
    o->reach.registration_gone(o->reach.arg, key);
}

static void local_hide(void *arg, const struct instance_key *key)
{
    withdraw(arg, key, "its host has no address now");
}

static int publish(void *arg, const char *key, const uint8_t *bytes, size_t n, uint64_t token)
{
    struct outbound *o = arg;
    if (!o->bus)
        return -ENOTCONN;
    const struct trace_context *trace = o->reach.tracing ? tracing_put(o->reach.tracing, key, token) : NULL;
    return bus_put(o->bus, BUS_SERVICES, key, bytes, n, token, trace);
}

static int unpublish(void *arg, const char *key, uint64_t token)
{
    struct outbound *o = arg;
    return o->bus ? bus_delete(o->bus, BUS_SERVICES, key, token) : -ENOTCONN;
}

/* A question (name_conflict.h) is no lease of ours: the canary does not wait for it to come back. */
static int publish_lease(void *arg, const struct lease *lease, uint64_t token)
{
    struct outbound *o = arg;
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;
    int err = o->bus ? lease_encode(lease, bytes, &n) : -ENOTCONN;
    if (err)
        return err;
    if (!lease->asked_by)
        o->reach.lease_sent(o->reach.arg, lease);
    return bus_put(o->bus, BUS_HOSTS, o->reach.config->host, bytes, n, token, NULL);
}

static int watch_pid(void *arg, pid_t pid, uint64_t *start)
{
    struct outbound *o = arg;
    return pids_watch(o->pids, pid, start);
}

static void unwatch_pid(void *arg, pid_t pid)
{
    struct outbound *o = arg;
    pids_unwatch(o->pids, pid);
}

/* Logs a failure once, and keeps its text for everybody whose request is refused because of it. */
static int stored(struct outbound *o, int err)
{
    if (err < 0 && !o->store_error[0])
        log_error("state_dir %s: %s; what has to outlive a restart is refused until it can be stored",
                  o->reach.config->state_dir, strerror(-err));
    else if (err == 0 && o->store_error[0])
        log_notice("state_dir %s can be written again", o->reach.config->state_dir);
    if (err < 0)
        snprintf(o->store_error, sizeof o->store_error, "state_dir %s: %s", o->reach.config->state_dir, strerror(-err));
    else
        o->store_error[0] = '\0';
    return err;
}

static int store(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    struct outbound *o = arg;
    return stored(o, state_dir_store(o->reach.state_dir, name, bytes, n));
}

/* A failure counts as one of the directory; a success does not, since a full disk can delete but not write. */
static int forget(void *arg, const char *name)
{
    struct outbound *o = arg;
    int err = state_dir_forget(o->reach.state_dir, name);
    return err < 0 ? stored(o, err) : 0;
}

static void note(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    struct outbound *o = arg;
    state_writer_put(o->state_writer, name, bytes, n);
}

static void noted(void *arg, int err)
{
    struct outbound *o = arg;
    if (stored(o, err) < 0 && o->registrar)
        registrar_note_failed(o->registrar);
}

static uint64_t random64(void *arg)
{
    (void)arg;
    return entropy_64();
}

static void name_conflict(void *arg, const struct lease *lease, bool stand_down)
{
    struct outbound *o = arg;
    if (!stand_down)
        events_report(o->reach.events, &(struct event){.type = EVENT_HOST_CONFLICT,
                                                       .addresses = lease->asked_by ? NULL : &lease->addresses,
                                                       .reason = "another live host has this name"});
    if (lease->asked_by) {
        log_error("another discoverd asks for the name %s (life %016llx), perhaps on a copy of this machine. This one "
                  "keeps the name: change `host` on the other.",
                  o->reach.config->host, (unsigned long long)lease->asked_by);
        return;
    }
    char here[ADDRESSES_TEXT_CAP], there[ADDRESSES_TEXT_CAP];
    addresses_text(host_address_get(o->reach.host_address), here);
    addresses_text(&lease->addresses, there);
    log_error("two live hosts are called %s: this one (%s) and another (%s, node %016llx). %s", o->reach.config->host,
              here, there, (unsigned long long)lease->node,
              stand_down ? "Nothing is published from here as long as the other lives: change `host` on one of them."
                         : "This one keeps the name: change `host` on the other.");
}

static void grace_over(void *arg, const struct override *o)
{
    bool host = !o->key.domain[0];
    (void)arg;
    log_notice("the grace of user %u is over: %s%s%s%s%s is in maintenance", (unsigned)o->uid,
               host ? "this host" : o->key.domain, host ? "" : "/", o->key.service, o->key.instance[0] ? " " : "",
               o->key.instance);
}

static void pid_gone(void *arg, pid_t pid)
{
    struct outbound *o = arg;
    registrar_pid_gone(o->registrar, pid, clock_now_ns());
    o->reach.turn(o->reach.arg);
}

/* What could not be restored stays stored. A process that is gone, and a damaged file, are logged elsewhere. */
static int restored(int err, const char *what, const char *limit)
{
    if (err < 0 && err != -ESRCH && err != -EBADMSG)
        log_warning("%s that was stored is not in force: %s", what, err == -ENOSPC ? limit : registration_refusal(err));
    return err;
}

static int restore(void *arg, const uint8_t *bytes, size_t n)
{
    struct outbound *o = arg;
    return restored(registrar_restore(o->registrar, bytes, n, clock_now_ns()), "a registration",
                    registration_refusal(-ENOSPC));
}

static int restore_override(void *arg, const uint8_t *bytes, size_t n)
{
    struct outbound *o = arg;
    return restored(registrar_restore_override(o->registrar, bytes, n, clock_now_ns()), "a state set by an operator",
                    "there are as many as there may be (limits.overrides)");
}

static int restore_name(void *arg, const uint8_t *bytes, size_t n)
{
    struct outbound *o = arg;
    return registrar_restore_name(o->registrar, bytes, n);
}

static void inherit(void *arg, const struct instance_key *key, const struct record *record)
{
    struct outbound *o = arg;
    registrar_inherit(o->registrar, key, record, clock_now_ns());
}

static int restore_all(struct outbound *o, const char *prefix, state_dir_fn *fn, const char *what)
{
    int damaged = state_dir_each(o->reach.state_dir, prefix, fn, o);
    if (damaged > 0)
        log_warning("%s: %d stored %s are damaged and were set aside (*.bad)", o->reach.config->state_dir, damaged,
                    what);
    return damaged < 0 ? damaged : 0;
}

/* The first 48 bits of the random number that the kernel draws at each boot; 0: unknown. */
static uint64_t boot_number(void)
{
    uint64_t high = 0, low = 0;
    FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (in && fscanf(in, "%8" SCNx64 "-%4" SCNx64, &high, &low) != 2)
        high = low = 0;
    if (in)
        fclose(in);
    return high << 16 | low;
}

static void agent_options_fill(const struct outbound_reach *r, struct agent_options *ret_o)
{
    *ret_o = (struct agent_options){.lease_ttl_ns = r->config->registry.lease_ttl_ns,
                                    .record_ttl_ns = r->config->registry.record_ttl_ns,
                                    .restart_grace_ns = r->config->registry.restart_grace_ns,
                                    .instances_max = r->config->limits.instances_per_host,
                                    .window_max = r->config->limits.puts / 2,
                                    .record_max = r->config->limits.record_bytes,
                                    .overrides_max = r->config->limits.overrides};
    snprintf(ret_o->host, sizeof ret_o->host, "%s", r->config->host);
    snprintf(ret_o->region, sizeof ret_o->region, "%s", r->config->region);
    snprintf(ret_o->zone, sizeof ret_o->zone, "%s", r->config->zone);
    snprintf(ret_o->version, sizeof ret_o->version, "%s", DISCOVER_VERSION);
    ret_o->addresses = *host_address_get(r->host_address);
    ret_o->allow_loopback = r->config->allow_loopback;
    ret_o->publishes_events = r->config->events.publish;
    ret_o->boot = boot_number();
    ret_o->wall_ms = clock_wall_ms();
}

/* This host is alive and vouches for whatever the agent puts, whatever its leases in the bucket say. */
static int set_own_host(struct outbound *o)
{
    struct lease own = {.addresses = *host_address_get(o->reach.host_address)};
    snprintf(own.region, sizeof own.region, "%s", o->reach.config->region);
    snprintf(own.zone, sizeof own.zone, "%s", o->reach.config->zone);
    return catalog_set_host(o->reach.catalog, o->reach.config->host, &own, true, clock_now_ns());
}

void outbound_address_changed(struct outbound *o)
{
    (void)set_own_host(o); /* -ENOMEM: set again with the next change of addresses */
    agent_set_addresses(o->agent, host_address_get(o->reach.host_address), clock_now_ns());
    o->reach.turn(o->reach.arg);
}

void outbound_second(struct outbound *o)
{
    if (o->store_error[0])
        agent_store_identity(o->agent);
}

const char *outbound_store_error(const struct outbound *o)
{
    return o->store_error;
}

struct agent *outbound_agent(struct outbound *o)
{
    return o->agent;
}

void outbound_set_bus(struct outbound *o, struct bus *bus)
{
    o->bus = bus;
}

static int agent_start(struct outbound *o)
{
    const struct agent_ops ops = {.arg = o,
                                  .local_put = local_put,
                                  .local_remove = local_remove,
                                  .local_hide = local_hide,
                                  .publish = publish,
                                  .unpublish = unpublish,
                                  .publish_lease = publish_lease,
                                  .watch_pid = watch_pid,
                                  .unwatch_pid = unwatch_pid,
                                  .store = store,
                                  .forget = forget,
                                  .note = note,
                                  .random = random64,
                                  .name_conflict = name_conflict,
                                  .grace_over = grace_over};
    struct agent_options options;
    agent_options_fill(&o->reach, &options);
    int err = state_dir_identity(o->reach.state_dir, &options.identity);
    if (err == -EBADMSG)
        log_warning("%s: the identity of this host is damaged; starting with a new one", o->reach.config->state_dir);
    else if (err < 0)
        return err;
    err = pids_new(o->reach.base, pid_gone, o, &o->pids);
    if (!err)
        err = state_writer_new(o->reach.base, o->reach.state_dir, noted, o, &o->state_writer);
    if (!err)
        err = agent_new(&options, &ops, clock_now_ns(), &o->agent);
    if (!err)
        o->registrar = agent_registrar(o->agent);
    return err;
}

/* What the last life stored comes first: it says more of a registration than the catalog's file does. */
static int restore_last_life(struct outbound *o)
{
    int err = restore_all(o, STORED_NAME, restore_name, "names of instances");
    if (!err)
        err = restore_all(o, STORED_OVERRIDE, restore_override, "states set by an operator");
    if (!err)
        err = restore_all(o, STORED_REGISTRATION, restore, "registrations");
    if (!err)
        catalog_file_own(o->reach.catalog_file, o->reach.config->host, inherit, o);
    return err;
}

int outbound_new(const struct outbound_reach *reach, struct outbound **ret_o)
{
    struct outbound *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    o->reach = *reach;
    int err = agent_start(o);
    if (!err)
        err = agent_add_metrics(o->agent, reach->metrics);
    if (!err)
        err = set_own_host(o);
    if (!err)
        err = restore_last_life(o);
    o->restored = true;
    if (err)
        outbound_free(o);
    else
        *ret_o = o;
    return err;
}

void outbound_free(struct outbound *o)
{
    if (!o)
        return;
    agent_free(o->agent);
    o->registrar = NULL;
    state_writer_free(o->state_writer);
    pids_free(o->pids);
    free(o);
}
