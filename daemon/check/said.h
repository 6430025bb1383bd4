/* SPDX-License-Identifier: Apache-2.0 */
/* What a check has said last, made fit to be shown: UTF-8, no control characters but line ends and tabs. Pure. */
#ifndef CHECK_SAID_H
#define CHECK_SAID_H

#include <stddef.h>

struct said {
    char *text; /* NULL: nothing yet */
    size_t n, cap;
};

/* Keeps at most max bytes. Without memory it keeps what there was. */
void said_set(struct said *s, const char *bytes, size_t n, size_t max);
void said_fini(struct said *s);

static inline const char *said_text(const struct said *s)
{
    return s->text ? s->text : "";
}

/* Bytes of its first line. */
size_t said_line(const struct said *s);

#endif
