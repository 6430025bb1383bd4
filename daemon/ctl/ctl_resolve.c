/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl resolve: the usable instances of a service. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"

struct resolve_options {
    const char *tag, *place, *region;
};

#define AT(member) offsetof(struct resolve_options, member)

static const struct option_spec specs[] = {
    {"tag", "T", "only instances with this tag", option_text, AT(tag), 0, 0},
    {"at", "PLACE", "only instances of this zone or region", option_text, AT(place), 0, 0},
    {"region", "REGION", "what that region has, as DOMAIN/SERVICE@REGION", option_name, AT(region), 0, 0},
    {.name = NULL},
};

static bool is_at(const struct discover_instance *i, const char *place)
{
    return strcmp(i->zone, place) == 0 || strcmp(i->region, place) == 0;
}

/* What is asked for, and what came. */
struct request {
    const struct resolve_options *options;
    json_t *list;
};

static int on_instance(void *arg, const struct discover_instance *i)
{
    struct request *request = arg;
    const struct resolve_options *o = request->options;
    if (i->usable && (!o->tag || ctl_has_tag(i, o->tag)) && (!o->place || is_at(i, o->place)))
        (void)json_array_append_new(request->list, instance_document(i));
    return 0;
}

/* Own instances are an answer even when nothing is known of other hosts; none of them is no answer. */
static int judge(int result, size_t n)
{
    if (n > 0)
        return result == DISCOVER_E_UNSYNCED ? DISCOVER_FRESH : result;
    return result >= 0 ? DISCOVER_E_NONE : result;
}

static void print_usable(const json_t *document, FILE *out)
{
    size_t k;
    const json_t *i;
    json_array_foreach(json_object_get(document, "instances"), k, i)
    {
        if (!is_true(i, "usable"))
            continue;
        print_address(i, out);
        fprintf(out, " %" PRId64 " %s %s/%s\n", number_of(i, "weight"), text_of(i, "state"), text_of(i, "host"),
                text_of(i, "instance"));
    }
}

static int run(const struct call *call)
{
    const struct resolve_options *o = call->options;
    struct request request = {.options = o, .list = json_array()};
    char service[SERVICE_REF_CAP + LABEL_CAP];
    snprintf(service, sizeof service, "%s%s%s", call->words.word[0], o->region ? "@" : "", o->region ? o->region : "");
    int result = discover_each_instance(call->d, service, on_instance, &request);
    int judged = judge(result, json_array_size(request.list));
    int status = ctl_result(call->d, service, judged);
    if (judged >= 0)
        ctl_note_age(call->d, result);
    json_t *document = ctl_head(call->d, result, service);
    (void)json_object_set_new(document, "instances", request.list);
    int printed = ctl_print_document(call->ctl, document, print_usable);
    return printed == CTL_DONE ? status : printed;
}

const struct command resolve_command = {
    .name = "resolve",
    .summary = "show the usable instances of a service",
    .usage = "resolve DOMAIN/SERVICE[@REGION] [OPTION]...",
    .help = "A line for each usable instance: address:port weight state host/instance. The address is the IPv4\n"
            "address if it has one; --json shows all.\n",
    .takes = {WORD_LOOKUP},
    .options = specs,
    .options_size = sizeof(struct resolve_options),
    .run = run,
    .document = "resolve",
    .key = "service",
    .print = print_usable,
};
