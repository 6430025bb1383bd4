/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what a section says as a group of `services`, line by line with the place of each, and has it read as those are. Checks
 * and pairs have no place in such a line and are added afterwards.
 */
#include "daemon/config/x_discover.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/check_spec.h"
#include "daemon/config/config_services.h"

#define LINE_CAP 2048 /* a longer one is refused */

enum written { TEXT, NUMBER, BOOLEAN, LIST, LATER };

static const struct word {
    const char *name, *key; /* as in a unit, and in the configuration */
    enum written written;
} words[] = {
    {"Service", "name", TEXT},         {"Instance", "instance", TEXT},
    {"Port", "port", NUMBER},          {"Address", "address", LIST},
    {"Protocol", "proto", TEXT},       {"Weight", "weight", NUMBER},
    {"Priority", "priority", NUMBER},  {"Tag", "tags", LIST},
    {"Meta", "meta", LATER},           {"Check", "checks", LATER},
    {"Exported", "exported", BOOLEAN},
};

#define WORDS (sizeof words / sizeof *words)

/* One assignment. */
struct line {
    const struct word *word; /* NULL: the section's head */
    unsigned number;
    char value[LINE_CAP];
};

struct reading {
    const struct x_discover_file *file;
    struct config_report report;
    struct line *lines;
    size_t n, cap;
};

static struct config_place place_of(const struct reading *r, unsigned line)
{
    return (struct config_place){r->file->path, line};
}

/* --- from the file to lines --- */

static struct line *add_line(struct reading *r, unsigned number)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 16;
        struct line *lines = realloc(r->lines, cap * sizeof *lines);
        if (!lines)
            return NULL;
        r->lines = lines;
        r->cap = cap;
    }
    struct line *line = &r->lines[r->n++];
    *line = (struct line){.number = number};
    return line;
}

static const struct word *find_word(const char *name)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

static char *trimmed(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

/* A line within the section. */
static int take_assignment(struct reading *r, char *text, unsigned number)
{
    char *equals = strchr(text, '=');
    if (!equals) {
        config_report(&r->report, place_of(r, number), "", "is no assignment (Key=value)");
        return 0;
    }
    *equals = '\0';
    const char *name = trimmed(text), *value = trimmed(equals + 1);
    const struct word *word = find_word(name);
    if (!word) {
        config_report(&r->report, place_of(r, number), name,
                      "there is no such key; there are Service, Instance, Port, Address, Protocol, Weight, Priority, "
                      "Tag, Meta and Check");
        return 0;
    }
    struct line *line = add_line(r, number);
    if (!line)
        return -ENOMEM;
    line->word = word;
    strcpy(line->value, value); /* it was a part of a line, which fits */
    return 0;
}

static int take_line(struct reading *r, const char *text, size_t n, unsigned number, bool *inside)
{
    char copy[LINE_CAP];
    snprintf(copy, sizeof copy, "%.*s", (int)n, text);
    char *line = trimmed(copy);
    if (*line == '[')
        *inside = strcmp(line, "[X-Discover]") == 0;
    if (*line == '[' && *inside)
        return add_line(r, number) ? 0 : -ENOMEM;
    if (!*inside || !*line || *line == '#' || *line == ';')
        return 0;
    if (n < sizeof copy)
        return take_assignment(r, line, number);
    config_report(&r->report, place_of(r, number), "", "the line is longer than %d bytes", LINE_CAP - 1);
    return 0;
}

static int read_lines(struct reading *r)
{
    bool inside = false;
    unsigned number = 0;
    int err = 0;
    for (const char *at = r->file->text; *at && !err;) {
        size_t n = strcspn(at, "\n");
        err = take_line(r, at, n, ++number, &inside);
        at += n + (at[n] == '\n');
    }
    return err;
}

/* --- from lines to a group --- */

static void quote(const char *value, char ret_text[static 2 * LINE_CAP + 3])
{
    char *to = ret_text;
    *to++ = '"';
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            *to++ = '\\';
        *to++ = *value;
    }
    strcpy(to, "\"");
}

static bool is_number(const char *value)
{
    size_t n = strspn(value, "0123456789");
    return n > 0 && n < 10 && !value[n];
}

/* The section of line i goes on to there. */
static size_t end_of(const struct reading *r, size_t i)
{
    size_t end = i + 1;
    while (end < r->n && r->lines[end].word)
        end++;
    return end;
}

static bool stands_before(const struct reading *r, size_t from, size_t i)
{
    for (size_t k = from; k < i; k++)
        if (r->lines[k].word == r->lines[i].word)
            return true;
    return false;
}

/* key = [ "a", "b" ]: all that the section says of it, where it says the first. */
static int write_list(struct reading *r, size_t i, size_t end, struct config_text *t)
{
    char quoted[2 * LINE_CAP + 3], text[2 * LINE_CAP + 64];
    const char *before = "";
    snprintf(text, sizeof text, "%s = [", r->lines[i].word->key);
    int err = config_text_add(t, text, place_of(r, r->lines[i].number));
    for (size_t k = i; k < end && !err; k++) {
        if (r->lines[k].word != r->lines[i].word)
            continue;
        quote(r->lines[k].value, quoted);
        snprintf(text, sizeof text, "%s %s", before, quoted);
        err = config_text_add(t, text, place_of(r, r->lines[k].number));
        before = ",";
    }
    return err ? err : config_text_add(t, "];", place_of(r, r->lines[i].number));
}

/* As in other sections of a unit (systemd.syntax(7)). NULL: none of these words, which the configuration complains of. */
static const char *boolean_of(const char *value)
{
    static const char *const words_of[][2] = {{"yes", "true"}, {"true", "true"},   {"on", "true"},   {"1", "true"},
                                              {"no", "false"}, {"false", "false"}, {"off", "false"}, {"0", "false"}};
    for (size_t i = 0; i < sizeof words_of / sizeof *words_of; i++)
        if (strcasecmp(value, words_of[i][0]) == 0)
            return words_of[i][1];
    return NULL;
}

/* What stands in the configuration without quotation marks; NULL: nothing of it. */
static const char *bare_of(const struct line *line)
{
    if (line->word->written == BOOLEAN)
        return boolean_of(line->value);
    return line->word->written == NUMBER && is_number(line->value) ? line->value : NULL;
}

static int write_scalar(struct reading *r, const struct line *line, struct config_text *t)
{
    char quoted[2 * LINE_CAP + 3], text[2 * LINE_CAP + 64];
    quote(line->value, quoted);
    const char *bare = bare_of(line);
    snprintf(text, sizeof text, "%s = %s;", line->word->key, bare ? bare : quoted);
    return config_text_add(t, text, place_of(r, line->number));
}

static int write_line(struct reading *r, size_t from, size_t i, size_t end, struct config_text *t)
{
    const struct line *line = &r->lines[i];
    if (line->word->written == LATER)
        return 0;
    bool repeated = stands_before(r, from, i);
    if (line->word->written == LIST)
        return repeated ? 0 : write_list(r, i, end, t);
    if (!repeated)
        return write_scalar(r, line, t);
    config_report(&r->report, place_of(r, line->number), line->word->name, "stands there twice");
    return 0;
}

static int write_section(struct reading *r, size_t i, struct config_text *t)
{
    size_t end = end_of(r, i);
    struct config_place head = place_of(r, r->lines[i].number);
    int err = config_text_add(t, "services = ( {", head);
    for (size_t k = i + 1; k < end && !err; k++)
        err = write_line(r, i + 1, k, end, t);
    return err ? err : config_text_add(t, "} );", head);
}

/* --- what is added afterwards --- */

static int add_check(struct reading *r, const struct line *line, struct service_config *service)
{
    char text[CHECK_SPEC_CAP], why[CONFIG_WHY_CAP];
    struct check_spec spec;
    int err = check_spec_parse(line->value, &spec, why);
    if (err == -EINVAL) {
        config_report(&r->report, place_of(r, line->number), "Check", "%s", why);
        return 0;
    }
    if (err)
        return err;
    err = check_spec_format(&spec, text);
    check_spec_fini(&spec);
    return err ? err : string_list_add(&service->checks, text);
}

static void add_pair(struct reading *r, struct line *line, struct service_config *service)
{
    char *equals = strchr(line->value, '=');
    struct config_place place = place_of(r, line->number);
    if (!equals) {
        config_report(&r->report, place, "Meta", "\"%s\" must be key=value", line->value);
        return;
    }
    *equals = '\0';
    int err = record_set_meta(&service->record, line->value, equals + 1);
    if (err == -E2BIG)
        config_report(&r->report, place, "Meta", "more than %d pairs", RECORD_META_MAX);
    else if (err)
        config_report(&r->report, place, "Meta", "\"%s\": %s", line->value, meta_refused(line->value, equals + 1));
}

static int add_later(struct reading *r, size_t i, struct service_config *service)
{
    int err = 0;
    for (size_t k = i + 1; k < end_of(r, i) && !err; k++) {
        struct line *line = &r->lines[k];
        if (strcmp(line->word->name, "Check") == 0)
            err = add_check(r, line, service);
        else if (line->word->written == LATER)
            add_pair(r, line, service);
    }
    return err;
}

/* What else is wrong with a section that is wrong already. */
static int try_later(struct reading *r, size_t i)
{
    struct service_config nobody = {.unit = ""};
    record_init(&nobody.record);
    int err = add_later(r, i, &nobody);
    string_list_fini(&nobody.checks);
    return err;
}

/* --- all --- */

static int read_section(struct reading *r, size_t i, struct service_set *set)
{
    struct config_source source = {.report = NULL};
    size_t before = set->n;
    int err = write_section(r, i, &source.text);
    if (err) {
        config_text_fini(&source.text);
        return err;
    }
    err = config_source_take(&source, &r->report);
    if (err)
        return err == -EINVAL ? 0 : err;
    err = service_set_read(set, &source);
    config_source_close(&source);
    if (err)
        return err;
    if (set->n == before)
        return try_later(r, i);
    snprintf(set->services[before].unit, sizeof set->services[before].unit, "%s", r->file->unit);
    return add_later(r, i, &set->services[before]);
}

static int read_file(struct service_set *set, const struct config *config, struct reading *r)
{
    size_t before = set->n;
    int err = read_lines(r);
    for (size_t i = 0; i < r->n && !err; i = end_of(r, i))
        err = read_section(r, i, set);
    if (!err)
        err = service_set_check(set, before, &r->report, config);
    if (err || r->report.n > 0)
        service_set_cut(set, before);
    return err;
}

int x_discover_read(const struct config *config, const struct x_discover_file *files, size_t n, config_error_fn *fn,
                    void *arg, struct service_config **ret_services, size_t *ret_n, size_t *ret_refused)
{
    struct service_set set = {.n = 0};
    size_t refused = 0;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        struct reading r = {.file = &files[i], .report = {fn, arg, 0}};
        err = read_file(&set, config, &r);
        refused += r.report.n > 0;
        free(r.lines);
    }
    if (err) {
        service_set_fini(&set);
        return err;
    }
    *ret_services = set.services;
    *ret_n = set.n;
    *ret_refused = refused;
    set.services = NULL;
    set.n = 0;
    service_set_fini(&set);
    return 0;
}

void x_discover_free(struct service_config *services, size_t n)
{
    for (size_t i = 0; i < n; i++)
        string_list_fini(&services[i].checks);
    free(services);
}
