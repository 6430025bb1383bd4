/* SPDX-License-Identifier: Apache-2.0 */
/* Trace spans for records that arrive with a trace context, and for the reading of a bucket. */
#include <stdio.h>

#include "daemon/catalog/foreign.h"
#include "daemon/registry/inbound/inbound_impl.h"

/* --- contexts that come with records --- */

void inbound_traced_record(struct inbound *in, const struct instance_key *key, const struct kv_message *m,
                           const struct foreign_extras *extras)
{
    struct trace_context context;
    char whose[KEY_CAP + 80];
    bool header = m->traceparent != NULL;
    if (!in->reach.tracing || (!header && !(extras && *extras->traceparent)))
        return;
    snprintf(whose, sizeof whose, "%s: the record %.*s", in->reach.buckets[BUS_SERVICES], (int)m->key_len, m->key);
    if (tracing_read(in->reach.tracing, header ? TRACING_HEADER : TRACING_JSON,
                     header ? m->traceparent : extras->traceparent, header ? m->tracestate : extras->tracestate, whose,
                     &context))
        tracing_changed(in->reach.tracing, in->reach.region, key, &context, m->stored_ns);
}

/* --- the reading of a bucket --- */

/* The trace of a resync begins with the first of its snapshots that ends. */
static bool begin_resync(struct follower *f, const struct follow_resync *resync)
{
    if (f->resync_ns != resync->since_ns)
        f->resync_traced = tracing_begin(f->in->reach.tracing, NULL, &f->resync);
    f->resync_ns = resync->since_ns;
    return f->resync_traced;
}

static void end(struct follower *f, struct span *s, const char *error)
{
    if (!s)
        return;
    s->error = error;
    s->parent_is_remote = false;
    span_add_text(s, "messaging.system", "nats");
    span_add_text(s, "discover.bucket", f->in->reach.buckets[f->bucket]);
    if (f->in->reach.region)
        span_add_text(s, "discover.of_region", f->in->reach.region);
    tracing_end(f->in->reach.tracing, s);
}

void inbound_traced_snapshot(struct follower *f, enum follow_end how)
{
    struct tracing *t = f->in->reach.tracing;
    struct follow_resync resync = follow_resync(f->follow);
    struct trace_context snapshot;
    if (!t || !begin_resync(f, &resync) || !tracing_begin(t, &f->resync, &snapshot))
        return;
    const char *error = how == FOLLOW_ABORTED ? "it was given up, to be tried again" : NULL;
    end(f, tracing_span(t, "snapshot", SPAN_INTERNAL, &snapshot, &f->resync, resync.snapshot_ns), error);
    struct span *whole =
        how == FOLLOW_ABORTED ? NULL : tracing_span(t, "resync", SPAN_INTERNAL, &f->resync, NULL, resync.since_ns);
    if (whole)
        span_add_text(whole, "discover.cause", resync_cause_word(resync.cause));
    end(f, whole, NULL);
}
