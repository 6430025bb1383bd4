/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over NATS: the table of those that are known, the queue of those that wait, and the sending of answers. */
#include "daemon/registry/rpc/rpc.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/pace.h"
#include "daemon/documents/micro.h"
#include "daemon/registry/rpc/rpc_work.h"
#include "libdiscover/core/clock.h"

#define SERVICE_NAME "discoverd"

/* name is the endpoint's, document what "rpc.host.<host>.<document>" ends with; the first entry is "rpc.resolve". */
static const struct {
    const char *name, *document;
    enum rpc_kind kind;
} table[] = {
    {"resolve", NULL, RPC_RESOLVE},
    {"host-resolve", "resolve", RPC_RESOLVE},
    {"host-services", "services", RPC_PAGE},
    {"host-hosts", "hosts", RPC_PAGE},
    {"host-status", "status", RPC_DOCUMENT},
    {"host-explain", "explain", RPC_DOCUMENT},
    {"host-regions", "regions", RPC_DOCUMENT},
};
#define ENDPOINTS (sizeof table / sizeof *table)

struct rpc_endpoint {
    char subject[BUS_SUBJECT_TEXT];
    char last_error[160];
    uint64_t requests, errors;
    int64_t busy_ns;
};

struct rpc {
    struct rpc_reach reach;
    struct rpc_endpoint endpoints[ENDPOINTS];
    struct rpc_work *first, **end;
    size_t n;
    struct pace pace;
    int64_t started_ms;
    struct rpc_counters {
        metric_value answered, refused, unanswered, full;
    } counters;
};

static const struct metric metric_table[] = {
    COUNTER_OF(rpc_counters, answered, "discoverd_rpc_requests_total{result=\"answered\"}",
               "Requests over NATS: answered, answered with an error, not answered as NATS was lost, or too many."),
    COUNTER_OF(rpc_counters, refused, "discoverd_rpc_requests_total{result=\"refused\"}", NULL),
    COUNTER_OF(rpc_counters, unanswered, "discoverd_rpc_requests_total{result=\"unanswered\"}", NULL),
    COUNTER_OF(rpc_counters, full, "discoverd_rpc_requests_total{result=\"full\"}", NULL),
};
METRICS_LISTED(metric_table)

int rpc_new(const struct rpc_reach *reach, struct rpc **ret_r)
{
    struct rpc *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->reach = *reach;
    r->end = &r->first;
    r->pace = pace_per_second(reach->config->limits.requests);
    r->started_ms = clock_wall_ms();
    for (size_t i = 0; i < ENDPOINTS; i++)
        snprintf(r->endpoints[i].subject, sizeof r->endpoints[i].subject,
                 table[i].document ? "discover.%s.rpc.host.%s.%s" : "discover.%s.rpc.resolve", reach->config->region,
                 reach->config->host, table[i].document);
    int err = metrics_add(reach->metrics, metric_table, sizeof metric_table / sizeof *metric_table, &r->counters);
    if (err)
        rpc_free(r);
    else
        *ret_r = r;
    return err;
}

static void drop_first(struct rpc *r)
{
    struct rpc_work *w = r->first;
    r->first = w->next;
    if (!r->first)
        r->end = &r->first;
    r->n--;
    rpc_work_free(w);
}

void rpc_free(struct rpc *r)
{
    if (!r)
        return;
    while (r->first)
        drop_first(r);
    free(r);
}

static int endpoint_of(const struct rpc *r, const char *subject)
{
    for (size_t i = 0; i < ENDPOINTS; i++)
        if (strcmp(r->endpoints[i].subject, subject) == 0)
            return (int)i;
    return -ENOENT;
}

/* The number of the endpoint, or ENDPOINTS + the verb of $SRV; -ENOENT: none of ours, but perhaps another service's. */
static int which_of(const struct rpc *r, const char *subject)
{
    enum micro_verb verb;
    if (micro_verb_of(subject, SERVICE_NAME, r->reach.config->host, &verb) == 0)
        return (int)(ENDPOINTS + verb);
    return endpoint_of(r, subject);
}

void rpc_request(struct rpc *r, const struct bus_request *request)
{
    int which = which_of(r, request->subject);
    if (which < 0 && strncmp(request->subject, "$SRV.", 5) == 0)
        return;
    struct rpc_work *w = r->n < r->reach.config->limits.requests_waiting ? rpc_work_new(request, which) : NULL;
    if (!w) {
        metric_inc(&r->counters.full);
        return;
    }
    *r->end = w;
    r->end = &w->next;
    r->n++;
}

/* --- what it says of itself ($SRV) --- */

static json_t *of_itself(const struct rpc *r, enum micro_verb verb)
{
    struct micro_endpoint endpoints[ENDPOINTS];
    const struct micro_service service = {.name = SERVICE_NAME,
                                          .id = r->reach.config->host,
                                          .version = r->reach.version,
                                          .description = "the service registry, as the discoverd of this host has it",
                                          .region = r->reach.config->region,
                                          .started_ms = r->started_ms,
                                          .endpoints = endpoints,
                                          .n_endpoints = ENDPOINTS};
    for (size_t i = 0; i < ENDPOINTS; i++) {
        const struct rpc_endpoint *e = &r->endpoints[i];
        endpoints[i] = (struct micro_endpoint){.name = table[i].name,
                                               .subject = e->subject,
                                               .queue = table[i].document ? "" : BUS_REQUEST_QUEUE,
                                               .requests = e->requests,
                                               .errors = e->errors,
                                               .busy_ns = e->busy_ns,
                                               .last_error = e->last_error};
    }
    return micro_document(verb, &service);
}

/* --- answering --- */

static void answer(struct rpc *r, const struct rpc_work *w)
{
    int err = r->reach.answer(r->reach.arg, w->reply, w->error, w->error ? w->why : w->text,
                              w->error ? strlen(w->why) : w->n);
    metric_inc(err < 0 ? &r->counters.unanswered : w->error ? &r->counters.refused : &r->counters.answered);
}

static void count(struct rpc_endpoint *e, const struct rpc_work *w)
{
    e->requests++;
    e->busy_ns += w->busy_ns;
    e->errors += w->error != 0;
    if (w->error)
        snprintf(e->last_error, sizeof e->last_error, "%d:%.140s", w->error, w->why);
}

static bool work_on(struct rpc *r, struct rpc_work *w, const struct loop_slice *slice)
{
    const struct rpc_sources sources = {.catalog = r->reach.catalog,
                                        .arg = r->reach.arg,
                                        .document = r->reach.document,
                                        .answer_bytes = r->reach.config->limits.answer_bytes};
    if (w->which >= (int)ENDPOINTS) {
        rpc_work_json(w, of_itself(r, (enum micro_verb)(w->which - (int)ENDPOINTS)), &sources);
        return true;
    }
    if (w->which >= 0)
        return rpc_work_step(w, table[w->which].kind, table[w->which].document, &sources, slice);
    rpc_work_fail(w, 404, "there is no such document");
    return true;
}

/* Works on the first request of the queue. Returns whether that is answered. */
static bool first_done(struct rpc *r, const struct loop_slice *slice)
{
    struct rpc_work *w = r->first;
    int64_t began_ns = clock_now_ns();
    bool done = work_on(r, w, slice);
    w->busy_ns += clock_now_ns() - began_ns;
    if (!done)
        return false;
    answer(r, w);
    if (w->which >= 0 && w->which < (int)ENDPOINTS)
        count(&r->endpoints[w->which], w);
    drop_first(r);
    return true;
}

int64_t rpc_tick(struct rpc *r, int64_t now_ns)
{
    struct loop_slice slice = loop_slice_begin();
    while (r->first && pace_wait_ns(&r->pace, now_ns) == 0) {
        if (loop_slice_over(&slice) || !first_done(r, &slice))
            return now_ns;
        (void)pace_take(&r->pace, now_ns);
    }
    return r->first ? now_ns + pace_wait_ns(&r->pace, now_ns) : INT64_MAX;
}
