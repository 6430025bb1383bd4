/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the configuration names: to the agent, and to their checks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

static void report_service(struct reload_report *report, const struct agent_service *s)
{
    const char *why = s->ret_result == -EINVAL   ? s->ret_why
                      : s->ret_result == -EEXIST ? "another one has the name; it is tried again when that one has gone"
                                                 : strerror(-s->ret_result);
    if (s->ret_result < 0)
        reload_refuse(report, "service %s/%s %s is not registered: %s", s->domain, s->service, s->instance, why);
}

static void set_checks(struct daemon *d, const struct agent_service *s, const struct service_config *config)
{
    struct instance_key key;
    memcpy(key.domain, s->domain, sizeof key.domain);
    memcpy(key.service, s->service, sizeof key.service);
    memcpy(key.instance, s->instance, sizeof key.instance);
    snprintf(key.host, sizeof key.host, "%s", d->config->host);
    int err = s->ret_result < 0 ? 0 : checks_set(d->checks, &key, config->checks, config->n_checks);
    if (err)
        log_error("service %s/%s %s: its checks cannot be run: %s", s->domain, s->service, s->instance, strerror(-err));
}

static void set_all(struct daemon *d, bool again, struct reload_report *report)
{
    size_t n = d->config->n_services;
    struct agent_service *services = calloc(n + 1, sizeof *services);
    if (!services) {
        log_error("the services of the configuration are not registered: no memory");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct service_config *from = &d->config->services[i];
        memcpy(services[i].domain, from->domain, sizeof from->domain);
        memcpy(services[i].service, from->service, sizeof from->service);
        memcpy(services[i].instance, from->instance, sizeof from->instance);
        services[i].record = from->record;
    }
    agent_set_static(d->agent, services, n, clock_now_ns());
    d->services_waiting = d->services_retry = false;
    for (size_t i = 0; i < n; i++) {
        if (!again)
            report_service(report, &services[i]);
        set_checks(d, &services[i], &d->config->services[i]);
        d->services_waiting |= services[i].ret_result < 0;
    }
    free(services);
}

void services_set(struct daemon *d, struct reload_report *report)
{
    set_all(d, false, report);
    int err = config_keep_service_files(d->config);
    if (err)
        log_warning("%s: what %s says now cannot be stored: %s", d->config->state_dir, d->config->services_dir,
                    strerror(-err));
}

void services_second(struct daemon *d)
{
    if (!d->services_retry)
        return;
    set_all(d, true, NULL);
    if (!d->services_waiting)
        log_notice("all services of the configuration are registered now");
}

static void check_state(void *arg, const struct instance_key *key, enum discover_state state)
{
    struct daemon *d = arg;
    log_notice("%s/%s %s: checks say %s", key->domain, key->service, key->instance,
               state == DISCOVER_PASSING ? "passing" : "critical");
    (void)agent_set_state(d->agent, key, state, clock_now_ns()); /* gone meanwhile: nothing to set */
    daemon_turn(d);
}

int services_start(struct daemon *d)
{
    return checks_new(d->base, d->metrics, check_state, d, &d->checks);
}
