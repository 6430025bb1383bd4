/* SPDX-License-Identifier: Apache-2.0 */
/* Makes spans and their attributes. */
#include "daemon/trace/span.h"

#include <stdlib.h>
#include <string.h>

struct span *span_new(const char *name, enum span_kind kind)
{
    struct span *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->name = name;
    s->kind = kind;
    return s;
}

void span_free(struct span *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_attributes; i++)
        free(s->attributes[i].text);
    free(s);
}

void span_add_text(struct span *s, const char *key, const char *text)
{
    char *copy = s->n_attributes < SPAN_ATTRIBUTES_MAX ? strdup(text) : NULL;
    if (copy)
        s->attributes[s->n_attributes++] = (struct span_attribute){.key = key, .text = copy};
}
