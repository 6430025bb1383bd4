/* SPDX-License-Identifier: Apache-2.0 */
/* The status, as JSON. */
#include <jansson.h>

#include "daemon/http/page_json.h"
#include "daemon/http/pages.h"

static void set_counter(void *arg, const struct metric *metric, uint64_t value)
{
    json_object_set_new(arg, metric->name, json_integer((json_int_t)value));
}

static json_t *refused_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_refused; i++) {
        const Discover__V1__Refusal *r = s->refused[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I, s:I}", "bucket", r->bucket, "key", r->key, "reason",
                                        r->reason, "count", (json_int_t)r->count, "age_ms", (json_int_t)r->age_ms));
    }
    return list;
}

static json_t *top_writers_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_top_writers; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:b}", "host", s->top_writers[i]->host, "changes",
                                        (json_int_t)s->top_writers[i]->changes, "floods", s->top_writers[i]->floods));
    return list;
}

static json_t *held_json(const Discover__V1__Status *s)
{
    return json_pack("{s:I, s:I, s:s}", "hosts", (json_int_t)s->held, "ms", (json_int_t)s->held_ms, "reason",
                     s->held_reason);
}

static json_t *bucket_json(const Discover__V1__BucketStatus *b)
{
    json_t *lacks = json_array();
    for (size_t i = 0; i < b->n_lacks; i++)
        (void)json_array_append_new(lacks, json_string(b->lacks[i]));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:o}", "name", b->name, "read_error", b->read_error,
                     "refusal", b->refusal, "refused", (json_int_t)b->refused, "refused_ms", (json_int_t)b->refused_ms,
                     "bytes", (json_int_t)b->bytes, "max_bytes", (json_int_t)b->max_bytes, "full", b->full, "lacks",
                     lacks);
}

static json_t *buckets_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_buckets; i++)
        (void)json_array_append_new(list, bucket_json(s->buckets[i]));
    return list;
}

static json_t *listen_problems_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_listen_problems; i++)
        (void)json_array_append_new(list, json_string(s->listen_problems[i]));
    return list;
}

/* What keeps the daemon itself from doing its work. */
static json_t *with_troubles(json_t *status, const Discover__V1__Status *s)
{
    (void)json_object_set_new(
        status, "unwritten",
        json_pack("{s:I, s:s}", "entries", (json_int_t)s->unwritten, "reason", s->unwritten_reason));
    (void)json_object_set_new(status, "store_error", json_string(s->store_error));
    (void)json_object_set_new(status, "listen_problems", listen_problems_json(s));
    (void)json_object_set_new(status, "address", json_string(s->address));
    (void)json_object_set_new(status, "waiting", json_integer(s->waiting));
    (void)json_object_set_new(status, "lease_problem", json_string(s->lease_problem));
    (void)json_object_set_new(status, "name_taken", json_boolean(s->name_taken));
    (void)json_object_set_new(status, "write_refusal", json_string(s->write_refusal));
    (void)json_object_set_new(status, "buckets", buckets_json(s));
    return status;
}

int page_status(const Discover__V1__Status *s, const struct metrics *m, struct evbuffer *out)
{
    json_t *counters = json_object();
    metrics_each(m, set_counter, counters);
    return page_write_json(
        with_troubles(
            json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
                      "version", s->version, "host", s->host, "epoch", (json_int_t)s->epoch, "sync", s->sync,
                      "stale_ms", (json_int_t)s->stale_ms, "bus_connected", s->bus_connected, "bus_server",
                      s->bus_server, "bus_error", s->bus_error, "distrust", s->distrust, "held", held_json(s), "hosts",
                      (json_int_t)s->hosts, "services", (json_int_t)s->services, "instances", (json_int_t)s->instances,
                      "registrations", (json_int_t)s->registrations, "unacknowledged", (json_int_t)s->unacknowledged,
                      "uptime_ms", (json_int_t)s->uptime_ms, "refused", refused_json(s), "top_writers",
                      top_writers_json(s), "counters", counters),
            s),
        out);
}
