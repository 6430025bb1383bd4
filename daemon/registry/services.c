/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the configuration names: to the agent, and to their checks. */
#include "daemon/registry/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/check/checks.h"
#include "daemon/registry/reload_report.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

struct services {
    struct services_reach reach;
    struct checks *checks;
    bool waiting; /* some of the configuration are not registered ... */
    bool retry;   /* ... and something has gone since, perhaps what was in the way */
};

static void report_service(struct reload_report *report, const struct agent_service *s)
{
    const char *why = s->ret_result == -EINVAL   ? s->ret_why
                      : s->ret_result == -EEXIST ? "another one has the name; it is tried again when that one has gone"
                                                 : strerror(-s->ret_result);
    if (s->ret_result < 0)
        reload_report_refuse(report, "service %s/%s %s is not registered: %s", s->key.domain, s->key.service,
                             s->key.instance, why);
}

static void set_checks(struct services *s, const struct agent_service *of, const struct service_config *config)
{
    int err = of->ret_result < 0 ? 0 : checks_set(s->checks, &of->key, config->checks, config->n_checks);
    if (err)
        log_error("service %s/%s %s: its checks cannot be run: %s", of->key.domain, of->key.service, of->key.instance,
                  strerror(-err));
}

static void set_all(struct services *s, bool again, struct reload_report *report)
{
    size_t n = s->reach.config->n_services;
    struct agent_service *all = calloc(n + 1, sizeof *all);
    if (!all) {
        log_error("the services of the configuration are not registered: no memory");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        all[i].key = s->reach.config->services[i].key;
        all[i].record = s->reach.config->services[i].record;
    }
    agent_set_static(s->reach.agent, all, n, clock_now_ns());
    s->waiting = s->retry = false;
    for (size_t i = 0; i < n; i++) {
        if (!again)
            report_service(report, &all[i]);
        set_checks(s, &all[i], &s->reach.config->services[i]);
        s->waiting |= all[i].ret_result < 0;
    }
    free(all);
}

void services_set(struct services *s, struct reload_report *report)
{
    set_all(s, false, report);
    int err = config_keep_service_files(s->reach.config);
    if (err)
        log_warning("%s: what %s says now cannot be stored: %s", s->reach.config->state_dir,
                    s->reach.config->services_dir, strerror(-err));
}

void services_second(struct services *s)
{
    if (!s->retry)
        return;
    set_all(s, true, NULL);
    if (!s->waiting)
        log_notice("all services of the configuration are registered now");
}

static void check_state(void *arg, const struct instance_key *key, enum discover_state state)
{
    struct services *s = arg;
    log_notice("%s/%s %s: checks say %s", key->domain, key->service, key->instance, state_word(state));
    (void)agent_set_state(s->reach.agent, key, state, clock_now_ns()); /* gone meanwhile: nothing to set */
    s->reach.turn(s->reach.arg);
}

void services_registration_gone(struct services *s, const struct instance_key *key)
{
    checks_remove(s->checks, key);
    s->retry = s->waiting;
}

int services_new(const struct services_reach *reach, struct services **ret_s)
{
    struct services *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->reach = *reach;
    int err = checks_new(reach->base, reach->metrics, check_state, s, &s->checks);
    if (err)
        free(s);
    else
        *ret_s = s;
    return err;
}

void services_free(struct services *s)
{
    if (!s)
        return;
    checks_free(s->checks);
    free(s);
}
