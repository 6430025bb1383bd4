/* SPDX-License-Identifier: Apache-2.0 */
/* One group of `services`. */
#include "daemon/config/config_service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/config_keys.h"

static void take_addresses(struct config_source *s, const config_setting_t *group, const struct string_list *list,
                           struct record *r)
{
    const char *why;
    for (size_t i = 0; i < list->n; i++)
        if (record_add_endpoint(r, list->items[i], &why) < 0)
            config_complain(s, config_setting_get_member(group, "address"), "%s", why);
}

static void take_pair(struct config_source *s, const config_setting_t *pair, struct record *r)
{
    if (!config_source_check_form(s, pair, FORM_TEXT))
        return;
    int err = record_set_meta(r, config_setting_name(pair), config_setting_get_string(pair));
    if (err == -E2BIG)
        config_complain(s, pair, "more than %d pairs", RECORD_META_MAX);
    else if (err)
        config_complain(s, pair, "%s", meta_refused(config_setting_name(pair), config_setting_get_string(pair)));
}

static void take_meta(struct config_source *s, const config_setting_t *group, struct record *r)
{
    const config_setting_t *meta = config_setting_get_member(group, "meta");
    if (!meta || !config_setting_is_group(meta))
        return;
    for (int i = 0; i < config_setting_length(meta); i++)
        take_pair(s, config_setting_get_elem(meta, (unsigned)i), r);
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

static int take_check(struct config_source *s, const config_setting_t *group, struct service_config *service)
{
    if (!config_source_check_form(s, group, FORM_PAIRS))
        return 0;
    struct check_spec spec = {.fall = 0};
    size_t complaints = s->report->n;
    int err = config_source_read_block(s, group, &check_keys, &spec);
    if (!err && s->report->n == complaints)
        err = add_check(s, group, &spec, service);
    check_spec_fini(&spec);
    return err;
}

static int take_checks(struct config_source *s, const config_setting_t *group, struct service_config *service)
{
    const config_setting_t *checks = config_setting_get_member(group, "checks");
    int err = 0;
    if (!checks || config_setting_is_group(checks) || config_setting_is_scalar(checks))
        return 0;
    for (int i = 0; i < config_setting_length(checks) && !err; i++)
        err = take_check(s, config_setting_get_elem(checks, (unsigned)i), service);
    return err;
}

static void take_names(struct config_source *s, const config_setting_t *group, const struct service_block *b,
                       struct service_config *service)
{
    char instance[LABEL_CAP + 16];
    (void)service_parse(b->name, service->key.domain, service->key.service); /* the table has seen to it */
    snprintf(instance, sizeof instance, "%s-%u", service->key.service, b->port);
    const char *name = b->instance[0] ? b->instance : instance;
    if (label_copy(service->key.instance, name, strlen(name)) < 0)
        config_complain(s, group, "instance is missing, and \"%s\" would be too long for it", instance);
}

static int service_from(struct config_source *s, const config_setting_t *group, const struct service_block *b,
                        struct service_config *service)
{
    struct record *r = &service->record;
    record_init(r);
    snprintf(service->unit, sizeof service->unit, "%s", b->unit);
    take_names(s, group, b, service);
    r->port = (uint16_t)b->port;
    r->weight = b->weight;
    r->priority = (uint16_t)b->priority;
    r->protocol = (uint8_t)b->proto;
    r->unexported = !b->exported;
    take_addresses(s, group, &b->address, r);
    for (size_t i = 0; i < b->tags.n; i++)
        (void)record_add_tag(r, b->tags.items[i]); /* the table has seen to it */
    take_meta(s, group, r);
    return take_checks(s, group, service);
}

int config_service_read(struct config_source *s, const config_setting_t *group, struct service_config *ret_service)
{
    struct service_block block = {0};
    size_t complaints = s->report->n;
    ret_service->checks = (struct string_list){NULL, 0};
    ret_service->unit[0] = '\0';
    if (!config_source_check_form(s, group, FORM_PAIRS))
        return -EINVAL;
    int err = config_source_read_block(s, group, &service_keys, &block);
    if (!err && s->report->n == complaints)
        err = service_from(s, group, &block, ret_service);
    config_table_fini(&service_keys, &block);
    if (!err && s->report->n != complaints)
        err = -EINVAL;
    if (err)
        string_list_fini(&ret_service->checks);
    return err;
}
