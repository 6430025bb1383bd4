/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a check's last run, made fit to be shown: UTF-8, no control characters but line ends and tabs. Pure. */
#ifndef CHECK_SAID_H
#define CHECK_SAID_H

#include <stddef.h>

struct said {
    char *text; /* NULL: nothing yet */
    size_t n, cap;
};

/* Sets the text, of at most max bytes. Without memory the last one stays. */
void said_set(struct said *s, const char *bytes, size_t n, size_t max);
void said_fini(struct said *s);

static inline const char *said_text(const struct said *s)
{
    return s->text ? s->text : "";
}

/* Number of bytes of its first line. */
size_t said_line(const struct said *s);

#endif
