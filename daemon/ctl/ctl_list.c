/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl list and hosts: everything that is known, sorted by name. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/document_words.h"
#include "daemon/ctl/terminal.h"
#include "daemon/documents/documents.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/words.h"

struct list_options {
    const char *tag;    /* NULL: any */
    const char *region; /* NULL: the own one */
    uint8_t state;      /* enum discover_state; 0: any */
    bool all;           /* hosts: those that are gone, too */
};

static int set_state(const struct option_spec *spec, void *field, const char *value)
{
    (void)spec;
    return state_of_word(value, field);
}

#define AT(member) offsetof(struct list_options, member)
#define REGION                                                                                                         \
    {                                                                                                                  \
        "region", "REGION", "what another region has, one of discoverctl regions", option_name, AT(region), 0, 0       \
    }

static const struct option_spec list_specs[] = {
    {"tag", "T", "only services with instances that have this tag, which alone are counted", option_text, AT(tag), 0,
     0},
    {"state", "STATE", "the same in this state: passing, warning, critical, maintenance or draining", set_state,
     AT(state), 0, 0},
    REGION,
    {.name = NULL},
};

static const struct option_spec hosts_specs[] = {
    {"all", NULL, "those that are gone, too", option_flag, AT(all), 0, 0},
    REGION,
    {.name = NULL},
};

/* --- services --- */

/* One listing: what is asked for, and the rows so far, which are elements of the document's list. */
struct listing_call {
    struct discover *d;
    const struct list_options *options;
    const char *domain, *region; /* "": any domain; the own region */
    json_t *rows;
    json_t *away; /* which other region answers, by service */
    size_t left_out;
    int64_t age_ms;       /* of another region: how old what is known of it may be; -1: nothing is known */
    size_t usable, total; /* of the present service: its instances that match the options */
};

static int count_instance(void *arg, const struct discover_instance *i)
{
    struct listing_call *call = arg;
    const struct list_options *o = call->options;
    if ((o->tag && !ctl_has_tag(i, o->tag)) || (o->state && i->endpoint.state != o->state))
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
        if (strcmp(s->regions[i].name, call->region) == 0)
            call->age_ms = s->regions[i].stale_ms;
}

/* Who answers for the services of the own region; or how old what another one has is. */
static void take_status(void *arg, const struct discover_status *s)
{
    struct listing_call *call = arg;
    take_age(call, s);
    if (*call->region && strcmp(call->region, s->region) != 0)
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
    if (*call->domain && !is_of_domain(service, call->domain))
        return 0;
    if (o->tag || o->state) {
        char ref[SERVICE_REF_CAP];
        snprintf(ref, sizeof ref, "%s%s%s", service, *call->region ? "@" : "", call->region);
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
    int64_t usable = number_of(row, "usable"), total = number_of(row, "instances");
    bool away = has(row, "at");
    snprintf(counts, sizeof counts, "%" PRId64 "/%" PRId64 "%s%s%s", usable, total, away ? ", region " : "",
             text_of(row, "at"), away ? " answers" : "");
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

static const char *known(const json_t *row, const char *key)
{
    const char *text = text_of(row, key);
    return *text ? text : "-";
}

static void add_host_row(struct rows *rows, const json_t *row)
{
    char instances[48], region[80], zone[80];
    bool alive = is_true(row, "alive");
    snprintf(instances, sizeof instances, "%" PRId64 " instances,", number_of(row, "instances"));
    snprintf(region, sizeof region, "region %s,", known(row, "region"));
    snprintf(zone, sizeof zone, "zone %s,", known(row, "zone"));
    rows_add(rows, alive ? STYLE_PLAIN : STYLE_BAD,
             (const char *const[]){text_of(row, "host"), alive ? "alive" : "gone", instances, region, zone,
                                   known(row, has(row, "ipv4") ? "ipv4" : "ipv6")});
}

/* --- both --- */

static int compare_rows(const void *a, const void *b, void *name)
{
    return strcmp(text_of(*(json_t *const *)a, name), text_of(*(json_t *const *)b, name));
}

/* Without memory for sorting they stay in their order. */
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

/* name: the member to sort by. Sorted here as well, since documents of another host's daemon are not. */
static void print_rows(json_t *list, const char *name, size_t n_columns,
                       void (*add_row)(struct rows *rows, const json_t *row), FILE *out)
{
    struct rows rows;
    sort_rows(list, name);
    rows_init(&rows, n_columns);
    for (size_t i = 0; i < json_array_size(list); i++)
        add_row(&rows, json_array_get(list, i));
    rows_print(&rows, out, terminal_width(out));
    rows_fini(&rows);
}

static void print_services(const json_t *document, FILE *out)
{
    print_rows(json_object_get(document, "services"), "service", 2, add_service_row, out);
}

static void print_hosts(const json_t *document, FILE *out)
{
    print_rows(json_object_get(document, "hosts"), "host", 6, add_host_row, out);
}

static void note_age(const struct listing_call *call, int result)
{
    const char *region = call->region;
    if (*region && result == DISCOVER_E_UNKNOWN)
        ctl_note("%s: that region is not read here; see discoverctl regions", region);
    else if (*region && result == DISCOVER_E_UNSYNCED)
        ctl_note("%s: nothing is known of that region yet", region);
    else
        ctl_note_age(call->d, result);
}

/* The call's rows, sorted by name, as a list of the document; takes over the reference to them. */
static int print_all(const struct call *call, const struct listing_call *listing, int result, const char *list,
                     const char *name)
{
    note_age(listing, result);
    int status = ctl_exit_of(result);
    if (status == CTL_FAILED)
        (void)ctl_failed(listing->d, list, result);
    sort_rows(listing->rows, name);
    json_t *document = ctl_head(listing->d, result, NULL);
    if (listing->age_ms)
        (void)json_object_set_new(document, "age_ms", json_integer(listing->age_ms));
    (void)json_object_set_new(document, list, listing->rows);
    int printed = ctl_print_document(call->ctl, document, call->command->print);
    return printed == CTL_DONE ? status : printed;
}

static struct listing_call listing_of(const struct call *call)
{
    const struct list_options *o = call->options;
    return (struct listing_call){.d = call->d,
                                 .options = o,
                                 .domain = call->words.word[0],
                                 .region = o->region ? o->region : "",
                                 .rows = json_array()};
}

static int run_list(const struct call *call)
{
    struct listing_call listing = listing_of(call);
    listing.away = json_object();
    (void)!discover_status(call->d, take_status, &listing); /* no daemon: what it left behind is listed all the same */
    int result = discover_each_service_in(call->d, listing.region, add_service, &listing);
    json_decref(listing.away);
    return print_all(call, &listing, result, "services", "service");
}

static int run_hosts(const struct call *call)
{
    struct listing_call listing = listing_of(call);
    if (*listing.region)
        (void)!discover_status(call->d, take_status, &listing);
    int result = discover_each_host_in(call->d, listing.region, add_host, &listing);
    int status = print_all(call, &listing, result, "hosts", "host");
    if (listing.left_out)
        ctl_note("%zu more are gone; --all lists them, too", listing.left_out);
    return status;
}

const struct command list_command = {
    .name = "list",
    .summary = "list services: usable/total instances",
    .usage = "list [DOMAIN] [OPTION]...",
    .help = "All services, or those of a domain: their names, and how many of their instances are usable; and which\n"
            "other region answers for them, if one does.\n",
    .takes = {WORD_DOMAIN | WORD_MAY},
    .options = list_specs,
    .options_size = sizeof(struct list_options),
    .run = run_list,
    .document = "services",
    .print = print_services,
};

const struct command hosts_command = {
    .name = "hosts",
    .summary = "list hosts",
    .usage = "hosts [OPTION]...",
    .help = "The hosts that are alive: how much they serve, and where they are.\n",
    .options = hosts_specs,
    .options_size = sizeof(struct list_options),
    .run = run_hosts,
    .document = "hosts",
    .print = print_hosts,
};
