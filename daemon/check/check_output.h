/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a check's last run, made fit to be shown: UTF-8, no control characters but line ends and tabs. Pure. */
#ifndef CHECK_CHECK_OUTPUT_H
#define CHECK_CHECK_OUTPUT_H

#include <stddef.h>

struct check_output {
    char *text; /* NULL: nothing yet */
    size_t n, cap;
};

/* Sets the text, of at most max bytes. Without memory the last one stays. */
void check_output_set(struct check_output *s, const char *bytes, size_t n, size_t max);
void check_output_fini(struct check_output *s);

static inline const char *check_output_text(const struct check_output *s)
{
    return s->text ? s->text : "";
}

/* Number of bytes of its first line. */
size_t check_output_line(const struct check_output *s);

#endif
