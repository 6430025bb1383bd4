/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl watch: the changes of a service, as they happen, until a signal. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/hold.h"
#include "daemon/ctl/instance_names.h"
#include "daemon/ctl/options.h"
#include "daemon/ctl/watch_command.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

struct watching {
    const struct ctl *ctl;
    struct discover *d;
    struct instance_names names;
};

static const struct {
    const char *sign, *word;
} whats[] = {
    [DISCOVER_ADDED] = {"+", "added"},
    [DISCOVER_REMOVED] = {"-", "removed"},
    [DISCOVER_CHANGED] = {"~", "changed"},
};

static int print_help(void)
{
    fputs("Usage: discoverctl watch DOMAIN/SERVICE[@REGION] [-- COMMAND...]\n\n"
          "A line for each instance that is added (+), removed (-) or changed (~): the sign, address:port, weight,\n"
          "state, host/instance. First come all that are there. With --json a document for each change. Ends by a "
          "signal.\n\n"
          "With a command: runs it at each change, first with all that is there, the usable instances as JSON on "
          "its\n"
          "standard input and the service's name in DISCOVER_SERVICE; one run at a time, and one more when something "
          "has\n"
          "changed meanwhile.\n",
          stdout);
    return CTL_DONE;
}

static const char *address_of(const struct discover_endpoint *e, char ret_text[static DISCOVER_ADDRESS_MAX])
{
    return discover_endpoint_text(e, ret_text, DISCOVER_ADDRESS_MAX) == 0 ? ret_text : "-";
}

static const char *name_of(struct watching *w, const struct discover_change *change, const struct discover_endpoint *e)
{
    return instance_names_find(&w->names, w->d, change->service, e->id);
}

static json_t *difference_json(struct watching *w, const struct discover_change *change,
                               const struct discover_difference *it)
{
    char host[LABEL_CAP] = "";
    const char *name = name_of(w, change, &it->endpoint), *slash = strchr(name, '/');
    if (slash)
        snprintf(host, sizeof host, "%.*s", (int)(slash - name), name);
    return change_document(whats[it->what].word, host, slash ? slash + 1 : "", &it->endpoint);
}

static void print_json(struct watching *w, const struct discover_change *change)
{
    json_t *document = ctl_head(w->d, change->result, change->service), *list = json_array();
    for (size_t i = 0; i < change->n_differences; i++)
        (void)json_array_append_new(list, difference_json(w, change, &change->differences[i]));
    (void)json_object_set_new(document, "usable", json_integer((json_int_t)change->n));
    (void)json_object_set_new(document, "changes", list);
    if (change->traceparent)
        (void)json_object_set_new(document, "traceparent", json_string(change->traceparent));
    if (change->traceparent && *change->tracestate)
        (void)json_object_set_new(document, "tracestate", json_string(change->tracestate));
    (void)ctl_print_json(document);
}

static void print_lines(struct watching *w, const struct discover_change *change)
{
    char text[DISCOVER_ADDRESS_MAX];
    for (size_t i = 0; i < change->n_differences; i++) {
        const struct discover_endpoint *e = &change->differences[i].endpoint;
        printf("%s %s %u %s %s\n", whats[change->differences[i].what].sign, address_of(e, text), e->weight,
               state_word(e->state), name_of(w, change, e));
    }
    if (change->result < 0)
        ctl_note("%s: %s", change->service, discover_strerror(change->result));
}

static void on_change(void *arg, const struct discover_change *change)
{
    struct watching *w = arg;
    if (w->ctl->json)
        print_json(w, change);
    else
        print_lines(w, change);
    for (size_t i = 0; i < change->n_differences; i++)
        if (change->differences[i].what == DISCOVER_REMOVED)
            instance_names_forget(&w->names, change->differences[i].endpoint.id);
    fflush(stdout);
}

static int watch(const struct ctl *ctl, struct discover *d, const char *service, const struct hold *hold)
{
    int status;
    struct discover_watch *w;
    struct watching watching = {.ctl = ctl, .d = d};
    int err = discover_watch(d, service, on_change, &watching, &w);
    if (err < 0) {
        status = ctl_failed(d, service, err);
    } else {
        status = hold_run(hold, d, 0);
        discover_unwatch(w);
    }
    instance_names_fini(&watching.names);
    return status;
}

static int watch_or_run(const struct ctl *ctl, const char *service, char **command, struct hold *hold)
{
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    status = command ? watch_command_run(d, service, hold, command) : watch(ctl, d, service, hold);
    discover_free(d);
    return status;
}

static const struct option_spec no_options[] = {{NULL, NULL, NULL, NULL}};

int cmd_watch(const struct ctl *ctl, char **argv)
{
    struct hold hold;
    struct words words;
    char why[OPTIONS_WHY_CAP];
    if (ctl_wants_help(argv))
        return print_help();
    if (options_parse(no_options, NULL, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n != 1 || (words.command && !words.command[0]))
        return ctl_usage_error("watch needs one DOMAIN/SERVICE, and a command after --");
    int status = ctl_check_lookup(words.word[0]);
    if (status != CTL_DONE)
        return status;
    int err = hold_init(&hold);
    if (err < 0)
        return ctl_failed(NULL, "cannot take signals", err);
    status = watch_or_run(ctl, words.word[0], words.command, &hold);
    hold_fini(&hold);
    return status;
}
