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

struct option_spec {
    const char *name;                         /* without the dashes; NULL ends the table */
    const char *value;                        /* what stands for its value in the help; NULL: it has none */
    const char *help;                         /* also says what a good value is */
    int (*set)(void *arg, const char *value); /* negative: not a good value */
};

struct words {
    const char *word[OPTIONS_WORDS_MAX]; /* those that are no options */
    size_t n;
    char **command; /* what comes after "--", NULL-terminated; NULL: there was no "--" */
};

/* argv ends with NULL and starts behind the subcommand. -EINVAL with the reason in ret_why. */
int options_parse(const struct option_spec *specs, void *arg, char **argv, struct words *ret_words,
                  char ret_why[static OPTIONS_WHY_CAP]);

/* What is said of a text that is no DOMAIN/SERVICE: what it must be, and which one may have been meant. */
void options_refuse_service(const char *service, char ret_why[static OPTIONS_WHY_CAP]);

/* The same of a name of something, "--instance" or "region", that is none. */
void options_refuse_name(const char *what, const char *name, char ret_why[static OPTIONS_WHY_CAP]);

void options_print(const struct option_spec *specs, FILE *out);

/* For setters. -EINVAL, -ERANGE. */
int option_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_number);

/* "500ms", "10s", "5m", "1h": above 0. */
int option_time_ms(const char *text, uint32_t *ret_ms);

#endif
