/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, verifies and writes the description of a check. */
#include "daemon/config/check_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "libdiscover/core/clock.h"

#define TCP       (1 << CHECK_TCP)
#define HTTP      (1 << CHECK_HTTP)
#define GRPC      (1 << CHECK_GRPC)
#define EXEC      (1 << CHECK_EXEC)
#define TTL       (1 << CHECK_TTL)
#define UNIT      (1 << CHECK_UNIT)
#define PID       (1 << CHECK_PID)
#define PROBES    (TCP | HTTP | GRPC | EXEC) /* types with fall and rise: results in a row are counted */
#define TYPES_MAX 7

static const char *const type_words[] = {"tcp", "http", "grpc", "exec", "ttl", "unit", "pid"};

/* Which types a key is for; those that are not named are for all. */
static const struct scope {
    const char *key;
    unsigned types;
} scopes[] = {
    {"tcp", TCP},
    {"http", HTTP},
    {"grpc", GRPC},
    {"exec", EXEC},
    {"args", EXEC},
    {"ttl", TTL},
    {"unit", UNIT},
    {"pid", PID},
    {"method", HTTP},
    {"headers", HTTP},
    {"body", HTTP},
    {"codes", HTTP},
    {"match", HTTP},
    {"redirects", HTTP},
    {"socket", HTTP},
    {"tls.on", GRPC},
    {"tls.ca", HTTP | GRPC},
    {"tls.cert", HTTP | GRPC},
    {"tls.key", HTTP | GRPC},
    {"tls.server_name", HTTP | GRPC},
    {"tls.verify", HTTP | GRPC},
    {"interval", PROBES | PID},
    {"timeout", PROBES},
    {"fall", PROBES},
    {"rise", PROBES},
    {"warn", PROBES},
};

void check_spec_fini(struct check_spec *spec)
{
    config_table_fini(&check_keys, spec);
}

const char *check_type_word(enum check_type type)
{
    return type_words[type];
}

const char *check_spec_target(const struct check_spec *s)
{
    const char *const targets[] = {s->tcp, s->http, s->grpc, s->exec, "", s->unit, s->pid};
    return targets[s->type];
}

const char *check_spec_name(const struct check_spec *s)
{
    return s->name[0] ? s->name : type_words[s->type];
}

const char *check_spec_privilege(const struct check_spec *s)
{
    return s->type == CHECK_EXEC ? "exec"
           : s->socket[0]        ? "socket"
           : s->tls.key[0]       ? "tls.key"
           : s->tls.cert[0]      ? "tls.cert"
           : s->tls.ca[0]        ? "tls.ca"
           : s->pid[0] == '/'    ? "pid"
                                 : NULL;
}

/* --- rules --- */

static int find_type(struct check_spec *s, char ret_why[static CONFIG_WHY_CAP])
{
    const bool given[TYPES_MAX] = {*s->tcp, *s->http, *s->grpc, *s->exec, s->ttl_ns != 0, *s->unit, *s->pid};
    size_t n = 0;
    for (size_t i = 0; i < TYPES_MAX; i++) {
        n += given[i];
        if (given[i])
            s->type = (enum check_type)i;
    }
    return n == 1 ? 0 : value_refuse(ret_why, "must have one of tcp, http, grpc, exec, ttl, unit and pid");
}

/* Refuses keys that mean nothing for a check of this type. */
static int check_scopes(const struct check_spec *s, const char **ret_key, char ret_why[static CONFIG_WHY_CAP])
{
    struct check_spec presets = {.fall = 0};
    int err = config_table_init(&check_keys, &presets);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes && !err; i++) {
        const struct config_key *key = config_table_find(&check_keys, scopes[i].key);
        if (scopes[i].types & (1U << s->type) || value_equal(key, s, &presets))
            continue;
        *ret_key = key->path;
        err = value_refuse(ret_why, "means nothing for a check of kind %s", type_words[s->type]);
    }
    config_table_fini(&check_keys, &presets);
    return err;
}

static int check_tls(const struct check_spec *s, const char **ret_key, char ret_why[static CONFIG_WHY_CAP])
{
    const char *tls = s->type == CHECK_GRPC ? "tls.on" : "a URL that begins with https://";
    bool has_tls = s->tls.on || strncmp(s->http, "https://", 8) == 0;
    const struct {
        const char *key, *value, *needs;
        bool has;
    } rules[] = {
        {"tls.cert", s->tls.cert, "tls.key", *s->tls.key},
        {"tls.key", s->tls.key, "tls.cert", *s->tls.cert},
        {"tls.cert", s->tls.cert, tls, has_tls},
        {"tls.ca", s->tls.ca, tls, has_tls},
        {"tls.server_name", s->tls.server_name, tls, has_tls},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!*rules[i].value || rules[i].has)
            continue;
        *ret_key = rules[i].key;
        return value_refuse(ret_why, "needs %s", rules[i].needs);
    }
    return 0;
}

static int check_times(struct check_spec *s, bool timeout_given, const char **ret_key,
                       char ret_why[static CONFIG_WHY_CAP])
{
    if (s->timeout_ns > s->interval_ns && timeout_given) {
        *ret_key = "timeout";
        return value_refuse(ret_why, "longer than the interval");
    }
    if (s->timeout_ns > s->interval_ns)
        s->timeout_ns = s->interval_ns;
    if (s->warn >= s->fall && s->type < CHECK_TTL) {
        *ret_key = "warn";
        return value_refuse(ret_why, "must be less than fall");
    }
    if (s->ttl_ns != 0 && s->ttl_ns < 100 * NS_PER_MS) {
        *ret_key = "ttl";
        return value_refuse(ret_why, "must be at least 100ms");
    }
    return 0;
}

int check_spec_verify(struct check_spec *s, bool timeout_given, const char **ret_key,
                      char ret_why[static CONFIG_WHY_CAP])
{
    char text[CHECK_SPEC_CAP];
    *ret_key = NULL;
    int err = find_type(s, ret_why);
    if (!err)
        err = check_scopes(s, ret_key, ret_why);
    if (!err)
        err = check_tls(s, ret_key, ret_why);
    if (!err)
        err = check_times(s, timeout_given, ret_key, ret_why);
    if (!err && check_spec_format(s, text) < 0)
        err = value_refuse(ret_why, "longer than %d bytes in all", CHECK_SPEC_CAP - 1);
    return err;
}

/* --- as text --- */

/* Takes the value that begins at *at into buffer, and moves behind it. */
static int take_value(const char **at, char buffer[static CHECK_SPEC_CAP], char ret_why[static CONFIG_WHY_CAP])
{
    const char *c = *at;
    bool quoted = *c == '"';
    size_t n = 0;
    for (c += quoted; *c && (quoted ? *c != '"' : *c != ' '); c++) {
        if (quoted && *c == '\\' && (c[1] == '"' || c[1] == '\\'))
            c++;
        if (n + 1 < CHECK_SPEC_CAP)
            buffer[n++] = *c;
    }
    buffer[n] = '\0';
    if (quoted && (*c != '"' || (c[1] && c[1] != ' ')))
        return value_refuse(ret_why, *c ? "a blank must follow the quotes" : "the quotes are not closed");
    *at = c + quoted;
    return 0;
}

/* "key=value", the key in front of what is wrong. */
static int take_word(const char **at, struct check_spec *spec, uint64_t *given, char ret_why[static CONFIG_WHY_CAP])
{
    char name[64], value[CHECK_SPEC_CAP], why[CONFIG_WHY_CAP], meant[CONFIG_PATH_CAP];
    size_t n = strcspn(*at, "= ");
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), *at);
    if ((*at)[n] != '=')
        return value_refuse(ret_why, "\"%s\": must be KEY=VALUE such as tcp=127.0.0.1:8080", name);
    *at += n + 1;
    const struct config_key *key = config_table_find(&check_keys, name);
    if (!key && config_table_suggest(&check_keys, name, meant))
        return value_refuse(ret_why, "%s: unknown key; did you mean %s?", name, meant);
    if (!key)
        return value_refuse(ret_why, "%s: unknown key", name);
    uint64_t bit = UINT64_C(1) << (key - check_keys.keys);
    int err = take_value(at, value, why);
    if (!err)
        err = value_take(key, value, *given & bit, spec, why);
    if (err == -EINVAL)
        return value_refuse(ret_why, "%s: %.*s", name, CONFIG_WHY_CAP - 70, why);
    *given |= bit;
    return err;
}

static int parse_words(const char *text, struct check_spec *spec, char ret_why[static CONFIG_WHY_CAP])
{
    char why[CONFIG_WHY_CAP];
    const char *wrong;
    uint64_t given = 0;
    int err = 0;
    for (text += strspn(text, " "); *text && !err; text += strspn(text, " "))
        err = take_word(&text, spec, &given, ret_why);
    if (err)
        return err;
    const struct config_key *timeout = config_table_find(&check_keys, "timeout");
    err = check_spec_verify(spec, given >> (timeout - check_keys.keys) & 1, &wrong, why);
    return err == -EINVAL
               ? value_refuse(ret_why, "%s%s%.*s", wrong ? wrong : "", wrong ? ": " : "", CONFIG_WHY_CAP - 40, why)
               : err;
}

int check_spec_parse(const char *text, struct check_spec *ret_spec, char ret_why[static CONFIG_WHY_CAP])
{
    struct check_spec spec = {.fall = 0};
    if (strlen(text) >= CHECK_SPEC_CAP)
        return value_refuse(ret_why, "longer than %d bytes", CHECK_SPEC_CAP - 1);
    int err = config_table_init(&check_keys, &spec);
    if (!err)
        err = parse_words(text, &spec, ret_why);
    if (err)
        check_spec_fini(&spec);
    else
        *ret_spec = spec;
    return err;
}

struct writer {
    char *text;
    size_t n;
    bool full;
};

static void put(struct writer *w, char c)
{
    w->full |= w->n + 1 >= CHECK_SPEC_CAP;
    if (!w->full)
        w->text[w->n++] = c;
}

static void put_word(struct writer *w, const char *key, const char *value)
{
    bool quoted = !*value || strpbrk(value, " \"");
    if (w->n > 0)
        put(w, ' ');
    for (; *key; key++)
        put(w, *key);
    put(w, '=');
    if (quoted)
        put(w, '"');
    for (; *value; value++) {
        if (quoted && (*value == '"' || *value == '\\'))
            put(w, '\\');
        put(w, *value);
    }
    if (quoted)
        put(w, '"');
}

static void put_key(struct writer *w, const struct config_key *key, const struct check_spec *s)
{
    char value[CHECK_SPEC_CAP];
    const struct string_list *list = (const struct string_list *)((const char *)s + key->offset);
    if (!key->items_max) {
        w->full |= value_format(key, s, value, sizeof value) < 0;
        put_word(w, key->path, value);
    }
    for (size_t i = 0; key->items_max && i < list->n; i++)
        put_word(w, key->path, list->items[i]);
}

int check_spec_format(const struct check_spec *s, char ret_text[static CHECK_SPEC_CAP])
{
    struct check_spec presets = {.fall = 0};
    struct writer w = {ret_text, 0, false};
    int err = config_table_init(&check_keys, &presets);
    for (size_t i = 0; i < check_keys.n && !err; i++)
        if (!value_equal(&check_keys.keys[i], s, &presets))
            put_key(&w, &check_keys.keys[i], s);
    config_table_fini(&check_keys, &presets);
    ret_text[w.n] = '\0';
    return err ? err : w.full ? -EMSGSIZE : 0;
}
