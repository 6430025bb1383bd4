/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches (discover.h). The daemon says that a service has changed, not what: that is read in the table when dispatch
 * runs, so that any number of changes are one, and a slow caller makes nobody wait.
 */
#include "libdiscover/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "libdiscover/core/label.h"
#include "libdiscover/core/trace_context.h"
#include "libdiscover/session/link.h"

struct endpoints {
    struct discover_endpoint *all; /* by id */
    size_t n;
};

struct discover_watch {
    struct discover *d;
    struct discover_watch *next;
    discover_watch_fn *fn;
    void *arg;
    uint32_t request;
    bool due, reported, ended;
    bool in_callback; /* it is not called again before it has returned */
    int result;
    struct endpoints known;
    struct trace_context *trace; /* of the newest change that had one, which has not been reported; NULL: none had */
    char service[TABLE_KEY_MAX + 1];
};

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct discover_endpoint *)a)->id, y = ((const struct discover_endpoint *)b)->id;
    return (x > y) - (x < y);
}

/* Reads the whole present set, sorted by id. Returns what discover_resolve would. */
static int read_set(struct discover *d, const char *service, struct endpoints *ret_set)
{
    int result;
    size_t n = 8, cap;
    do {
        cap = 2 * n;
        struct discover_endpoint *all = realloc(ret_set->all, cap * sizeof *all);
        if (!all)
            return -ENOMEM;
        ret_set->all = all;
        result = discover_resolve(d, service, all, cap, &n);
        if (result < 0)
            return result;
    } while (n > cap);
    ret_set->n = n;
    qsort(ret_set->all, ret_set->n, sizeof *ret_set->all, by_id);
    return result;
}

/* Two sorted sets, side by side. ret_differences has room for all of both. */
static size_t compare(const struct endpoints *was, const struct endpoints *is,
                      struct discover_difference *ret_differences)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < was->n || k < is->n;) {
        const struct discover_endpoint *old = i < was->n ? &was->all[i] : NULL;
        const struct discover_endpoint *new = k < is->n ? &is->all[k] : NULL;
        if (old && (!new || old->id < new->id)) {
            ret_differences[n++] = (struct discover_difference){DISCOVER_REMOVED, *old};
            i++;
        } else if (!old || new->id < old->id) {
            ret_differences[n++] = (struct discover_difference){DISCOVER_ADDED, *new};
            k++;
        } else {
            if (memcmp(old, new, sizeof *old) != 0)
                ret_differences[n++] = (struct discover_difference){DISCOVER_CHANGED, *new};
            i++, k++;
        }
    }
    return n;
}

/*
 * Whether a result says anything of the service. If not, nothing is reported: what was reported before is the last known
 * state.
 */
static bool is_known(int result)
{
    return result >= 0 || result == DISCOVER_E_NONE || result == DISCOVER_E_UNKNOWN;
}

static void report_change(struct discover_watch *w, int result, const struct endpoints *is,
                          const struct discover_difference *differences, size_t n_differences)
{
    char traceparent[TRACE_PARENT_CAP];
    struct trace_context *trace = w->trace;
    w->trace = NULL;
    if (trace)
        trace_context_format(trace, traceparent);
    const struct discover_change change = {.service = w->service,
                                           .result = result,
                                           .endpoints = is->all,
                                           .n = is->n,
                                           .differences = differences,
                                           .n_differences = n_differences,
                                           .traceparent = trace ? traceparent : NULL,
                                           .tracestate = trace ? trace->state : NULL};
    w->in_callback = true;
    w->fn(w->arg, &change);
    w->in_callback = false;
    free(trace);
    if (w->due) /* the next dispatch looks again */
        w->d->watches_due = true;
}

static int look(struct discover_watch *w)
{
    struct endpoints is = {0};
    int result = read_set(w->d, w->service, &is);
    if (!is_known(result)) {
        free(is.all);
        return result == DISCOVER_E_BUSY || result == -ENOMEM ? result : 0;
    }
    struct discover_difference *differences = calloc(w->known.n + is.n + 1, sizeof *differences);
    if (!differences) {
        free(is.all);
        return -ENOMEM;
    }
    size_t n = compare(&w->known, &is, differences);
    bool first = !w->reported, missing = result < 0 && result != w->result;
    free(w->known.all);
    w->known = is;
    w->result = result;
    w->reported = true;
    if (n > 0 || first || missing || w->trace)
        report_change(w, result, &w->known, differences, n);
    free(differences);
    return 0;
}

static void release_ended(struct discover *d)
{
    for (struct discover_watch *w = d->watches, *next; w; w = next) {
        next = w->next;
        if (!w->ended)
            continue;
        LL_DELETE(d->watches, w);
        free(w->trace);
        free(w->known.all);
        free(w);
    }
}

void watches_run(struct discover *d)
{
    if (!d->watches_due)
        return;
    d->watches_due = false;
    d->watches_running++;
    for (struct discover_watch *w = d->watches; w; w = w->next) {
        if (!w->due || w->ended || w->in_callback)
            continue;
        w->due = false;
        if (look(w) < 0)
            w->due = d->watches_due = true;
    }
    if (--d->watches_running == 0)
        release_ended(d);
}

void watches_mark(struct discover *d, const char *service)
{
    for (struct discover_watch *w = d->watches; w; w = w->next)
        if (!service || strcmp(w->service, service) == 0)
            w->due = d->watches_due = true;
}

/* A daemon sends no invalid context; without memory for it the change is reported without one. */
void watches_traced(struct discover *d, const char *service, const char *traceparent, const char *tracestate)
{
    struct trace_context context;
    const char *why;
    if (trace_context_parse(traceparent, tracestate, &context, &why) < 0)
        return;
    for (struct discover_watch *w = d->watches; w; w = w->next) {
        if (w->ended || strcmp(w->service, service) != 0)
            continue;
        if (!w->trace)
            w->trace = malloc(sizeof *w->trace);
        if (w->trace)
            *w->trace = context;
    }
}

void watches_want(const struct discover *d)
{
    for (const struct discover_watch *w = d->watches; w; w = w->next)
        if (!w->ended)
            dns_want(d->dns, w->service);
}

static int queue_request(struct discover_watch *w, bool stop)
{
    Discover__V1__Watch body = DISCOVER__V1__WATCH__INIT;
    body.service = w->service;
    body.stop = stop;
    int err = link_queue(w->d, DISCOVER__V1__CLIENT_MESSAGE__BODY_WATCH, &body.base);
    w->request = w->d->last_id;
    return err;
}

int watches_send(struct discover *d)
{
    int err = 0;
    for (struct discover_watch *w = d->watches; w && !err; w = w->next)
        err = w->ended ? 0 : queue_request(w, false);
    return err;
}

bool watches_asked(const struct discover *d, uint32_t id)
{
    for (const struct discover_watch *w = d->watches; w; w = w->next)
        if (w->request == id)
            return true;
    return false;
}

/* A failure is left aside: the connection has ended or is about to, and all watches are sent on the next one. */
static void send_now(struct discover_watch *w, bool stop)
{
    if (w->d->link == LINK_UP && context_check(w->d) == 0)
        (void)queue_request(w, stop);
}

int discover_watch(struct discover *d, const char *service, discover_watch_fn *fn, void *arg,
                   struct discover_watch **ret_w)
{
    char domain[LABEL_CAP], name[LABEL_CAP], region[LABEL_CAP];
    if (!d || !service || !fn || !ret_w)
        return -EINVAL;
    if (service_ref_parse(service, domain, name, region) < 0)
        return DISCOVER_E_NAME;
    struct discover_watch *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    strcpy(w->service, service);
    w->d = d;
    w->fn = fn;
    w->arg = arg;
    w->due = d->watches_due = true;
    LL_PREPEND(d->watches, w);
    send_now(w, false);
    if (context_check(d) == 0)
        link_arm(d);
    *ret_w = w;
    return 0;
}

void discover_unwatch(struct discover_watch *w)
{
    if (!w)
        return;
    struct discover *d = w->d;
    w->ended = true;
    bool another = false;
    for (const struct discover_watch *it = d->watches; it; it = it->next)
        another = another || (!it->ended && strcmp(it->service, w->service) == 0);
    if (!another)
        send_now(w, true);
    if (!d->watches_running)
        release_ended(d);
}
