/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the JSON document of the daemon's status. */
#include "daemon/documents/documents.h"
#include "daemon/documents/problems.h"
#include "libdiscover/core/words.h"

static json_t *overrides_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_overrides; i++) {
        const Discover__V1__Override *o = s->overrides[i];
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "service", o->service, "instance", o->instance,
                                "state", state_word((int)o->state), "reason", o->reason, "uid", (json_int_t)o->uid,
                                "age_ms", (json_int_t)o->age_ms);
        if (o->over || o->grace_ms)
            (void)json_object_set_new(one, "grace_ms", json_integer(o->over ? 0 : o->grace_ms));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *failovers_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_failovers; i++) {
        const Discover__V1__Failover *f = s->failovers[i];
        json_t *one = json_pack("{s:s, s:s, s:I, s:b}", "service", f->service, "at", *f->at ? f->at : s->region,
                                "at_ms", (json_int_t)f->at_ms, "forced", f->forced);
        if (f->forced)
            (void)json_object_update_new(one, json_pack("{s:s, s:I, s:I}", "region", *f->region ? f->region : s->region,
                                                        "uid", (json_int_t)f->uid, "age_ms", (json_int_t)f->age_ms));
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *counters_json(const Discover__V1__Status *s)
{
    json_t *counters = json_object();
    for (size_t i = 0; i < s->n_counters; i++)
        (void)json_object_set_new(counters, s->counters[i]->name, json_integer((json_int_t)s->counters[i]->value));
    return counters;
}

static json_t *refused_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_refused; i++) {
        const Discover__V1__Refusal *r = s->refused[i];
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "bucket", r->bucket, "key", r->key,
                                                    "reason", r->reason, "count", (json_int_t)r->count, "age_ms",
                                                    (json_int_t)r->age_ms));
    }
    return list;
}

static json_t *top_writers_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_top_writers; i++) {
        const Discover__V1__TopWriter *t = s->top_writers[i];
        (void)json_array_append_new(list, json_pack("{s:s, s:I, s:b}", "host", t->host, "changes",
                                                    (json_int_t)t->changes, "floods", t->floods));
    }
    return list;
}

static json_t *buckets_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_buckets; i++) {
        const Discover__V1__BucketStatus *b = s->buckets[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "name", b->name, "read_error",
                            b->read_error, "refusal", b->refusal, "refused", (json_int_t)b->refused, "refused_ms",
                            (json_int_t)b->refused_ms, "bytes", (json_int_t)b->bytes, "max_bytes",
                            (json_int_t)b->max_bytes, "messages", (json_int_t)b->messages, "full", b->full, "lacks",
                            document_texts((const char *const *)b->lacks, b->n_lacks)));
    }
    return list;
}

/* Why others, or readers here, may not see all of it. */
static json_t *troubles_json(const Discover__V1__Status *s)
{
    json_t *unwritten = json_pack("{s:I, s:s}", "entries", (json_int_t)s->unwritten, "reason", s->unwritten_reason);
    json_t *held = json_pack("{s:I, s:I, s:s}", "hosts", (json_int_t)s->held, "ms", (json_int_t)s->held_ms, "reason",
                             s->held_reason);
    return json_pack("{s:o, s:o, s:s, s:s, s:b, s:s, s:o, s:o, s:o}", "unwritten", unwritten, "held", held,
                     "store_error", s->store_error, "lease_problem", s->lease_problem, "name_taken", s->name_taken,
                     "write_refusal", s->write_refusal, "listen_problems",
                     document_texts((const char *const *)s->listen_problems, s->n_listen_problems), "refused",
                     refused_json(s), "top_writers", top_writers_json(s));
}

static json_t *region_json(const Discover__V1__RegionStatus *r)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:I}", "region", r->name, "state",
                     r->state, "stale_ms", (json_int_t)r->stale_ms, "reason", r->reason, "server", r->server, "error",
                     r->error, "hosts", (json_int_t)r->hosts, "services", (json_int_t)r->services, "instances",
                     (json_int_t)r->instances, "usable", (json_int_t)r->usable, "questions", (json_int_t)r->questions,
                     "mirror", r->mirror, "mirror_snapshots", (json_int_t)r->mirror_snapshots);
}

static json_t *regions_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_regions; i++)
        (void)json_array_append_new(list, region_json(s->regions[i]));
    return list;
}

json_t *regions_document(const Discover__V1__Status *s)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "region", s->region, "sync", s->sync, "regions", regions_json(s),
                     "failovers", failovers_json(s));
}

void document_set_condition(json_t *document, const Discover__V1__Status *s)
{
    struct problem problems[PROBLEMS_MAX];
    char summary[PROBLEM_TEXT_CAP];
    size_t n = problems_of(s, problems);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "level", condition_word(problems[i].level), "text", problems[i].text));
    condition_sentence(s, problems, n, summary);
    (void)json_object_update_new(document, json_pack("{s:s, s:s, s:o}", "condition",
                                                     condition_word(n ? problems[0].level : PROBLEM_NONE), "summary",
                                                     summary, "problems", list));
}

json_t *status_document(const Discover__V1__Status *s)
{
    json_t *bus = json_pack("{s:b, s:s, s:s, s:s}", "connected", s->bus_connected, "server", s->bus_server, "error",
                            s->bus_error, "distrust", s->distrust);
    json_t *status = json_pack(
        "{s:s, s:s, s:I, s:s, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o}", "version", s->version,
        "host", s->host, "epoch", (json_int_t)s->epoch, "sync", s->sync, "stale_ms", (json_int_t)s->stale_ms,
        "uptime_ms", (json_int_t)s->uptime_ms, "bus", bus, "buckets", buckets_json(s), "hosts", (json_int_t)s->hosts,
        "services", (json_int_t)s->services, "instances", (json_int_t)s->instances, "registrations",
        (json_int_t)s->registrations, "unacknowledged", (json_int_t)s->unacknowledged, "waiting",
        (json_int_t)s->waiting, "address", s->address, "overrides", overrides_json(s), "counters", counters_json(s));
    (void)json_object_update_new(status, troubles_json(s));
    (void)json_object_update_new(status, regions_document(s));
    document_set_condition(status, s);
    return status;
}
