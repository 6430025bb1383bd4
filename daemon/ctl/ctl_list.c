/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl list and hosts: everything that is known, sorted by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/list_options.h"
#include "daemon/ctl/terminal.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text && *text ? text : "-";
}

static long long number_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

/* --- services --- */

/* What is asked for, and the rows so far: elements of the document's list. */
struct listing_call {
    struct discover *d;
    const struct list_options *options;
    json_t *rows;
    json_t *away; /* which other region answers, by service */
    size_t left_out;
    int64_t age_ms;       /* of another region: how old what is known of it may be; -1: nothing is known */
    size_t usable, total; /* of the service at hand: those that are meant */
};

static bool has_tag(const struct discover_instance *i, const char *tag)
{
    for (size_t k = 0; k < i->n_tags; k++)
        if (strcmp(i->tags[k], tag) == 0)
            return true;
    return false;
}

static int count_instance(void *arg, const struct discover_instance *i)
{
    struct listing_call *call = arg;
    const struct list_options *o = call->options;
    if ((o->tag && !has_tag(i, o->tag)) || (o->state && i->endpoint.state != o->state))
        return 0;
    call->total++;
    call->usable += i->usable != 0;
    return 0;
}

static bool is_of_domain(const char *service, const char *domain)
{
    size_t n = strlen(domain);
    return strncmp(service, domain, n) == 0 && service[n] == '/';
}

static void take_age(struct listing_call *call, const struct discover_status *s)
{
    for (size_t i = 0; i < s->n_regions; i++)
        if (strcmp(s->regions[i].name, call->options->region) == 0)
            call->age_ms = s->regions[i].stale_ms;
}

/* Who answers for the services of the own region; or how old what another one has is. */
static void take_status(void *arg, const struct discover_status *s)
{
    struct listing_call *call = arg;
    take_age(call, s);
    if (*call->options->region && strcmp(call->options->region, s->region) != 0)
        return;
    for (size_t i = 0; i < s->n_failovers; i++)
        if (*s->failovers[i].at)
            (void)json_object_set_new(call->away, s->failovers[i].service, json_string(s->failovers[i].at));
}

static int add_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    struct listing_call *call = arg;
    const struct list_options *o = call->options;
    call->usable = n_usable;
    call->total = n_total;
    if (o->domain && !is_of_domain(service, o->domain))
        return 0;
    if (o->tag || o->state) {
        char ref[SERVICE_REF_CAP];
        snprintf(ref, sizeof ref, "%s%s%s", service, *o->region ? "@" : "", o->region);
        call->usable = call->total = 0;
        if (discover_each_instance(call->d, ref, count_instance, call) < 0 || call->total == 0)
            return 0;
    }
    json_t *row = service_document(service, call->usable, call->total), *at = json_object_get(call->away, service);
    if (at)
        (void)json_object_set(row, "at", at);
    return json_array_append_new(call->rows, row);
}

static void add_service_row(struct rows *rows, const json_t *row)
{
    char counts[48 + LABEL_CAP + 24];
    long long usable = number_of(row, "usable"), total = number_of(row, "instances");
    bool away = json_object_get(row, "at");
    snprintf(counts, sizeof counts, "%lld/%lld%s%s%s", usable, total, away ? ", region " : "",
             away ? text_of(row, "at") : "", away ? " answers" : "");
    rows_add(rows,
             usable == 0      ? STYLE_BAD
             : usable < total ? STYLE_WARNING
                              : STYLE_PLAIN,
             (const char *const[]){text_of(row, "service"), counts});
}

/* --- hosts --- */

static int add_host(void *arg, const struct discover_host *h)
{
    struct listing_call *call = arg;
    if (h->alive || call->options->all)
        return json_array_append_new(call->rows, host_document(h));
    call->left_out++;
    return 0;
}

static void add_host_row(struct rows *rows, const json_t *row)
{
    char instances[48], region[80], zone[80];
    bool alive = json_is_true(json_object_get(row, "alive"));
    snprintf(instances, sizeof instances, "%lld instances,", number_of(row, "instances"));
    snprintf(region, sizeof region, "region %s,", text_of(row, "region"));
    snprintf(zone, sizeof zone, "zone %s,", text_of(row, "zone"));
    rows_add(rows, alive ? STYLE_PLAIN : STYLE_BAD,
             (const char *const[]){text_of(row, "host"), alive ? "alive" : "gone", instances, region, zone,
                                   text_of(row, json_object_get(row, "ipv4") ? "ipv4" : "ipv6")});
}

/* --- both --- */

/* What is listed: the name of the list, and of what its rows are sorted by. */
struct listing {
    const char *list, *name;
    size_t n_columns;
    void (*add_row)(struct rows *rows, const json_t *row);
};

static const struct listing of_services = {"services", "service", 2, add_service_row};
static const struct listing of_hosts = {"hosts", "host", 6, add_host_row};

static int compare_rows(const void *a, const void *b, void *name)
{
    return strcmp(text_of(*(json_t *const *)a, name), text_of(*(json_t *const *)b, name));
}

/* Without memory for it they stay as they are. */
static void sort_rows(json_t *rows, const char *name)
{
    size_t n = json_array_size(rows);
    json_t **sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted)
        return;
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_incref(json_array_get(rows, i));
    qsort_r(sorted, n, sizeof *sorted, compare_rows, (void *)name);
    for (size_t i = 0; i < n; i++)
        (void)json_array_set_new(rows, i, sorted[i]);
    free(sorted);
}

static int print_rows(const json_t *list, const struct listing *of)
{
    struct rows rows;
    rows_init(&rows, of->n_columns);
    for (size_t i = 0; i < json_array_size(list); i++)
        of->add_row(&rows, json_array_get(list, i));
    rows_print(&rows, stdout, terminal_width(stdout));
    rows_fini(&rows);
    return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

static void note_age(const struct listing_call *call, int result)
{
    const char *region = call->options->region;
    if (*region && result == DISCOVER_E_UNKNOWN)
        ctl_note("%s: that region is not read here; see discoverctl regions", region);
    else if (*region && result == DISCOVER_E_UNSYNCED)
        ctl_note("%s: nothing is known of that region yet", region);
    else
        ctl_note_age(call->d, result);
}

/* The document without its list. */
static json_t *head_of(const struct listing_call *call, int result)
{
    json_t *head = ctl_head(call->d, result, NULL);
    if (call->age_ms)
        (void)json_object_set_new(head, "age_ms", json_integer(call->age_ms));
    return head;
}

/* The call's rows are given back to jansson. */
static int print_all(const struct listing_call *call, const struct ctl *ctl, int result, const struct listing *of)
{
    note_age(call, result);
    int status = ctl_exit_of(result);
    if (status == CTL_FAILED)
        (void)ctl_failed(call->d, of->list, result);
    int printed;
    json_t *rows = call->rows;
    sort_rows(rows, of->name);
    if (ctl->json) {
        json_t *document = head_of(call, result);
        (void)json_object_set_new(document, of->list, rows);
        printed = ctl_print_json(document);
    } else {
        printed = print_rows(rows, of);
        json_decref(rows);
    }
    return printed == CTL_DONE ? status : printed;
}

static int print_help(const char *usage, const char *text, const struct option_spec *specs)
{
    printf("Usage: discoverctl %s [OPTION]...\n\n%s\n\n", usage, text);
    options_print(specs, stdout);
    return CTL_DONE;
}

/* CTL_DONE, or CTL_USAGE after a message. words_max words that are no options are fine. */
static int parse(const struct option_spec *specs, char **argv, size_t words_max, struct list_options *ret_o)
{
    struct words words;
    char why[OPTIONS_WHY_CAP];
    *ret_o = (struct list_options){.region = ""};
    if (options_parse(specs, ret_o, argv, &words, why) < 0)
        return ctl_usage_error("%s", why);
    if (words.n > words_max || words.command)
        return ctl_usage_error("%s: one word too many", words.n > words_max ? words.word[words_max] : "--");
    if (words.n == 1 && !label_valid(words.word[0], strlen(words.word[0])))
        return ctl_usage_error("%s: not a domain", words.word[0]);
    ret_o->domain = words.n == 1 ? words.word[0] : NULL;
    return CTL_DONE;
}

int cmd_list(const struct ctl *ctl, char **argv)
{
    struct list_options o;
    if (ctl_wants_help(argv))
        return print_help("list [DOMAIN]",
                          "All services, or those of a domain: their names, and how many of their instances "
                          "are usable; and which other region answers for them, if one does.",
                          list_specs);
    int status = parse(list_specs, argv, 1, &o);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    struct listing_call call = {.d = d, .options = &o, .rows = json_array(), .away = json_object()};
    (void)!discover_status(d, take_status, &call); /* no daemon: what it left behind is listed all the same */
    int result = discover_each_service_in(d, o.region, add_service, &call);
    json_decref(call.away);
    status = print_all(&call, ctl, result, &of_services);
    discover_free(d);
    return status;
}

int cmd_hosts(const struct ctl *ctl, char **argv)
{
    struct list_options o;
    if (ctl_wants_help(argv))
        return print_help("hosts", "The hosts that are alive: how much they serve, and where they are.", hosts_specs);
    int status = parse(hosts_specs, argv, 0, &o);
    struct discover *d = status == CTL_DONE ? ctl_connect(ctl, &status) : NULL;
    if (!d)
        return status;
    struct listing_call call = {.d = d, .options = &o, .rows = json_array()};
    if (*o.region)
        (void)!discover_status(d, take_status, &call);
    int result = discover_each_host_in(d, o.region, add_host, &call);
    status = print_all(&call, ctl, result, &of_hosts);
    if (call.left_out)
        ctl_note("%zu more are gone; --all lists them, too", call.left_out);
    discover_free(d);
    return status;
}
