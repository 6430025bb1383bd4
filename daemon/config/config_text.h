/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file and what it includes as one text, with the way back from its lines to files and lines. Owner:
 * the caller. Thread: any. Failure: reported, with the place.
 *
 * Includes are resolved here and not by libconfig, because its version 1.5 ends the process when an included name is
 * a folder and takes absolute names for relative ones. It also takes silently what can only be a slip, so it is refused
 * here: a comment or a string that is not closed, which swallow the rest of the file. Integers beyond 32 bits, which
 * 1.5 cuts, are marked as long ones.
 */
#ifndef CONFIG_CONFIG_TEXT_H
#define CONFIG_CONFIG_TEXT_H

#include <stddef.h>

#include "daemon/config/config.h"

#define CONFIG_FILE_MAX     (1 << 20) /* bytes of a file */
#define CONFIG_TEXT_MAX     (4 << 20) /* bytes with all that it includes */
#define CONFIG_INCLUDES_MAX 10        /* depth */

struct config_place {
    const char *file;
    unsigned line;
};

/* Where complaints go; they are counted, so that everything can be looked at before giving up. */
struct config_report {
    config_error_fn *fn;
    void *arg;
    size_t n;
};

/* "FILE:LINE: key: reason"; line 0 and key "" are left out. Returns -EINVAL. */
int config_report(struct config_report *r, struct config_place place, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

struct config_text {
    char *bytes; /* with a NUL behind the end */
    size_t n, cap;
    struct config_place *lines; /* of each line of the text, from 0 */
    size_t n_lines, lines_cap;
    struct string_list files;
};

/* -EINVAL: reported; -ENOMEM. *ret_text is to be ended in any case. */
int config_text_read(const char *path, struct config_report *report, struct config_text *ret_text);
void config_text_fini(struct config_text *t);

/* line counts from 1. A line behind the end is taken for the last one. */
struct config_place config_text_place(const struct config_text *t, unsigned line);

#endif
