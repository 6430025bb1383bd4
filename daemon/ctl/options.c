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
static int take_option(const struct option_spec *specs, void *arg, char ***argv, char ret_why[static OPTIONS_WHY_CAP])
{
    const char *option = *(*argv)++;
    const struct option_spec *spec = find(specs, option + 2);
    const char *value = strchr(option, '=');
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
    if (spec->set(arg, value) == 0)
        return 0;
    snprintf(ret_why, OPTIONS_WHY_CAP, "--%s %.100s: not a good %s: %s", spec->name, value ? value : "",
             spec->value ? spec->value : "value", spec->help);
    return -EINVAL;
}

int options_parse(const struct option_spec *specs, void *arg, char **argv, struct words *ret_words,
                  char ret_why[static OPTIONS_WHY_CAP])
{
    struct words words = {.n = 0};
    while (*argv && !words.command) {
        if (strcmp(*argv, "--") == 0) {
            words.command = argv + 1;
        } else if ((*argv)[0] == '-' && (*argv)[1]) {
            int err = take_option(specs, arg, &argv, ret_why);
            if (err < 0)
                return err;
        } else if (words.n == OPTIONS_WORDS_MAX) {
            return refuse(ret_why, *argv, "one word too many");
        } else {
            words.word[words.n++] = *argv++;
        }
    }
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

int option_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0')
        return -EINVAL;
    if (errno || number < min || number > max)
        return -ERANGE;
    *ret_number = (uint32_t)number;
    return 0;
}

int option_time_ms(const char *text, uint32_t *ret_ms)
{
    static const struct {
        const char *unit;
        uint32_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    char number_text[12];
    uint32_t number;
    if (digits == 0 || digits >= sizeof number_text)
        return -EINVAL;
    memcpy(number_text, text, digits);
    number_text[digits] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + digits, units[i].unit) != 0)
            continue;
        int err = option_number(number_text, 1, UINT32_MAX / units[i].ms, &number);
        if (!err)
            *ret_ms = number * units[i].ms;
        return err;
    }
    return -EINVAL;
}
