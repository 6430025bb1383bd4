/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace contexts of the W3C (Trace Context level 2): the one parser of `traceparent` and `tracestate`, for what comes over the
 * socket, in headers of NATS and in JSON records alike. Pure; any thread.
 */
#ifndef CORE_TRACE_CONTEXT_H
#define CORE_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_PARENT_CAP 56  /* "00-<32>-<16>-<2>" and NUL */
#define TRACE_STATE_CAP  513 /* with NUL; longer ones may be dropped (section 3.3.1.5) */

#define TRACE_ID_SIZE 16
#define SPAN_ID_SIZE  8

#define TRACE_SAMPLED 0x01 /* a flag: whoever began the trace records it */
#define TRACE_RANDOM  0x02 /* a flag: the trace's id is random */

struct trace_context {
    uint8_t trace_id[TRACE_ID_SIZE]; /* not all zeros */
    uint8_t span_id[SPAN_ID_SIZE];   /* of whoever hands it on; not all zeros */
    uint8_t flags;
    char state[TRACE_STATE_CAP]; /* "": none */
};

/*
 * state: NULL or "" where there is none. 0; 1: the parent is fine, the state is not, and is left out; -EINVAL: it is no
 * context. *ret_why (static) says what was wrong, and is untouched on 0; ret_context on -EINVAL.
 */
int trace_context_parse(const char *parent, const char *state, struct trace_context *ret_context, const char **ret_why);

/* Writes its `traceparent`, of version 00 whatever it came as. The state is text already. */
void trace_context_format(const struct trace_context *context, char ret_parent[static TRACE_PARENT_CAP]);

static inline bool trace_context_sampled(const struct trace_context *context)
{
    return context->flags & TRACE_SAMPLED;
}

#endif
