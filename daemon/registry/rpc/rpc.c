/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over NATS: the table of those that are known, the queue of those that wait, and their answers. */
#include "daemon/registry/rpc/rpc.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/base/pace.h"
#include "daemon/documents/micro.h"
#include "daemon/http/pages.h"
#include "libdiscover/core/clock.h"

#define SERVICE_NAME "discoverd"
#define SUBJECT_CAP  (4 * LABEL_CAP)
#define NAME_CAP     512

/* name is the endpoint's, document what "rpc.host.<host>.<document>" ends with; the first entry is "rpc.resolve". */
static const struct {
    const char *name, *document;
    enum { OF_SERVICE, SERVICES, HOSTS, DOCUMENT } what;
} table[] = {
    {"resolve", NULL, OF_SERVICE},           {"host-resolve", "resolve", OF_SERVICE},
    {"host-services", "services", SERVICES}, {"host-hosts", "hosts", HOSTS},
    {"host-status", "status", DOCUMENT},     {"host-explain", "explain", DOCUMENT},
    {"host-regions", "regions", DOCUMENT},
};
#define ENDPOINTS (sizeof table / sizeof *table)

struct rpc_endpoint {
    char subject[SUBJECT_CAP];
    char last_error[160];
    uint64_t requests, errors;
    int64_t busy_ns;
};

/* A request, and its answer in the making. */
struct work {
    STAILQ_ENTRY(work) next;
    int which;         /* the number of the endpoint, or ENDPOINTS + the verb of $SRV; negative: none that is known */
    int64_t busy_ns;   /* time spent on it so far */
    const char *reply; /* subject of the answer; it and the body are stored in strings */
    const char *body;
    size_t body_n;
    bool begun;
    bool walks; /* the answer is a list, which is being written */
    struct page_walk walk;
    struct evbuffer *out; /* the answer, if there is no error */
    int error;            /* as a status code of HTTP; 0: none */
    char why[200];        /* the reason of an error */
    char strings[];
};

struct rpc {
    struct rpc_reach reach;
    struct rpc_endpoint endpoints[ENDPOINTS];
    STAILQ_HEAD(, work) waiting;
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
    STAILQ_INIT(&r->waiting);
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

/* --- the queue --- */

static void work_free(struct work *w)
{
    if (w->walks)
        page_walk_fini(&w->walk);
    if (w->out)
        evbuffer_free(w->out);
    free(w);
}

/* With a copy of the request. NULL: no memory. */
static struct work *work_new(const struct bus_request *request, int which)
{
    size_t reply_n = strlen(request->reply) + 1;
    struct work *w = calloc(1, sizeof *w + reply_n + request->n + 1);
    if (!w)
        return NULL;
    w->which = which;
    w->reply = memcpy(w->strings, request->reply, reply_n);
    w->body = memcpy(w->strings + reply_n, request->text, request->n);
    w->body_n = request->n;
    w->out = evbuffer_new();
    if (w->out)
        return w;
    work_free(w);
    return NULL;
}

static void drop_first(struct rpc *r)
{
    struct work *w = STAILQ_FIRST(&r->waiting);
    STAILQ_REMOVE_HEAD(&r->waiting, next);
    r->n--;
    work_free(w);
}

void rpc_free(struct rpc *r)
{
    if (!r)
        return;
    while (!STAILQ_EMPTY(&r->waiting))
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

/* As work's which; -ENOENT: none of ours, but perhaps another service's. */
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
    struct work *w = r->n < r->reach.config->limits.requests_waiting ? work_new(request, which) : NULL;
    if (!w) {
        metric_inc(&r->counters.full);
        return;
    }
    STAILQ_INSERT_TAIL(&r->waiting, w, next);
    r->n++;
}

/* --- results --- */

static void fail(struct work *w, int error, const char *why)
{
    w->error = error;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static void fail_errno(struct work *w, int err)
{
    if (err == -EINVAL)
        fail(w, 400, "that is not a name of anything");
    else if (err == -ENOENT)
        fail(w, 404, "there is no such thing");
    else
        fail(w, 503, strerror(-err));
}

/* Frees the text; NULL: there was no memory for it. */
static void set_text(struct work *w, char *text, size_t n)
{
    if (!text || evbuffer_add(w->out, text, n) < 0)
        fail_errno(w, -ENOMEM);
    free(text);
}

/* --- what it says of itself ($SRV) --- */

static json_t *of_itself(const struct rpc *r, enum micro_verb verb)
{
    struct micro_endpoint endpoints[ENDPOINTS];
    const struct micro_service service = {.name = SERVICE_NAME,
                                          .id = r->reach.config->host,
                                          .version = DISCOVER_VERSION,
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

static void answer_of_itself(const struct rpc *r, struct work *w)
{
    json_t *document = of_itself(r, (enum micro_verb)(w->which - (int)ENDPOINTS));
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    set_text(w, text, text ? strlen(text) : 0);
}

/* --- what is asked --- */

struct asked {
    json_t *object;
    const char *service, *name; /* "": not given */
    json_int_t limit;           /* 0: not given */
};

static bool read_body(struct work *w, struct asked *a)
{
    json_error_t error;
    a->object = w->body_n ? json_loadb(w->body, w->body_n, JSON_REJECT_DUPLICATES, &error) : json_object();
    const char *service = json_string_value(json_object_get(a->object, "service"));
    const char *name = json_string_value(json_object_get(a->object, "name"));
    a->service = service ? service : "";
    a->name = name ? name : "";
    a->limit = json_integer_value(json_object_get(a->object, "limit"));
    if (json_is_object(a->object) && strlen(a->name) < NAME_CAP && a->limit >= 0)
        return true;
    fail(w, 400, "a request is a JSON object, such as {\"service\": \"shop/payment\"}, or nothing");
    return false;
}

static void make_document(const struct rpc *r, struct work *w, const struct asked *a)
{
    char path[NAME_CAP + 32], *text;
    size_t n;
    snprintf(path, sizeof path, "%s%s%s", table[w->which].document, *a->name ? "/" : "", a->name);
    int err = r->reach.document(r->reach.arg, path, false, &text, &n);
    if (err < 0)
        fail_errno(w, err);
    else
        set_text(w, text, n);
}

/* --- lists --- */

static void begin_list(struct work *w, const struct page_source *source, const struct page *page)
{
    page_walk_init(&w->walk, source, page);
    w->walks = true;
}

static void begin_service(struct work *w, const struct page_source *source, const struct asked *a)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    bool is_name = service_parse(a->service, domain, service) == 0;
    int err = is_name ? page_walk_init_service(&w->walk, source, a->service) : -EINVAL;
    w->walks = err == 0;
    if (err == 0 && a->limit > 0 && (size_t)a->limit < w->walk.n_ids)
        w->walk.n_ids = (size_t)a->limit; /* usable instances come first in the list */
    if (err == 0)
        return;
    if (!is_name)
        fail(w, 400, "\"service\" must be <domain>/<service>");
    else if (err == -ENOENT && source->sync == TABLE_UNSYNCED)
        fail(w, 503, "not synchronised yet");
    else if (err == -ENOENT)
        fail(w, 404, "no such service");
    else
        fail_errno(w, err);
}

/* Returns false when there is more. Stops as soon as the list is longer than may be sent. */
static bool step_list(const struct rpc *r, struct work *w, const struct loop_slice *slice)
{
    struct page_source source = page_source_of(r->reach.catalog);
    int more = page_walk_step(&w->walk, &source, slice, w->out);
    if (more < 0)
        fail_errno(w, more);
    return more != 1 || evbuffer_get_length(w->out) > r->reach.config->limits.answer_bytes;
}

/* --- answering --- */

static void begin(const struct rpc *r, struct work *w)
{
    struct page_source source = page_source_of(r->reach.catalog);
    struct asked a;
    w->begun = true;
    if (read_body(w, &a))
        switch (table[w->which].what) {
        case OF_SERVICE:
            begin_service(w, &source, &a);
            break;
        case SERVICES:
            begin_list(w, &source, &page_services);
            break;
        case HOSTS:
            begin_list(w, &source, &page_hosts);
            break;
        case DOCUMENT:
            make_document(r, w, &a);
            break;
        }
    json_decref(a.object);
}

static bool is_endpoint(int which)
{
    return which >= 0 && which < (int)ENDPOINTS;
}

/* Works on the answer until the slice is over. Returns whether there is one. */
static bool work_on(const struct rpc *r, struct work *w, const struct loop_slice *slice)
{
    if (is_endpoint(w->which) && !w->begun)
        begin(r, w);
    else if (w->which < 0)
        fail(w, 404, "there is no such document");
    else if (!is_endpoint(w->which))
        answer_of_itself(r, w);
    return w->error || !w->walks || step_list(r, w, slice);
}

static void answer(struct rpc *r, struct work *w)
{
    size_t n = evbuffer_get_length(w->out), max = r->reach.config->limits.answer_bytes;
    const char *text = (const char *)evbuffer_pullup(w->out, -1);
    if (!w->error && n > max) {
        w->error = 413;
        snprintf(w->why, sizeof w->why,
                 "the answer has more than %zu bytes (limits.answer_bytes of the host that answers)", max);
    } else if (!w->error && !text) {
        fail_errno(w, -ENOMEM);
    }
    if (w->error) {
        text = w->why;
        n = strlen(w->why);
    }
    int err = r->reach.answer(r->reach.arg, w->reply, w->error, text, n);
    metric_inc(err < 0 ? &r->counters.unanswered : w->error ? &r->counters.refused : &r->counters.answered);
}

static void count(struct rpc_endpoint *e, const struct work *w)
{
    e->requests++;
    e->busy_ns += w->busy_ns;
    e->errors += w->error != 0;
    if (w->error)
        snprintf(e->last_error, sizeof e->last_error, "%d:%.140s", w->error, w->why);
}

/* Works on the first request of the queue. Returns whether that is answered. */
static bool first_done(struct rpc *r, const struct loop_slice *slice)
{
    struct work *w = STAILQ_FIRST(&r->waiting);
    int64_t began_ns = clock_now_ns();
    bool done = work_on(r, w, slice);
    w->busy_ns += clock_now_ns() - began_ns;
    if (!done)
        return false;
    answer(r, w);
    if (is_endpoint(w->which))
        count(&r->endpoints[w->which], w);
    drop_first(r);
    return true;
}

int64_t rpc_tick(struct rpc *r, int64_t now_ns)
{
    struct loop_slice slice = loop_slice_begin();
    while (r->n > 0 && pace_wait_ns(&r->pace, now_ns) == 0) {
        if (loop_slice_over(&slice) || !first_done(r, &slice))
            return now_ns;
        (void)pace_take(&r->pace, now_ns);
    }
    return r->n > 0 ? now_ns + pace_wait_ns(&r->pace, now_ns) : INT64_MAX;
}
