/* SPDX-License-Identifier: Apache-2.0 */
/* Parses, checks, stores and prints values of a configuration by their kind. */
#include "daemon/config/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "daemon/config/config_syntax.h"
#include "daemon/config/duration.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define VALUE_TEXT_CAP 4096

static const char *on_stop_word(int on_stop)
{
    return on_stop == ON_STOP_KEEP ? "keep" : "leave";
}

/* Numbers that words stand for, in the order in which they are offered. */
static const struct word {
    enum value_kind kind;
    uint32_t number;
    const char *(*text)(int number);
} words[] = {
    {VALUE_LEVEL, LOG_ERR, level_word},
    {VALUE_LEVEL, LOG_WARNING, level_word},
    {VALUE_LEVEL, LOG_NOTICE, level_word},
    {VALUE_LEVEL, LOG_INFO, level_word},
    {VALUE_LEVEL, LOG_DEBUG, level_word},
    {VALUE_PROTOCOL, DISCOVER_TCP, protocol_word},
    {VALUE_PROTOCOL, DISCOVER_UDP, protocol_word},
    {VALUE_ON_STOP, ON_STOP_KEEP, on_stop_word},
    {VALUE_ON_STOP, ON_STOP_LEAVE, on_stop_word},
    {VALUE_INITIAL, DISCOVER_PASSING, state_word},
    {VALUE_INITIAL, DISCOVER_CRITICAL, state_word},
};

int value_refuse(char ret_why[static CONFIG_WHY_CAP], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_why, CONFIG_WHY_CAP, format, args);
    va_end(args);
    return -EINVAL;
}

enum value_form value_form(enum value_kind kind)
{
    static const enum value_form forms[] = {
        [STORE_TEXT] = FORM_TEXT,     [STORE_WORD] = FORM_TEXT,    [STORE_NS] = FORM_TEXT,
        [STORE_NUMBER] = FORM_NUMBER, [STORE_BOOL] = FORM_BOOLEAN, [STORE_BLOCKS] = FORM_BLOCKS,
        [STORE_PAIRS] = FORM_PAIRS,
    };
    return forms[value_kinds[kind].store];
}

void value_kind_text(const struct config_key *key, char ret_text[static 64])
{
    const struct value_rules *kind = &value_kinds[key->kind];
    snprintf(ret_text, 64, "%s%s", key->items_max ? "list of " : "", key->items_max ? kind->plural : kind->name);
}

void value_range_text(const struct config_key *key, char ret_text[static 64])
{
    char min[DURATION_CAP], max[DURATION_CAP];
    ret_text[0] = '\0';
    if (key->items_max)
        snprintf(ret_text, 64, "at most %u", key->items_max);
    else if (key->kind == VALUE_NUMBER)
        snprintf(ret_text, 64, "%" PRId64 "..%" PRId64, key->min, key->max);
    else if (value_kinds[key->kind].store == STORE_NS) {
        duration_format(key->min, min);
        duration_format(key->max, max);
        snprintf(ret_text, 64, "%s..%s", min, max);
    }
}

/* Appends a suggestion to why, if there is a valid value that may have been meant. */
static int refuse_text(const struct config_key *key, const char *text, char why[static CONFIG_WHY_CAP])
{
    char meant[SERVICE_CAP];
    const struct value_rules *kind = &value_kinds[key->kind];
    size_t n = strlen(why);
    if (kind->nearest && kind->nearest(text, meant))
        snprintf(why + n, CONFIG_WHY_CAP - n, "; did you mean \"%s\"?", meant);
    return -EINVAL;
}

static int check_text(const struct config_key *key, const char *text, char ret_why[static CONFIG_WHY_CAP])
{
    size_t n = strlen(text);
    if (n == 0)
        return key->min > 0 ? value_refuse(ret_why, "must not be empty") : 0;
    if (n > (size_t)key->max) {
        (void)value_refuse(ret_why, "longer than %" PRId64 " bytes", key->max);
        return refuse_text(key, text, ret_why);
    }
    const char *must = value_kinds[key->kind].check(text);
    if (!must)
        return 0;
    /* Somebody may have put a password there, which has no place in a log. */
    bool secret = key->kind == VALUE_NATS_URL && strchr(text, '@');
    /* A check returns "must be ...", or a noun for what the text is instead: "a multicast address". */
    bool noun = strncmp(must, "a ", 2) == 0 || strncmp(must, "an ", 3) == 0 || strncmp(must, "the ", 4) == 0;
    if (secret)
        return value_refuse(ret_why, "%s", must);
    (void)value_refuse(ret_why, "\"%s\" %s%s", text, noun ? "is " : "", must);
    return refuse_text(key, text, ret_why);
}

static int text_set(const struct config_key *key, const char *text, char **field, char ret_why[static CONFIG_WHY_CAP])
{
    int err = check_text(key, text, ret_why);
    if (err)
        return err;
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

static int duration_set(const struct config_key *key, const char *text, int64_t *field,
                        char ret_why[static CONFIG_WHY_CAP])
{
    int64_t ns;
    char range[64];
    int err = duration_parse(text, &ns);
    if (err == -EINVAL)
        return value_refuse(ret_why, "\"%s\" must be a duration such as \"10s\" or \"500ms\"", text);
    value_range_text(key, range);
    if (err || ns < key->min || ns > key->max)
        return value_refuse(ret_why, "%s is out of range %s", text, range);
    if (key->kind == VALUE_SECONDS && ns % NS_PER_S != 0)
        return value_refuse(ret_why, "%s must be whole seconds", text);
    *field = ns;
    return 0;
}

static int number_set(const struct config_key *key, const char *text, uint32_t *field,
                      char ret_why[static CONFIG_WHY_CAP])
{
    char *end, range[64];
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end)
        return value_refuse(ret_why, "\"%s\" must be a whole number", text);
    value_range_text(key, range);
    if (errno || number < key->min || number > key->max)
        return value_refuse(ret_why, "%s is out of range %s", text, range);
    *field = (uint32_t)number;
    return 0;
}

static int word_set(const struct config_key *key, const char *text, uint32_t *field,
                    char ret_why[static CONFIG_WHY_CAP])
{
    char all[128] = "";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].kind != key->kind)
            continue;
        const char *word = words[i].text((int)words[i].number);
        if (strcmp(word, text) == 0) {
            *field = words[i].number;
            return 0;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", word);
    }
    return value_refuse(ret_why, "\"%s\" is none of %s", text, all);
}

static int boolean_set(const char *text, bool *field, char ret_why[static CONFIG_WHY_CAP])
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return value_refuse(ret_why, "\"%s\" must be true or false", text);
    *field = yes;
    return 0;
}

int value_set(const struct config_key *key, const char *text, void *base, char ret_why[static CONFIG_WHY_CAP])
{
    void *field = (char *)base + key->offset;
    switch (value_kinds[key->kind].store) {
    case STORE_TEXT:
        return text_set(key, text, field, ret_why);
    case STORE_NS:
        return duration_set(key, text, field, ret_why);
    case STORE_NUMBER:
        return number_set(key, text, field, ret_why);
    case STORE_WORD:
        return word_set(key, text, field, ret_why);
    case STORE_BOOL:
        return boolean_set(text, field, ret_why);
    case STORE_BLOCKS:
    case STORE_PAIRS:
        break;
    }
    return value_refuse(ret_why, "cannot be set from text");
}

int value_append(const struct config_key *key, const char *text, struct string_list *list,
                 char ret_why[static CONFIG_WHY_CAP])
{
    int err = check_text(key, text, ret_why);
    if (err)
        return err;
    if (key->kind != VALUE_ARGUMENT && string_list_has(list, text))
        return value_refuse(ret_why, "\"%s\" is there already", text);
    if (list->n == key->items_max)
        return value_refuse(ret_why, "more than %u", key->items_max);
    return string_list_add(list, text);
}

int value_set_list(const struct config_key *key, struct string_list *list, void *base,
                   char ret_why[static CONFIG_WHY_CAP])
{
    struct string_list *field = (struct string_list *)((char *)base + key->offset);
    if (list->n < key->items_min)
        return value_refuse(ret_why, "must not be empty");
    string_list_fini(field);
    *field = *list;
    *list = (struct string_list){NULL, 0};
    return 0;
}

int value_set_any(const struct config_key *key, const char *text, void *base, char ret_why[static CONFIG_WHY_CAP])
{
    if (!key->items_max)
        return value_set(key, text, base, ret_why);
    struct string_list list = {NULL, 0};
    char *copy = strdup(text), *rest = NULL;
    int err = copy ? 0 : -ENOMEM;
    for (char *item = copy ? strtok_r(copy, " ", &rest) : NULL; item && !err; item = strtok_r(NULL, " ", &rest))
        err = value_append(key, item, &list, ret_why);
    if (!err)
        err = value_set_list(key, &list, base, ret_why);
    string_list_fini(&list);
    free(copy);
    return err;
}

int value_preset(const struct config_key *key, void *base)
{
    char why[CONFIG_WHY_CAP];
    enum value_store store = value_kinds[key->kind].store;
    if (store == STORE_TEXT && !key->items_max) {
        char *copy = strdup(key->preset ? key->preset : "");
        *(char **)((char *)base + key->offset) = copy;
        return copy ? 0 : -ENOMEM;
    }
    return value_form(key->kind) >= FORM_BLOCKS || !key->preset ? 0 : value_set_any(key, key->preset, base, why);
}

int value_take(const struct config_key *key, const char *text, bool again, void *base,
               char ret_why[static CONFIG_WHY_CAP])
{
    struct string_list *list = (struct string_list *)((char *)base + key->offset);
    if (!key->items_max)
        return again ? value_refuse(ret_why, "is there twice") : value_set(key, text, base, ret_why);
    if (!again)
        string_list_fini(list); /* drops the default */
    return value_append(key, text, list, ret_why);
}

static const char *word_text(enum value_kind kind, uint32_t number)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == kind && words[i].number == number)
            return words[i].text((int)number);
    return "";
}

int value_format(const struct config_key *key, const void *base, char *ret_text, size_t cap)
{
    const void *field = (const char *)base + key->offset;
    char duration[DURATION_CAP];
    int n = 0;
    switch (value_kinds[key->kind].store) {
    case STORE_TEXT:
        n = snprintf(ret_text, cap, "%s", *(char *const *)field);
        break;
    case STORE_NS:
        duration_format(*(const int64_t *)field, duration);
        n = snprintf(ret_text, cap, "%s", duration);
        break;
    case STORE_NUMBER:
        n = snprintf(ret_text, cap, "%" PRIu32, *(const uint32_t *)field);
        break;
    case STORE_WORD:
        n = snprintf(ret_text, cap, "%s", word_text(key->kind, *(const uint32_t *)field));
        break;
    case STORE_BOOL:
        n = snprintf(ret_text, cap, "%s", *(const bool *)field ? "true" : "false");
        break;
    case STORE_BLOCKS:
    case STORE_PAIRS:
        break;
    }
    return n < 0 || (size_t)n >= cap ? -EMSGSIZE : 0;
}

void value_fini(const struct config_key *key, void *base)
{
    void *field = (char *)base + key->offset;
    if (key->items_max)
        string_list_fini(field);
    else if (value_kinds[key->kind].store == STORE_TEXT) {
        free(*(char **)field);
        *(char **)field = NULL;
    }
}

/* Bytes of a member that is no list; 0 where nothing is stored. */
static size_t size_of(const struct config_key *key)
{
    static const size_t sizes[] = {
        [STORE_TEXT] = sizeof(char *),
        [STORE_NUMBER] = sizeof(uint32_t),
        [STORE_WORD] = sizeof(uint32_t),
        [STORE_NS] = sizeof(int64_t),
        [STORE_BOOL] = sizeof(bool),
        [STORE_BLOCKS] = 0,
        [STORE_PAIRS] = 0,
    };
    return sizes[value_kinds[key->kind].store];
}

void value_exchange(const struct config_key *key, void *a, void *b)
{
    char kept[sizeof(struct string_list)], *field_a = (char *)a + key->offset, *field_b = (char *)b + key->offset;
    size_t n = key->items_max ? sizeof kept : size_of(key);
    memcpy(kept, field_a, n);
    memcpy(field_a, field_b, n);
    memcpy(field_b, kept, n);
}

bool value_equal(const struct config_key *key, const void *a, const void *b)
{
    const void *field_a = (const char *)a + key->offset, *field_b = (const char *)b + key->offset;
    if (key->items_max)
        return string_list_equal(field_a, field_b);
    if (value_kinds[key->kind].store == STORE_TEXT)
        return strcmp(*(char *const *)field_a, *(char *const *)field_b) == 0;
    return memcmp(field_a, field_b, size_of(key)) == 0;
}

static void print_quoted(const char *text, FILE *out)
{
    fputc('"', out);
    for (const char *c = text; *c; c++)
        fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    fputc('"', out);
}

static void print_list(const struct string_list *list, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < list->n; i++) {
        fputs(i ? ", " : "", out);
        print_quoted(list->items[i], out);
    }
    fputc(']', out);
}

void value_print(const struct config_key *key, const void *base, FILE *out)
{
    char text[VALUE_TEXT_CAP] = "";
    if (key->items_max) {
        print_list((const struct string_list *)((const char *)base + key->offset), out);
        return;
    }
    (void)value_format(key, base, text, sizeof text); /* what is longer is cut */
    bool quoted = value_form(key->kind) == FORM_TEXT;
    if (quoted)
        print_quoted(text, out);
    else
        fputs(text, out);
}
