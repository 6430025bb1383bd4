/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl events: what happens in the fleet, as it is told over NATS. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl_nats.h"
#include "daemon/ctl/terminal.h"
#include "daemon/documents/event.h"

struct events_options {
    const char *type, *host, *service, *region;
    uint32_t count; /* 0: until a signal */
};

struct following {
    const struct ctl *ctl;
    const struct events_options *options;
    uint32_t n;
    bool failed;
};

static int set_type(void *arg, const char *value)
{
    struct events_options *o = arg;
    enum event_type type;
    o->type = value;
    return event_type_of_word(value, &type);
}

static int set_host(void *arg, const char *value)
{
    struct events_options *o = arg;
    o->host = value;
    return label_valid(value, strlen(value)) ? 0 : -1;
}

static int set_service(void *arg, const char *value)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    struct events_options *o = arg;
    o->service = value;
    return service_parse(value, domain, service);
}

static int set_region(void *arg, const char *value)
{
    struct events_options *o = arg;
    o->region = value;
    return strcmp(value, "*") == 0 || label_valid(value, strlen(value)) ? 0 : -1;
}

static int set_count(void *arg, const char *value)
{
    struct events_options *o = arg;
    return option_number(value, 1, 1000000, &o->count);
}

const struct option_spec events_specs[] = {
    {"type", "TYPE", "only these, as instance-down; see below", set_type},
    {"host", "HOST", "only about that host, whoever tells it", set_host},
    {"service", "SERVICE", "only about that service and its instances", set_service},
    {"region", "REGION", "of another region than the own one; \"*\": of all that are heard", set_region},
    {"count", "N", "end after so many. Default: go on until a signal", set_count},
    {NULL, NULL, NULL, NULL},
};

static const char *text_of(const json_t *e, const char *name)
{
    const char *text = json_string_value(json_object_get(e, name));
    return text ? text : "";
}

static bool is_bad(const char *type)
{
    static const char *const words[] = {"-down", "-lost", "-held", "-conflict", "guard-on", "-begun"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(type, words[i]))
            return true;
    return false;
}

/* Control characters of whoever sent it do nothing to a terminal: jansson has let through valid UTF-8 alone. */
static void print_word(const char *before, const char *text, const char *after)
{
    if (!*text)
        return;
    fputs(before, stdout);
    for (; *text; text++)
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    fputs(after, stdout);
}

static void print_event(const json_t *e)
{
    const char *type = text_of(e, "type"), *instance = text_of(e, "instance");
    enum event_type known;
    print_word("", text_of(e, "time"), " ");
    if (event_type_of_word(type, &known) == 0)
        styled(stdout, is_bad(type) ? STYLE_BAD : STYLE_DIM, "%s", type);
    else
        print_word("", type, "");
    print_word(" ", text_of(e, "service"), "");
    print_word(" ", text_of(e, "other_region"), ",");
    print_word(" from region ", text_of(e, "answered"), "");
    print_word(" to region ", text_of(e, "answers"), ",");
    print_word(" ", text_of(e, "host"), "");
    print_word("/", instance, "");
    print_word(" ", text_of(e, "state"), "");
    print_word(", was ", text_of(e, "was"), "");
    print_word(": ", text_of(e, "reason"), "");
    if (json_object_get(e, "held"))
        printf(", %lld hosts", (long long)json_integer_value(json_object_get(e, "held")));
    if (json_object_get(e, "lost_ms"))
        printf(" after %.1f s", (double)json_integer_value(json_object_get(e, "lost_ms")) / 1000);
    if (strcmp(text_of(e, "publisher"), text_of(e, "host")) != 0)
        print_word(" (told by ", text_of(e, "publisher"), ")");
    putchar('\n');
}

static bool take(void *arg, const char *text, size_t n)
{
    struct following *f = arg;
    json_t *e = json_loadb(text, n, 0, NULL);
    bool wanted = e && (!f->options->host || strcmp(text_of(e, "host"), f->options->host) == 0);
    if (wanted && f->ctl->json)
        f->failed = json_dumpf(e, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF;
    else if (wanted)
        print_event(e);
    json_decref(e);
    f->n += wanted;
    f->failed |= fflush(stdout) != 0;
    return !f->failed && (f->options->count == 0 || f->n < f->options->count);
}

static int follow(const struct ctl *ctl, const struct events_options *o)
{
    char own[LABEL_CAP], domain[LABEL_CAP] = "*", service[LABEL_CAP] = "*", subject[EVENT_SUBJECT_CAP],
                         why[BUS_WHY_CAP] = "";
    struct following f = {.ctl = ctl, .options = o};
    int status;
    struct bus_ask *ask = ctl_nats_open(ctl, own, &status);
    if (!ask)
        return status;
    if (o->service)
        (void)service_parse(o->service, domain, service);
    snprintf(subject, sizeof subject, "discover.%s.event.*.%s.%s.%s", o->region ? o->region : own, domain, service,
             o->type ? o->type : "*");
    int err = bus_ask_follow(ask, subject, take, &f, why);
    if (err)
        ctl_note("%s: %s", subject, why);
    bus_ask_close(ask);
    return err ? CTL_CANNOT_KNOW : f.failed ? CTL_FAILED : CTL_DONE;
}

static int print_help(void)
{
    fputs("Usage: discoverctl events [OPTION]...\n\n"
          "What happens in the fleet, a line each as it is told over NATS, until a signal; with --json as JSON.\n"
          "It takes an operator's rights to NATS: how that is reached is read from --nats, $DISCOVER_NATS "
          "or\n" CTL_NATS_FILE ", as discoverd.conf says it (nats = { ... }; region = ...).\n\n",
          stdout);
    options_print(events_specs, stdout);
    fputs("\nTypes:\n", stdout);
    for (int i = 0; i < EVENT_TYPES; i++)
        printf("  %-15s %s\n", event_type_word((enum event_type)i), event_type_help((enum event_type)i));
    return CTL_DONE;
}

int cmd_events(const struct ctl *ctl, char **argv)
{
    struct events_options o = {.count = 0};
    struct words words;
    char why[OPTIONS_WHY_CAP];
    if (ctl_wants_help(argv))
        return print_help();
    if (options_parse(events_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n || words.command)
        return ctl_usage_error("events takes nothing but options");
    return follow(ctl, &o);
}
