/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a subcommand, from one table. */
#include "daemon/ctl/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libdiscover/core/label.h"

#define HELP_COLUMN 22

static int refuse(char ret_why[static OPTIONS_WHY_CAP], const char *option, const char *why)
{
    snprintf(ret_why, OPTIONS_WHY_CAP, "%s: %s", option, why);
    return -EINVAL;
}

/* text: what follows the dashes. */
static const struct option_spec *find(const struct option_spec *specs, const char *text)
{
    size_t n = strcspn(text, "=");
    for (; specs->name; specs++)
        if (strlen(specs->name) == n && memcmp(specs->name, text, n) == 0)
            return specs;
    return NULL;
}

/* Takes the option at *argv, and its value, and moves on. */
static int take_option(const struct option_spec *specs, void *options, char ***argv,
                       char ret_why[static OPTIONS_WHY_CAP])
{
    const char *option = *(*argv)++;
    const struct option_spec *spec = find(specs, option + 2);
    const char *value = strchr(option, '=');
    char name[64];
    if (!spec || option[1] != '-')
        return refuse(ret_why, option, "no such option");
    if (!spec->value && value)
        return refuse(ret_why, option, "takes no value");
    if (value)
        value++;
    else if (spec->value && !(value = *(*argv)))
        return refuse(ret_why, option, "its value is missing");
    else if (spec->value)
        (*argv)++;
    if (spec->set(spec, (char *)options + spec->at, value) == 0)
        return 0;
    snprintf(name, sizeof name, "--%s", spec->name);
    if (spec->set == option_name)
        options_refuse_name(name, value, ret_why);
    else
        snprintf(ret_why, OPTIONS_WHY_CAP, "%s %.100s: not a good %s: %s", name, value ? value : "",
                 spec->value ? spec->value : "value", spec->help);
    return -EINVAL;
}

int options_parse(const struct option_spec *specs, void *options, char **argv, struct words *ret_words,
                  char ret_why[static OPTIONS_WHY_CAP])
{
    struct words words = {.n = 0};
    while (*argv && !words.command) {
        if (strcmp(*argv, "--") == 0) {
            words.command = argv + 1;
        } else if ((*argv)[0] == '-' && (*argv)[1]) {
            int err = take_option(specs, options, &argv, ret_why);
            if (err < 0)
                return err;
        } else if (words.n == OPTIONS_WORDS_MAX) {
            return refuse(ret_why, *argv, "one word too many");
        } else {
            words.word[words.n++] = *argv++;
        }
    }
    for (size_t i = words.n; i < OPTIONS_WORDS_MAX; i++)
        words.word[i] = "";
    *ret_words = words;
    return 0;
}

void options_refuse_service(const char *service, char ret_why[static OPTIONS_WHY_CAP])
{
    char meant[SERVICE_CAP] = "";
    bool near = service_nearest(service, meant) && strcmp(service, meant) != 0;
    snprintf(ret_why, OPTIONS_WHY_CAP,
             "%.100s: not a service, which is written DOMAIN/SERVICE, each of " LABEL_RULE "%s%s%s", service,
             near ? "; did you mean " : "", near ? meant : "", near ? "?" : "");
}

void options_refuse_name(const char *what, const char *name, char ret_why[static OPTIONS_WHY_CAP])
{
    char meant[LABEL_CAP];
    bool near = label_nearest(name, strlen(name), meant);
    snprintf(ret_why, OPTIONS_WHY_CAP, "%s %.100s: a name is of " LABEL_RULE "%s%s%s", what, name,
             near ? "; did you mean " : "", near ? meant : "", near ? "?" : "");
}

void options_print(const struct option_spec *specs, FILE *out)
{
    for (; specs->name; specs++) {
        int n = fprintf(out, "  --%s %s", specs->name, specs->value ? specs->value : "");
        fprintf(out, "%*s%s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "", specs->help);
    }
}

/* --- setters --- */

int option_flag(const struct option_spec *spec, void *field, const char *value)
{
    (void)spec, (void)value;
    *(bool *)field = true;
    return 0;
}

int option_text(const struct option_spec *spec, void *field, const char *value)
{
    *(const char **)field = value;
    return spec->max && strlen(value) > spec->max ? -E2BIG : 0;
}

int option_name(const struct option_spec *spec, void *field, const char *value)
{
    (void)spec;
    *(const char **)field = value;
    return label_valid(value, strlen(value)) ? 0 : -EINVAL;
}

int option_list(const struct option_spec *spec, void *field, const char *value)
{
    struct option_list *list = field;
    if (list->n == spec->max)
        return -E2BIG;
    list->items[list->n++] = value;
    return 0;
}

/* The number that a text begins with, and where it ends. */
static int take_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number, char **ret_end)
{
    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    unsigned long long number = strtoull(text, ret_end, 10);
    if (errno || number < min || number > max)
        return -ERANGE;
    *ret_number = (uint32_t)number;
    return 0;
}

int option_number(const struct option_spec *spec, void *field, const char *value)
{
    uint32_t number;
    char *end;
    int err = take_number(value, spec->min, spec->max, &number, &end);
    if (err || *end)
        return err ? err : -EINVAL;
    *(uint32_t *)field = number;
    return 0;
}

/* "500ms", "10s", "5m", "1h"; and "0" where that is a time. */
int option_time(const struct option_spec *spec, void *field, const char *value)
{
    static const struct {
        const char *unit;
        uint32_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint32_t number;
    char *end;
    int err = take_number(value, spec->min, UINT32_MAX, &number, &end);
    if (err)
        return err;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) != 0 && (number > 0 || *end))
            continue;
        if (number > UINT32_MAX / units[i].ms)
            return -ERANGE;
        *(uint32_t *)field = number * units[i].ms;
        return 0;
    }
    return -EINVAL;
}
