/* SPDX-License-Identifier: Apache-2.0 */
/* Decides what is traced, and hands finished spans to the exporter. */
#include "daemon/registry/tracing/tracing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/registry/tracing/tracing_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/entropy.h"

#define MALFORMED_LOG_NS                                                                                               \
    (10 * NS_PER_S) /* at most one line in this time, as whoever sends one bad context sends many */

static const struct metric tracing_metrics[] = {
    COUNTER_OF(tracing_counters, refused[TRACING_SOCKET], "discoverd_trace_contexts_refused_total{from=\"socket\"}",
               "Trace contexts that are none (or whose state is none), by where they came from; what they came with "
               "was taken."),
    COUNTER_OF(tracing_counters, refused[TRACING_HEADER], "discoverd_trace_contexts_refused_total{from=\"header\"}",
               NULL),
    COUNTER_OF(tracing_counters, refused[TRACING_JSON], "discoverd_trace_contexts_refused_total{from=\"json\"}", NULL),
    COUNTER_OF(tracing_counters, limited, "discoverd_trace_contexts_limited_total",
               "Changes whose trace context was not handed on because more than trace.queue waited to be seen."),
};
METRICS_LISTED(tracing_metrics)

/* A probability as a share of 2^53, which is as exact as a double is. */
static uint64_t threshold_of(const char *ratio)
{
    return (uint64_t)(strtod(ratio, NULL) * (double)(UINT64_C(1) << 53));
}

static int exporter_start(struct tracing *t, struct event_base *base, const struct config *c, struct metrics *metrics)
{
    const struct exporter_options options = {.endpoint = c->trace.endpoint,
                                             .resource = {c->host, c->region, c->zone, DISCOVER_VERSION},
                                             .spans_max = c->trace.queue,
                                             .timeout_ns = c->trace.timeout_ns,
                                             .give_up_ns = c->trace.give_up_ns};
    return exporter_new(base, &options, metrics, &t->exporter);
}

int tracing_new(struct event_base *base, const struct config *config, struct metrics *metrics, struct tracing **ret_t)
{
    struct tracing *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->config = config;
    t->threshold = threshold_of(config->trace.sample);
    int err = metrics_add(metrics, tracing_metrics, sizeof tracing_metrics / sizeof *tracing_metrics, &t->counters);
    if (!err && *config->trace.endpoint)
        err = exporter_start(t, base, config, metrics);
    if (err)
        tracing_free(t);
    else
        *ret_t = t;
    return err;
}

void tracing_free(struct tracing *t)
{
    if (!t)
        return;
    tracing_puts_free(t);
    tracing_settle(t);
    exporter_free(t->exporter);
    free(t);
}

bool tracing_read(struct tracing *t, enum tracing_source source, const char *parent, const char *state,
                  const char *whose, struct trace_context *ret_context)
{
    const char *why;
    int result = parent && *parent ? trace_context_parse(parent, state, ret_context, &why) : -ENOENT;
    if (result == 0 || result == -ENOENT)
        return result == 0;
    int64_t now_ns = clock_now_ns();
    metric_inc(&t->counters.refused[source]);
    if (now_ns >= t->malformed_log_ns)
        log_warning("%s: %s; taken without a trace context", whose, why);
    if (now_ns >= t->malformed_log_ns)
        t->malformed_log_ns = now_ns + MALFORMED_LOG_NS;
    return result > 0;
}

/* --- spans --- */

/* n: 8 or 16. Ids need not be secret, but must not be all zeros (W3C Trace Context 2.2). */
static void make_id(uint8_t *ret_id, size_t n)
{
    for (size_t i = 0; i < n; i += sizeof(uint64_t))
        memcpy(ret_id + i, &(uint64_t){entropy_64()}, sizeof(uint64_t));
    ret_id[n - 1] |= !ret_id[n - 1];
}

static bool chosen(const struct tracing *t)
{
    return entropy_64() >> 11 < t->threshold;
}

bool tracing_begin(struct tracing *t, const struct trace_context *cause, struct trace_context *ret_context)
{
    if (!cause && (!t->exporter || !chosen(t)))
        return false;
    if (cause) {
        *ret_context = *cause;
    } else {
        *ret_context = (struct trace_context){.flags = TRACE_SAMPLED | TRACE_RANDOM};
        make_id(ret_context->trace_id, TRACE_ID_SIZE);
    }
    if (!cause || (t->exporter && trace_context_sampled(cause)))
        make_id(ret_context->span_id, SPAN_ID_SIZE);
    return true;
}

static int64_t wall_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

struct span *tracing_span(struct tracing *t, const char *name, enum span_kind kind, const struct trace_context *context,
                          const struct trace_context *cause, int64_t began_ns)
{
    struct span *s = t->exporter && trace_context_sampled(context) ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    *s = (struct span){.name = name,
                       .kind = kind,
                       .context = *context,
                       .has_parent = cause != NULL,
                       .parent_is_remote = cause != NULL};
    if (cause)
        memcpy(s->parent_id, cause->span_id, SPAN_ID_SIZE);
    s->end_ns = wall_now_ns();
    s->start_ns = s->end_ns - (clock_now_ns() - began_ns);
    return s;
}

void tracing_end(struct tracing *t, struct span *s)
{
    if (s)
        exporter_add(t->exporter, s);
}
