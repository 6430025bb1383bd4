/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the configuration names: to the agent, and to their checks. */
#include "daemon/registry/services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/check/checks.h"
#include "daemon/registry/reload_report.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define AT_ONCE 8 /* services, between two looks at the clock */

struct services {
    struct services_reach reach;
    struct checks *checks;
    bool waiting; /* some of the configuration are not registered ... */
    bool retry;   /* ... and something has gone since, perhaps what was in the way */

    struct loop_timer timer; /* for the next slice */
    bool setting;            /* under way: */
    size_t next;             /* of the services of the configuration */
    struct reload_report *report;
    services_done_fn *done; /* NULL: it is tried again, by ourselves */
    void *arg;
};

static void report_service(struct reload_report *report, const struct agent_service *s)
{
    const char *why = s->ret_result == -EINVAL   ? s->ret_why
                      : s->ret_result == -EEXIST ? "another one has the name; it is tried again when that one has gone"
                                                 : agent_refusal(s->ret_result);
    if (s->ret_result < 0)
        reload_report_refuse(report, "service %s/%s %s is not registered: %s", s->key.domain, s->key.service,
                             s->key.instance, why);
}

/* before: what an earlier life knew of the instance's state, or 0. */
static void set_checks(struct services *s, const struct agent_service *of, const struct service_config *config,
                       enum discover_state before)
{
    const struct check_subject subject = {of->key, config->record.port};
    enum discover_state state;
    char why[CONFIG_WHY_CAP];
    int err = checks_set(s->checks, &subject, config->checks.items, config->checks.n, before, &state, why);
    if (err)
        log_error("service %s/%s %s: its checks cannot be run: %s", of->key.domain, of->key.service, of->key.instance,
                  err == -EINVAL ? why : strerror(-err));
    else
        (void)agent_set_state(s->reach.agent, &of->key, state, clock_now_ns());
}

/* It is registered in the state that its checks will say, so that nobody sees another one in between. */
static uint8_t plan_checks(const struct services *s, const struct service_config *config,
                           enum discover_state *ret_before)
{
    struct instance_key key = config->key;
    enum discover_state state;
    char why[CONFIG_WHY_CAP];
    snprintf(key.host, sizeof key.host, "%s", s->reach.config->host);
    *ret_before = agent_inherited_state(s->reach.agent, &key);
    if (config->checks.n == 0 || checks_plan(s->checks, &key, config->checks.items, config->checks.n, *ret_before,
                                             CHECKS_OF_CONFIGURATION, &state, why) < 0)
        return 0; /* what is wrong, checks_set will say */
    return (uint8_t)state;
}

static void set_in(struct services *s, const struct service_config *config, enum discover_state state)
{
    enum discover_state before;
    struct agent_service one = {.key = config->key, .record = config->record};
    one.record.state = (uint8_t)state;
    one.checked = plan_checks(s, config, &before);
    agent_static_set(s->reach.agent, &one, clock_now_ns());
    if (s->setting && s->done)
        report_service(s->report, &one);
    else if (!s->setting && one.ret_result < 0)
        log_warning("service %s/%s %s of unit %s is not registered: %s", one.key.domain, one.key.service,
                    one.key.instance, config->unit, one.ret_why ? one.ret_why : strerror(-one.ret_result));
    if (one.ret_result == 0)
        set_checks(s, &one, config, before);
    s->waiting |= one.ret_result < 0;
}

static void set_one(struct services *s, const struct service_config *config)
{
    if (!config->unit[0])
        set_in(s, config, DISCOVER_PASSING);
}

void services_put(struct services *s, const struct service_config *config, enum discover_state state)
{
    set_in(s, config, state);
}

void services_end(struct services *s, const struct instance_key *key)
{
    struct instance_key whole = *key;
    snprintf(whole.host, sizeof whole.host, "%s", s->reach.config->host);
    agent_static_drop(s->reach.agent, &whole, clock_now_ns()); /* its checks end with it */
}

/* Sets some, or ends some of those that the configuration no longer has. False: all is done. */
static bool set_some(struct services *s)
{
    const struct config *config = s->reach.config;
    for (unsigned i = 0; i < AT_ONCE; i++)
        if (s->next < config->n_services)
            set_one(s, &config->services[s->next++]);
        else if (s->next++ == config->n_services && s->reach.set_others)
            s->reach.set_others(s->reach.arg);
        else if (agent_static_end(s->reach.agent, clock_now_ns()))
            return false;
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
    agent_static_begin(s->reach.agent);
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
        more = set_some(s);
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
    while (set_some(s)) {
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

static void check_state(void *arg, const struct instance_key *key, enum discover_state state)
{
    struct services *s = arg;
    log_notice("%s/%s %s: checks say %s", key->domain, key->service, key->instance, state_word(state));
    (void)agent_set_state(s->reach.agent, key, state, clock_now_ns()); /* gone meanwhile: nothing to set */
    s->reach.turn(s->reach.arg);
}

static void check_deregisters(void *arg, const struct instance_key *key, const char *why)
{
    struct services *s = arg;
    log_warning("%s/%s %s is deregistered: %s", key->domain, key->service, key->instance, why);
    agent_drop(s->reach.agent, key, clock_now_ns());
    checks_remove(s->checks, key);
    s->reach.turn(s->reach.arg);
}

void services_registration_gone(struct services *s, const struct instance_key *key)
{
    checks_remove(s->checks, key);
    s->retry = s->waiting;
}

static uint64_t random_seed(void)
{
    uint64_t seed;
    return getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed ? seed : (uint64_t)clock_now_ns();
}

static int make_checks(struct services *s)
{
    const struct config *config = s->reach.config;
    const struct checks_options options = {
        .all_max = config->limits.checks,
        .per_instance_max = config->limits.checks_per_instance,
        .running_max = config->limits.checks_running,
        .recoveries = config->limits.check_recoveries,
        .seed = random_seed(),
    };
    const struct checks_ops ops = {.arg = s, .state = check_state, .deregister = check_deregisters};
    return checks_new(s->reach.base, s->reach.metrics, &options, &ops, &s->checks);
}

int services_new(const struct services_reach *reach, struct services **ret_s)
{
    struct services *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->reach = *reach;
    int err = loop_timer_init(&s->timer, reach->base, on_slice, s);
    if (!err)
        err = make_checks(s);
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
    checks_free(s->checks);
    loop_timer_fini(&s->timer);
    free(s);
}

const struct checks *services_checks(const struct services *s)
{
    return s->checks;
}
