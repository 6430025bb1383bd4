/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of this host's changes on their way to NATS: from the request to NATS's confirmation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/tracing/tracing_impl.h"
#include "libdiscover/core/clock.h"

/* --- what is being carried out --- */

void tracing_operation_begin(struct tracing *t, const char *traceparent, const char *tracestate, const char *whose)
{
    struct trace_operation *o = &t->operation;
    o->caused = tracing_read(t, TRACING_SOCKET, traceparent, tracestate, whose, &o->cause);
    o->on = o->caused || tracing_begin(t, NULL, &o->cause);
    o->began_ns = clock_now_ns();
    o->number++;
}

void tracing_operation_end(struct tracing *t)
{
    t->operation.on = false;
}

/* --- puts --- */

static void end_span(struct tracing *t, const struct open_put *p, const char *error)
{
    char subject[KEY_CAP + 80], service[SERVICE_CAP];
    struct span *s =
        tracing_span(t, "acknowledged", SPAN_PRODUCER, &p->context, p->caused ? &p->cause : NULL, p->began_ns);
    struct instance_key key;
    if (!s)
        return;
    s->error = error;
    snprintf(subject, sizeof subject, "$KV.%s.%s", t->config->registry.services_bucket, p->key);
    span_add_text(s, "messaging.system", "nats");
    span_add_text(s, "messaging.destination.name", subject);
    if (instance_key_parse(p->key, strlen(p->key), &key) == 0) {
        service_format(key.domain, key.service, service);
        span_add_text(s, "discover.service", service);
        span_add_text(s, "discover.instance", key.instance);
    }
    tracing_end(t, s);
}

static void set_token(struct tracing *t, struct open_put *p, uint64_t token)
{
    if (p->token)
        HASH_DELETE(by_token, t->puts_by_token, p);
    p->token = token;
    if (token)
        HASH_ADD(by_token, t->puts_by_token, token, sizeof p->token, p);
    if (token && !hash_added(&p->by_token))
        p->token = 0; /* no memory: the acknowledgement will not be matched to this put */
}

static void drop(struct tracing *t, struct open_put *p, const char *error)
{
    end_span(t, p, error);
    set_token(t, p, 0);
    HASH_DEL(t->puts, p);
    free(p);
}

static struct open_put *find(const struct tracing *t, const char *key)
{
    struct open_put *p = NULL;
    if (t->puts)
        HASH_FIND_STR(t->puts, key, p);
    return p;
}

/* Begins the trace of a put; NULL: no memory, or too many. */
static struct open_put *open_put(struct tracing *t, const char *key)
{
    const struct trace_operation *o = &t->operation;
    struct open_put *p = HASH_COUNT(t->puts) < t->config->trace.queue ? calloc(1, sizeof *p) : NULL;
    if (!p || !tracing_begin(t, &o->cause, &p->context)) {
        metric_inc(&t->counters.limited);
        free(p);
        return NULL;
    }
    p->cause = o->cause;
    p->caused = o->caused;
    p->began_ns = o->began_ns;
    p->operation = o->number;
    snprintf(p->key, sizeof p->key, "%s", key);
    HASH_ADD_STR(t->puts, key, p);
    if (hash_added(&p->hh))
        return p;
    free(p);
    return NULL;
}

/* The put of the present operation, or else the one that an earlier operation has left open. */
static struct open_put *put_of(struct tracing *t, const char *key)
{
    struct open_put *p = find(t, key);
    if (!t->operation.on || (p && p->operation == t->operation.number))
        return p;
    if (p)
        drop(t, p, "another change came before NATS had stored it");
    return open_put(t, key);
}

const struct trace_context *tracing_put(struct tracing *t, const char *key, uint64_t token)
{
    struct open_put *p = put_of(t, key);
    if (p && p->token != token)
        set_token(t, p, token);
    return p ? &p->context : NULL;
}

const struct trace_context *tracing_local(struct tracing *t, const struct instance_key *key)
{
    char text[KEY_CAP];
    if (!t->operation.on)
        return NULL;
    instance_key_format(key, text);
    struct open_put *p = put_of(t, text);
    if (!p)
        return NULL;
    tracing_changed(t, NULL, key, &p->context, 0);
    return &p->context;
}

void tracing_put_done(struct tracing *t, uint64_t token)
{
    struct open_put *p = NULL;
    if (t->puts_by_token)
        HASH_FIND(by_token, t->puts_by_token, &token, sizeof token, p);
    if (p)
        drop(t, p, NULL);
}

void tracing_withdrawn(struct tracing *t, const struct instance_key *key)
{
    char text[KEY_CAP];
    if (!t->puts)
        return;
    instance_key_format(key, text);
    struct open_put *p = find(t, text);
    if (p)
        drop(t, p, "it was withdrawn before NATS had stored it");
}

void tracing_puts_free(struct tracing *t)
{
    struct open_put *p, *next;
    HASH_ITER(hh, t->puts, p, next)
    {
        drop(t, p, "the daemon ends");
    }
}
