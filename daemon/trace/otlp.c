/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes a request: the resource, under it our scope, under that the spans. */
#include "daemon/trace/otlp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

#define PREFIXED(name) Opentelemetry__Proto__##name
typedef PREFIXED(Common__V1__AnyValue) any_value;
typedef PREFIXED(Common__V1__KeyValue) key_value;
typedef PREFIXED(Trace__V1__Span) otlp_span;

#define RESOURCE_ATTRIBUTES 5

struct attribute {
    key_value pair;
    any_value value;
};

/* A span with all that it points to. */
struct encoded_span {
    otlp_span span;
    PREFIXED(Trace__V1__Status) status;
    struct attribute attributes[SPAN_ATTRIBUTES_MAX];
    key_value *pairs[SPAN_ATTRIBUTES_MAX];
};

static key_value *set_attribute(struct attribute *a, const char *key, const char *text)
{
    opentelemetry__proto__common__v1__key_value__init(&a->pair);
    opentelemetry__proto__common__v1__any_value__init(&a->value);
    a->pair.key = (char *)key;
    a->pair.value = &a->value;
    a->value.value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    a->value.string_value = (char *)text;
    return &a->pair;
}

static uint32_t flags_of(const struct span *s)
{
    uint32_t remote =
        s->parent_is_remote ? OPENTELEMETRY__PROTO__TRACE__V1__SPAN_FLAGS__SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK : 0;
    return s->context.flags | remote |
           OPENTELEMETRY__PROTO__TRACE__V1__SPAN_FLAGS__SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK;
}

static void set_status(struct encoded_span *e, const char *error)
{
    opentelemetry__proto__trace__v1__status__init(&e->status);
    e->status.message = (char *)error;
    e->status.code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    e->span.status = &e->status;
}

static void set_span(struct encoded_span *e, const struct span *s)
{
    static const int kinds[] = {
        [SPAN_INTERNAL] = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_INTERNAL,
        [SPAN_PRODUCER] = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_PRODUCER,
        [SPAN_CONSUMER] = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_CONSUMER,
    };
    opentelemetry__proto__trace__v1__span__init(&e->span);
    e->span.trace_id = (ProtobufCBinaryData){TRACE_ID_SIZE, (uint8_t *)s->context.trace_id};
    e->span.span_id = (ProtobufCBinaryData){SPAN_ID_SIZE, (uint8_t *)s->context.span_id};
    if (s->has_parent)
        e->span.parent_span_id = (ProtobufCBinaryData){SPAN_ID_SIZE, (uint8_t *)s->parent_id};
    e->span.trace_state = (char *)s->context.state;
    e->span.name = (char *)s->name;
    e->span.kind = kinds[s->kind];
    e->span.start_time_unix_nano = (uint64_t)s->start_ns;
    e->span.end_time_unix_nano = (uint64_t)s->end_ns;
    e->span.flags = flags_of(s);
    for (size_t i = 0; i < s->n_attributes; i++)
        e->pairs[i] = set_attribute(&e->attributes[i], s->attributes[i].key, s->attributes[i].text);
    e->span.attributes = e->pairs;
    e->span.n_attributes = s->n_attributes;
    if (s->error)
        set_status(e, s->error);
}

static int pack(const struct otlp_resource *r, otlp_span **spans, size_t n, uint8_t **ret_bytes, size_t *ret_n)
{
    PREFIXED(Collector__Trace__V1__ExportTraceServiceRequest) request;
    PREFIXED(Trace__V1__ResourceSpans) resource_spans, *all_resources = &resource_spans;
    PREFIXED(Trace__V1__ScopeSpans) scope_spans, *all_scopes = &scope_spans;
    PREFIXED(Resource__V1__Resource) resource;
    PREFIXED(Common__V1__InstrumentationScope) scope;
    struct attribute attributes[RESOURCE_ATTRIBUTES];
    const char *const words[RESOURCE_ATTRIBUTES][2] = {{"service.name", "discoverd"},
                                                       {"service.version", r->version},
                                                       {"host.name", r->host},
                                                       {"discover.region", r->region},
                                                       {"discover.zone", r->zone}};
    key_value *pairs[RESOURCE_ATTRIBUTES];
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__init(&request);
    opentelemetry__proto__trace__v1__resource_spans__init(&resource_spans);
    opentelemetry__proto__trace__v1__scope_spans__init(&scope_spans);
    opentelemetry__proto__resource__v1__resource__init(&resource);
    opentelemetry__proto__common__v1__instrumentation_scope__init(&scope);
    for (size_t i = 0; i < RESOURCE_ATTRIBUTES; i++)
        if (*words[i][1])
            pairs[resource.n_attributes++] = set_attribute(&attributes[i], words[i][0], words[i][1]);
    resource.attributes = pairs;
    scope.name = (char *)"discoverd";
    scope.version = (char *)r->version;
    scope_spans.scope = &scope;
    scope_spans.spans = spans;
    scope_spans.n_spans = n;
    resource_spans.resource = &resource;
    resource_spans.scope_spans = &all_scopes;
    resource_spans.n_scope_spans = 1;
    request.resource_spans = &all_resources;
    request.n_resource_spans = 1;
    size_t size = opentelemetry__proto__collector__trace__v1__export_trace_service_request__get_packed_size(&request);
    *ret_bytes = malloc(size);
    if (!*ret_bytes)
        return -ENOMEM;
    *ret_n = opentelemetry__proto__collector__trace__v1__export_trace_service_request__pack(&request, *ret_bytes);
    return 0;
}

int otlp_encode(const struct otlp_resource *resource, const struct span_list *spans, size_t max, uint8_t **ret_bytes,
                size_t *ret_n, size_t *ret_spans)
{
    struct encoded_span *encoded = calloc(max, sizeof *encoded);
    otlp_span **pointers = calloc(max, sizeof *pointers);
    const struct span *s;
    size_t n = 0;
    int err = encoded && pointers ? 0 : -ENOMEM;
    if (!err) {
        STAILQ_FOREACH(s, spans, next)
        {
            if (n == max)
                break;
            set_span(&encoded[n], s);
            pointers[n] = &encoded[n].span;
            n++;
        }
        err = pack(resource, pointers, n, ret_bytes, ret_n);
    }
    if (!err)
        *ret_spans = n;
    free(pointers);
    free(encoded);
    return err;
}

int64_t otlp_refused(const uint8_t *bytes, size_t n, char ret_why[static OTLP_WHY_CAP])
{
    PREFIXED(Collector__Trace__V1__ExportTraceServiceResponse) *answer =
        opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(NULL, n, bytes);
    if (!answer)
        return -EBADMSG;
    int64_t refused = answer->partial_success ? answer->partial_success->rejected_spans : 0;
    snprintf(ret_why, OTLP_WHY_CAP, "%s", answer->partial_success ? answer->partial_success->error_message : "");
    opentelemetry__proto__collector__trace__v1__export_trace_service_response__free_unpacked(answer, NULL);
    return refused > 0 ? refused : 0;
}
