/* SPDX-License-Identifier: Apache-2.0 */
/* Converts the daemon's answers into the structures that callbacks get. */
#include "libdiscover/session/answer.h"

#include <errno.h>
#include <stdlib.h>

/* On the way of an answer. */
struct delivery {
    struct discover_answer *answer;
    discover_answer_fn *fn;
    void *arg;
};

/* The lists of a status, as the caller gets them. */
struct status_lists {
    struct discover_counter *counters;
    struct discover_refusal *refused;
    struct discover_top_writer *top_writers;
    struct discover_override_info *overrides;
    int64_t *override_grace_ms;
    struct discover_bucket *buckets;
    struct discover_region *regions;
    struct discover_failover_info *failovers;
};

static void free_lists(struct status_lists *lists)
{
    free(lists->counters);
    free(lists->refused);
    free(lists->top_writers);
    free(lists->overrides);
    free(lists->override_grace_ms);
    free(lists->buckets);
    free(lists->regions);
    free(lists->failovers);
}

static struct discover_bucket bucket_of(const Discover__V1__BucketStatus *b)
{
    return (struct discover_bucket){
        .name = b->name,
        .read_error = b->read_error,
        .refusal = b->refusal,
        .refused = b->refused,
        .refused_ms = b->refused_ms,
        .bytes = b->bytes,
        .max_bytes = b->max_bytes,
        .full = b->full,
        .lacks = (const char *const *)b->lacks,
        .n_lacks = b->n_lacks,
    };
}

static struct discover_region region_of(const Discover__V1__RegionStatus *r)
{
    return (struct discover_region){
        .name = r->name,
        .state = r->state,
        .stale_ms = r->stale_ms,
        .reason = r->reason,
        .server = r->server,
        .error = r->error,
        .hosts = r->hosts,
        .services = r->services,
        .instances = r->instances,
        .usable = r->usable,
        .questions = r->questions,
        .mirror = r->mirror,
    };
}

static struct discover_failover_info failover_of(const Discover__V1__Failover *f)
{
    return (struct discover_failover_info){
        .service = f->service,
        .at = f->at,
        .at_ms = f->at_ms,
        .forced = f->forced,
        .region = f->region,
        .uid = f->uid,
        .age_ms = f->age_ms,
    };
}

static int make_lists(const Discover__V1__Status *s, struct status_lists *ret_lists)
{
    struct status_lists lists = {
        .counters = calloc(s->n_counters + 1, sizeof *lists.counters),
        .refused = calloc(s->n_refused + 1, sizeof *lists.refused),
        .top_writers = calloc(s->n_top_writers + 1, sizeof *lists.top_writers),
        .overrides = calloc(s->n_overrides + 1, sizeof *lists.overrides),
        .override_grace_ms = calloc(s->n_overrides + 1, sizeof *lists.override_grace_ms),
        .buckets = calloc(s->n_buckets + 1, sizeof *lists.buckets),
        .regions = calloc(s->n_regions + 1, sizeof *lists.regions),
        .failovers = calloc(s->n_failovers + 1, sizeof *lists.failovers),
    };
    if (!lists.counters || !lists.refused || !lists.top_writers || !lists.overrides || !lists.override_grace_ms ||
        !lists.buckets || !lists.regions || !lists.failovers) {
        free_lists(&lists);
        return -ENOMEM;
    }
    for (size_t i = 0; i < s->n_counters; i++)
        lists.counters[i] = (struct discover_counter){s->counters[i]->name, s->counters[i]->value};
    for (size_t i = 0; i < s->n_refused; i++) {
        const Discover__V1__Refusal *r = s->refused[i];
        lists.refused[i] = (struct discover_refusal){r->bucket, r->key, r->reason, r->count, r->age_ms};
    }
    for (size_t i = 0; i < s->n_top_writers; i++) {
        const Discover__V1__TopWriter *t = s->top_writers[i];
        lists.top_writers[i] = (struct discover_top_writer){t->host, t->changes, t->floods};
    }
    for (size_t i = 0; i < s->n_overrides; i++) {
        const Discover__V1__Override *o = s->overrides[i];
        lists.overrides[i] = (struct discover_override_info){o->service, o->instance, (enum discover_state)o->state,
                                                             o->reason,  o->uid,      o->age_ms};
        lists.override_grace_ms[i] = o->over ? 0 : o->grace_ms ? (int64_t)o->grace_ms : -1;
    }
    for (size_t i = 0; i < s->n_buckets; i++)
        lists.buckets[i] = bucket_of(s->buckets[i]);
    for (size_t i = 0; i < s->n_regions; i++)
        lists.regions[i] = region_of(s->regions[i]);
    for (size_t i = 0; i < s->n_failovers; i++)
        lists.failovers[i] = failover_of(s->failovers[i]);
    *ret_lists = lists;
    return 0;
}

static struct discover_status status_of(const Discover__V1__Status *s, const struct status_lists *lists)
{
    return (struct discover_status){
        .version = s->version,
        .host = s->host,
        .sync = s->sync,
        .bus_server = s->bus_server,
        .bus_error = s->bus_error,
        .epoch = s->epoch,
        .stale_ms = s->stale_ms,
        .uptime_ms = s->uptime_ms,
        .bus_connected = s->bus_connected,
        .hosts = s->hosts,
        .services = s->services,
        .instances = s->instances,
        .registrations = s->registrations,
        .unacknowledged = s->unacknowledged,
        .counters = lists->counters,
        .n_counters = s->n_counters,
        .refused = lists->refused,
        .n_refused = s->n_refused,
        .top_writers = lists->top_writers,
        .n_top_writers = s->n_top_writers,
        .overrides = lists->overrides,
        .n_overrides = s->n_overrides,
        .distrust = s->distrust,
        .held = s->held,
        .held_ms = s->held_ms,
        .held_reason = s->held_reason,
        .unwritten = s->unwritten,
        .unwritten_reason = s->unwritten_reason,
        .store_error = s->store_error,
        .address = s->address,
        .waiting = s->waiting,
        .lease_problem = s->lease_problem,
        .name_taken = s->name_taken,
        .buckets = lists->buckets,
        .n_buckets = s->n_buckets,
        .write_refusal = s->write_refusal,
        .listen_problems = (const char *const *)s->listen_problems,
        .n_listen_problems = s->n_listen_problems,
        .region = s->region,
        .regions = lists->regions,
        .n_regions = s->n_regions,
        .failovers = lists->failovers,
        .n_failovers = s->n_failovers,
        .override_grace_ms = lists->override_grace_ms,
    };
}

static void deliver_status(const Discover__V1__Status *s, const struct delivery *to)
{
    struct status_lists lists = {NULL};
    to->answer->result = make_lists(s, &lists);
    const struct discover_status status = status_of(s, &lists);
    to->answer->status = to->answer->result < 0 ? NULL : &status;
    to->fn(to->arg, to->answer);
    free_lists(&lists);
}

static void deliver_reload(const Discover__V1__Reloaded *r, const struct delivery *to)
{
    const struct discover_reload_result reload = {
        .taken = (const char *const *)r->taken,
        .n_taken = r->n_taken,
        .needs_restart = (const char *const *)r->needs_restart,
        .n_needs_restart = r->n_needs_restart,
        .refused = (const char *const *)r->refused,
        .n_refused = r->n_refused,
    };
    to->answer->reload = &reload;
    to->fn(to->arg, to->answer);
}

static struct discover_check check_of(const Discover__V1__CheckInfo *c)
{
    return (struct discover_check){
        .service = c->service,
        .instance = c->instance,
        .name = c->name,
        .kind = c->kind,
        .target = c->target,
        .state = (enum discover_state)c->state,
        .known = c->known,
        .flapping = c->flapping,
        .since_ms = c->since_ms,
        .ran_ms = c->ran_ms,
        .took_us = c->took_us,
        .failures = c->failures,
        .runs = c->runs,
        .output = c->output,
    };
}

static void deliver_checks(const Discover__V1__Checks *c, const struct delivery *to)
{
    struct discover_check *all = calloc(c->n_checks + 1, sizeof *all);
    const struct discover_checks checks = {all, all ? c->n_checks : 0, c->left_out};
    for (size_t i = 0; i < checks.n; i++)
        all[i] = check_of(c->checks[i]);
    to->answer->result = all ? 0 : -ENOMEM;
    to->answer->checks = all ? &checks : NULL;
    to->fn(to->arg, to->answer);
    free(all);
}

void answer_deliver(int result, const char *text, const ProtobufCMessage *body, discover_answer_fn *fn, void *arg)
{
    struct answer_with_part with_part = {.answer = {
                                             .result = result,
                                             .error = result < 0 ? text : "",
                                             .instance = result < 0 ? "" : text,
                                         }};
    const struct delivery to = {&with_part.answer, fn, arg};
    if (body && body->descriptor == &discover__v1__document__descriptor) {
        with_part.part = (const Discover__V1__Document *)body;
        body = NULL;
    }
    if (body && body->descriptor == &discover__v1__status__descriptor)
        deliver_status((const Discover__V1__Status *)body, &to);
    else if (body && body->descriptor == &discover__v1__checks__descriptor)
        deliver_checks((const Discover__V1__Checks *)body, &to);
    else if (body)
        deliver_reload((const Discover__V1__Reloaded *)body, &to);
    else
        fn(arg, to.answer);
}
