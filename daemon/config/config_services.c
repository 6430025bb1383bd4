/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the services of configuration files. */
#include "daemon/config/config_services.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/config_service.h"
#include "daemon/base/zones.h"

static int make_room(struct service_set *set)
{
    if (set->n < set->cap)
        return 0;
    size_t cap = set->cap ? 2 * set->cap : 8;
    struct service_config *services = realloc(set->services, cap * sizeof *services);
    if (services)
        set->services = services;
    struct service_place *places = realloc(set->places, cap * sizeof *places);
    if (places)
        set->places = places;
    if (!services || !places)
        return -ENOMEM;
    set->cap = cap;
    return 0;
}

static int read_one(struct service_set *set, struct config_source *source, const config_setting_t *group)
{
    int err = make_room(set);
    if (!err)
        err = config_service_read(source, group, &set->services[set->n]);
    if (err)
        return err == -EINVAL ? 0 : err;
    struct service_place *place = &set->places[set->n++];
    struct config_place at = config_source_place(source, group);
    snprintf(place->file, sizeof place->file, "%s", at.file);
    place->line = at.line;
    config_setting_path(group, place->path);
    return 0;
}

int service_set_read(struct service_set *set, struct config_source *source)
{
    const config_setting_t *services = config_lookup(&source->tree, "services");
    int err = 0;
    if (!services || config_setting_is_group(services) || config_setting_is_scalar(services))
        return 0;
    for (int i = 0; i < config_setting_length(services) && !err; i++)
        err = read_one(set, source, config_setting_get_elem(services, (unsigned)i));
    return err;
}

/* Of all keys, only `services` may stand in such a file. */
static int read_file(struct service_set *set, const char *path, struct config_report *report)
{
    const struct config_table only = {config_table_find(&config_keys, "services"), 1, ""};
    struct config_source source;
    int err = config_source_open(path, report, &source);
    if (err)
        return err == -EINVAL ? 0 : err;
    err = config_source_apply(&source, config_root_setting(&source.tree), &only, NULL);
    if (!err)
        err = service_set_read(set, &source);
    config_source_close(&source);
    return err;
}

/* An editor's backup or a package manager's leftover does not end in .conf; a hidden file is not meant either. */
static int is_conf(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int service_set_read_folder(struct service_set *set, const char *folder, struct config_report *report)
{
    struct dirent **entries;
    int err = 0, n = scandir(folder, &entries, is_conf, by_bytes);
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0 && errno == ENOMEM)
        return -ENOMEM;
    if (n < 0)
        config_report(report, (struct config_place){folder, 0}, "", "cannot be read: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        if (!err)
            err = read_file(set, path, report);
    }
    if (n >= 0)
        free(entries);
    return err;
}

static void complain(const struct service_set *set, size_t i, struct config_report *report, const char *what)
{
    const struct service_place *p = &set->places[i];
    config_report(report, (struct config_place){p->file, p->line}, p->path, "%s", what);
}

static int compare(const struct service_config *a, const struct service_config *b)
{
    int order = strcmp(a->domain, b->domain);
    if (order == 0)
        order = strcmp(a->service, b->service);
    return order ? order : strcmp(a->instance, b->instance);
}

/* By name, those of one name in the order of their appearance. */
static int compare_pointers(const void *a, const void *b)
{
    const struct service_config *const *x = a, *const *y = b;
    int order = compare(*x, *y);
    return order ? order : *x < *y ? -1 : 1;
}

static int refuse_duplicates(const struct service_set *set, struct config_report *report)
{
    const struct service_config **sorted = malloc((set->n + 1) * sizeof(struct service_config *));
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < set->n; i++)
        sorted[i] = &set->services[i];
    qsort(sorted, set->n, sizeof *sorted, compare_pointers);
    for (size_t i = 1; i < set->n; i++) {
        char text[SERVICE_CAP + LABEL_CAP + sizeof set->places->file + 64];
        const struct service_config *s = sorted[i];
        const struct service_place *first = &set->places[sorted[i - 1] - set->services];
        if (compare(sorted[i - 1], s) != 0)
            continue;
        snprintf(text, sizeof text, "%s/%s, instance %s, is in %s:%u already", s->domain, s->service, s->instance,
                 first->file, first->line);
        complain(set, (size_t)(s - set->services), report, text);
    }
    free(sorted);
    return 0;
}

/* It would be resolved by asking ourselves (daemon/resolver). */
static void refuse_own_zone(const struct service_set *set, size_t i, const struct config *config,
                            struct config_report *report)
{
    char text[RECORD_HOSTNAME_CAP + 64];
    const char *hostname = set->services[i].record.hostname, *zone = zones_find(&config->dns.zones, hostname);
    if (!hostname[0] || !zone)
        return;
    snprintf(text, sizeof text, "address: a host name below our own zone %s", zone);
    complain(set, i, report, text);
}

/* A record without an address gets the host's: counted with both families. */
static void refuse_large(const struct service_set *set, size_t i, size_t limit, struct config_report *report)
{
    struct record r = set->services[i].record;
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    const char *why = "";
    if (!r.hostname[0])
        r.families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6;
    if (record_check(&r, &why) < 0)
        complain(set, i, report, why);
    else if (record_encode(&r, bytes, &n) < 0 || n > limit)
        complain(set, i, report, "takes more bytes than limits.record_bytes allows");
}

int service_set_finish(struct service_set *set, struct config_report *report, struct config *config)
{
    int err = refuse_duplicates(set, report);
    if (err)
        return err;
    for (size_t i = 0; i < set->n; i++) {
        refuse_large(set, i, config->limits.record_bytes, report);
        refuse_own_zone(set, i, config, report);
    }
    if (set->n > config->limits.instances_per_host)
        complain(set, config->limits.instances_per_host, report, "more services than limits.instances_per_host");
    config->services = set->services;
    config->n_services = set->n;
    set->services = NULL;
    return 0;
}

void service_set_fini(struct service_set *set)
{
    free(set->services);
    free(set->places);
    *set = (struct service_set){.n = 0};
}
