/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl resolve: the usable instances of a service. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/ctl.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

struct resolve_options {
    const char *tag, *place, *region;
};

static int set_tag(void *arg, const char *value)
{
    struct resolve_options *o = arg;
    o->tag = value;
    return 0;
}

static int set_place(void *arg, const char *value)
{
    struct resolve_options *o = arg;
    o->place = value;
    return 0;
}

static int set_region(void *arg, const char *value)
{
    struct resolve_options *o = arg;
    o->region = value;
    return label_valid(value, strlen(value)) ? 0 : -1;
}

const struct option_spec resolve_specs[] = {
    {"tag", "T", "only instances with this tag", set_tag},
    {"at", "PLACE", "only instances of this zone or region", set_place},
    {"region", "REGION", "what that region has, as DOMAIN/SERVICE@REGION", set_region},
    {NULL, NULL, NULL, NULL},
};

static int print_help(void)
{
    fputs("Usage: discoverctl resolve DOMAIN/SERVICE[@REGION] [OPTION]...\n\n"
          "A line for each usable instance: address:port weight state host/instance. The address is the IPv4\n"
          "address if it has one; --json shows all.\n\n",
          stdout);
    options_print(resolve_specs, stdout);
    return CTL_DONE;
}

static bool has_tag(const struct discover_instance *i, const char *tag)
{
    for (size_t k = 0; k < i->n_tags; k++)
        if (strcmp(i->tags[k], tag) == 0)
            return true;
    return false;
}

static bool is_at(const struct discover_instance *i, const char *place)
{
    return strcmp(i->zone, place) == 0 || strcmp(i->region, place) == 0;
}

/* What is asked for, and what came. */
struct request {
    const struct resolve_options *options;
    json_t *list; /* NULL: printed as it comes */
    size_t n;
};

static void print_instance(const struct discover_instance *i)
{
    char address[DISCOVER_ADDRESS_MAX];
    if (discover_endpoint_text(&i->endpoint, address, sizeof address) == 0)
        printf("%s", address);
    else
        printf("%s:%u", i->hostname, i->endpoint.port);
    printf(" %u %s %s/%s\n", i->endpoint.weight, state_word(i->endpoint.state), i->host, i->instance);
}

static int on_instance(void *arg, const struct discover_instance *i)
{
    struct request *request = arg;
    const struct resolve_options *o = request->options;
    if (!i->usable || (o->tag && !has_tag(i, o->tag)) || (o->place && !is_at(i, o->place)))
        return 0;
    request->n++;
    if (request->list)
        (void)json_array_append_new(request->list, instance_document(i));
    else
        print_instance(i);
    return 0;
}

/* Own instances are an answer even when nothing is known of other hosts; none of them is no answer. */
static int judge(int result, size_t n)
{
    if (n > 0)
        return result == DISCOVER_E_UNSYNCED ? DISCOVER_FRESH : result;
    return result >= 0 ? DISCOVER_E_NONE : result;
}

static int resolve(struct discover *d, const struct ctl *ctl, const char *service, const struct resolve_options *o)
{
    struct request request = {.options = o, .list = ctl->json ? json_array() : NULL};
    int result = discover_each_instance(d, service, on_instance, &request);
    int judged = judge(result, request.n);
    int status = CTL_DONE;
    if (judged < 0)
        status = ctl_failed(d, service, judged);
    else
        ctl_note_age(d, result);
    if (!ctl->json)
        return status;
    json_t *document = ctl_head(d, result, service);
    (void)json_object_set_new(document, "instances", request.list);
    int printed = ctl_print_json(document);
    return printed == CTL_DONE ? status : printed;
}

int cmd_resolve(const struct ctl *ctl, char **argv)
{
    struct resolve_options o = {0};
    struct words words;
    char why[OPTIONS_WHY_CAP];
    if (ctl_wants_help(argv))
        return print_help();
    if (options_parse(resolve_specs, &o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n != 1 || words.command)
        return ctl_usage_error("resolve needs one DOMAIN/SERVICE");
    char service[SERVICE_REF_CAP + LABEL_CAP];
    snprintf(service, sizeof service, "%s%s%s", words.word[0], o.region ? "@" : "", o.region ? o.region : "");
    int status = ctl_check_lookup(service);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    status = resolve(d, ctl, service, &o);
    discover_free(d);
    return status;
}
