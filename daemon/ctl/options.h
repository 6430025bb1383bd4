/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a subcommand, from one table: parsing, messages and the help text all come from it. Pure but for
 * options_print; one thread.
 *
 * --name VALUE and --name=VALUE are the same; options may stand before and after other words; "--" ends them.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_WORDS_MAX 5
#define OPTIONS_WHY_CAP   256
#define OPTION_LIST_MAX   16

struct option_spec {
    const char *name;  /* without the dashes; NULL ends the table */
    const char *value; /* what stands for its value in the help; NULL: it has none */
    const char *help;  /* also says what a good value is */

    /* Takes the value into the field at `at` of the caller's structure. Negative: it is not a good one. */
    int (*set)(const struct option_spec *spec, void *field, const char *value);
    size_t at;
    uint32_t min,
        max; /* of a number; of the entries of a list, and the bytes of a text (max; 0: any); of a time: may it be 0 */
};

/* Setters: into a bool, a const char * (of any text; of a name), a uint32_t (a number; a time in ms), a struct option_list. */
typedef int option_fn(const struct option_spec *spec, void *field, const char *value);
option_fn option_flag, option_text, option_name, option_number, option_time, option_list;

struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t n;
};

struct words {
    const char *word[OPTIONS_WORDS_MAX]; /* those that are no options; "" behind the last */
    size_t n;
    char **command; /* what comes after "--", NULL-terminated; NULL: there was no "--" */
};

/* argv ends with NULL and starts behind the subcommand. -EINVAL with the reason in ret_why. */
int options_parse(const struct option_spec *specs, void *options, char **argv, struct words *ret_words,
                  char ret_why[static OPTIONS_WHY_CAP]);

/* What is said of a text that is no DOMAIN/SERVICE: what it must be, and which one may have been meant. */
void options_refuse_service(const char *service, char ret_why[static OPTIONS_WHY_CAP]);

/* The same of a name of something, "--instance" or "region", that is none. */
void options_refuse_name(const char *what, const char *name, char ret_why[static OPTIONS_WHY_CAP]);

void options_print(const struct option_spec *specs, FILE *out);

#endif
