/* SPDX-License-Identifier: Apache-2.0 */
/* One configuration file, parsed, and read by a table of keys. */
#include "daemon/config/config_source.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void config_complain(struct config_source *s, const config_setting_t *setting, const char *format, ...)
{
    char path[CONFIG_PATH_CAP], reason[CONFIG_WHY_CAP + CONFIG_PATH_CAP];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    config_setting_path(setting, path);
    (void)config_report(s->report, config_source_place(s, setting), path, "%s", reason);
}

/* Its parser calls nesting that would overflow its stack a lack of memory. */
static const char *parse_error(const config_t *tree)
{
    const char *text = config_error_text(tree);
    return strcmp(text, "memory exhausted") == 0 ? "nested too deep" : text;
}

int config_source_open(const char *path, struct config_report *report, struct config_source *ret_source)
{
    struct config_source *s = ret_source;
    int err = config_text_read(path, report, &s->text);
    s->report = report;
    config_init(&s->tree);
    if (!err && config_read_string(&s->tree, s->text.bytes) != CONFIG_TRUE)
        err = config_report(report, config_text_place(&s->text, (unsigned)config_error_line(&s->tree)), "", "%s",
                            parse_error(&s->tree));
    if (err)
        config_source_close(s);
    return err;
}

void config_source_close(struct config_source *s)
{
    config_destroy(&s->tree);
    config_text_fini(&s->text);
}

struct config_place config_source_place(const struct config_source *s, const config_setting_t *setting)
{
    /* For a plain value in a list libconfig has the line of the token behind it: so the line of the list is taken. */
    while (!setting->name && setting->parent && !config_setting_is_group(setting))
        setting = setting->parent;
    return config_text_place(&s->text, config_setting_source_line(setting));
}

const config_setting_t *config_source_find(const config_setting_t *group, const char *path)
{
    return config_setting_lookup((config_setting_t *)group, path); /* which it does not change */
}

void config_setting_path(const config_setting_t *setting, char ret_path[static CONFIG_PATH_CAP])
{
    if (!setting->parent) {
        ret_path[0] = '\0';
        return;
    }
    config_setting_path(setting->parent, ret_path);
    size_t used = strlen(ret_path);
    char *end = ret_path + used;
    if (setting->name)
        snprintf(end, CONFIG_PATH_CAP - used, "%s%s", used ? "." : "", setting->name);
    else
        snprintf(end, CONFIG_PATH_CAP - used, "[%d]", config_setting_index(setting));
}

static const char *type_text(const config_setting_t *setting)
{
    static const char *const texts[] = {
        [CONFIG_TYPE_GROUP] = "a group",
        [CONFIG_TYPE_INT] = "a number",
        [CONFIG_TYPE_INT64] = "a number",
        [CONFIG_TYPE_FLOAT] = "a number with a point",
        [CONFIG_TYPE_STRING] = "a text in quotes",
        [CONFIG_TYPE_BOOL] = "true or false",
        [CONFIG_TYPE_ARRAY] = "a list",
        [CONFIG_TYPE_LIST] = "a list",
    };
    return texts[config_setting_type(setting)];
}

static bool is_list(const config_setting_t *setting)
{
    return config_setting_is_array(setting) || config_setting_is_list(setting);
}

unsigned config_source_length(const config_setting_t *list)
{
    return list && is_list(list) ? (unsigned)config_setting_length(list) : 0;
}

/* How a value of a form is written, and the types that it may have. */
static const struct form {
    const char *text;
    int type, other;
} forms[] = {
    [FORM_TEXT] = {"a text in quotes", CONFIG_TYPE_STRING, CONFIG_TYPE_STRING},
    [FORM_NUMBER] = {"a whole number", CONFIG_TYPE_INT, CONFIG_TYPE_INT64},
    [FORM_BOOLEAN] = {"true or false", CONFIG_TYPE_BOOL, CONFIG_TYPE_BOOL},
    [FORM_BLOCKS] = {"a list of groups ( { ... } )", CONFIG_TYPE_ARRAY, CONFIG_TYPE_LIST},
    [FORM_PAIRS] = {"a group { ... }", CONFIG_TYPE_GROUP, CONFIG_TYPE_GROUP},
};

bool config_source_check_form(struct config_source *s, const config_setting_t *setting, enum value_form form)
{
    const struct form *f = &forms[form];
    int type = config_setting_type(setting);
    bool ok = type == f->type || type == f->other;
    if (!ok)
        config_complain(s, setting, "must be %s, not %s", f->text, type_text(setting));
    return ok;
}

int config_source_each(struct config_source *s, const config_setting_t *list, config_group_fn *fn, void *arg)
{
    int err = 0;
    for (unsigned i = 0; i < config_source_length(list) && !err; i++) {
        const config_setting_t *group = config_setting_get_elem(list, i);
        if (config_source_check_form(s, group, FORM_PAIRS))
            err = fn(s, group, arg);
    }
    return err;
}

/* A value as the text that value_set takes. */
static const char *scalar_text(const config_setting_t *setting, char buffer[static 32])
{
    if (config_setting_type(setting) == CONFIG_TYPE_STRING)
        return config_setting_get_string(setting);
    if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
        return config_setting_get_bool(setting) ? "true" : "false";
    snprintf(buffer, 32, "%lld", config_setting_get_int64(setting));
    return buffer;
}

static int apply_scalar(struct config_source *s, const config_setting_t *setting, const struct config_key *key,
                        void *base)
{
    char buffer[32], why[CONFIG_WHY_CAP];
    if (!config_source_check_form(s, setting, value_form(key->kind)))
        return 0;
    int err = value_set(key, scalar_text(setting, buffer), base, why);
    if (err == -EINVAL)
        config_complain(s, setting, "%s", why);
    return err == -EINVAL ? 0 : err;
}

static int append_element(struct config_source *s, const config_setting_t *element, const struct config_key *key,
                          struct string_list *list)
{
    char why[CONFIG_WHY_CAP];
    if (!config_source_check_form(s, element, FORM_TEXT))
        return 0;
    int err = value_append(key, config_setting_get_string(element), list, why);
    if (err == -EINVAL)
        config_complain(s, element, "%s", why);
    return err == -EINVAL ? 0 : err;
}

static int apply_list(struct config_source *s, const config_setting_t *setting, const struct config_key *key,
                      void *base)
{
    struct string_list list = {NULL, 0};
    char why[CONFIG_WHY_CAP];
    if (!is_list(setting)) {
        config_complain(s, setting, "must be a list [ \"...\" ], not %s", type_text(setting));
        return 0;
    }
    int err = 0, n = config_setting_length(setting);
    for (int i = 0; i < n && !err; i++)
        err = append_element(s, config_setting_get_elem(setting, (unsigned)i), key, &list);
    /* Elements that were refused have been reported; then it is not for being empty that it is refused. */
    if (!err && (list.n > 0 || n == 0))
        err = value_set_list(key, &list, base, why);
    string_list_fini(&list);
    if (err == -EINVAL)
        config_complain(s, setting, "%s", why);
    return err == -EINVAL ? 0 : err;
}

static void complain_unknown(struct config_source *s, const config_setting_t *setting, const struct config_table *t,
                             const char *path)
{
    char meant[CONFIG_PATH_CAP];
    if (config_table_suggest(t, path, meant))
        config_complain(s, setting, "unknown key; did you mean %s?", meant);
    else
        config_complain(s, setting, "unknown key");
}

static int apply_group(struct config_source *s, const config_setting_t *group, const char *prefix,
                       const struct config_table *t, void *base);

static int apply_member(struct config_source *s, const config_setting_t *setting, const char *path,
                        const struct config_table *t, void *base)
{
    const struct config_key *key = config_table_find(t, path);
    enum value_form form = key ? value_form(key->kind) : FORM_PAIRS;
    if (!key && !config_table_has_group(t, path)) {
        complain_unknown(s, setting, t, path);
        return 0;
    }
    if (key && key->items_max)
        return apply_list(s, setting, key, base);
    if (key && form != FORM_BLOCKS && form != FORM_PAIRS)
        return apply_scalar(s, setting, key, base);
    if (!config_source_check_form(s, setting, form) || key)
        return 0;
    return apply_group(s, setting, path, t, base);
}

static int apply_group(struct config_source *s, const config_setting_t *group, const char *prefix,
                       const struct config_table *t, void *base)
{
    int err = 0;
    for (int i = 0; i < config_setting_length(group) && !err; i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        char path[CONFIG_PATH_CAP];
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", config_setting_name(setting));
        err = apply_member(s, setting, path, t, base);
    }
    return err;
}

int config_source_apply(struct config_source *s, const config_setting_t *group, const struct config_table *t,
                        void *base)
{
    return apply_group(s, group, "", t, base);
}

int config_source_read_block(struct config_source *s, const config_setting_t *group, const struct config_table *t,
                             void *base)
{
    int err = config_table_init(t, base);
    if (!err)
        err = config_source_apply(s, group, t, base);
    for (size_t i = 0; i < t->n && !err; i++)
        if (!t->keys[i].preset && !config_setting_get_member(group, t->keys[i].path))
            config_complain(s, group, "%s is missing", t->keys[i].path);
    return err;
}
