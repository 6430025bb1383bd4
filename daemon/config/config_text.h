/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file and what it includes as one text, with the way back from its lines to files and lines. Owner:
 * the caller. Thread: any. Failure: told through the callback, with the place.
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

struct config_text {
    char *bytes; /* with a NUL behind the end */
    size_t n, cap;
    struct config_place *lines; /* of each line of the text, from 0 */
    size_t n_lines, lines_cap;
    struct string_list files;
};

/* -EINVAL: told; -ENOMEM. *ret_text is to be ended in any case. */
int config_text_read(const char *path, config_error_fn *fn, void *arg, struct config_text *ret_text);
void config_text_fini(struct config_text *t);

/* Appends a line to a text that is not of a file (zeros in the beginning), and where it is said to stand. -ENOMEM. */
int config_text_add(struct config_text *t, const char *line, struct config_place place);

/* line counts from 1. A line behind the end is taken for the last one. */
struct config_place config_text_place(const struct config_text *t, unsigned line);

#endif
