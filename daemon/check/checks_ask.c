/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about checks: whether they may be added, and what their results are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/check/checks_impl.h"

static const struct check *find_same(const struct checked *instance, const char *text)
{
    for (size_t i = 0; instance && i < instance->n; i++)
        if (strcmp(instance->list[i]->text, text) == 0)
            return instance->list[i];
    return NULL;
}

static int check_grant(const struct checks *c, const struct check_spec *spec, enum checks_grant grant,
                       char ret_why[static CONFIG_WHY_CAP])
{
    const char *key = check_spec_privilege(spec);
    bool exec = spec->type == CHECK_EXEC;
    if (!key || grant == CHECKS_OF_CONFIGURATION || (exec ? c->options.exec : grant == CHECKS_OF_OPERATOR))
        return 0;
    snprintf(ret_why, CONFIG_WHY_CAP,
             exec ? "%s: commands are run for the configuration alone (api.exec_checks is false)"
                  : "%s: only for root, the daemon's own user and the configuration",
             key);
    return -EINVAL;
}

static int plan_one(const struct checks *c, const struct checked *instance, const char *text,
                    enum discover_state before, enum checks_grant grant, enum discover_state *ret_state,
                    char ret_why[static CONFIG_WHY_CAP])
{
    struct check_spec spec;
    const struct check *same = find_same(instance, text);
    int err = check_spec_parse(text, &spec, ret_why);
    if (err)
        return err;
    err = check_grant(c, &spec, grant, ret_why);
    *ret_state = same ? same->tally.state : !instance && before ? before : (enum discover_state)spec.initial;
    check_spec_fini(&spec);
    return err;
}

int checks_plan(const struct checks *c, const struct instance_key *key, char *const *specs, size_t n,
                enum discover_state before, enum checks_grant grant, enum discover_state *ret_state,
                char ret_why[static CONFIG_WHY_CAP])
{
    const struct checked *instance = checks_find(c, key);
    enum discover_state worst = DISCOVER_PASSING, state;
    char why[CONFIG_WHY_CAP] = "";
    int err = checks_allow(c, instance, n, ret_why);
    for (size_t i = 0; i < n && !err; i++) {
        err = plan_one(c, instance, specs[i], before, grant, &state, why);
        if (err == -EINVAL)
            snprintf(ret_why, CONFIG_WHY_CAP, "check %zu: %.*s", i + 1, CONFIG_WHY_CAP - 32, why);
        else if (!err && check_badness(state) > check_badness(worst))
            worst = state;
    }
    if (!err)
        *ret_state = worst;
    return err;
}

int checks_report(struct checks *c, const struct instance_key *key, const char *name, enum check_result result,
                  const char *note, size_t n)
{
    const struct checked *instance = checks_find(c, key);
    int err = -ENOENT;
    for (size_t i = 0; instance && i < instance->n; i++) {
        const struct check *check = instance->list[i];
        if (check->spec.type != CHECK_TTL || (*name && strcmp(check_spec_name(&check->spec), name) != 0))
            continue;
        check_ttl_report(check->own, result, note, n);
        err = 0;
    }
    return err;
}

static bool show(const struct check *check, check_view_fn *fn, void *arg)
{
    const struct check_view view = {.name = check_spec_name(&check->spec),
                                    .kind = check_type_word(check->spec.type),
                                    .target = check_spec_target(&check->spec),
                                    .state = check->tally.state,
                                    .known = check->tally.known,
                                    .since_ns = check->since_ns,
                                    .ran_ns = check->ran_ns,
                                    .took_ns = check->took_ns,
                                    .failures = check->tally.failures,
                                    .runs = check->runs,
                                    .output = check_output_text(&check->output),
                                    .flapping = check->instance->flapping};
    return fn(arg, &check->instance->subject.key, &view);
}

/* Returns how many of an instance's checks were taken. */
static size_t show_all(const struct checked *instance, check_view_fn *fn, void *arg)
{
    size_t n = 0;
    while (n < instance->n && show(instance->list[n], fn, arg))
        n++;
    return n;
}

static bool is_of(const struct checked *instance, const struct instance_key *key)
{
    const struct instance_key *own = &instance->subject.key;
    return !key->domain[0] || (strcmp(own->domain, key->domain) == 0 && strcmp(own->service, key->service) == 0);
}

size_t checks_each(const struct checks *c, const struct instance_key *key, check_view_fn *fn, void *arg)
{
    const struct checked *one = key->instance[0] ? checks_find(c, key) : NULL;
    if (key->instance[0])
        return one ? one->n - show_all(one, fn, arg) : 0;
    size_t taken = 0, all = 0;
    bool more = true;
    for (const struct checked *it = c->all; it && (more || key->domain[0]); it = it->hh.next) {
        if (!is_of(it, key))
            continue;
        size_t n = more ? show_all(it, fn, arg) : 0;
        more = n == it->n;
        taken += n;
        all += it->n;
    }
    return (key->domain[0] ? all : c->n) - taken;
}
