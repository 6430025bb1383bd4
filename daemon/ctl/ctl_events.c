/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl events: what happens in the fleet, as it is published over NATS. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl_nats.h"
#include "daemon/ctl/document_words.h"
#include "daemon/ctl/printable.h"
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

static int set_type(const struct option_spec *spec, void *field, const char *value)
{
    enum event_type type;
    (void)spec;
    *(const char **)field = value;
    return event_type_of_word(value, &type);
}

static int set_service(const struct option_spec *spec, void *field, const char *value)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    (void)spec;
    *(const char **)field = value;
    return service_parse(value, domain, service);
}

static int set_region(const struct option_spec *spec, void *field, const char *value)
{
    int err = option_name(spec, field, value);
    return strcmp(value, "*") == 0 ? 0 : err;
}

#define AT(member) offsetof(struct events_options, member)

static const struct option_spec specs[] = {
    {"type", "TYPE", "only these, as instance-down; see below", set_type, AT(type), 0, 0},
    {"host", "HOST", "only about that host, whoever publishes it", option_name, AT(host), 0, 0},
    {"service", "SERVICE", "only about that service and its instances", set_service, AT(service), 0, 0},
    {"region", "REGION", "of another region than the own one; \"*\": of all that are heard", set_region, AT(region), 0,
     0},
    {"count", "N", "end after so many. Default: go on until a signal", option_number, AT(count), 1, 1000000},
    {.name = NULL},
};

static bool is_bad(const char *type)
{
    static const char *const words[] = {"-down", "-lost", "-held", "-conflict", "guard-on", "-begun"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(type, words[i]))
            return true;
    return false;
}

static void print_word(const char *before, const char *text, const char *after)
{
    if (*text)
        printf("%s%s%s", before, text, after);
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
    if (has(e, "held"))
        printf(", %s", count(number_of(e, "held"), "host"));
    if (has(e, "lost_ms"))
        printf(" after %.1f s", seconds_of(e, "lost_ms"));
    if (strcmp(text_of(e, "publisher"), text_of(e, "host")) != 0)
        print_word(" (published by ", text_of(e, "publisher"), ")");
    putchar('\n');
}

static bool take(void *arg, const char *text, size_t n)
{
    struct following *f = arg;
    json_t *e = json_loadb(text, n, 0, NULL);
    if (!f->ctl->json)
        printable_document(e);
    bool wanted = e && (!f->options->host || strcmp(text_of(e, "host"), f->options->host) == 0);
    if (wanted && f->ctl->json)
        f->failed = !printable_json(e, JSON_COMPACT, stdout) || putchar('\n') == EOF;
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

static void print_types(void)
{
    fputs("\nTypes:\n", stdout);
    for (int i = 0; i < EVENT_TYPES; i++)
        printf("  %-15s %s\n", event_type_word((enum event_type)i), event_type_help((enum event_type)i));
}

static int run(const struct call *call)
{
    return follow(call->ctl, call->options);
}

const struct command events_command = {
    .name = "events",
    .summary = "show what happens in the fleet, as it is published over NATS",
    .usage = "events [OPTION]...",
    .help =
        "What happens in the fleet, a line each as it is published over NATS, until a signal; with --json as JSON.\n"
        "It takes an operator's rights to NATS: how that is reached is read from --nats, $DISCOVER_NATS "
        "or\n" CTL_NATS_FILE ", as discoverd.conf says it (nats = { ... }; region = ...).\n",
    .more_help = print_types,
    .options = specs,
    .options_size = sizeof(struct events_options),
    .alone = true,
    .run = run,
};
