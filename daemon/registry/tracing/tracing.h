/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces: the contexts that come with changes, and the spans that this host adds to them.
 *
 * A context is handed on whether or not spans are sent from here. Where they are (trace.endpoint), an operation that comes
 * with a context is recorded if whoever began that trace records it, and what is handed on names our span; one that comes
 * without is the root of a trace of its own, by chance (trace.sample).
 *
 * Main thread only. Nobody waits for it: what cannot be kept is counted and left out.
 */
#ifndef REGISTRY_TRACING_H
#define REGISTRY_TRACING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/config/config.h"
#include "daemon/trace/span.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/trace_context.h"

struct event_base;
struct tracing;

/* config stays the caller's, and outlives it. -ENOMEM. */
int tracing_new(struct event_base *base, const struct config *config, struct metrics *metrics, struct tracing **ret_t);
void tracing_free(struct tracing *t); /* NULL is fine */

/* Where a context was read. */
enum tracing_source { TRACING_SOCKET, TRACING_HEADER, TRACING_JSON, TRACING_SOURCES };

/*
 * Reads a context; parent may be NULL. Returns false when there is none. A malformed one is counted, and logged as that
 * of `whose`; whatever it came with goes on without.
 */
bool tracing_read(struct tracing *t, enum tracing_source source, const char *parent, const char *state,
                  const char *whose, struct trace_context *ret_context);

/* --- spans --- */

/* The context of an operation of ours that begins: cause may be NULL. Returns false when it leaves no trace. */
bool tracing_begin(struct tracing *t, const struct trace_context *cause, struct trace_context *ret_context);

/*
 * The span of an operation that has ended, and began at began_ns (clock_now_ns()). cause: as in tracing_begin. NULL: it
 * is not recorded. To be filled in by the caller and given to tracing_end, which takes it over.
 */
struct span *tracing_span(struct tracing *t, const char *name, enum span_kind kind, const struct trace_context *context,
                          const struct trace_context *cause, int64_t began_ns);
void tracing_end(struct tracing *t, struct span *s);

/* --- changes of this host --- */

/*
 * What is done between the two calls was asked for by `whose`, with a context ("": none); changes that it makes are
 * handed on with its context, until NATS has stored them.
 */
void tracing_operation_begin(struct tracing *t, const char *traceparent, const char *tracestate, const char *whose);
void tracing_operation_end(struct tracing *t);

/*
 * The context of the put of a key, or of its repetition; and that of what the present operation changes in the local
 * catalog. NULL: none. Valid until the next call.
 */
const struct trace_context *tracing_put(struct tracing *t, const char *key, uint64_t token);
const struct trace_context *tracing_local(struct tracing *t, const struct instance_key *key);

/* NATS has stored the put; and: the key is put no more. */
void tracing_put_done(struct tracing *t, uint64_t token);
void tracing_withdrawn(struct tracing *t, const struct instance_key *key);

/* --- changes that are to be seen --- */

/*
 * A change of an instance was taken into the catalog, and is seen with the next flush. region: another one; NULL: the own one.
 * stored_ns: when NATS stored it (since 1970); 0: not known.
 */
void tracing_changed(struct tracing *t, const char *region, const struct instance_key *key,
                     const struct trace_context *context, int64_t stored_ns);

/*
 * To be called when a service ("domain/service", "domain/service@region") was written into the table. Returns the
 * context of the newest change of it that had one, until the next call; NULL: none had.
 */
const struct trace_context *tracing_seen(struct tracing *t, const char *service);

/* Everything is written into the table: changes that were not seen by now have changed nothing there. */
void tracing_settle(struct tracing *t);

#endif
