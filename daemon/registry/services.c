/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the configuration names: to the agent, and to their checks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/daemon.h"
#include "libdiscover/core/clock.h"

static void report_service(const struct agent_service *s)
{
    if (s->ret_result < 0)
        log_error("service %s/%s %s is not registered: %s", s->domain, s->service, s->instance,
                  s->ret_result == -EINVAL ? s->ret_why : strerror(-s->ret_result));
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

void services_set(struct daemon *d)
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
    for (size_t i = 0; i < n; i++) {
        report_service(&services[i]);
        set_checks(d, &services[i], &d->config->services[i]);
    }
    free(services);
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
