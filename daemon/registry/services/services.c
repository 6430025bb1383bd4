/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the configuration names: to the agent, and to their checks. */
#include "daemon/registry/services/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/registry/services/reload_report.h"
#include "libdiscover/core/clock.h"

struct services {
    struct checking_reach reach;
    void (*set_others)(void *arg);
    struct checking *checking;
    bool waiting; /* some services of the configuration are not registered ... */
    bool retry;   /* ... and a registration has ended since that may have been in their way */

    struct loop_timer timer; /* for the next slice */
    bool setting;            /* the services are being set in slices */
    size_t next;             /* the next service of the configuration to set */
    struct reload_report *report;
    services_done_fn *done; /* NULL: nobody waits, we are trying again by ourselves */
    void *arg;
};

static void report_service(struct reload_report *report, const struct static_service *s)
{
    const char *why = s->ret_result == -EINVAL   ? s->ret_why
                      : s->ret_result == -EEXIST ? "another one has the name; it is tried again when that one has gone"
                                                 : registration_refusal(s->ret_result);
    if (s->ret_result < 0)
        reload_report_refuse(report, "service %s/%s %s is not registered: %s", s->key.domain, s->key.service,
                             s->key.instance, why);
}

void services_put(struct services *s, const struct service_config *config, enum discover_state state)
{
    struct static_service one = {.key = config->key, .record = config->record};
    one.record.state = (uint8_t)state;
    checking_static_set(s->checking, &one, config->checks.items, config->checks.n);
    if (s->setting && s->done)
        report_service(s->report, &one);
    else if (!s->setting && one.ret_result < 0)
        log_warning("service %s/%s %s of unit %s is not registered: %s", one.key.domain, one.key.service,
                    one.key.instance, config->unit, one.ret_why ? one.ret_why : strerror(-one.ret_result));
    s->waiting |= one.ret_result < 0;
}

void services_end(struct services *s, const struct instance_key *key)
{
    struct instance_key whole = *key;
    snprintf(whole.host, sizeof whole.host, "%s", s->reach.config->host);
    registrar_static_drop(s->reach.registrar, &whole, clock_now_ns()); /* its checks end with it */
}

/*
 * Sets the next service, unless it is registered when its unit is up (unit_services.h), or ends one that the configuration no
 * longer has. Returns false when all is done.
 */
static bool set_next(struct services *s)
{
    const struct config *config = s->reach.config;
    const struct service_config *next = s->next < config->n_services ? &config->services[s->next++] : NULL;
    if (next && !next->unit[0])
        services_put(s, next, DISCOVER_PASSING);
    else if (next)
        return true;
    else if (s->next++ == config->n_services && s->set_others)
        s->set_others(s->reach.arg);
    else
        return !registrar_static_end(s->reach.registrar, clock_now_ns());
    return true;
}

static void begin(struct services *s, struct reload_report *report, services_done_fn *done, void *arg)
{
    s->waiting = s->retry = false;
    s->setting = true;
    s->next = 0;
    s->report = report;
    s->done = done;
    s->arg = arg;
    registrar_static_begin(s->reach.registrar);
}

static void finish(struct services *s)
{
    s->setting = false;
    if (s->done)
        s->done(s->arg);
    else if (!s->waiting)
        log_notice("all services of the configuration are registered now");
}

static void on_slice(void *arg)
{
    struct services *s = arg;
    struct loop_slice slice = loop_slice_begin();
    bool more;
    do
        more = set_next(s);
    while (more && !loop_slice_over(&slice));
    if (more)
        loop_timer_arm(&s->timer, 0, 0);
    else
        finish(s);
    s->reach.turn(s->reach.arg);
}

void services_set(struct services *s, struct reload_report *report, services_done_fn *done, void *arg)
{
    begin(s, report, done, arg);
    loop_timer_arm(&s->timer, 0, 0);
}

static void nobody_waits(void *arg)
{
    (void)arg;
}

void services_set_now(struct services *s)
{
    begin(s, NULL, nobody_waits, NULL);
    while (set_next(s)) {
    }
    finish(s);
}

void services_store(const struct config *config)
{
    int err = config_keep_service_files(config);
    if (err)
        log_warning("%s: what %s says now cannot be stored: %s", config->state_dir, config->services_dir,
                    strerror(-err));
}

void services_second(struct services *s)
{
    if (s->retry && !s->setting)
        services_set(s, NULL, NULL, NULL);
}

struct checking *services_checking(struct services *s)
{
    return s->checking;
}

void services_registration_gone(struct services *s, const struct instance_key *key)
{
    checking_gone(s->checking, key);
    s->retry = s->waiting;
}

int services_new(const struct checking_reach *reach, void (*set_others)(void *arg), struct services **ret_s)
{
    struct services *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->reach = *reach;
    s->set_others = set_others;
    int err = loop_timer_init(&s->timer, reach->base, on_slice, s);
    if (!err)
        err = checking_new(reach, &s->checking);
    if (err)
        services_free(s);
    else
        *ret_s = s;
    return err;
}

void services_free(struct services *s)
{
    if (!s)
        return;
    checking_free(s->checking);
    loop_timer_fini(&s->timer);
    free(s);
}
