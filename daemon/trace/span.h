/* SPDX-License-Identifier: Apache-2.0 */
/* A span of a trace: an operation with its start, end and attributes. One owner at a time; any thread. */
#ifndef TRACE_SPAN_H
#define TRACE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "libdiscover/core/trace_context.h"

#define SPAN_ATTRIBUTES_MAX 8

enum span_kind { SPAN_INTERNAL, SPAN_PRODUCER, SPAN_CONSUMER };

struct span_attribute {
    const char *key; /* static */
    char *text;
};

struct span {
    STAILQ_ENTRY(span) next;
    struct trace_context context; /* its span_id is the id of this span */
    uint8_t parent_id[SPAN_ID_SIZE];
    bool has_parent, parent_is_remote;
    const char *name; /* static */
    enum span_kind kind;
    int64_t start_ns, end_ns; /* since 1970 */
    const char *error;        /* static; NULL: it went well */
    struct span_attribute attributes[SPAN_ATTRIBUTES_MAX];
    size_t n_attributes;
};

STAILQ_HEAD(span_list, span);

/* Of the heap. NULL is fine. */
void span_free(struct span *s);

/* Adds an attribute, or leaves it out if there is no room or no memory. Texts are copied. */
void span_add_text(struct span *s, const char *key, const char *text);

#endif
