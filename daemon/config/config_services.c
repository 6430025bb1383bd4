/* SPDX-License-Identifier: Apache-2.0 */
/* Makes services, with their records, of the groups of `services` in configuration files, and collects them. */
#include "daemon/config/config_services.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/zones.h"

/* --- one group of `services`, with its meta and checks --- */

/* An instance without a name of its own is called "payment-8080", after its service and port. */
static int set_names(const struct service_block *b, struct instance_key *key, char ret_why[static CONFIG_WHY_CAP])
{
    char instance[LABEL_CAP + 16];
    (void)service_parse(b->name, key->domain, key->service); /* its form was checked by the table of keys */
    snprintf(instance, sizeof instance, "%s-%u", key->service, b->port);
    const char *name = b->instance[0] ? b->instance : instance;
    return label_copy(key->instance, name, strlen(name)) < 0
               ? value_refuse(ret_why, "instance is missing, and \"%s\" would be too long for it", instance)
               : 0;
}

int service_config_fill(const struct service_block *b, struct service_config *service, const char **ret_key,
                        char ret_why[static CONFIG_WHY_CAP])
{
    struct record *r = &service->record;
    const char *why;
    *ret_key = NULL;
    int err = set_names(b, &service->key, ret_why);
    r->port = (uint16_t)b->port;
    r->weight = b->weight;
    r->priority = (uint16_t)b->priority;
    r->protocol = (uint8_t)b->proto;
    r->unexported = !b->exported;
    for (size_t i = 0; i < b->tags.n; i++)
        (void)record_add_tag(r, b->tags.items[i]); /* form and number were checked by the table of keys */
    for (size_t i = 0; i < b->address.n && !err; i++) {
        *ret_key = "address";
        if (record_add_endpoint(r, b->address.items[i], &why) < 0)
            err = value_refuse(ret_why, "%s", why);
    }
    return err;
}

int service_config_add_meta(struct service_config *service, const char *key, const char *value,
                            char ret_why[static CONFIG_WHY_CAP])
{
    int err = record_set_meta(&service->record, key, value);
    if (err == -E2BIG)
        return value_refuse(ret_why, "more than %d pairs", RECORD_META_MAX);
    return err ? value_refuse(ret_why, "%s", meta_refused(key, value)) : 0;
}

static void take_pair(struct config_source *s, const config_setting_t *pair, struct service_config *service)
{
    char why[CONFIG_WHY_CAP];
    if (config_source_check_form(s, pair, FORM_TEXT) &&
        service_config_add_meta(service, config_setting_name(pair), config_setting_get_string(pair), why) < 0)
        config_complain(s, pair, "%s", why);
}

static void take_meta(struct config_source *s, const config_setting_t *group, struct service_config *service)
{
    const config_setting_t *meta = config_setting_get_member(group, "meta");
    if (!meta || !config_setting_is_group(meta))
        return;
    for (int i = 0; i < config_setting_length(meta); i++)
        take_pair(s, config_setting_get_elem(meta, (unsigned)i), service);
}

/* Says what is wrong where it stands. */
static void complain_of(struct config_source *s, const config_setting_t *group, const char *key, const char *why)
{
    const config_setting_t *setting = key ? config_source_find(group, key) : NULL;
    config_complain(s, setting ? setting : group, "%s", why);
}

static int add_check(struct config_source *s, const config_setting_t *group, struct check_spec *spec,
                     struct service_config *service)
{
    char text[CHECK_SPEC_CAP], why[CONFIG_WHY_CAP];
    const char *key;
    int err = check_spec_verify(spec, config_setting_get_member(group, "timeout"), &key, why);
    if (err == -EINVAL) {
        complain_of(s, group, key, why);
        return 0;
    }
    if (!err)
        err = check_spec_format(spec, text);
    return err ? err : string_list_add(&service->checks, text);
}

static int take_check(struct config_source *s, const config_setting_t *group, void *service)
{
    struct check_spec spec = {.fall = 0};
    size_t complaints = s->report->n;
    int err = config_source_read_block(s, group, &check_keys, &spec);
    if (!err && s->report->n == complaints)
        err = add_check(s, group, &spec, service);
    check_spec_fini(&spec);
    return err;
}

static int take_block(struct config_source *s, const config_setting_t *group, const struct service_block *b,
                      struct service_config *service)
{
    char why[CONFIG_WHY_CAP];
    const char *key;
    snprintf(service->unit, sizeof service->unit, "%s", b->unit);
    if (service_config_fill(b, service, &key, why) < 0)
        complain_of(s, group, key, why);
    take_meta(s, group, service);
    return config_source_each(s, config_setting_get_member(group, "checks"), take_check, service);
}

/* -EINVAL: reported; -ENOMEM. ret_service is undefined then. */
static int read_service(struct config_source *s, const config_setting_t *group, struct service_config *ret_service)
{
    struct service_block block = {0};
    size_t complaints = s->report->n;
    *ret_service = (struct service_config){.unit = ""};
    record_init(&ret_service->record);
    int err = config_source_read_block(s, group, &service_keys, &block);
    if (!err && s->report->n == complaints)
        err = take_block(s, group, &block, ret_service);
    config_table_fini(&service_keys, &block);
    if (!err && s->report->n != complaints)
        err = -EINVAL;
    if (err)
        string_list_fini(&ret_service->checks);
    return err;
}

/* --- all of them --- */

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
    int err = read_service(s, group, &service);
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

__attribute__((format(printf, 4, 5))) static void complain(const struct service_set *set, size_t i,
                                                           struct config_report *report, const char *format, ...)
{
    const struct service_place *p = &set->places[i];
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    config_report(report, (struct config_place){p->file, p->line}, p->path, "%s", what);
}

static void name_of(const struct service_config *s, char ret_name[static SERVICE_NAME_CAP])
{
    snprintf(ret_name, SERVICE_NAME_CAP, "%s/%s %s", s->key.domain, s->key.service, s->key.instance);
}

/* Remembers the name, or says where it stands already. */
static int refuse_duplicate(struct service_set *set, size_t i, struct config_report *report)
{
    const struct service_config *s = &set->services[i];
    struct service_name *name = calloc(1, sizeof *name), *known;
    if (!name)
        return -ENOMEM;
    name_of(s, name->text);
    name->index = i;
    HASH_FIND_STR(set->names, name->text, known);
    if (known) {
        const struct service_place *first = &set->places[known->index];
        complain(set, i, report, "%s/%s, instance %s, is in %s:%u already", s->key.domain, s->key.service,
                 s->key.instance, first->file, first->line);
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
    const char *hostname = set->services[i].record.hostname, *zone = zones_find(&config->dns.zones, hostname);
    if (hostname[0] && zone)
        complain(set, i, report, "address: a host name below our own zone %s", zone);
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
        complain(set, i, report, "%s", why);
    else if (record_encode(&r, bytes, &n) < 0 || n > limit)
        complain(set, i, report, "takes more bytes than limits.record_bytes allows");
}

static void refuse_many_checks(const struct service_set *set, size_t i, size_t limit, struct config_report *report)
{
    if (set->services[i].checks.n > limit)
        complain(set, i, report, "more checks than limits.checks_per_instance allows (%zu)", limit);
}

static void refuse_loopback(const struct service_set *set, size_t i, const struct config *config,
                            struct config_report *report)
{
    const char *why = record_unreachable(&set->services[i].record, config->allow_loopback);
    if (why)
        complain(set, i, report, "address: %s", why);
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
