/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a service, with its record, of one group of `services` in the configuration. */
#include "daemon/config/config_service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/config_keys.h"

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
    const config_setting_t *setting = key ? config_setting_lookup((config_setting_t *)group, key) : NULL;
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

int config_service_read(struct config_source *s, const config_setting_t *group, struct service_config *ret_service)
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
