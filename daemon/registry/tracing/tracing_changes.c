/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of changes on their way into the table, until watchers can see them. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/registry/tracing/tracing_impl.h"
#include "libdiscover/core/clock.h"

static void name_of(const char *region, const struct instance_key *key, char ret_service[static SERVICE_REF_CAP])
{
    service_format(key->domain, key->service, ret_service);
    size_t n = strlen(ret_service);
    if (region)
        snprintf(ret_service + n, SERVICE_REF_CAP - n, "@%s", region);
}

/* Finds or adds the service; NULL: no memory. */
static struct unseen_service *service_of(struct tracing *t, const char *name)
{
    struct unseen_service *s;
    HASH_FIND_STR(t->unseen, name, s);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    snprintf(s->service, sizeof s->service, "%s", name);
    HASH_ADD_STR(t->unseen, service, s);
    if (hash_added(&s->hh))
        return s;
    free(s);
    return NULL;
}

void tracing_changed(struct tracing *t, const char *region, const struct instance_key *key,
                     const struct trace_context *context, int64_t stored_ns)
{
    char name[SERVICE_REF_CAP];
    name_of(region, key, name);
    struct unseen_change *u = t->n_unseen < t->config->trace.queue ? calloc(1, sizeof *u) : NULL;
    struct unseen_service *s = u ? service_of(t, name) : NULL;
    if (!s) {
        metric_inc(&t->counters.limited);
        free(u);
        return;
    }
    u->key = *key;
    u->context = *context;
    u->stored_ns = stored_ns;
    u->taken_ns = clock_now_ns();
    u->next = s->changes;
    s->changes = u;
    t->n_unseen++;
}

/* The span begins when NATS stored the change, as far as the two clocks agree. */
static void add_span(struct tracing *t, const struct unseen_change *u)
{
    struct trace_context context;
    char subject[KEY_CAP + 80], service[SERVICE_CAP], key[KEY_CAP];
    if (!tracing_begin(t, &u->context, &context))
        return;
    struct span *s = tracing_span(t, "visible", SPAN_CONSUMER, &context, &u->context, u->taken_ns);
    if (!s)
        return;
    if (u->stored_ns && u->stored_ns < s->end_ns)
        s->start_ns = u->stored_ns;
    service_format(u->key.domain, u->key.service, service);
    instance_key_format(&u->key, key);
    snprintf(subject, sizeof subject, "$KV.%s.%s", t->config->registry.services_bucket, key);
    span_add_text(s, "messaging.system", "nats");
    span_add_text(s, "messaging.destination.name", subject);
    span_add_text(s, "discover.service", service);
    span_add_text(s, "discover.instance", u->key.instance);
    span_add_text(s, "discover.host", u->key.host);
    tracing_end(t, s);
}

static void forget(struct tracing *t, struct unseen_service *s, bool seen)
{
    for (struct unseen_change *next, *u = s->changes; u; u = next) {
        next = u->next;
        if (seen)
            add_span(t, u);
        free(u);
        t->n_unseen--;
    }
    HASH_DEL(t->unseen, s);
    free(s);
}

const struct trace_context *tracing_seen(struct tracing *t, const char *service)
{
    struct unseen_service *s = NULL;
    if (t->unseen)
        HASH_FIND_STR(t->unseen, service, s);
    if (!s)
        return NULL;
    t->seen = s->changes->context;
    forget(t, s, true);
    return &t->seen;
}

void tracing_settle(struct tracing *t)
{
    struct unseen_service *s, *next;
    HASH_ITER(hh, t->unseen, s, next)
    {
        forget(t, s, false);
    }
}
