/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as OTLP's requests in protobuf, and what is answered to one (proto/opentelemetry). Pure; any thread. */
#ifndef TRACE_OTLP_H
#define TRACE_OTLP_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/trace/span.h"

/* The daemon that sends the spans. */
struct otlp_resource {
    const char *host, *region, *zone, *version; /* zone "": none */
};

/* One request with the first spans of the list, at most so many: *ret_bytes is the caller's. -ENOMEM. */
int otlp_encode(const struct otlp_resource *resource, const struct span_list *spans, size_t max, uint8_t **ret_bytes,
                size_t *ret_n, size_t *ret_spans);

/* How many spans an answer says were refused; -EBADMSG: it is none. ret_why: what it says of it, cut; may be "". */
#define OTLP_WHY_CAP 256
int64_t otlp_refused(const uint8_t *bytes, size_t n, char ret_why[static OTLP_WHY_CAP]);

#endif
