/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with any table of keys. */
#include "daemon/config/config_table.h"

#include <string.h>

#include "daemon/config/suggest.h"

#define KEYS_MAX 128
#define NAME_CAP 32

const struct config_key *config_table_find(const struct config_table *t, const char *path)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->keys[i].path, path) == 0)
            return &t->keys[i];
    return NULL;
}

bool config_table_has_group(const struct config_table *t, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < t->n; i++)
        if (strncmp(t->keys[i].path, path, n) == 0 && t->keys[i].path[n] == '.')
            return true;
    return false;
}

/* Where the last name of a path begins. */
static size_t last_name(const char *path, size_t n)
{
    while (n > 0 && path[n - 1] != '.')
        n--;
    return n;
}

/* The names right below a group ("" or "nats."), of keys and of groups. */
static size_t names_below(const struct config_table *t, const char *group, size_t group_n,
                          char names[static KEYS_MAX][NAME_CAP], const char *pointers[static KEYS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < t->n && n < KEYS_MAX; i++) {
        const char *path = t->keys[i].path;
        if (strncmp(path, group, group_n) != 0)
            continue;
        snprintf(names[n], NAME_CAP, "%.*s", (int)strcspn(path + group_n, "."), path + group_n);
        pointers[n] = names[n];
        n++;
    }
    return n;
}

/* The right name in the wrong place: "lease_ttl" for "registry.lease_ttl", "tls" for "nats.tls". */
static bool suggest_elsewhere(const struct config_table *t, const char *name, char ret_path[static CONFIG_PATH_CAP])
{
    for (size_t i = 0; i < t->n; i++) {
        const char *path = t->keys[i].path;
        for (size_t end = strcspn(path, ".");; end += 1 + strcspn(path + end + 1, ".")) {
            size_t start = last_name(path, end);
            if (strlen(name) == end - start && strncmp(path + start, name, end - start) == 0) {
                snprintf(ret_path, CONFIG_PATH_CAP, "%.*s", (int)end, path);
                return true;
            }
            if (path[end] == '\0')
                break;
        }
    }
    return false;
}

bool config_table_suggest(const struct config_table *t, const char *path, char ret_path[static CONFIG_PATH_CAP])
{
    char names[KEYS_MAX][NAME_CAP];
    const char *pointers[KEYS_MAX];
    size_t group_n = last_name(path, strlen(path));
    size_t n = names_below(t, path, group_n, names, pointers);
    const char *near = suggest(path + group_n, pointers, n);
    if (!near)
        return suggest_elsewhere(t, path + group_n, ret_path);
    snprintf(ret_path, CONFIG_PATH_CAP, "%.*s%s", (int)group_n, path, near);
    return true;
}

int config_table_init(const struct config_table *t, void *base)
{
    int err = 0;
    for (size_t i = 0; i < t->n && !err; i++)
        err = value_preset(&t->keys[i], base);
    return err;
}

void config_table_fini(const struct config_table *t, void *base)
{
    for (size_t i = 0; i < t->n; i++)
        value_fini(&t->keys[i], base);
}

static void print_list(const char *text, FILE *out)
{
    const char *between = "";
    fputc('[', out);
    for (size_t n; *text; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        fprintf(out, "%s\"%.*s\"", between, (int)n, text);
        between = ", ";
    }
    fputc(']', out);
}

void config_key_print_preset(const struct config_key *key, FILE *out)
{
    enum value_form form = value_form(key->kind);
    if (key->items_max)
        print_list(key->preset, out);
    else
        fprintf(out, form == FORM_TEXT ? "\"%s\"" : "%s", key->preset);
}

void config_table_print(const struct config_table *t, FILE *out)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct config_key *key = &t->keys[i];
        char kind[64], range[64];
        value_kind_text(key, kind);
        value_range_text(key, range);
        fprintf(out, "%s%s\t%s\t", t->prefix, key->path, kind);
        if (key->preset)
            config_key_print_preset(key, out);
        fprintf(out, "\t%s\t%s\t%s\n", range, key->help, key->reloadable && !*t->prefix ? "reload" : "");
    }
}

void config_table_dump(const struct config_table *t, const void *base, FILE *out)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct config_key *key = &t->keys[i];
        if (value_form(key->kind) == FORM_BLOCKS || value_form(key->kind) == FORM_PAIRS)
            continue;
        fprintf(out, "%s%s = ", t->prefix, key->path);
        value_print(key, base, out);
        fputs(";\n", out);
    }
}
