/* SPDX-License-Identifier: Apache-2.0 */
/* Reads sections [X-Discover] of unit files, line by line; values are checked by the table of the keys of `services`. */
#include "daemon/config/x_discover.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/config_services.h"

#define LINE_CAP 2048 /* a longer one is refused */

/* Names of a key in a unit file, and in the configuration. */
static const struct word {
    const char *name, *key;
} words[] = {
    {"Service", "name"},      {"Instance", "instance"}, {"Port", "port"},    {"Address", "address"},
    {"Protocol", "proto"},    {"Weight", "weight"},     {"Tag", "tags"},     {"Priority", "priority"},
    {"Exported", "exported"}, {"Meta", "meta"},         {"Check", "checks"},
};

#define WORDS (sizeof words / sizeof *words)

/* The reading of one file. */
struct reading {
    const struct x_discover_file *file;
    struct config_report report;
    struct service_set *set;
    unsigned line;

    unsigned head;                 /* line of the present section; 0: there is none */
    size_t reports;                /* number of reports before it began */
    struct service_block block;    /* its values by the table */
    uint64_t given;                /* a bit for each key of the table that it has */
    struct service_config service; /* checks and metadata, which the table does not hold */
};

static void complain(struct reading *r, unsigned line, const char *key, const char *why)
{
    (void)config_report(&r->report, (struct config_place){r->file->path, line}, key, "%s", why);
}

static const char *name_of(const char *key)
{
    size_t i = 0;
    while (i < WORDS - 1 && strcmp(words[i].key, key) != 0)
        i++;
    return words[i].name;
}

/* --- sections --- */

static int begin_section(struct reading *r)
{
    r->head = r->line;
    r->reports = r->report.n;
    r->block = (struct service_block){0};
    r->given = 0;
    r->service = (struct service_config){.unit = ""};
    snprintf(r->service.unit, sizeof r->service.unit, "%s", r->file->unit);
    record_init(&r->service.record);
    return config_table_init(&service_keys, &r->block);
}

static void check_missing(struct reading *r)
{
    char why[CONFIG_WHY_CAP];
    for (size_t i = 0; i < service_keys.n; i++) {
        snprintf(why, sizeof why, "%s is missing", name_of(service_keys.keys[i].path));
        if (!service_keys.keys[i].preset && !(r->given >> i & 1))
            complain(r, r->head, "", why);
    }
}

static int add_service(struct reading *r)
{
    char why[CONFIG_WHY_CAP];
    const char *key;
    if (service_config_fill(&r->block, &r->service, &key, why) < 0) {
        complain(r, r->head, key ? name_of(key) : "", why);
        return 0;
    }
    return service_set_add(r->set, &r->service, (struct config_place){r->file->path, r->head}, "");
}

static int end_section(struct reading *r)
{
    int err = 0;
    if (!r->head)
        return 0;
    check_missing(r);
    if (r->report.n == r->reports)
        err = add_service(r);
    string_list_fini(&r->service.checks);
    config_table_fini(&service_keys, &r->block);
    r->head = 0;
    return err;
}

/* --- lines --- */

/* As in other sections of a unit (systemd.syntax(7)). */
static const char *boolean_of(const char *value)
{
    static const char *const truths[] = {"1", "yes", "true", "on"}, *const lies[] = {"0", "no", "false", "off"};
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
        if (strcasecmp(value, truths[i]) == 0)
            return "true";
        if (strcasecmp(value, lies[i]) == 0)
            return "false";
    }
    return value;
}

static int take_check(struct reading *r, const char *value, char ret_why[static CONFIG_WHY_CAP])
{
    char text[CHECK_SPEC_CAP];
    struct check_spec spec;
    int err = check_spec_parse(value, &spec, ret_why);
    if (err)
        return err;
    err = check_spec_format(&spec, text);
    check_spec_fini(&spec);
    return err ? err : string_list_add(&r->service.checks, text);
}

static int take_pair(struct reading *r, char *value, char ret_why[static CONFIG_WHY_CAP])
{
    char why[CONFIG_WHY_CAP], *equals = strchr(value, '=');
    if (!equals)
        return value_refuse(ret_why, "\"%s\" must be key=value", value);
    *equals = '\0';
    int err = service_config_add_meta(&r->service, value, equals + 1, why);
    return err ? value_refuse(ret_why, "\"%s\": %.*s", value, CONFIG_WHY_CAP / 2, why) : 0;
}

static int take_value(struct reading *r, const char *path, char *value, char ret_why[static CONFIG_WHY_CAP])
{
    const struct config_key *key = config_table_find(&service_keys, path);
    uint64_t bit = UINT64_C(1) << (key - service_keys.keys);
    bool again = r->given & bit;
    r->given |= bit;
    if (key->kind == VALUE_PAIRS)
        return take_pair(r, value, ret_why);
    if (key->kind == VALUE_BLOCKS)
        return take_check(r, value, ret_why);
    return value_take(key, key->kind == VALUE_BOOLEAN ? boolean_of(value) : value, again, &r->block, ret_why);
}

static void complain_unknown(struct reading *r, const char *name)
{
    char why[CONFIG_WHY_CAP] = "there is no such key; there are";
    for (size_t i = 0; i < WORDS; i++) {
        size_t n = strlen(why);
        snprintf(why + n, sizeof why - n, "%s %s", i == 0 ? "" : i + 1 < WORDS ? "," : " and", words[i].name);
    }
    complain(r, r->line, name, why);
}

static char *trimmed(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

static int take_assignment(struct reading *r, char *text)
{
    char why[CONFIG_WHY_CAP], *equals = strchr(text, '=');
    size_t i = 0;
    if (!equals) {
        complain(r, r->line, "", "is no assignment (Key=value)");
        return 0;
    }
    *equals = '\0';
    const char *name = trimmed(text);
    while (i < WORDS && strcmp(words[i].name, name) != 0)
        i++;
    if (i == WORDS) {
        complain_unknown(r, name);
        return 0;
    }
    int err = take_value(r, words[i].key, trimmed(equals + 1), why);
    if (err == -EINVAL)
        complain(r, r->line, name, why);
    return err == -EINVAL ? 0 : err;
}

static int take_line(struct reading *r, const char *text, size_t n)
{
    char copy[LINE_CAP];
    snprintf(copy, sizeof copy, "%.*s", (int)n, text);
    char *line = trimmed(copy);
    if (*line == '[') {
        int err = end_section(r);
        return !err && strcmp(line, "[X-Discover]") == 0 ? begin_section(r) : err;
    }
    if (!r->head || !*line || *line == '#' || *line == ';')
        return 0;
    if (n < sizeof copy)
        return take_assignment(r, line);
    snprintf(copy, sizeof copy, "the line is longer than %d bytes", LINE_CAP - 1);
    complain(r, r->line, "", copy);
    return 0;
}

/* --- all --- */

static int read_lines(struct reading *r)
{
    int err = 0, end_err;
    for (const char *at = r->file->text; *at && !err;) {
        size_t n = strcspn(at, "\n");
        r->line++;
        err = take_line(r, at, n);
        at += n + (at[n] == '\n');
    }
    end_err = end_section(r);
    return err ? err : end_err;
}

static int read_file(const struct config *config, struct reading *r)
{
    size_t before = r->set->n;
    int err = read_lines(r);
    if (!err)
        err = service_set_check(r->set, before, &r->report, config);
    if (err || r->report.n > 0)
        service_set_cut(r->set, before);
    return err;
}

int x_discover_read(const struct config *config, const struct x_discover_file *files, size_t n, config_error_fn *fn,
                    void *arg, struct service_config **ret_services, size_t *ret_n, size_t *ret_refused)
{
    struct service_set set = {.n = 0};
    size_t refused = 0;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        struct reading r = {.file = &files[i], .report = {fn, arg, 0}, .set = &set};
        err = read_file(config, &r);
        refused += r.report.n > 0;
    }
    if (err) {
        service_set_fini(&set);
        return err;
    }
    service_set_finish(&set, ret_services, ret_n);
    *ret_refused = refused;
    return 0;
}
