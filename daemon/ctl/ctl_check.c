/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl check, checks: what a program says of itself, and how the checks of this host's instances stand. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/options.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

/* --- check --- */

struct check_options {
    const char *name;
};

static int set_name(void *arg, const char *value)
{
    struct check_options *o = arg;
    o->name = value;
    return 0;
}

const struct option_spec check_specs[] = {
    {"check", "NAME", "which one, if the instance has several of kind ttl (default: all)", set_name},
    {NULL, NULL, NULL, NULL},
};

static int print_check_help(void)
{
    fputs("Usage: discoverctl check pass|warn|fail DOMAIN/SERVICE INSTANCE [NOTE] [--check NAME]\n\n"
          "Says how an instance of this host is, to its checks of kind ttl (register --check ttl=30s). It counts at "
          "once.\n"
          "DOMAIN/SERVICE/INSTANCE is the same as the two words. NOTE is for people.\n\n",
          stdout);
    options_print(check_specs, stdout);
    return CTL_DONE;
}

static int state_of(const char *word)
{
    static const struct {
        const char *word;
        enum discover_state state;
    } words[] = {{"pass", DISCOVER_PASSING}, {"warn", DISCOVER_WARNING}, {"fail", DISCOVER_CRITICAL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i].word) == 0)
            return (int)words[i].state;
    return 0;
}

static int report(const struct ctl *ctl, int state, const char *service, const char *instance, const char *note,
                  const char *name)
{
    int status = ctl_check_service(service);
    if (status == CTL_DONE)
        status = ctl_check_name("instance", instance);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    int err = discover_report_check(d, service, instance, name ? name : "", (enum discover_state)state, note);
    if (err < 0)
        status = ctl_failed(d, "check", err);
    discover_free(d);
    return status;
}

int cmd_check(const struct ctl *ctl, char **argv)
{
    struct check_options o = {NULL};
    struct words words;
    char why[OPTIONS_WHY_CAP], service[SERVICE_CAP + LABEL_CAP];
    if (ctl_wants_help(argv))
        return print_check_help();
    if (options_parse(check_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    int state = words.n > 0 ? state_of(words.word[0]) : 0;
    if (!state || words.command)
        return ctl_usage_error("check needs pass, warn or fail");
    if (words.n < 2 || snprintf(service, sizeof service, "%s", words.word[1]) >= (int)sizeof service)
        return ctl_usage_error("check needs DOMAIN/SERVICE and INSTANCE");
    char *slash = strchr(service, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    size_t at = second ? 2 : 3; /* of the note */
    if (second)
        *second++ = '\0';
    const char *instance = second ? second : words.n > 2 ? words.word[2] : NULL;
    if (!instance)
        return ctl_usage_error("check needs an INSTANCE behind DOMAIN/SERVICE");
    if (words.n > at + 1)
        return ctl_usage_error("%s: one word too many; a note is one word, in quotes", words.word[at + 1]);
    return report(ctl, state, service, instance, words.n > at ? words.word[at] : "", o.name);
}

/* --- checks --- */

static int print_checks_help(void)
{
    fputs("Usage: discoverctl checks [DOMAIN/SERVICE [INSTANCE]]\n\n"
          "Shows how the checks of this host's instances stand: a line for each, and the whole last output of those of "
          "one\n"
          "instance.\n",
          stdout);
    return CTL_DONE;
}

static const char *age_text(int64_t ms, char ret_text[static 32])
{
    if (ms < 0)
        snprintf(ret_text, 32, "-");
    else if (ms < 120 * 1000)
        snprintf(ret_text, 32, "%.1fs", (double)ms / 1000);
    else if (ms < 7200 * 1000)
        snprintf(ret_text, 32, "%dm", (int)(ms / 60000));
    else
        snprintf(ret_text, 32, "%dh", (int)(ms / 3600000));
    return ret_text;
}

struct shown {
    bool json, whole;
    json_t *list;
    uint32_t left_out;
};

static void print_check(const struct discover_check *c, bool whole)
{
    char since[32], ran[32];
    size_t line = strcspn(c->output, "\n");
    printf("%s %s %s %s%s%s %s%s since %s, last %s ago, %u failed: %.*s\n", c->service, c->instance, c->name, c->kind,
           *c->target ? " " : "", c->target, state_word((int)c->state), c->flapping ? " (flapping)" : "",
           age_text(c->since_ms, since), age_text(c->ran_ms, ran), c->failures, (int)line, c->output);
    if (whole && c->output[line])
        printf("%s\n", c->output + line + 1);
}

static json_t *check_json(const struct discover_check *c)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:s}", "service", c->service,
                     "instance", c->instance, "name", c->name, "kind", c->kind, "target", c->target, "state",
                     state_word((int)c->state), "known", c->known, "flapping", c->flapping, "since_ms",
                     (json_int_t)c->since_ms, "ran_ms", (json_int_t)c->ran_ms, "took_us", (json_int_t)c->took_us,
                     "failures", (json_int_t)c->failures, "runs", (json_int_t)c->runs, "output", c->output);
}

static void show(void *arg, const struct discover_checks *checks)
{
    struct shown *s = arg;
    for (size_t i = 0; i < checks->n; i++)
        if (s->json)
            (void)json_array_append_new(s->list, check_json(&checks->all[i]));
        else
            print_check(&checks->all[i], s->whole);
    s->left_out = checks->left_out;
}

int cmd_checks(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_checks_help();
    const char *service = *argv ? *argv++ : "", *instance = *argv ? *argv++ : "";
    int status = *service ? ctl_check_service(service) : CTL_DONE;
    if (status == CTL_DONE)
        status = ctl_check_name("instance", instance);
    if (*argv)
        return ctl_usage_error("%s: one word too many", *argv);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    struct shown shown = {.json = ctl->json, .whole = *instance, .list = ctl->json ? json_array() : NULL};
    int err = discover_checks(d, service, instance, show, &shown);
    if (err < 0)
        status = ctl_failed(d, "checks", err);
    else if (ctl->json)
        status = ctl_print_json(shown.list);
    if (shown.left_out > 0)
        ctl_note("%u more checks are not shown: name a service or an instance", shown.left_out);
    if (err < 0)
        json_decref(shown.list);
    discover_free(d);
    return status;
}
