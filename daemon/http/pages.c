/* SPDX-License-Identifier: Apache-2.0 */
/* What the table holds, as JSON. */
#include "daemon/http/pages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/core/entry.h"

#define SLOTS_PER_STEP 4096 /* of which most may be empty, or of another kind */

/* Writes what a view holds, as no, one or more elements of the list. */
typedef void element_fn(struct page_walk *w, struct evbuffer *out);

struct page {
    const char *list; /* its name in the object around it; NULL: the list is all */
    enum table_kind kind;
    element_fn *write;
};

const char *sync_text(enum table_sync sync)
{
    switch (sync) {
    case TABLE_UNSYNCED:
        return "unsynced";
    case TABLE_LIVE:
        return "live";
    case TABLE_STALE:
        return "stale";
    case TABLE_DEGRADED:
        return "degraded";
    }
    return "unsynced";
}

static int64_t age_ms(const struct table *t)
{
    return table_age_ns(t, clock_now_ns()) / NS_PER_MS;
}

static int to_buffer(const char *bytes, size_t n, void *arg)
{
    return evbuffer_add(arg, bytes, n);
}

/* Takes the value. */
static int write_json(json_t *value, struct evbuffer *out)
{
    int err = value && json_dump_callback(value, to_buffer, out, JSON_COMPACT) == 0 ? 0 : -ENOMEM;
    json_decref(value);
    return err;
}

static void write_element(struct page_walk *w, json_t *value, struct evbuffer *out)
{
    if (w->any)
        evbuffer_add(out, ",\n", 2);
    w->any = true;
    (void)write_json(value, out);
}

/* --- values --- */

static void set_addresses(json_t *object, uint8_t families, const uint8_t ipv4[4], const uint8_t ipv6[16])
{
    char text[INET6_ADDRSTRLEN];
    if (families & DISCOVER_HAS_IPV4)
        json_object_set_new(object, "ipv4", json_string(inet_ntop(AF_INET, ipv4, text, sizeof text)));
    if (families & DISCOVER_HAS_IPV6)
        json_object_set_new(object, "ipv6", json_string(inet_ntop(AF_INET6, ipv6, text, sizeof text)));
}

static const char *state_text(uint8_t state)
{
    static const char *const names[] = {"", "passing", "warning", "critical", "maintenance", "draining"};
    return state < sizeof names / sizeof *names ? names[state] : "";
}

static const char *tier_text(uint8_t tier)
{
    static const char *const names[] = {"host", "zone", "region", "elsewhere"};
    return tier < sizeof names / sizeof *names ? names[tier] : "";
}

static json_t *tags_json(const struct entry *e)
{
    json_t *tags = json_array();
    for (size_t i = 0; i < e->n_tags; i++)
        json_array_append_new(tags, json_string(e->tags[i]));
    return tags;
}

static json_t *meta_json(const struct entry *e)
{
    json_t *meta = json_object();
    for (size_t i = 0; i < e->n_meta; i++)
        json_object_set_new(meta, e->meta[i].key, json_string(e->meta[i].value));
    return meta;
}

static json_t *instance_json(const struct discover_endpoint *ep, const struct entry *e, bool usable)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s, s:b, s:o, s:o}", "host", e->host,
                               "instance", e->instance, "zone", e->zone, "region", e->region, "port", ep->port, "proto",
                               ep->protocol == DISCOVER_UDP ? "udp" : "tcp", "weight", (int)ep->weight, "priority",
                               ep->priority, "state", state_text(ep->state), "tier", tier_text(ep->tier), "usable",
                               usable, "tags", tags_json(e), "meta", meta_json(e));
    if (!object)
        return NULL;
    set_addresses(object, ep->families, ep->ipv4, ep->ipv6);
    if (e->hostname[0])
        json_object_set_new(object, "hostname", json_string(e->hostname));
    return object;
}

static int read_entry(const struct table_view *v, uint32_t i, struct entry *ret_entry)
{
    const uint8_t *bytes;
    size_t n;
    int err = table_view_details(v, i, &bytes, &n);
    return err < 0 ? err : entry_read(bytes, n, ret_entry);
}

/* --- one service --- */

static json_t *instances_json(const struct table_view *v)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < v->n_total; i++) {
        struct entry e;
        if (read_entry(v, i, &e) == 0)
            json_array_append_new(list, instance_json(table_view_endpoint(v, i), &e, i < v->n_first));
    }
    return list;
}

int page_service(const struct table *t, const char *service, struct evbuffer *out)
{
    struct table_view v;
    table_view_init(&v);
    int err = table_view_find(t, service, strlen(service), &v);
    if (err == 0 && v.kind != TABLE_SERVICE)
        err = -ENOENT;
    if (err == 0)
        err = write_json(json_pack("{s:s, s:I, s:s, s:o}", "sync", sync_text(table_sync(t)), "age_ms",
                                   (json_int_t)age_ms(t), "service", service, "instances", instances_json(&v)),
                         out);
    table_view_fini(&v);
    return err;
}

/* --- lists --- */

static void write_service(struct page_walk *w, struct evbuffer *out)
{
    const struct table_view *v = &w->view;
    write_element(w,
                  json_pack("{s:s%, s:I, s:I}", "service", table_view_key(v), v->key_bytes, "usable",
                            (json_int_t)v->n_first, "instances", (json_int_t)v->n_total),
                  out);
}

/* Keys of hosts have an '@' in front. */
static void write_host(struct page_walk *w, struct evbuffer *out)
{
    const struct table_view *v = &w->view;
    const uint8_t *bytes;
    size_t n;
    struct host_entry e;
    if (v->key_bytes < 2 || table_view_details(v, 0, &bytes, &n) < 0 || host_entry_read(bytes, n, &e) < 0)
        return;
    json_t *object = json_pack("{s:s%, s:b, s:I, s:s, s:s}", "host", table_view_key(v) + 1, v->key_bytes - 1, "alive",
                               e.alive, "instances", (json_int_t)v->n_total, "zone", e.zone, "region", e.region);
    if (object)
        set_addresses(object, e.families, e.ipv4, e.ipv6);
    write_element(w, object, out);
}

/* Prometheus' names of labels: [a-zA-Z_][a-zA-Z0-9_]*. Ours all begin with the prefix. */
static void label_name(const char *prefix, const char *key, char *ret_name, size_t cap)
{
    snprintf(ret_name, cap, "%s%s", prefix, key);
    for (char *c = ret_name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *c))
            *c = '_';
}

static void set_label(json_t *labels, const char *name, const char *value)
{
    char full[96];
    label_name("__meta_discoverd_", name, full, sizeof full);
    json_object_set_new(labels, full, json_string(value));
}

/* ",a,b,": so that one pattern, ".*,a,.*", finds a tag wherever it stands. */
static void set_tags_label(json_t *labels, const struct entry *e)
{
    char text[RECORD_TAGS_MAX * LABEL_CAP + 2] = ",";
    size_t used = 1;
    for (size_t i = 0; i < e->n_tags; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s,", e->tags[i]);
    set_label(labels, "tags", e->n_tags ? text : "");
}

static json_t *labels_json(const struct table_view *v, const struct discover_endpoint *ep, const struct entry *e)
{
    char service[TABLE_KEY_MAX + 1], name[sizeof "meta_" + RECORD_META_KEY_CAP];
    json_t *labels = json_object();
    snprintf(service, sizeof service, "%.*s", (int)v->key_bytes, table_view_key(v));
    set_label(labels, "service", service);
    set_label(labels, "host", e->host);
    set_label(labels, "instance", e->instance);
    set_label(labels, "zone", e->zone);
    set_label(labels, "region", e->region);
    set_label(labels, "state", state_text(ep->state));
    set_tags_label(labels, e);
    for (size_t i = 0; i < e->n_meta; i++) {
        snprintf(name, sizeof name, "meta_%s", e->meta[i].key);
        set_label(labels, name, e->meta[i].value);
    }
    return labels;
}

static json_t *target_json(const struct discover_endpoint *ep, const struct entry *e)
{
    char address[INET6_ADDRSTRLEN];
    if (ep->families & DISCOVER_HAS_IPV4)
        return json_sprintf("%s:%u", inet_ntop(AF_INET, ep->ipv4, address, sizeof address), ep->port);
    if (ep->families & DISCOVER_HAS_IPV6)
        return json_sprintf("[%s]:%u", inet_ntop(AF_INET6, ep->ipv6, address, sizeof address), ep->port);
    return json_sprintf("%s:%u", e->hostname, ep->port);
}

/* Only what may be used: an instance that is stopped on purpose is not down. */
static void write_targets(struct page_walk *w, struct evbuffer *out)
{
    const struct table_view *v = &w->view;
    for (uint32_t i = 0; i < v->n_first; i++) {
        const struct discover_endpoint *ep = table_view_endpoint(v, i);
        struct entry e;
        if (read_entry(v, i, &e) < 0)
            continue;
        write_element(w, json_pack("{s:[o], s:o}", "targets", target_json(ep, &e), "labels", labels_json(v, ep, &e)),
                      out);
    }
}

const struct page page_services = {"services", TABLE_SERVICE, write_service};
const struct page page_hosts = {"hosts", TABLE_HOST, write_host};
const struct page page_http_sd = {NULL, TABLE_SERVICE, write_targets};

void page_walk_init(struct page_walk *w, const struct page *page)
{
    *w = (struct page_walk){.page = page};
    table_view_init(&w->view);
}

void page_walk_fini(struct page_walk *w)
{
    table_view_fini(&w->view);
}

static void begin(struct page_walk *w, const struct table *t, struct evbuffer *out)
{
    w->words = t->words;
    if (w->page->list)
        evbuffer_add_printf(out, "{\"sync\":\"%s\",\"age_ms\":%lld,\"%s\":", sync_text(table_sync(t)),
                            (long long)age_ms(t), w->page->list);
    evbuffer_add(out, "[", 1);
}

int page_walk_step(struct page_walk *w, const struct table *t, size_t want, struct evbuffer *out)
{
    if (!w->words)
        begin(w, t, out);
    if (w->words != t->words)
        return -ESTALE;
    uint32_t used = table_slots_used(t), stop = used - w->slot > SLOTS_PER_STEP ? w->slot + SLOTS_PER_STEP : used;
    for (; w->slot < stop && evbuffer_get_length(out) < want; w->slot++)
        if (table_view_read(t, w->slot, &w->view) == 0 && w->view.kind == w->page->kind)
            w->page->write(w, out);
    if (w->slot < used)
        return 1;
    evbuffer_add_printf(out, "]%s\n", w->page->list ? "}" : "");
    return 0;
}

/* --- status --- */

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

static json_t *talkers_json(const Discover__V1__Status *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_talkers; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:b}", "host", s->talkers[i]->host, "changes",
                                              (json_int_t)s->talkers[i]->changes, "floods", s->talkers[i]->floods));
    return list;
}

static json_t *held_json(const Discover__V1__Status *s)
{
    return json_pack("{s:I, s:I, s:s}", "hosts", (json_int_t)s->held, "ms", (json_int_t)s->held_ms, "reason",
                     s->held_reason);
}

/* What keeps the daemon itself from doing its work. */
static json_t *with_troubles(json_t *status, const Discover__V1__Status *s)
{
    (void)json_object_set_new(status, "store_error", json_string(s->store_error));
    return status;
}

int page_status(const Discover__V1__Status *s, const struct metrics *m, struct evbuffer *out)
{
    json_t *counters = json_object();
    metrics_each(m, set_counter, counters);
    return write_json(
        with_troubles(
            json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
                      "version", s->version, "host", s->host, "epoch", (json_int_t)s->epoch, "sync", s->sync,
                      "stale_ms", (json_int_t)s->stale_ms, "bus_connected", s->bus_connected, "bus_server",
                      s->bus_server, "bus_error", s->bus_error, "distrust", s->distrust, "held", held_json(s), "hosts",
                      (json_int_t)s->hosts, "services", (json_int_t)s->services, "instances", (json_int_t)s->instances,
                      "registrations", (json_int_t)s->registrations, "unacknowledged", (json_int_t)s->unacknowledged,
                      "uptime_ms", (json_int_t)s->uptime_ms, "refused", refused_json(s), "talkers", talkers_json(s),
                      "counters", counters),
            s),
        out);
}
