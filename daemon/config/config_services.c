/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the services of configuration files. */
#include "daemon/config/config_services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/array.h"
#include "daemon/base/zones.h"
#include "daemon/config/config_service.h"

int service_set_add(struct service_set *set, struct service_config *service, struct config_place at, const char *path)
{
    size_t cap = set->cap; /* of both arrays */
    int err = array_grow(&set->services, set->n, &cap, sizeof *set->services);
    if (!err)
        err = array_grow(&set->places, set->n, &set->cap, sizeof *set->places);
    if (err)
        return err;
    struct service_place *place = &set->places[set->n];
    snprintf(place->file, sizeof place->file, "%s", at.file);
    snprintf(place->path, sizeof place->path, "%s", path);
    place->line = at.line;
    set->services[set->n++] = *service;
    service->checks = (struct string_list){NULL, 0};
    return 0;
}

static int read_one(struct config_source *s, const config_setting_t *group, void *set)
{
    char path[CONFIG_PATH_CAP];
    struct service_config service;
    int err = config_service_read(s, group, &service);
    if (err)
        return err == -EINVAL ? 0 : err;
    config_setting_path(group, path);
    err = service_set_add(set, &service, config_source_place(s, group), path);
    string_list_fini(&service.checks);
    return err;
}

int service_set_read(struct service_set *set, struct config_source *source)
{
    return config_source_each(source, config_lookup(&source->tree, "services"), read_one, set);
}

static void complain(const struct service_set *set, size_t i, struct config_report *report, const char *what)
{
    const struct service_place *p = &set->places[i];
    config_report(report, (struct config_place){p->file, p->line}, p->path, "%s", what);
}

static void name_of(const struct service_config *s, char ret_name[static SERVICE_NAME_CAP])
{
    snprintf(ret_name, SERVICE_NAME_CAP, "%s/%s %s", s->key.domain, s->key.service, s->key.instance);
}

/* Remembers the name, or says where it stands already. */
static int refuse_duplicate(struct service_set *set, size_t i, struct config_report *report)
{
    char text[SERVICE_CAP + LABEL_CAP + sizeof set->places->file + 64];
    const struct service_config *s = &set->services[i];
    struct service_name *name = calloc(1, sizeof *name), *known;
    if (!name)
        return -ENOMEM;
    name_of(s, name->text);
    name->index = i;
    HASH_FIND_STR(set->names, name->text, known);
    if (known) {
        const struct service_place *first = &set->places[known->index];
        snprintf(text, sizeof text, "%s/%s, instance %s, is in %s:%u already", s->key.domain, s->key.service,
                 s->key.instance, first->file, first->line);
        complain(set, i, report, text);
        free(name);
        return 0;
    }
    HASH_ADD_STR(set->names, text, name);
    if (hash_added(&name->hh))
        return 0;
    free(name);
    return -ENOMEM;
}

/* Refuses a host name in one of our own zones: to resolve it would be to ask ourselves (daemon/resolver). */
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

/*
 * Refuses a record that could get too large by what is added when it is put: the host's addresses where it names none,
 * and the longest version numbers.
 */
static void refuse_large(const struct service_set *set, size_t i, size_t limit, struct config_report *report)
{
    struct record r = set->services[i].record;
    uint8_t bytes[RECORD_WIRE_MAX];
    size_t n;
    const char *why = "";
    if (!r.hostname[0])
        r.addresses.families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6;
    int err = record_check(&r, &why);
    r.addresses.families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6;
    r.epoch = r.counter = UINT64_MAX;
    if (err < 0)
        complain(set, i, report, why);
    else if (record_encode(&r, bytes, &n) < 0 || n > limit)
        complain(set, i, report, "takes more bytes than limits.record_bytes allows");
}

static void refuse_many_checks(const struct service_set *set, size_t i, size_t limit, struct config_report *report)
{
    char text[128];
    snprintf(text, sizeof text, "more checks than limits.checks_per_instance allows (%zu)", limit);
    if (set->services[i].checks.n > limit)
        complain(set, i, report, text);
}

static void refuse_loopback(const struct service_set *set, size_t i, const struct config *config,
                            struct config_report *report)
{
    char text[256];
    const char *why = record_unreachable(&set->services[i].record, config->allow_loopback);
    snprintf(text, sizeof text, "address: %s", why ? why : "");
    if (why)
        complain(set, i, report, text);
}

int service_set_check(struct service_set *set, size_t from, struct config_report *report, const struct config *config)
{
    for (size_t i = from; i < set->n; i++) {
        int err = refuse_duplicate(set, i, report);
        if (err)
            return err;
        refuse_large(set, i, config->limits.record_bytes, report);
        refuse_own_zone(set, i, config, report);
        refuse_loopback(set, i, config, report);
        refuse_many_checks(set, i, config->limits.checks_per_instance, report);
    }
    size_t limit = config->limits.instances_per_host;
    if (set->n > limit)
        complain(set, limit > from ? limit : from, report, "more services than limits.instances_per_host");
    return 0;
}

void service_configs_free(struct service_config *services, size_t n)
{
    for (size_t i = 0; i < n; i++)
        string_list_fini(&services[i].checks);
    free(services);
}

void service_set_cut(struct service_set *set, size_t n)
{
    struct service_name *name, *next;
    for (size_t i = n; set->services && i < set->n; i++)
        string_list_fini(&set->services[i].checks);
    HASH_ITER(hh, set->names, name, next)
    {
        if (name->index < n)
            continue;
        HASH_DEL(set->names, name);
        free(name);
    }
    set->n = n;
}

void service_set_finish(struct service_set *set, struct service_config **ret_services, size_t *ret_n)
{
    *ret_services = set->services;
    *ret_n = set->n;
    set->services = NULL;
    service_set_fini(set);
}

void service_set_fini(struct service_set *set)
{
    service_set_cut(set, 0);
    free(set->services);
    free(set->places);
    *set = (struct service_set){.n = 0};
}
