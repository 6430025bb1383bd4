/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl check, checks: what a program says of itself, and how the checks of this host's instances stand. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"
#include "daemon/ctl/printable.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

/* --- check --- */

struct check_options {
    const char *name;
};

static const struct option_spec check_specs[] = {
    {"check", "NAME", "which one, if the instance has several of kind ttl (default: all)", option_text,
     offsetof(struct check_options, name), 0, 0},
    {.name = NULL},
};

static enum discover_state state_of(const char *word)
{
    return strcmp(word, "pass") == 0   ? DISCOVER_PASSING
           : strcmp(word, "warn") == 0 ? DISCOVER_WARNING
                                       : DISCOVER_CRITICAL;
}

/* The instance may be one word, DOMAIN/SERVICE/INSTANCE, or two, DOMAIN/SERVICE INSTANCE. */
static int run_check(const struct call *call)
{
    const struct check_options *o = call->options;
    const char *const *word = call->words.word;
    struct words two = {.n = 2};
    char service[SERVICE_CAP + LABEL_CAP], why[OPTIONS_WHY_CAP];
    snprintf(service, sizeof service, "%s", word[1]);
    char *slash = strchr(service, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    size_t note = second ? 2 : 3;
    if (second)
        *second++ = '\0';
    two.word[0] = service;
    two.word[1] = second ? second : word[2];
    if (!*two.word[1])
        return ctl_usage_error("check: an INSTANCE is missing behind DOMAIN/SERVICE");
    if (call->words.n > note + 1)
        return ctl_usage_error("check: %s: one word too many; a note is one word, in quotes", word[note + 1]);
    if (command_check_words(&checks_command, &two, why) < 0)
        return ctl_usage_error("check: %s", why);
    return ctl_result(
        call->d, "check",
        discover_report_check(call->d, service, two.word[1], o->name ? o->name : "", state_of(word[0]), word[note]));
}

const struct command check_command = {
    .name = "check",
    .summary = "pass|warn|fail: say how an instance of this host is",
    .usage = "check pass|warn|fail DOMAIN/SERVICE INSTANCE [NOTE] [--check NAME]",
    .help = "Says how an instance of this host is, to its checks of kind ttl (register --check ttl=30s). It counts at\n"
            "once. DOMAIN/SERVICE/INSTANCE is the same as the two words. NOTE is for people.\n",
    .takes = {WORD_CHOICE, WORD_PART, WORD_ANY | WORD_MAY, WORD_ANY, WORD_ANY},
    .choices = "pass warn fail",
    .options = check_specs,
    .options_size = sizeof(struct check_options),
    .run = run_check,
};

/* --- checks --- */

struct shown {
    bool json, whole;
    json_t *list;
    uint32_t left_out;
};

static void print_check(const struct discover_check *c, bool whole)
{
    size_t line = strcspn(c->output, "\n");
    printable_print(stdout, false, "%s %s %s %s%s%s %s%s since %s, ", c->service, c->instance, c->name, c->kind,
                    *c->target ? " " : "", c->target, state_word((int)c->state), c->flapping ? " (flapping)" : "",
                    duration(c->since_ms));
    if (c->ran_ms >= 0)
        printable_print(stdout, true, "last %s ago, %u failed: %.*s", duration(c->ran_ms), c->failures, (int)line,
                        c->output);
    else
        fputs("not run yet", stdout);
    if (whole && c->output[line])
        printable_print(stdout, true, "%s", c->output + line);
    putchar('\n');
}

static json_t *check_json(const struct discover_check *c)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "service", c->service,
                     "instance", c->instance, "name", document_string(c->name), "kind", c->kind, "target",
                     document_string(c->target), "state", state_word((int)c->state), "known", c->known, "flapping",
                     c->flapping, "since_ms", (json_int_t)c->since_ms, "ran_ms", (json_int_t)c->ran_ms, "took_us",
                     (json_int_t)c->took_us, "failures", (json_int_t)c->failures, "runs", (json_int_t)c->runs, "output",
                     document_string(c->output));
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

static int run_checks(const struct call *call)
{
    bool json = call->ctl->json;
    const char *service = call->words.word[0], *instance = call->words.word[1];
    struct shown shown = {.json = json, .whole = *instance, .list = json ? json_array() : NULL};
    int err = discover_checks(call->d, service, instance, show, &shown);
    int status = ctl_result(call->d, "checks", err);
    if (json && err >= 0)
        status = ctl_print_json(shown.list);
    else
        json_decref(shown.list);
    if (shown.left_out > 0)
        ctl_note("%u more checks are not shown: name a service or an instance", shown.left_out);
    return status;
}

const struct command checks_command = {
    .name = "checks",
    .summary = "show how the checks of this host's instances stand",
    .usage = "checks [DOMAIN/SERVICE [INSTANCE]]",
    .help =
        "Shows how the checks of this host's instances stand: a line for each, and the whole last output of those of\n"
        "one instance.\n",
    .takes = {WORD_SERVICE | WORD_MAY, WORD_INSTANCE},
    .run = run_checks,
};
