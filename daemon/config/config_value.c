/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of values: one row each. */
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

#define VALUE_TEXT_CAP 4096

enum value_store { STORE_TEXT, STORE_U32, STORE_NS, STORE_BOOL, STORE_NOTHING };

static const struct kind {
    const char *name, *plural;
    enum value_form form;
    enum value_store store;
    const char *(*check)(
        const char *text); /* of a text that is not empty: NULL, or "must be ...", or what it is instead */
    nearest_fn *nearest;   /* NULL: nobody guesses */
} kinds[] = {
    [VALUE_LABEL] = {"name", "names", FORM_TEXT, STORE_TEXT, syntax_label, nearest_label},
    [VALUE_MACHINE] = {"name", "names", FORM_TEXT, STORE_TEXT, syntax_label, nearest_machine},
    [VALUE_TAG] = {"text", "texts", FORM_TEXT, STORE_TEXT, syntax_tag},
    [VALUE_SERVICE] = {"domain/service", "services", FORM_TEXT, STORE_TEXT, syntax_service, service_nearest},
    [VALUE_PATTERN] = {"service pattern", "service patterns", FORM_TEXT, STORE_TEXT, syntax_pattern},
    [VALUE_TOKEN] = {"word", "words", FORM_TEXT, STORE_TEXT, syntax_token},
    [VALUE_TEXT] = {"text", "texts", FORM_TEXT, STORE_TEXT, syntax_text},
    [VALUE_PATH] = {"path", "paths", FORM_TEXT, STORE_TEXT, syntax_path},
    [VALUE_NATS_URL] = {"URL", "URLs", FORM_TEXT, STORE_TEXT, syntax_nats_url},
    [VALUE_HTTP_URL] = {"URL", "URLs", FORM_TEXT, STORE_TEXT, syntax_http_url},
    [VALUE_HEADER] = {"header", "headers", FORM_TEXT, STORE_TEXT, syntax_http_header},
    [VALUE_RATIO] = {"ratio", "ratios", FORM_TEXT, STORE_TEXT, syntax_ratio},
    [VALUE_CODES] = {"code", "codes", FORM_TEXT, STORE_TEXT, syntax_http_codes},
    [VALUE_METHOD] = {"method", "methods", FORM_TEXT, STORE_TEXT, syntax_http_method},
    [VALUE_GRPC] = {"host:port/service", "host:port/service", FORM_TEXT, STORE_TEXT, syntax_grpc},
    [VALUE_ARGUMENT] = {"text", "texts", FORM_TEXT, STORE_TEXT, syntax_text},
    [VALUE_UNIT] = {"unit", "units", FORM_TEXT, STORE_TEXT, syntax_unit},
    [VALUE_PROCESS] = {"process", "processes", FORM_TEXT, STORE_TEXT, syntax_process},
    [VALUE_HOST] = {"host name", "host names", FORM_TEXT, STORE_TEXT, syntax_host},
    [VALUE_ENDPOINT] = {"address:port", "address:port", FORM_TEXT, STORE_TEXT, syntax_endpoint},
    [VALUE_TARGET] = {"host:port", "host:port", FORM_TEXT, STORE_TEXT, syntax_target},
    [VALUE_OWN] = {"address", "addresses", FORM_TEXT, STORE_TEXT, syntax_own_address},
    [VALUE_ADDRESS] = {"address", "addresses", FORM_TEXT, STORE_TEXT, syntax_address},
    [VALUE_NETWORK] = {"network", "networks", FORM_TEXT, STORE_TEXT, syntax_network},
    [VALUE_ZONE] = {"domain name", "domain names", FORM_TEXT, STORE_TEXT, syntax_zone},
    [VALUE_NUMBER] = {"number", NULL, FORM_NUMBER, STORE_U32, NULL},
    [VALUE_LEVEL] = {"level", NULL, FORM_TEXT, STORE_U32, NULL},
    [VALUE_PROTOCOL] = {"protocol", NULL, FORM_TEXT, STORE_U32, NULL},
    [VALUE_ON_STOP] = {"keep or leave", NULL, FORM_TEXT, STORE_U32, NULL},
    [VALUE_INITIAL] = {"passing or critical", NULL, FORM_TEXT, STORE_U32, NULL},
    [VALUE_DURATION] = {"duration", NULL, FORM_TEXT, STORE_NS, NULL},
    [VALUE_SECONDS] = {"duration", NULL, FORM_TEXT, STORE_NS, NULL},
    [VALUE_BOOLEAN] = {"true or false", NULL, FORM_BOOLEAN, STORE_BOOL, NULL},
    [VALUE_BLOCKS] = {"list of groups", NULL, FORM_BLOCKS, STORE_NOTHING, NULL},
    [VALUE_PAIRS] = {"group of texts", NULL, FORM_PAIRS, STORE_NOTHING, NULL},
};

/* Words that stand for numbers. */
static const struct word {
    enum value_kind kind;
    const char *text;
    uint32_t number;
} words[] = {
    {VALUE_LEVEL, "error", LOG_ERR},
    {VALUE_LEVEL, "warning", LOG_WARNING},
    {VALUE_LEVEL, "notice", LOG_NOTICE},
    {VALUE_LEVEL, "info", LOG_INFO},
    {VALUE_LEVEL, "debug", LOG_DEBUG},
    {VALUE_PROTOCOL, "tcp", DISCOVER_TCP},
    {VALUE_PROTOCOL, "udp", DISCOVER_UDP},
    {VALUE_ON_STOP, "keep", ON_STOP_KEEP},
    {VALUE_ON_STOP, "leave", ON_STOP_LEAVE},
    {VALUE_INITIAL, "passing", DISCOVER_PASSING},
    {VALUE_INITIAL, "critical", DISCOVER_CRITICAL},
};

__attribute__((format(printf, 2, 3))) static int refuse(char ret_why[static CONFIG_WHY_CAP], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_why, CONFIG_WHY_CAP, format, args);
    va_end(args);
    return -EINVAL;
}

enum value_form value_form(enum value_kind kind)
{
    return kinds[kind].form;
}

void value_kind_text(const struct config_key *key, char ret_text[static 64])
{
    const struct kind *kind = &kinds[key->kind];
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
    else if (kinds[key->kind].store == STORE_NS) {
        duration_format(key->min, min);
        duration_format(key->max, max);
        snprintf(ret_text, 64, "%s..%s", min, max);
    }
}

/* Says what would be a good one instead, behind what is said. */
static int refuse_text(const struct config_key *key, const char *text, char why[static CONFIG_WHY_CAP])
{
    char meant[SERVICE_CAP];
    nearest_fn *nearest = kinds[key->kind].nearest;
    size_t n = strlen(why);
    if (nearest && nearest(text, meant))
        snprintf(why + n, CONFIG_WHY_CAP - n, "; did you mean \"%s\"?", meant);
    return -EINVAL;
}

static int check_text(const struct config_key *key, const char *text, char ret_why[static CONFIG_WHY_CAP])
{
    size_t n = strlen(text);
    if (n == 0)
        return key->min > 0 ? refuse(ret_why, "must not be empty") : 0;
    if (n > (size_t)key->max) {
        (void)refuse(ret_why, "longer than %" PRId64 " bytes", key->max);
        return refuse_text(key, text, ret_why);
    }
    const char *must = kinds[key->kind].check(text);
    if (!must)
        return 0;
    /* Somebody may have put a password there, which has no place in a log. */
    bool secret = key->kind == VALUE_NATS_URL && strchr(text, '@');
    /* A noun says what it is instead ("a multicast address"). */
    bool noun = strncmp(must, "a ", 2) == 0 || strncmp(must, "an ", 3) == 0 || strncmp(must, "the ", 4) == 0;
    if (secret)
        return refuse(ret_why, "%s", must);
    (void)refuse(ret_why, "\"%s\" %s%s", text, noun ? "is " : "", must);
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
        return refuse(ret_why, "\"%s\" must be a duration such as \"10s\" or \"500ms\"", text);
    value_range_text(key, range);
    if (err || ns < key->min || ns > key->max)
        return refuse(ret_why, "%s is out of range %s", text, range);
    if (key->kind == VALUE_SECONDS && ns % NS_PER_S != 0)
        return refuse(ret_why, "%s must be whole seconds", text);
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
        return refuse(ret_why, "\"%s\" must be a whole number", text);
    value_range_text(key, range);
    if (errno || number < key->min || number > key->max)
        return refuse(ret_why, "%s is out of range %s", text, range);
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
        if (strcmp(words[i].text, text) == 0) {
            *field = words[i].number;
            return 0;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", words[i].text);
    }
    return refuse(ret_why, "\"%s\" is none of %s", text, all);
}

static int boolean_set(const char *text, bool *field, char ret_why[static CONFIG_WHY_CAP])
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return refuse(ret_why, "\"%s\" must be true or false", text);
    *field = yes;
    return 0;
}

int value_set(const struct config_key *key, const char *text, void *base, char ret_why[static CONFIG_WHY_CAP])
{
    void *field = (char *)base + key->offset;
    switch (kinds[key->kind].store) {
    case STORE_TEXT:
        return text_set(key, text, field, ret_why);
    case STORE_NS:
        return duration_set(key, text, field, ret_why);
    case STORE_U32:
        return key->kind == VALUE_NUMBER ? number_set(key, text, field, ret_why) : word_set(key, text, field, ret_why);
    case STORE_BOOL:
        return boolean_set(text, field, ret_why);
    case STORE_NOTHING:
        break;
    }
    return refuse(ret_why, "cannot be set from text");
}

int value_append(const struct config_key *key, const char *text, struct string_list *list,
                 char ret_why[static CONFIG_WHY_CAP])
{
    int err = check_text(key, text, ret_why);
    if (err)
        return err;
    if (key->kind != VALUE_ARGUMENT && string_list_has(list, text))
        return refuse(ret_why, "\"%s\" is there already", text);
    if (list->n == key->items_max)
        return refuse(ret_why, "more than %u", key->items_max);
    return string_list_add(list, text);
}

int value_set_list(const struct config_key *key, struct string_list *list, void *base,
                   char ret_why[static CONFIG_WHY_CAP])
{
    struct string_list *field = (struct string_list *)((char *)base + key->offset);
    if (list->n < key->items_min)
        return refuse(ret_why, "must not be empty");
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
    enum value_store store = kinds[key->kind].store;
    if (store == STORE_TEXT && !key->items_max) {
        char *copy = strdup(key->preset ? key->preset : "");
        *(char **)((char *)base + key->offset) = copy;
        return copy ? 0 : -ENOMEM;
    }
    return store == STORE_NOTHING || !key->preset ? 0 : value_set_any(key, key->preset, base, why);
}

static const char *word_text(enum value_kind kind, uint32_t number)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == kind && words[i].number == number)
            return words[i].text;
    return "";
}

int value_format(const struct config_key *key, const void *base, char *ret_text, size_t cap)
{
    const void *field = (const char *)base + key->offset;
    char duration[DURATION_CAP];
    int n = 0;
    switch (kinds[key->kind].store) {
    case STORE_TEXT:
        n = snprintf(ret_text, cap, "%s", *(char *const *)field);
        break;
    case STORE_NS:
        duration_format(*(const int64_t *)field, duration);
        n = snprintf(ret_text, cap, "%s", duration);
        break;
    case STORE_U32:
        n = key->kind == VALUE_NUMBER ? snprintf(ret_text, cap, "%" PRIu32, *(const uint32_t *)field)
                                      : snprintf(ret_text, cap, "%s", word_text(key->kind, *(const uint32_t *)field));
        break;
    case STORE_BOOL:
        n = snprintf(ret_text, cap, "%s", *(const bool *)field ? "true" : "false");
        break;
    case STORE_NOTHING:
        break;
    }
    return n < 0 || (size_t)n >= cap ? -EMSGSIZE : 0;
}

void value_fini(const struct config_key *key, void *base)
{
    void *field = (char *)base + key->offset;
    if (key->items_max)
        string_list_fini(field);
    else if (kinds[key->kind].store == STORE_TEXT) {
        free(*(char **)field);
        *(char **)field = NULL;
    }
}

bool value_equal(const struct config_key *key, const void *a, const void *b)
{
    const void *field_a = (const char *)a + key->offset, *field_b = (const char *)b + key->offset;
    if (key->items_max)
        return string_list_equal(field_a, field_b);
    switch (kinds[key->kind].store) {
    case STORE_TEXT:
        return strcmp(*(char *const *)field_a, *(char *const *)field_b) == 0;
    case STORE_NS:
        return *(const int64_t *)field_a == *(const int64_t *)field_b;
    case STORE_U32:
        return *(const uint32_t *)field_a == *(const uint32_t *)field_b;
    case STORE_BOOL:
        return *(const bool *)field_a == *(const bool *)field_b;
    case STORE_NOTHING:
        break;
    }
    return true;
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
