/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends spans to a collector, by OTLP over HTTP: gathered for half a second, in batches of a bounded size, one request at a time,
 * by libcurl on the loop. As the protocol says (OTLP 1.x, "OTLP/HTTP Response"), 429, 502, 503 and 504 are tried again, after
 * Retry-After or an ever longer wait, and so is who cannot be reached; anything else that is refused is not. Main thread.
 *
 * Nobody waits for a collector: what finds no room, or is not taken within a minute of trying, is dropped and counted.
 */
#ifndef TRACE_EXPORTER_H
#define TRACE_EXPORTER_H

#include "daemon/base/metrics.h"
#include "daemon/trace/otlp.h"

struct event_base;
struct exporter;

struct exporter_options {
    const char *endpoint; /* http:// or https://; without a path: /v1/traces there */
    struct otlp_resource resource;
    size_t spans_max;   /* spans that may wait; more are dropped */
    int64_t timeout_ns; /* time limit of one request */
    int64_t give_up_ns; /* time after which a batch is dropped that could not be sent */
};

/* The texts of the options and metrics outlive it. -ENOMEM. */
int exporter_new(struct event_base *base, const struct exporter_options *options, struct metrics *metrics,
                 struct exporter **ret_x);

/* Spans that were not sent are dropped. NULL is fine. */
void exporter_free(struct exporter *x);

/* Takes s over, also when it drops it. */
void exporter_add(struct exporter *x, struct span *s);

#endif
