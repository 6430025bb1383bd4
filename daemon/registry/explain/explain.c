/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the document that explains why something is in the answers, or is not. */
#include "daemon/registry/explain/explain.h"

#include <errno.h>
#include <string.h>

#include "daemon/agent/agent_explain.h"
#include "daemon/catalog/catalog_explain.h"
#include "daemon/documents/documents.h"
#include "daemon/registry/explain/explain_clients.h"
#include "daemon/registry/explain/explain_instances.h"
#include "daemon/registry/explain/explain_regions.h"
#include "daemon/registry/explain/nearest_names.h"
#include "libdiscover/core/clock.h"

#define LOOK_AT_MAX 4000 /* most services, or hosts, that an overview looks at */
#define SHOWN_MAX   50   /* most of them that it shows */
#define REASONS_MAX 20   /* most services for which it gives reasons */

static json_t *head(const struct explaining *x, const char *service)
{
    const struct table *t = table_writer_table(catalog_table(x->catalog));
    return document_head(table_sync(t), table_age_ns(t, x->now_ns) / NS_PER_MS, service);
}

static json_t *propagation(const struct explaining *x)
{
    int64_t last_ns, mean_ns;
    inbound_propagation(x->inbound, &last_ns, &mean_ns);
    return last_ns < 0
               ? json_null()
               : json_pack("{s:I, s:I}", "last_us", (json_int_t)last_ns / 1000, "mean_us", (json_int_t)mean_ns / 1000);
}

/* --- a service --- */

/* What somebody asks for: "a/b", "a/b/instance" or "a/b/host/instance". */
struct wanted {
    char service[SERVICE_CAP];
    struct instance_key key; /* parts that were not given are "" */
};

static int copy_part(char ret_label[static LABEL_CAP], const char *part)
{
    return label_copy(ret_label, part, strlen(part));
}

static int parse_wanted(const char *what, struct wanted *ret_w)
{
    char text[4 * LABEL_CAP];
    char *parts[5], *rest = text;
    size_t n = 0;
    memset(ret_w, 0, sizeof *ret_w);
    if (strlen(what) >= sizeof text)
        return -EINVAL;
    strcpy(text, what);
    for (char *part; n < 5 && (part = strsep(&rest, "/"));)
        parts[n++] = part;
    if (n < 2 || n > 4 || copy_part(ret_w->key.domain, parts[0]) < 0 || copy_part(ret_w->key.service, parts[1]) < 0)
        return -EINVAL;
    service_format(ret_w->key.domain, ret_w->key.service, ret_w->service);
    if (n == 4 && copy_part(ret_w->key.host, parts[2]) < 0)
        return -EINVAL;
    return n == 2 ? 0 : copy_part(ret_w->key.instance, parts[n - 1]);
}

static bool is_wanted(const struct wanted *w, const json_t *instance)
{
    const char *host = json_string_value(json_object_get(instance, "host"));
    const char *name = json_string_value(json_object_get(instance, "instance"));
    return (!*w->key.host || (host && strcmp(host, w->key.host) == 0)) &&
           (!*w->key.instance || (name && strcmp(name, w->key.instance) == 0));
}

static void append_if_wanted(const struct wanted *w, json_t *list, json_t *instance)
{
    if (instance && is_wanted(w, instance))
        (void)json_array_append_new(list, instance);
    else
        json_decref(instance);
}

/* An instance that is named without its host is looked for among some hundreds; a whole key finds it at once. */
static json_t *known_instances(const struct explaining *x, const struct wanted *w)
{
    static uint64_t ids[10 * EXPLAIN_INSTANCES_MAX];
    json_t *list = json_array();
    size_t n;
    if (*w->key.host) {
        ids[0] = instance_id(&w->key);
        n = 1;
    } else {
        n = catalog_some_ids(x->catalog, w->service,
                             *w->key.instance ? sizeof ids / sizeof *ids : EXPLAIN_INSTANCES_MAX, ids);
    }
    for (size_t i = 0; i < n && json_array_size(list) < EXPLAIN_INSTANCES_MAX; i++)
        if (!*w->key.instance || *w->key.host || catalog_is_named(x->catalog, ids[i], w->key.instance))
            append_if_wanted(w, list, explain_known(x, ids[i]));
    return list;
}

/* The same sources, but those of another region. */
static struct explaining of_region(const struct explaining *x, const struct region *r)
{
    struct explaining other = *x;
    other.catalog = region_catalog(r);
    other.inbound = region_inbound(r);
    other.region = region_name(r);
    return other;
}

/* The instances of the region that answers come first, then the own region's. */
static json_t *answering_instances(const struct explaining *x, const struct wanted *w, const struct region *answering)
{
    if (!answering)
        return known_instances(x, w);
    struct explaining other = of_region(x, answering);
    json_t *list = known_instances(&other, w), *own = known_instances(x, w);
    (void)json_array_extend(list, own);
    json_decref(own);
    return list;
}

static json_t *instances(const struct explaining *x, const struct wanted *w, const struct region *answering)
{
    struct instance_key keys[EXPLAIN_INSTANCES_MAX];
    json_t *list = answering_instances(x, w, answering);
    size_t n = agent_waiting(x->reach->agent, w->key.domain, w->key.service, EXPLAIN_INSTANCES_MAX, keys);
    for (size_t i = 0; i < n; i++)
        append_if_wanted(w, list, explain_waiting(x, &keys[i]));
    return list;
}

static json_t *service_explained(const struct explaining *x, const struct wanted *w)
{
    struct catalog_service_counts counts = {0};
    const struct region *answering = explain_answering(x, w->service);
    const struct catalog *c = answering ? region_catalog(answering) : x->catalog;
    bool known = catalog_count_service(c, w->service, &counts) == 0 || regions_know(x->reach->regions, w->service);
    json_t *list = instances(x, w, answering), *document = head(x, w->service);
    bool similar = !known && !*w->key.instance;
    if (*w->key.instance)
        known = json_array_size(list) > 0;
    (void)json_object_update_new(
        document,
        json_pack("{s:b, s:I, s:I, s:o, s:o, s:o, s:o}", "known", known || json_array_size(list) > 0, "usable",
                  (json_int_t)counts.usable, "total", (json_int_t)counts.instances, "instances", list, "refused",
                  explain_refused(x, w->key.domain, w->key.service, w->key.host), "similar",
                  similar ? nearest_services(x->catalog, w->service) : json_array(), "propagation", propagation(x)));
    (void)json_object_set_new(document, "dns",
                              explain_dns(x->reach->dns, w->key.domain, w->key.service, counts.usable));
    (void)json_object_set_new(document, "pick", explain_pick(c, w->service));
    (void)json_object_set_new(document, "answering",
                              json_string(answering ? region_name(answering) : x->reach->config->region));
    /* NULL where no other region is read: nothing is set */
    (void)json_object_set_new(document, "regions", explain_regions(x, w->service));
    if (*w->key.instance)
        (void)json_object_set_new(
            document, "wanted",
            json_pack("{s:s*, s:s}", "host", *w->key.host ? w->key.host : NULL, "instance", w->key.instance));
    return document;
}

/* --- a host --- */

static json_t *host_explained(const struct explaining *x, const char *host)
{
    uint64_t ids[EXPLAIN_INSTANCES_MAX];
    size_t total, n = catalog_ids_of_host(x->catalog, host, EXPLAIN_INSTANCES_MAX, ids, &total);
    bool own = !x->region && strcmp(host, x->reach->config->host) == 0;
    json_t *list = json_array(), *lease = explain_lease(x, host), *document = head(x, NULL);
    bool known = own || lease || total > 0 || catalog_knows_host(x->catalog, host);
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, explain_known(x, ids[i]));
    (void)json_object_update_new(
        document,
        json_pack("{s:s, s:b, s:b, s:I, s:o*, s:o, s:o, s:o, s:o}", "host", host, "known", known, "own", own, "total",
                  (json_int_t)total, "lease", lease, "instances", list, "refused", explain_refused(x, "", "", host),
                  "similar", known ? json_array() : nearest_hosts(x->catalog, host), "propagation", propagation(x)));
    if (x->region)
        (void)json_object_set_new(document, "region", json_string(x->region));
    if (own)
        document_set_condition(document, x->status);
    return document;
}

/* Explains the host as the own region has it, unless only another region knows it. */
static json_t *any_host_explained(const struct explaining *x, const char *host)
{
    bool own = strcmp(host, x->reach->config->host) == 0 || catalog_knows_host(x->catalog, host);
    for (size_t i = 0; i < regions_count(x->reach->regions) && !own; i++) {
        const struct region *r = regions_at(x->reach->regions, i);
        struct explaining other = of_region(x, r);
        if (catalog_knows_host(region_catalog(r), host))
            return host_explained(&other, host);
    }
    return host_explained(x, host);
}

/* --- all --- */

struct services_call {
    const struct explaining *x;
    json_t *list;
};

/* One instance of a service that has some out of the answers, and why: often enough the reason is the same for all. */
static json_t *out_json(const struct explaining *x, const char *service)
{
    uint64_t id;
    json_t *i = catalog_some_ids(x->catalog, service, 1, &id) ? explain_known(x, id) : NULL;
    json_t *out =
        json_pack("{s:O*, s:O*, s:O*, s:O*}", "host", json_object_get(i, "host"), "instance",
                  json_object_get(i, "instance"), "rule", json_object_get(i, "rule"), "why", json_object_get(i, "why"));
    json_decref(i);
    return out;
}

static bool add_service(void *arg, const char *name, const struct catalog_service_counts *counts)
{
    const struct services_call *call = arg;
    if (counts->usable >= counts->instances)
        return true;
    json_t *service = service_document(name, counts->usable, counts->instances);
    if (json_array_size(call->list) < REASONS_MAX)
        (void)json_object_set_new(service, "out", out_json(call->x, name));
    (void)json_array_append_new(call->list, service);
    return json_array_size(call->list) < SHOWN_MAX;
}

static bool add_host(void *arg, const char *name, const struct catalog_service_counts *counts)
{
    if (counts->usable < counts->instances)
        (void)json_array_append_new(arg,
                                    json_pack("{s:s, s:I}", "host", name, "instances", (json_int_t)counts->instances));
    return json_array_size(arg) < SHOWN_MAX;
}

static void add_failovers(json_t *document, const Discover__V1__Status *s)
{
    json_t *regions = regions_document(s), *list = json_object_get(regions, "failovers");
    if (json_array_size(list) > 0)
        (void)json_object_set(document, "failovers", list);
    json_decref(regions);
}

static json_t *all_explained(const struct explaining *x)
{
    json_t *services = json_array(), *hosts = json_array(), *document = head(x, NULL);
    struct services_call call = {x, services};
    catalog_each_service(x->catalog, LOOK_AT_MAX, add_service, &call);
    catalog_each_host(x->catalog, LOOK_AT_MAX, add_host, hosts);
    (void)json_object_update_new(document, json_pack("{s:b, s:o, s:o, s:o, s:o}", "known", 1, "services", services,
                                                     "hosts", hosts, "refused", explain_refused(x, "", "", ""),
                                                     "propagation", propagation(x)));
    document_set_condition(document, x->status);
    add_failovers(document, x->status);
    return document;
}

int explain_document(const struct explain_reach *reach, const char *what, json_t **ret_document)
{
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    struct wanted w;
    json_t *document;
    reach->status(reach->arg, &status);
    const struct explaining x = {.reach = reach,
                                 .catalog = reach->catalog,
                                 .inbound = reach->inbound,
                                 .status = &status,
                                 .now_ns = clock_now_ns()};
    if (!*what)
        document = all_explained(&x);
    else if (strchr(what, '/'))
        document = parse_wanted(what, &w) < 0 ? NULL : service_explained(&x, &w);
    else
        document = label_valid(what, strlen(what)) ? any_host_explained(&x, what) : NULL;
    if (document)
        *ret_document = document;
    return document ? 0 : -EINVAL;
}
