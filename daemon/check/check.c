/* SPDX-License-Identifier: Apache-2.0 */
/* One check: from its text to its results. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/check/checks_impl.h"
#include "libdiscover/core/words.h"

/* The table of the kinds of checks. */
static const struct check_kind *const kinds[] = {
    [CHECK_TCP] = &check_tcp, [CHECK_HTTP] = &check_http, [CHECK_GRPC] = &check_grpc, [CHECK_EXEC] = &check_exec,
    [CHECK_TTL] = &check_ttl, [CHECK_UNIT] = &check_unit, [CHECK_PID] = &check_pid,
};

static void changed(struct check *check, int64_t now_ns)
{
    struct checked *instance = check->instance;
    const struct instance_key *key = &instance->subject.key;
    check->since_ns = now_ns;
    log_info("%s/%s %s: check %s %s is %s: %.*s", key->domain, key->service, key->instance,
             check_type_word(check->spec.type), check_spec_target(&check->spec), state_word(check->tally.state),
             (int)check_output_line(&check->output), check_output_text(&check->output));
    loop_timer_arm(&instance->look, 0, 0);
}

void check_report(const struct check_setup *setup, enum check_result result, bool certain, const char *output, size_t n)
{
    struct check *check = (struct check *)((char *)setup - offsetof(struct check, setup));
    struct checks *c = check->instance->checks;
    int64_t now_ns = clock_now_ns();
    bool first = !check->tally.known;
    if (schedule_running(&check->job)) {
        schedule_ended(&c->schedule, &check->job);
        checks_arm(c);
        check->took_ns = now_ns - check->started_ns;
    }
    check->ran_ns = now_ns;
    check->runs++;
    metric_inc(&c->metrics.runs);
    if (result == CHECK_FAIL)
        metric_inc(&c->metrics.failures);
    check_output_set(&check->output, output, n, CHECK_OUTPUT_MAX);
    if (certain ? tally_set(&check->tally, result) : tally_take(&check->tally, result, now_ns))
        changed(check, now_ns);
    else if (first)
        check->since_ns = now_ns;
}

void check_report_line(const struct check_setup *setup, enum check_result result, bool certain, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    check_report(setup, result, certain, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void check_start(struct check *check)
{
    check->started_ns = clock_now_ns();
    metric_inc(&check->instance->checks->metrics.starts);
    check->kind->start(check->own);
}

void check_expired(struct check *check)
{
    char text[512];
    const char *at = check->kind->cancel(check->own);
    check->took_ns = clock_now_ns() - check->started_ns;
    int n = snprintf(text, sizeof text, "not done within %.3g s: %s", (double)check->job.timeout_ns / NS_PER_S, at);
    check_report(&check->setup, CHECK_FAIL, false, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void check_free(struct check *check)
{
    if (!check)
        return;
    schedule_remove(&check->instance->checks->schedule, &check->job);
    if (check->own)
        check->kind->close(check->own);
    check_spec_fini(&check->spec);
    check_output_fini(&check->output);
    free(check->text);
    free(check);
}

static int open_kind(struct check *check, char ret_why[static CONFIG_WHY_CAP])
{
    check->setup = (struct check_setup){
        .tools = &check->instance->checks->tools, .spec = &check->spec, .subject = &check->instance->subject};
    const char *why = "";
    check->kind = kinds[check->spec.type];
    int err = check->kind->open(&check->setup, &check->own, &why);
    if (err == -EINVAL)
        snprintf(ret_why, CONFIG_WHY_CAP, "%s", why);
    return err;
}

static void init_verdict(struct check *check, enum discover_state before, int64_t now_ns)
{
    const struct check_spec *s = &check->spec;
    enum discover_state initial = before ? before : (enum discover_state)s->initial;
    int64_t start_until_ns = s->start_period_ns ? now_ns + s->start_period_ns : 0;
    check->tally = (struct tally){
        .fall = s->fall, .warn = s->warn, .rise = s->rise, .state = initial, .start_until_ns = start_until_ns};
    check->since_ns = now_ns;
}

int check_new(struct checked *instance, const char *text, enum discover_state before, struct check **ret_check,
              char ret_why[static CONFIG_WHY_CAP])
{
    struct check *check = calloc(1, sizeof *check);
    int64_t now_ns = clock_now_ns();
    if (!check)
        return -ENOMEM;
    check->instance = instance;
    check->text = strdup(text);
    int err = check->text ? check_spec_parse(text, &check->spec, ret_why) : -ENOMEM;
    if (err) {
        free(check->text);
        free(check);
        return err;
    }
    init_verdict(check, before, now_ns);
    err = open_kind(check, ret_why);
    check->job.interval_ns = check->spec.interval_ns;
    check->job.timeout_ns = check->spec.timeout_ns;
    if (!err && check->kind->start)
        err = schedule_add(&instance->checks->schedule, &check->job, now_ns);
    if (err)
        check_free(check);
    else
        *ret_check = check;
    return err;
}
