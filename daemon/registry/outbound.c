/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of the registrations of this host: to the local catalog, the bus, the disk. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/agent/stored.h"
#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "daemon/registry/remembered.h"
#include "libdiscover/core/clock.h"

/* --- the agent's way out --- */

static void flush(struct daemon *d, const struct instance_key *key)
{
    catalog_flush_service(d->catalog, key);
    catalog_file_hurry(d->catalog_file);
}

/* Seen on this host at once, before NATS hears of it: whoever learns of it from another host finds it here as well. */
static void local_put(void *arg, const struct instance_key *key, const struct record *record)
{
    struct daemon *d = arg;
    int err = catalog_put(d->catalog, key, record);
    if (err < 0)
        log_error("registration %s/%s %s cannot be served: %s", key->domain, key->service, key->instance,
                  strerror(-err));
    flush(d, key);
}

static void local_remove(void *arg, const struct instance_key *key)
{
    struct daemon *d = arg;
    catalog_remove(d->catalog, key);
    flush(d, key);
    if (d->checks)
        checks_remove(d->checks, key);
    d->services_retry = d->services_waiting;
}

static void local_hide(void *arg, const struct instance_key *key)
{
    struct daemon *d = arg;
    catalog_remove(d->catalog, key);
    flush(d, key);
}

static int publish(void *arg, const char *key, const uint8_t *bytes, size_t n, uint64_t token)
{
    struct daemon *d = arg;
    return bus_put(d->bus, BUS_SERVICES, key, bytes, n, token);
}

static int unpublish(void *arg, const char *key, uint64_t token)
{
    struct daemon *d = arg;
    return bus_delete(d->bus, BUS_SERVICES, key, token);
}

static int publish_lease(void *arg, const uint8_t *bytes, size_t n, uint64_t token)
{
    struct daemon *d = arg;
    struct lease lease;
    const char *why;
    if (lease_decode(bytes, n, &lease, &why) == 0 && !lease.asked_by)
        inbound_lease_sent(d, &lease, clock_now_ns());
    return bus_put(d->bus, BUS_HOSTS, d->config->host, bytes, n, token);
}

static int watch_pid(void *arg, pid_t pid, uint64_t *start)
{
    struct daemon *d = arg;
    return pids_watch(d->pids, pid, start);
}

static void unwatch_pid(void *arg, pid_t pid)
{
    struct daemon *d = arg;
    pids_unwatch(d->pids, pid);
}

/* Said in the log once, and to everybody whose request is refused for it. */
static int stored(struct daemon *d, int err)
{
    if (err < 0 && !d->store_error[0])
        log_error("state_dir %s: %s; what has to outlive a restart is refused until it can be stored",
                  d->config->state_dir, strerror(-err));
    else if (err == 0 && d->store_error[0])
        log_notice("state_dir %s can be written again", d->config->state_dir);
    if (err < 0)
        snprintf(d->store_error, sizeof d->store_error, "state_dir %s: %s", d->config->state_dir, strerror(-err));
    else
        d->store_error[0] = '\0';
    return err;
}

static int store(void *arg, const char *name, const uint8_t *bytes, size_t n)
{
    struct daemon *d = arg;
    return stored(d, state_dir_store(d->state_dir, name, bytes, n));
}

/* That something can be deleted says nothing of what can be written. */
static int forget(void *arg, const char *name)
{
    struct daemon *d = arg;
    int err = state_dir_forget(d->state_dir, name);
    return err < 0 ? stored(d, err) : 0;
}

static uint64_t random64(void *arg)
{
    uint64_t value = 0;
    (void)arg;
    (void)!getrandom(&value, sizeof value, GRND_NONBLOCK);
    return value;
}

static void name_conflict(void *arg, const struct lease *lease, bool stand_down)
{
    struct daemon *d = arg;
    if (lease->asked_by) {
        log_error("another discoverd asks for the name %s (life %016llx), perhaps on a copy of this machine. This one "
                  "keeps the name: change `host` on the other.",
                  d->config->host, (unsigned long long)lease->asked_by);
        return;
    }
    struct addresses other = {.families = lease->families};
    char here[ADDRESSES_TEXT_CAP], there[ADDRESSES_TEXT_CAP];
    memcpy(other.ipv4, lease->ipv4, sizeof other.ipv4);
    memcpy(other.ipv6, lease->ipv6, sizeof other.ipv6);
    addresses_text(host_address_get(d->host_address), here);
    addresses_text(&other, there);
    log_error("two live hosts are called %s: this one (%s) and another (%s, node %016llx). %s", d->config->host, here,
              there, (unsigned long long)lease->node,
              stand_down ? "Nothing is published from here as long as the other lives: change `host` on one of them."
                         : "This one keeps the name: change `host` on the other.");
}

static void pid_gone(void *arg, pid_t pid)
{
    struct daemon *d = arg;
    agent_pid_gone(d->agent, pid, clock_now_ns());
    daemon_turn(d);
}

static int restore(void *arg, const uint8_t *bytes, size_t n)
{
    struct daemon *d = arg;
    return agent_restore(d->agent, bytes, n, clock_now_ns());
}

static int restore_override(void *arg, const uint8_t *bytes, size_t n)
{
    struct daemon *d = arg;
    return agent_restore_override(d->agent, bytes, n, clock_now_ns());
}

static int restore_name(void *arg, const uint8_t *bytes, size_t n)
{
    struct daemon *d = arg;
    return agent_restore_name(d->agent, bytes, n);
}

static int restore_all(struct daemon *d, const char *prefix, state_dir_fn *fn, const char *what)
{
    int damaged = state_dir_each(d->state_dir, prefix, fn, d);
    if (damaged > 0)
        log_warning("%s: %d stored %s are damaged and were set aside (*.bad)", d->config->state_dir, damaged, what);
    return damaged < 0 ? damaged : 0;
}

static void agent_options_fill(const struct daemon *d, struct agent_options *o)
{
    struct timespec wall;
    *o = (struct agent_options){.lease_ttl_ns = d->config->registry.lease_ttl_ns,
                                .record_ttl_ns = d->config->registry.record_ttl_ns,
                                .restart_grace_ns = d->config->registry.restart_grace_ns,
                                .instances_max = d->config->limits.instances_per_host,
                                .window_max = d->config->limits.puts / 2,
                                .overrides_max = d->config->limits.overrides};
    snprintf(o->host, sizeof o->host, "%s", d->config->host);
    snprintf(o->region, sizeof o->region, "%s", d->config->region);
    snprintf(o->zone, sizeof o->zone, "%s", d->config->zone);
    snprintf(o->version, sizeof o->version, "%s", DAEMON_VERSION);
    o->addresses = *host_address_get(d->host_address);
    o->allow_loopback = d->config->allow_loopback;
    clock_gettime(CLOCK_REALTIME, &wall);
    o->wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / NS_PER_MS;
}

/* This host is alive and vouches for whatever the agent puts, whatever its leases in the bucket say. */
static int set_own_host(struct daemon *d)
{
    const struct addresses *addresses = host_address_get(d->host_address);
    struct lease own = {.families = addresses->families};
    snprintf(own.region, sizeof own.region, "%s", d->config->region);
    snprintf(own.zone, sizeof own.zone, "%s", d->config->zone);
    memcpy(own.ipv4, addresses->ipv4, sizeof own.ipv4);
    memcpy(own.ipv6, addresses->ipv6, sizeof own.ipv6);
    return catalog_set_host(d->catalog, d->config->host, &own, true, clock_now_ns());
}

void outbound_address_changed(void *arg)
{
    struct daemon *d = arg;
    if (!d->agent)
        return;
    (void)set_own_host(d); /* -ENOMEM: with the next change */
    agent_set_addresses(d->agent, host_address_get(d->host_address), clock_now_ns());
    daemon_turn(d);
}

int outbound_start(struct daemon *d)
{
    const struct agent_ops ops = {.arg = d,
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
                                  .random = random64,
                                  .name_conflict = name_conflict};
    struct agent_options options;
    agent_options_fill(d, &options);
    int err = state_dir_identity(d->state_dir, &options.identity);
    if (err == -EBADMSG)
        log_warning("%s: the identity of this host is damaged; starting with a new one", d->config->state_dir);
    else if (err < 0)
        return err;
    err = pids_new(d->base, pid_gone, d, &d->pids);
    if (!err)
        err = agent_new(&options, &ops, clock_now_ns(), &d->agent);
    if (!err)
        err = agent_add_metrics(d->agent, d->metrics);
    if (!err)
        err = set_own_host(d);
    if (err)
        return err;
    err = restore_all(d, STORED_NAME, restore_name, "names of instances");
    if (err)
        return err;
    err = restore_all(d, STORED_OVERRIDE, restore_override, "states set by an operator");
    if (!err)
        err = restore_all(d, STORED_REGISTRATION, restore, "registrations");
    if (!err)
        remembered_registrations(d);
    return err;
}
