/* SPDX-License-Identifier: Apache-2.0 */
/* Instances and their checks. */
#include "daemon/check/checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/check/checks_impl.h"
#include "daemon/base/curl_loop.h"
#include "daemon/check/reaper.h"

static const struct metric metrics_table[] = {
    GAUGE_OF(checks_metrics, configured, "discoverd_checks", "Checks that are run on this host."),
    GAUGE_OF(checks_metrics, running, "discoverd_checks_running", "Checks that are under way."),
    COUNTER_OF(checks_metrics, starts, "discoverd_check_starts_total", "Runs of checks that were started."),
    COUNTER_OF(checks_metrics, runs, "discoverd_check_runs_total", "Results of checks."),
    COUNTER_OF(checks_metrics, failures, "discoverd_check_failures_total", "Results of checks that are failures."),
    COUNTER_OF(checks_metrics, changes, "discoverd_check_changes_total",
               "Times an instance's checks changed its state."),
    COUNTER_OF(checks_metrics, held, "discoverd_check_recoveries_held_total",
               "Times an instance was held back from getting better, because it flaps (limits.check_recoveries)."),
    COUNTER_OF(checks_metrics, delayed, "discoverd_check_delays_total",
               "Times checks that were due had to wait for others to end (limits.checks_running)."),
    COUNTER_OF(checks_metrics, deregistered, "discoverd_check_deregistrations_total",
               "Instances deregistered because they were critical for too long (deregister_after)."),
};
METRICS_LISTED(metrics_table)

/* --- the schedule on the loop --- */

static struct check *check_of(struct job *job)
{
    return (struct check *)((char *)job - offsetof(struct check, job));
}

static void start(struct job *job)
{
    check_start(check_of(job));
}

static void expired(struct job *job)
{
    check_expired(check_of(job));
}

static void on_time(void *arg)
{
    struct checks *c = arg;
    struct loop_slice slice = loop_slice_begin();
    int64_t now_ns = clock_now_ns();
    while (schedule_tick(&c->schedule, now_ns) && !loop_slice_over(&slice)) {
    }
    checks_arm(c);
}

void checks_arm(struct checks *c)
{
    int64_t now_ns = clock_now_ns();
    metric_set(&c->metrics.running, c->schedule.running);
    metric_set(&c->metrics.delayed, c->schedule.delayed);
    loop_timer_arm(&c->timer, schedule_next_ns(&c->schedule, now_ns), now_ns);
}

int checks_new(struct event_base *base, struct metrics *metrics, const struct checks_options *options,
               const struct checks_ops *ops, struct checks **ret_checks)
{
    struct checks *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->options = *options;
    c->ops = *ops;
    c->tools.base = base;
    c->tools.units = options->units;
    c->schedule =
        (struct schedule){.ops = {start, expired}, .running_max = options->running_max, .placed = options->seed};
    c->tools.dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!c->tools.dns || loop_timer_init(&c->timer, base, on_time, c) < 0 || curl_loop_new(base, &c->tools.curl) < 0 ||
        reaper_new(base, &c->tools.reaper) < 0 ||
        metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &c->metrics) < 0) {
        checks_free(c);
        return -ENOMEM;
    }
    /* Without resolv.conf, addresses and /etc/hosts still work, which is what most checks use. */
    (void)evdns_base_resolv_conf_parse(c->tools.dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    *ret_checks = c;
    return 0;
}

/* --- instances --- */

static void free_list(struct check **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_free(list[i]);
    free(list);
}

static void count(struct checks *c, size_t before, size_t after)
{
    c->n = c->n - before + after;
    metric_set(&c->metrics.configured, c->n);
}

static void remove_instance(struct checked *instance)
{
    struct checks *c = instance->checks;
    HASH_DEL(c->all, instance);
    count(c, instance->n, 0);
    free_list(instance->list, instance->n);
    loop_timer_fini(&instance->look);
    free(instance);
}

/* Worse it may get at any time; better only so often in a minute, and beyond that it stays as bad as it was. */
static void set_recoveries(struct checked *instance, uint32_t a_minute)
{
    instance->recoveries.burst = a_minute;
    instance->recoveries.every_ns = 60 * NS_PER_S / a_minute;
}

void checks_set_limits(struct checks *c, const struct checks_options *options)
{
    c->options.all_max = options->all_max;
    c->options.per_instance_max = options->per_instance_max;
    c->options.recoveries = options->recoveries;
    c->schedule.running_max = options->running_max;
    for (struct checked *instance = c->all; instance; instance = instance->hh.next)
        set_recoveries(instance, options->recoveries);
}

void checks_free(struct checks *c)
{
    if (!c)
        return;
    while (c->all)
        remove_instance(c->all);
    curl_loop_free(c->tools.curl);
    reaper_free(c->tools.reaper);
    if (c->tools.dns)
        evdns_base_free(c->tools.dns, 1);
    loop_timer_fini(&c->timer);
    schedule_fini(&c->schedule);
    free(c);
}

int check_badness(enum discover_state state)
{
    return state == DISCOVER_CRITICAL ? 2 : state == DISCOVER_WARNING;
}

static enum discover_state worst_of(const struct checked *instance)
{
    enum discover_state worst = DISCOVER_PASSING;
    for (size_t i = 0; i < instance->n; i++)
        if (check_badness(instance->list[i]->tally.state) > check_badness(worst))
            worst = instance->list[i]->tally.state;
    return worst;
}

/* When the first check of an instance wants it to be deregistered, and which; INT64_MAX: none does. */
static int64_t deregister_ns(const struct checked *instance, const struct check **ret_check)
{
    int64_t first_ns = INT64_MAX;
    for (size_t i = 0; i < instance->n; i++) {
        const struct check *check = instance->list[i];
        int64_t after_ns = check->spec.deregister_after_ns;
        if (!after_ns || check->tally.state != DISCOVER_CRITICAL || check->since_ns + after_ns >= first_ns)
            continue;
        first_ns = check->since_ns + after_ns;
        *ret_check = check;
    }
    return first_ns;
}

/* Whether the instance has to keep its published state for now, because it flaps. */
static bool is_held(struct checked *instance, enum discover_state state, int64_t now_ns)
{
    const struct instance_key *key = &instance->subject.key;
    bool better = check_badness(state) < check_badness(instance->published);
    bool held = better && !pace_try(&instance->recoveries, now_ns);
    if (held && !instance->flapping) {
        metric_inc(&instance->checks->metrics.held);
        log_warning(
            "%s/%s %s flaps: its checks have made it better %u times within a minute, so it is not published that "
            "they do again until one of these is a minute ago (limits.check_recoveries)",
            key->domain, key->service, key->instance, instance->checks->options.recoveries);
    }
    instance->flapping = held;
    return held;
}

static void on_look(void *arg)
{
    struct checked *instance = arg;
    struct checks *c = instance->checks;
    struct instance_key key = instance->subject.key;
    int64_t now_ns = clock_now_ns();
    const struct check *ends = NULL;
    int64_t end_ns = deregister_ns(instance, &ends), next_ns = end_ns;
    enum discover_state state = worst_of(instance);
    if (end_ns <= now_ns) {
        char why[512];
        snprintf(why, sizeof why, "its check %s has been critical for %.3g s: %.*s", check_spec_name(&ends->spec),
                 (double)(now_ns - ends->since_ns) / NS_PER_S, (int)check_output_line(&ends->output),
                 check_output_text(&ends->output));
        metric_inc(&c->metrics.deregistered);
        c->ops.deregister(c->ops.arg, &key, why);
        return; /* the instance may have been freed */
    }
    bool changed = state != instance->published, held = changed && is_held(instance, state, now_ns);
    if (held)
        next_ns = deadline_earlier(next_ns, now_ns + pace_wait_ns(&instance->recoveries, now_ns));
    loop_timer_arm(&instance->look, next_ns, now_ns);
    if (!changed || held)
        return;
    metric_inc(&c->metrics.changes);
    instance->published = state;
    c->ops.state(c->ops.arg, &key, state);
}

struct checked *checks_find(const struct checks *c, const struct instance_key *key)
{
    char text[KEY_CAP];
    struct checked *instance;
    instance_key_format(key, text);
    HASH_FIND_STR(c->all, text, instance);
    return instance;
}

static struct checked *add(struct checks *c, const struct check_subject *subject)
{
    struct checked *instance = calloc(1, sizeof *instance);
    if (!instance || loop_timer_init(&instance->look, c->tools.base, on_look, instance) < 0) {
        free(instance);
        return NULL;
    }
    instance->checks = c;
    instance->subject = *subject;
    instance->published = DISCOVER_PASSING;
    set_recoveries(instance, c->options.recoveries);
    instance_key_format(&subject->key, instance->key_text);
    HASH_ADD_STR(c->all, key_text, instance);
    if (hash_added(&instance->hh))
        return instance;
    loop_timer_fini(&instance->look);
    free(instance);
    return NULL;
}

/* --- replacing them --- */

int checks_allow(const struct checks *c, const struct checked *instance, size_t n, char ret_why[static CONFIG_WHY_CAP])
{
    size_t before = instance ? instance->n : 0;
    if (n > c->options.per_instance_max)
        snprintf(ret_why, CONFIG_WHY_CAP, "more checks than limits.checks_per_instance allows (%u)",
                 c->options.per_instance_max);
    else if (n > before && c->n - before + n > c->options.all_max)
        snprintf(ret_why, CONFIG_WHY_CAP, "this host has as many checks as it may (limits.checks, %u)",
                 c->options.all_max);
    else
        return 0;
    return -EINVAL;
}

/* Takes a check with the same text out of the old list; NULL: there is none. */
static struct check *take_same(struct check **old, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        struct check *check = old[i];
        if (check && strcmp(check->text, text) == 0) {
            old[i] = NULL;
            return check;
        }
    }
    return NULL;
}

/* Makes new checks for texts that the instance has no check for; entries of the others stay NULL. */
static int make_new(struct checked *instance, char *const *texts, size_t n, enum discover_state before,
                    struct check **list, char ret_why[static CONFIG_WHY_CAP])
{
    struct check *old[CHECKS_MAX];
    char why[CONFIG_WHY_CAP] = "";
    if (instance->n)
        memcpy(old, instance->list, instance->n * sizeof *old);
    for (size_t i = 0; i < n; i++) {
        int err = take_same(old, instance->n, texts[i]) ? 0 : check_new(instance, texts[i], before, &list[i], why);
        if (err == -EINVAL)
            snprintf(ret_why, CONFIG_WHY_CAP, "check %zu: %.*s", i + 1, CONFIG_WHY_CAP - 32, why);
        if (err)
            return err;
    }
    return 0;
}

static void replace(struct checked *instance, char *const *texts, size_t n, struct check **list)
{
    for (size_t i = 0; i < n; i++)
        if (!list[i])
            list[i] = take_same(instance->list, instance->n, texts[i]);
    free_list(instance->list, instance->n);
    count(instance->checks, instance->n, n);
    instance->list = list;
    instance->n = n;
}

static int set(struct checked *instance, char *const *texts, size_t n, enum discover_state before,
               char ret_why[static CONFIG_WHY_CAP])
{
    struct check **list = calloc(n, sizeof *list);
    int err = list ? make_new(instance, texts, n, before, list, ret_why) : -ENOMEM;
    if (err) {
        if (list)
            free_list(list, n);
        return err;
    }
    replace(instance, texts, n, list);
    return 0;
}

int checks_set(struct checks *c, const struct check_subject *subject, char *const *specs, size_t n,
               enum discover_state before, enum discover_state *ret_state, char ret_why[static CONFIG_WHY_CAP])
{
    struct checked *instance = checks_find(c, &subject->key);
    bool is_new = !instance;
    int err = checks_allow(c, instance, n, ret_why);
    if (err)
        return err;
    if (n == 0) {
        (void)checks_remove(c, &subject->key);
        *ret_state = DISCOVER_PASSING;
        return 0;
    }
    if (is_new)
        instance = add(c, subject);
    err = instance ? set(instance, specs, n, is_new ? before : 0, ret_why) : -ENOMEM;
    if (err) {
        if (instance && is_new)
            remove_instance(instance);
        return err;
    }
    instance->published = *ret_state = worst_of(instance);
    loop_timer_arm(&instance->look, 0, 0);
    checks_arm(c);
    return 0;
}

bool checks_remove(struct checks *c, const struct instance_key *key)
{
    struct checked *instance = checks_find(c, key);
    if (instance)
        remove_instance(instance);
    return instance != NULL;
}
