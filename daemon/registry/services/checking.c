/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of this host's instances, whichever way they came. */
#include "daemon/registry/services/checking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agent/stored.h"
#include "daemon/base/log.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"
#include "proto/state.pb-c.h"
#include "libdiscover/core/entropy.h"

struct checking {
    struct checking_reach reach;
    struct checks *checks;
    char why[CONFIG_WHY_CAP]; /* why the last checks were refused */
};

/* --- what checks find --- */

static void on_state(void *arg, const struct instance_key *key, enum discover_state state)
{
    struct checking *c = arg;
    log_notice("%s/%s %s: checks say %s", key->domain, key->service, key->instance, state_word(state));
    (void)registrar_set_state(c->reach.registrar, key, state, clock_now_ns()); /* -ENOENT: it has ended meanwhile */
    c->reach.turn(c->reach.arg);
}

static void on_deregister(void *arg, const struct instance_key *key, const char *why)
{
    struct checking *c = arg;
    log_warning("%s/%s %s is deregistered: %s", key->domain, key->service, key->instance, why);
    registrar_drop(c->reach.registrar, key, clock_now_ns());
    checks_remove(c->checks, key);
    c->reach.turn(c->reach.arg);
}

/* --- kept across restarts --- */

static void forget(struct checking *c, const struct instance_key *key)
{
    char name[STORED_NAME_CAP];
    stored_name(STORED_CHECKS, key, name);
    if (c->reach.state_dir)
        /* if it fails, the next life finds no registration for these checks */
        (void)state_dir_forget(c->reach.state_dir, name);
}

static int store(struct checking *c, const struct instance_key *key, char *const *specs, size_t n)
{
    Discover__V1__StoredChecks msg = DISCOVER__V1__STORED_CHECKS__INIT;
    char name[STORED_NAME_CAP], service[SERVICE_CAP];
    if (!c->reach.state_dir)
        return 0;
    stored_name(STORED_CHECKS, key, name);
    service_format(key->domain, key->service, service);
    msg.service = service;
    msg.instance = (char *)key->instance;
    msg.n_checks = n;
    msg.checks = (char **)specs;
    size_t size = discover__v1__stored_checks__get_packed_size(&msg);
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return -ENOMEM;
    (void)discover__v1__stored_checks__pack(&msg, bytes);
    int err = state_dir_store(c->reach.state_dir, name, bytes, size);
    free(bytes);
    return err < 0 ? -EIO : 0;
}

/* --- setting them --- */

static int set(struct checking *c, const struct check_subject *subject, char *const *specs, size_t n,
               enum discover_state before)
{
    enum discover_state state;
    int err = checks_set(c->checks, subject, specs, n, before, &state, c->why);
    if (!err)
        (void)registrar_set_state(c->reach.registrar, &subject->key, state, clock_now_ns());
    return err;
}

static int plan_for(struct checking *c, const struct instance_key *key, char *const *specs, size_t n,
                    enum checks_grant grant, struct checking_plan *ret_plan)
{
    struct instance_key own = *key;
    enum discover_state state;
    snprintf(own.host, sizeof own.host, "%s", c->reach.config->host);
    ret_plan->before = registrar_inherited_state(c->reach.registrar, &own);
    int err = checks_plan(c->checks, &own, specs, n, ret_plan->before, grant, &state, c->why);
    ret_plan->checked = !err && n > 0 ? (uint8_t)state : 0;
    return err;
}

void checking_static_set(struct checking *c, struct static_service *service, char *const *specs, size_t n)
{
    struct checking_plan plan;
    const struct instance_key *key = &service->key;
    (void)plan_for(c, key, specs, n, CHECKS_OF_CONFIGURATION, &plan); /* set() reports what is wrong */
    service->checked = plan.checked;
    registrar_static_set(c->reach.registrar, service, clock_now_ns());
    if (service->ret_result < 0)
        return;
    const struct check_subject subject = {*key, service->record.port};
    int err = set(c, &subject, specs, n, plan.before);
    if (err)
        log_error("service %s/%s %s: its checks cannot be run: %s", key->domain, key->service, key->instance,
                  err == -EINVAL ? c->why : strerror(-err));
}

static int refused(const struct checking *c, int err, const char **ret_why)
{
    if (err == -EINVAL)
        *ret_why = c->why;
    return err;
}

int checking_plan(struct checking *c, const struct instance_key *key, const struct api_checks *wanted,
                  struct checking_plan *ret_plan, const char **ret_why)
{
    enum checks_grant grant = wanted->operator_ ? CHECKS_OF_OPERATOR : CHECKS_OF_PROGRAM;
    return refused(c, plan_for(c, key, wanted->specs, wanted->n, grant, ret_plan), ret_why);
}

int checking_begin(struct checking *c, const struct registration_request *request, const struct api_checks *wanted,
                   const struct checking_plan *plan, const char **ret_why)
{
    const struct check_subject subject = {request->key, request->record.port};
    bool outlives = wanted->n > 0 && (request->ttl_ns || request->pid);
    int err = set(c, &subject, wanted->specs, wanted->n, plan->before);
    if (!err && outlives)
        err = store(c, &subject.key, wanted->specs, wanted->n);
    else if (!err && wanted->n > 0)
        forget(c, &subject.key);
    if (err)
        registrar_drop(c->reach.registrar, &subject.key, clock_now_ns());
    return refused(c, err, ret_why);
}

void checking_gone(struct checking *c, const struct instance_key *key)
{
    if (checks_remove(c->checks, key))
        forget(c, key);
}

/* Anybody who may register may report on an instance of the configuration. */
int checking_report(struct checking *c, const struct api_check_report *r)
{
    enum check_result result = r->state == DISCOVER_PASSING   ? CHECK_PASS
                               : r->state == DISCOVER_WARNING ? CHECK_WARN
                                                              : CHECK_FAIL;
    int err = registrar_may_report(c->reach.registrar, &r->key, r->client, r->uid);
    return err ? err : checks_report(c->checks, &r->key, r->check, result, r->note, strlen(r->note));
}

struct shown {
    api_check_fn *fn;
    void *arg;
    int64_t now_ns;
};

static int64_t ms_since(const struct shown *s, int64_t then_ns)
{
    return then_ns ? (s->now_ns - then_ns) / NS_PER_MS : -1;
}

static bool show(void *arg, const struct instance_key *key, const struct check_view *v)
{
    const struct shown *s = arg;
    char service[SERVICE_CAP];
    Discover__V1__CheckInfo info = DISCOVER__V1__CHECK_INFO__INIT;
    service_format(key->domain, key->service, service);
    info.service = service;
    info.instance = (char *)key->instance;
    info.name = (char *)v->name;
    info.kind = (char *)v->kind;
    info.target = (char *)v->target;
    info.state = (Discover__V1__State)v->state;
    info.known = v->known;
    info.since_ms = ms_since(s, v->since_ns);
    info.ran_ms = ms_since(s, v->ran_ns);
    info.took_us = v->took_ns / NS_PER_US;
    info.failures = v->failures;
    info.runs = v->runs;
    info.output = (char *)v->output;
    info.flapping = v->flapping;
    return s->fn(s->arg, &info);
}

size_t checking_show(const struct checking *c, const struct instance_key *key, api_check_fn *fn, void *arg)
{
    struct shown shown = {fn, arg, clock_now_ns()};
    struct instance_key own = *key;
    snprintf(own.host, sizeof own.host, "%s", c->reach.config->host);
    return checks_each(c->checks, &own, show, &shown);
}

const struct checks *checking_checks(const struct checking *c)
{
    return c->checks;
}

/* --- life --- */

/*
 * The checks were permitted when they were stored, and are not checked against the policy again; commands run only as
 * long as the configuration allows them.
 */
static void restore_checks(struct checking *c, const struct instance_key *key, const Discover__V1__StoredChecks *msg,
                           uint16_t port)
{
    const struct check_subject subject = {*key, port};
    enum discover_state ignored;
    int err = checks_plan(c->checks, key, msg->checks, msg->n_checks, 0, CHECKS_OF_OPERATOR, &ignored, c->why);
    if (!err)
        err = set(c, &subject, msg->checks, msg->n_checks, 0);
    if (err)
        log_error("%s/%s %s: the checks that it had cannot be run: %s", key->domain, key->service, key->instance,
                  err == -EINVAL ? c->why : strerror(-err));
}

static int restore(void *arg, const uint8_t *bytes, size_t n)
{
    struct checking *c = arg;
    struct instance_key key;
    uint16_t port;
    Discover__V1__StoredChecks *msg =
        n > STATE_DIR_FILE_MAX ? NULL : discover__v1__stored_checks__unpack(NULL, n, bytes);
    if (!msg)
        return -EBADMSG;
    int err = stored_key(msg->service, msg->instance, &key);
    snprintf(key.host, sizeof key.host, "%s", c->reach.config->host);
    if (!err && registrar_port(c->reach.registrar, &key, &port) == 0)
        restore_checks(c, &key, msg, port);
    else if (!err)
        forget(c, &key);
    discover__v1__stored_checks__free_unpacked(msg, NULL);
    return err;
}

static void restore_all(struct checking *c)
{
    int damaged = c->reach.state_dir ? state_dir_each(c->reach.state_dir, STORED_CHECKS, restore, c) : 0;
    if (damaged > 0)
        log_warning("%s: %d stored checks are damaged and were set aside (*.bad)", c->reach.config->state_dir, damaged);
    else if (damaged < 0)
        log_error("%s: the stored checks cannot be read: %s", c->reach.config->state_dir, strerror(-damaged));
}

static struct checks_options options_of(const struct config *config)
{
    return (struct checks_options){
        .exec = config->api.exec_checks,
        .all_max = config->limits.checks,
        .per_instance_max = config->limits.checks_per_instance,
        .running_max = config->limits.checks_running,
        .recoveries = config->limits.check_recoveries,
    };
}

void checking_limits_changed(struct checking *c)
{
    const struct checks_options options = options_of(c->reach.config);
    checks_set_limits(c->checks, &options);
}

int checking_new(const struct checking_reach *reach, struct checking **ret_c)
{
    struct checks_options options = options_of(reach->config);
    options.seed = entropy_64();
    options.units = reach->units;
    struct checking *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    const struct checks_ops ops = {.arg = c, .state = on_state, .deregister = on_deregister};
    c->reach = *reach;
    int err = checks_new(reach->base, reach->metrics, &options, &ops, &c->checks);
    if (err) {
        free(c);
        return err;
    }
    restore_all(c);
    *ret_c = c;
    return 0;
}

void checking_free(struct checking *c)
{
    if (!c)
        return;
    checks_free(c->checks);
    free(c);
}
