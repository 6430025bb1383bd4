/* SPDX-License-Identifier: Apache-2.0 */
/* discoverctl list and hosts: everything that is known, sorted by name. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/options.h"

/* Rows are kept as a JSON object by name, and printed as it is or as lines. */
typedef void row_fn(const char *name, json_t *row);

static int add_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    json_t *row = json_pack("{s:I, s:I}", "usable", (json_int_t)n_usable, "total", (json_int_t)n_total);
    return json_object_set_new(arg, service, row);
}

static void print_service(const char *name, json_t *row)
{
    printf("%-40s %lld/%lld\n", name, (long long)json_integer_value(json_object_get(row, "usable")),
           (long long)json_integer_value(json_object_get(row, "total")));
}

static json_t *address_json(int family, const void *bytes, bool has)
{
    char text[INET6_ADDRSTRLEN];
    return has && inet_ntop(family, bytes, text, sizeof text) ? json_string(text) : json_null();
}

static int add_host(void *arg, const struct discover_host *h)
{
    json_t *row =
        json_pack("{s:b, s:s, s:s, s:o, s:o, s:i}", "alive", h->alive, "region", h->region, "zone", h->zone, "ipv4",
                  address_json(AF_INET, h->ipv4, h->families & DISCOVER_HAS_IPV4), "ipv6",
                  address_json(AF_INET6, h->ipv6, h->families & DISCOVER_HAS_IPV6), "instances", (int)h->instances);
    return json_object_set_new(arg, h->name, row);
}

static const char *text_of(json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text && *text ? text : "-";
}

static void print_host(const char *name, json_t *row)
{
    json_t *address = json_object_get(row, "ipv4");
    printf("%-24s %-5s %lld instances, region %s, zone %s, %s\n", name,
           json_is_true(json_object_get(row, "alive")) ? "alive" : "gone",
           (long long)json_integer_value(json_object_get(row, "instances")), text_of(row, "region"),
           text_of(row, "zone"), text_of(row, json_is_string(address) ? "ipv4" : "ipv6"));
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int print_rows(json_t *rows, row_fn *print)
{
    size_t n = json_object_size(rows), i = 0;
    const char **names = calloc(n + 1, sizeof *names);
    const char *name;
    json_t *row;
    if (!names)
        return CTL_FAILED;
    json_object_foreach(rows, name, row) names[i++] = name;
    qsort(names, n, sizeof *names, compare_keys);
    for (i = 0; i < n; i++)
        print(names[i], json_object_get(rows, names[i]));
    free(names);
    return fflush(stdout) == 0 ? CTL_DONE : CTL_FAILED;
}

/* rows is given back to jansson. */
static int print_all(struct discover *d, const struct ctl *ctl, int result, const char *what, json_t *rows,
                     row_fn *print)
{
    ctl_note_age(d, result);
    int status = ctl_exit_of(result);
    if (status == CTL_FAILED)
        (void)ctl_failed(d, what, result);
    int printed;
    if (ctl->json) {
        printed = ctl_print_json(json_pack("{s:s, s:I, s:o}", "result", ctl_result_word(result), "age_ms",
                                           (json_int_t)discover_age_ms(d), what, rows));
    } else {
        printed = print_rows(rows, print);
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
    json_t *rows = json_object();
    int result = discover_each_service(d, add_service, rows);
    status = print_all(d, ctl, result, "services", rows, print_service);
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
    json_t *rows = json_object();
    int result = discover_each_host(d, add_host, rows);
    status = print_all(d, ctl, result, "hosts", rows, print_host);
    discover_free(d);
    return status;
}
