/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of spans. */
#include "daemon/trace/span.h"

#include <stdlib.h>
#include <string.h>

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
