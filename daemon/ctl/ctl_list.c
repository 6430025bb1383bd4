/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl list and hosts: everything that is known, sorted by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/documents/documents.h"

/* Rows are elements of the document's list. */
typedef void row_fn(json_t *row);

static int add_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    return json_array_append_new(arg, service_document(service, n_usable, n_total));
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text && *text ? text : "-";
}

static long long number_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static void print_service(json_t *row)
{
    printf("%-40s %lld/%lld\n", text_of(row, "service"), number_of(row, "usable"), number_of(row, "instances"));
}

static int add_host(void *arg, const struct discover_host *h)
{
    return json_array_append_new(arg, host_document(h));
}

static void print_host(json_t *row)
{
    bool alive = json_is_true(json_object_get(row, "alive"));
    printf("%-24s %-5s %lld instances, region %s, zone %s, %s\n", text_of(row, "host"), alive ? "alive" : "gone",
           number_of(row, "instances"), text_of(row, "region"), text_of(row, "zone"),
           text_of(row, json_object_get(row, "ipv4") ? "ipv4" : "ipv6"));
}

/* What is listed: the name of the list, and of what its rows are sorted by. */
struct listing {
    const char *list, *name;
    row_fn *print;
};

static const struct listing of_services = {"services", "service", print_service};
static const struct listing of_hosts = {"hosts", "host", print_host};

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

static int print_rows(json_t *rows, row_fn *print)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        print(json_array_get(rows, i));
    return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

/* rows is given back to jansson. */
static int print_all(struct discover *d, const struct ctl *ctl, int result, const struct listing *of, json_t *rows)
{
    ctl_note_age(d, result);
    int status = ctl_exit_of(result);
    if (status == CTL_FAILED)
        (void)ctl_failed(d, of->list, result);
    int printed;
    sort_rows(rows, of->name);
    if (ctl->json) {
        json_t *document = ctl_head(d, result, NULL);
        (void)json_object_set_new(document, of->list, rows);
        printed = ctl_print_json(document);
    } else {
        printed = print_rows(rows, of->print);
        json_decref(rows);
    }
    return printed == CTL_DONE ? status : printed;
}

static int print_help(const char *name, const char *text)
{
    printf("Usage: discoverctl %s\n\n%s\n", name, text);
    return CTL_DONE;
}

int cmd_list(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("list", "All services: their name, and how many of their instances are usable.");
    if (*argv)
        return ctl_usage_error("list takes nothing");
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    json_t *rows = json_array();
    int result = discover_each_service(d, add_service, rows);
    status = print_all(d, ctl, result, &of_services, rows);
    discover_free(d);
    return status;
}

int cmd_hosts(const struct ctl *ctl, char **argv)
{
    if (ctl_wants_help(argv))
        return print_help("hosts", "All hosts: whether they are alive, how much they serve, and where they are.");
    if (*argv)
        return ctl_usage_error("hosts takes nothing");
    int status;
    struct discover *d = ctl_connect(ctl, &status);
    if (!d)
        return status;
    json_t *rows = json_array();
    int result = discover_each_host(d, add_host, rows);
    status = print_all(d, ctl, result, &of_hosts, rows);
    discover_free(d);
    return status;
}
