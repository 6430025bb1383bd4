/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the checks of instances at their intervals. */
#include "daemon/check/checks.h"

#include <errno.h>
#include <event2/dns.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/hash.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/check/probe.h"
#include "daemon/check/streak.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entry.h"

struct check {
    struct checked *instance;
    struct check_config config;
    struct streak streak;
    struct probe *probe;
    struct loop_timer timer; /* to the next run */
};

struct checked {
    UT_hash_handle hh;
    struct checks *checks;
    struct instance_key key;
    char key_text[KEY_CAP];
    struct check *list[SERVICE_CHECKS_MAX];
    size_t n;
    enum discover_state told; /* PASSING before anything was told */
    struct loop_timer report;
};

struct checks_metrics {
    metric_value configured, runs, failures, changes;
};

struct checks {
    struct event_base *base;
    struct evdns_base *dns;
    check_state_fn *fn;
    void *arg;
    struct checked *all;
    struct checks_metrics metrics;
};

static const struct metric metrics_table[] = {
    GAUGE_OF(checks_metrics, configured, "discoverd_checks", "Checks that are run on this host."),
    COUNTER_OF(checks_metrics, runs, "discoverd_check_runs_total", "Runs of checks."),
    COUNTER_OF(checks_metrics, failures, "discoverd_check_failures_total", "Runs of checks that failed."),
    COUNTER_OF(checks_metrics, changes, "discoverd_check_changes_total",
               "Times an instance's checks changed its state."),
};

int checks_new(struct event_base *base, struct metrics *metrics, check_state_fn *fn, void *arg,
               struct checks **ret_checks)
{
    struct checks *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->base = base;
    c->fn = fn;
    c->arg = arg;
    c->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!c->dns || metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &c->metrics) < 0) {
        checks_free(c);
        return -ENOMEM;
    }
    /* Without the file addresses and /etc/hosts still work, which is what checks mostly use. */
    (void)evdns_base_resolv_conf_parse(c->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    *ret_checks = c;
    return 0;
}

/* --- single checks --- */

static void check_free(struct check *check)
{
    if (!check)
        return;
    probe_free(check->probe);
    loop_timer_fini(&check->timer);
    free(check);
}

static const char *kind_text(const struct check_config *config)
{
    return config->kind == CHECK_HTTP ? "http" : "tcp";
}

static void on_done(void *arg, bool pass, const char *reason)
{
    struct check *check = arg;
    struct checked *instance = check->instance;
    const struct instance_key *key = &instance->key;
    metric_inc(&instance->checks->metrics.runs);
    if (!pass)
        metric_inc(&instance->checks->metrics.failures);
    if (!streak_result(&check->streak, pass))
        return;
    log_info("%s/%s %s: check %s %s: %s", key->domain, key->service, key->instance, kind_text(&check->config),
             check->config.target, pass ? "passes" : reason);
    loop_timer_arm(&instance->report, 0, 0);
}

/* From one start to the next: a slow check is not run less often. */
static void on_due(void *arg)
{
    struct check *check = arg;
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&check->timer, now_ns + check->config.interval_ns, now_ns);
    probe_run(check->probe);
}

/* Somewhere in the first second, or in the interval: not all at once after a start. */
static int64_t first_delay(const struct checked *instance, const struct check_config *config)
{
    int64_t most = config->interval_ns < NS_PER_S ? config->interval_ns : NS_PER_S;
    return (int64_t)(instance_id(&instance->key) % 1000) * most / 1000;
}

static int check_new(struct checked *instance, const struct check_config *config, struct check **ret_check)
{
    struct checks *c = instance->checks;
    struct check *check = calloc(1, sizeof *check);
    if (!check)
        return -ENOMEM;
    check->instance = instance;
    check->config = *config;
    streak_init(&check->streak, config->fall, config->rise);
    int err = probe_new(c->base, c->dns, config, on_done, check, &check->probe);
    if (err == 0)
        err = loop_timer_init(&check->timer, c->base, on_due, check);
    if (err < 0) {
        check_free(check);
        return err;
    }
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&check->timer, now_ns + first_delay(instance, config), now_ns);
    *ret_check = check;
    return 0;
}

/* --- instances --- */

static void free_list(struct check **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_free(list[i]);
}

static void remove_instance(struct checked *instance)
{
    struct checks *c = instance->checks;
    HASH_DEL(c->all, instance);
    free_list(instance->list, instance->n);
    loop_timer_fini(&instance->report);
    free(instance);
}

void checks_free(struct checks *c)
{
    if (!c)
        return;
    while (c->all)
        remove_instance(c->all);
    if (c->dns)
        evdns_base_free(c->dns, 1);
    free(c);
}

/* 0: cannot be told yet. */
static enum discover_state state_of(const struct checked *instance)
{
    bool all_known = true;
    for (size_t i = 0; i < instance->n; i++) {
        const struct streak *s = &instance->list[i]->streak;
        if (s->known && !s->passing)
            return DISCOVER_CRITICAL;
        all_known = all_known && s->known;
    }
    return all_known ? DISCOVER_PASSING : 0;
}

static void on_report(void *arg)
{
    struct checked *instance = arg;
    struct checks *c = instance->checks;
    struct instance_key key = instance->key;
    enum discover_state state = state_of(instance);
    bool changed = state && state != instance->told;
    if (changed) {
        metric_inc(&c->metrics.changes);
        instance->told = state;
    }
    if (instance->n == 0)
        remove_instance(instance);
    if (changed)
        c->fn(c->arg, &key, state);
}

static struct checked *find(struct checks *c, const struct instance_key *key)
{
    char text[KEY_CAP];
    struct checked *instance;
    instance_key_format(key, text);
    HASH_FIND_STR(c->all, text, instance);
    return instance;
}

static struct checked *add(struct checks *c, const struct instance_key *key)
{
    struct checked *instance = calloc(1, sizeof *instance);
    if (!instance || loop_timer_init(&instance->report, c->base, on_report, instance) < 0) {
        free(instance);
        return NULL;
    }
    instance->checks = c;
    instance->key = *key;
    instance->told = DISCOVER_PASSING;
    instance_key_format(key, instance->key_text);
    HASH_ADD_STR(c->all, key_text, instance);
    if (hash_added(&instance->hh))
        return instance;
    loop_timer_fini(&instance->report);
    free(instance);
    return NULL;
}

static bool same(const struct check_config *a, const struct check_config *b)
{
    return a->kind == b->kind && strcmp(a->target, b->target) == 0 && a->interval_ns == b->interval_ns &&
           a->timeout_ns == b->timeout_ns && a->fall == b->fall && a->rise == b->rise;
}

/* Takes one that is the same out of the old list. */
static struct check *take_same(struct check **old, size_t n, const struct check_config *config)
{
    for (size_t i = 0; i < n; i++) {
        struct check *check = old[i];
        if (check && same(&check->config, config)) {
            old[i] = NULL;
            return check;
        }
    }
    return NULL;
}

/* New ones for all that differ from what there is; at the others' places stays NULL. */
static int make_new(struct checked *instance, const struct check_config *configs, size_t n,
                    struct check *ret_list[static SERVICE_CHECKS_MAX])
{
    struct check *old[SERVICE_CHECKS_MAX];
    memcpy(old, instance->list, sizeof old);
    memset(ret_list, 0, SERVICE_CHECKS_MAX * sizeof *ret_list);
    for (size_t i = 0; i < n; i++) {
        int err = take_same(old, instance->n, &configs[i]) ? 0 : check_new(instance, &configs[i], &ret_list[i]);
        if (err < 0) {
            free_list(ret_list, n);
            return err;
        }
    }
    return 0;
}

static void replace(struct checked *instance, const struct check_config *configs, size_t n, struct check **list)
{
    for (size_t i = 0; i < n; i++)
        if (!list[i])
            list[i] = take_same(instance->list, instance->n, &configs[i]);
    free_list(instance->list, instance->n);
    memset(instance->list, 0, sizeof instance->list);
    memcpy(instance->list, list, n * sizeof *list);
    instance->n = n;
}

static void count(struct checks *c)
{
    uint64_t n = 0;
    for (const struct checked *instance = c->all; instance; instance = instance->hh.next)
        n += instance->n;
    metric_set(&c->metrics.configured, n);
}

int checks_set(struct checks *c, const struct instance_key *key, const struct check_config *configs, size_t n)
{
    struct check *list[SERVICE_CHECKS_MAX];
    struct checked *instance = find(c, key);
    bool is_new = !instance;
    if (n > SERVICE_CHECKS_MAX)
        return -EINVAL;
    if (is_new && n == 0)
        return 0;
    if (is_new)
        instance = add(c, key);
    int err = instance ? make_new(instance, configs, n, list) : -ENOMEM;
    if (err < 0) {
        if (instance && is_new)
            remove_instance(instance);
        return err;
    }
    replace(instance, configs, n, list);
    loop_timer_arm(&instance->report, 0, 0); /* the one that failed may be gone */
    count(c);
    return 0;
}

void checks_remove(struct checks *c, const struct instance_key *key)
{
    struct checked *instance = find(c, key);
    if (!instance)
        return;
    remove_instance(instance);
    count(c);
}
