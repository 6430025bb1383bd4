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
        json_t *one = json_pack("{s:o, s:o, s:s, s:o, s:I, s:I}", "service", document_string(o->service), "instance",
                                document_string(o->instance), "state", state_word((int)o->state), "reason",
                                document_string(o->reason), "uid", (json_int_t)o->uid, "age_ms", (json_int_t)o->age_ms);
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
        json_t *one =
            json_pack("{s:o, s:o, s:I, s:b}", "service", document_string(f->service), "at",
                      document_string(*f->at ? f->at : s->region), "at_ms", (json_int_t)f->at_ms, "forced", f->forced);
        if (f->forced)
            (void)json_object_update_new(one, json_pack("{s:o, s:I, s:I}", "region",
                                                        document_string(*f->region ? f->region : s->region), "uid",
                                                        (json_int_t)f->uid, "age_ms", (json_int_t)f->age_ms));
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
        (void)json_array_append_new(list,
                                    json_pack("{s:o, s:o, s:o, s:I, s:I}", "bucket", document_string(r->bucket), "key",
                                              document_string(r->key), "reason", document_string(r->reason), "count",
                                              (json_int_t)r->count, "age_ms", (json_int_t)r->age_ms));
    }
    return list;
}

static json_t *top_writers_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_top_writers; i++) {
        const Discover__V1__TopWriter *t = s->top_writers[i];
        (void)json_array_append_new(list, json_pack("{s:o, s:I, s:b}", "host", document_string(t->host), "changes",
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
            list,
            json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "name", document_string(b->name),
                      "read_error", document_string(b->read_error), "refusal", document_string(b->refusal), "refused",
                      (json_int_t)b->refused, "refused_ms", (json_int_t)b->refused_ms, "bytes", (json_int_t)b->bytes,
                      "max_bytes", (json_int_t)b->max_bytes, "messages", (json_int_t)b->messages, "full", b->full,
                      "lacks", document_texts((const char *const *)b->lacks, b->n_lacks)));
    }
    return list;
}

/* Why others, or readers here, may not see all of it. */
static json_t *troubles_json(const Discover__V1__Status *s)
{
    json_t *unwritten =
        json_pack("{s:I, s:o}", "entries", (json_int_t)s->unwritten, "reason", document_string(s->unwritten_reason));
    json_t *held = json_pack("{s:I, s:I, s:o}", "hosts", (json_int_t)s->held, "ms", (json_int_t)s->held_ms, "reason",
                             document_string(s->held_reason));
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "unwritten", unwritten, "held", held,
                     "store_error", document_string(s->store_error), "lease_problem", document_string(s->lease_problem),
                     "name_taken", s->name_taken, "write_refusal", document_string(s->write_refusal), "listen_problems",
                     document_texts((const char *const *)s->listen_problems, s->n_listen_problems), "refused",
                     refused_json(s), "top_writers", top_writers_json(s));
}

static json_t *region_json(const Discover__V1__RegionStatus *r)
{
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:I}", "region",
                     document_string(r->name), "state", document_string(r->state), "stale_ms", (json_int_t)r->stale_ms,
                     "reason", document_string(r->reason), "server", document_string(r->server), "error",
                     document_string(r->error), "hosts", (json_int_t)r->hosts, "services", (json_int_t)r->services,
                     "instances", (json_int_t)r->instances, "usable", (json_int_t)r->usable, "questions",
                     (json_int_t)r->questions, "mirror", document_string(r->mirror), "mirror_snapshots",
                     (json_int_t)r->mirror_snapshots);
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
    return json_pack("{s:o, s:o, s:o, s:o}", "region", document_string(s->region), "sync", document_string(s->sync),
                     "regions", regions_json(s), "failovers", failovers_json(s));
}

void document_set_condition(json_t *document, const Discover__V1__Status *s)
{
    struct problem problems[PROBLEMS_MAX];
    char summary[PROBLEM_TEXT_CAP];
    size_t n = problems_of(s, problems);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:o}", "level", condition_word(problems[i].level), "text",
                                                    document_string(problems[i].text)));
    condition_sentence(s, problems, n, summary);
    (void)json_object_update_new(document, json_pack("{s:s, s:o, s:o}", "condition",
                                                     condition_word(n ? problems[0].level : PROBLEM_NONE), "summary",
                                                     document_string(summary), "problems", list));
}

json_t *status_document(const Discover__V1__Status *s)
{
    json_t *bus =
        json_pack("{s:b, s:o, s:o, s:o}", "connected", s->bus_connected, "server", document_string(s->bus_server),
                  "error", document_string(s->bus_error), "distrust", document_string(s->distrust));
    json_t *status = json_pack(
        "{s:o, s:o, s:I, s:o, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "version",
        document_string(s->version), "host", document_string(s->host), "epoch", (json_int_t)s->epoch, "sync",
        document_string(s->sync), "stale_ms", (json_int_t)s->stale_ms, "uptime_ms", (json_int_t)s->uptime_ms, "bus",
        bus, "buckets", buckets_json(s), "hosts", (json_int_t)s->hosts, "services", (json_int_t)s->services,
        "instances", (json_int_t)s->instances, "registrations", (json_int_t)s->registrations, "unacknowledged",
        (json_int_t)s->unacknowledged, "waiting", (json_int_t)s->waiting, "address", document_string(s->address),
        "overrides", overrides_json(s), "counters", counters_json(s));
    (void)json_object_update_new(status, troubles_json(s));
    (void)json_object_update_new(status, regions_document(s));
    document_set_condition(status, s);
    return status;
}
