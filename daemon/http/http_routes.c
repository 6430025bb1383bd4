/* SPDX-License-Identifier: Apache-2.0 */
/* The read-only HTTP interface: which path is what. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/status_counters.h"
#include "daemon/catalog/catalog_changes.h"
#include "daemon/documents/documents.h"
#include "daemon/http/history.h"
#include "daemon/http/http_files.h"
#include "daemon/http/http_impl.h"
#include "daemon/http/page_json.h"
#include "daemon/http/prometheus.h"
#include "daemon/http/query_string.h"
#include "libdiscover/core/label.h"
#include "libdiscover/core/status_message.h"
#include "libdiscover/core/words.h"

static bool is_unsynced(const struct connection *c)
{
    return table_sync(http_table(c->http)) == TABLE_UNSYNCED;
}

static void get_metrics(struct connection *c, const char *rest)
{
    struct http *h = c->http;
    struct evbuffer *body = evbuffer_new();
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    (void)rest;
    if (!body)
        return;
    h->ops.status(h->ops.arg, &status);
    prometheus_write(h->all_metrics, &status, body);
    http_send(c, 200, "text/plain; version=0.0.4; charset=utf-8", body);
    evbuffer_free(body);
}

static void get_healthz(struct connection *c, const char *rest)
{
    (void)rest;
    http_send_text(c, 200, "ok");
}

/*
 * Stale is ready: answers can be given. Unsynced is not: other hosts' instances are simply not known. Nor is a host
 * whose name another one has, or whose registrations NATS refuses: no other hears of it.
 */
static void get_readyz(struct connection *c, const char *rest)
{
    struct http *h = c->http;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    char text[512];
    (void)rest;
    h->ops.status(h->ops.arg, &status);
    bool refused = *status.write_refusal != '\0';
    snprintf(text, sizeof text, "%s%s%s", sync_word(table_sync(http_table(h))),
             refused ? "; what this host registers is not stored: " : "", status.write_refusal);
    if (status.name_taken)
        http_send_text(c, 503, status.lease_problem);
    else
        http_send_text(c, is_unsynced(c) || refused ? 503 : 200, text);
}

/* A document of the daemon's status: made of it by write, into a body. */
static void send_status(struct connection *c, discover_status_fn *write)
{
    struct http *h = c->http;
    struct evbuffer *body = evbuffer_new();
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    if (!body)
        return;
    h->ops.status(h->ops.arg, &status);
    status_counters_fill(h->all_metrics, &status);
    if (status_message_tell(&status, write, body) == 0)
        http_send(c, 200, TYPE_JSON, body);
    evbuffer_free(body);
}

static void write_status(void *arg, const struct discover_status *status)
{
    (void)page_write_json(status_document(status), arg);
}

static void get_status(struct connection *c, const char *rest)
{
    (void)rest;
    send_status(c, write_status);
}

/* 404 with the document: it names what may have been meant. */
static void get_explain(struct connection *c, const char *rest)
{
    const struct http_ops *ops = &c->http->ops;
    struct evbuffer *body = evbuffer_new();
    json_t *document = NULL;
    int err = !body ? -ENOMEM : ops->explain ? ops->explain(ops->arg, rest, &document) : -EINVAL;
    bool known = json_is_true(json_object_get(document, "known"));
    if (err == 0 && page_write_json(document, body) == 0)
        http_send(c, known ? 200 : 404, TYPE_JSON, body);
    else
        http_send_text(c, err == -EINVAL ? 400 : 503,
                       err == -EINVAL ? "not <domain>/<service>[[/<host>]/<instance>], and not a host" : "no memory");
    if (body)
        evbuffer_free(body);
}

static void write_regions(void *arg, const struct discover_status *status)
{
    (void)page_write_json(regions_document(status), arg);
}

static void get_regions(struct connection *c, const char *rest)
{
    (void)rest;
    send_status(c, write_regions);
}

static uint64_t all_index(const struct connection *c)
{
    return catalog_index(http_source(c->http).catalog);
}

/* While the catalog is live its number says all that a list depends on. */
static bool has_list(struct connection *c, uint64_t index)
{
    char tag[40];
    if (table_sync(http_table(c->http)) != TABLE_LIVE)
        return false;
    snprintf(tag, sizeof tag, "%" PRIu64, index);
    return http_has_it(c, tag);
}

/* ?region=R: that of another region, as it is at present. True: something was sent. */
static bool send_of_region(struct connection *c, const struct page *page, const struct page_filter *filter)
{
    char region[LABEL_CAP];
    int found = query_first(c->request.query, "region", region, sizeof region);
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    if (found == 0)
        return false;
    c->http->ops.status(c->http->ops.arg, &status);
    if (found > 0 && strcmp(region, status.region) == 0)
        return false;
    if (found < 0)
        http_send_text(c, 400, "region is the name of one");
    else
        http_send_region(c, page, filter, region);
    return true;
}

static void get_list(struct connection *c, const struct page *page)
{
    uint64_t index = all_index(c);
    if (send_of_region(c, page, &(struct page_filter){.n_tags = 0}))
        return;
    if (!http_hold(c, "", index) && !has_list(c, index))
        http_send_list(c, page);
}

static void get_services(struct connection *c, const char *rest)
{
    (void)rest;
    get_list(c, &page_services);
}

static void get_instances(struct connection *c, const char *rest)
{
    (void)rest;
    get_list(c, &page_instances);
}

static void get_recent(struct connection *c, const char *rest)
{
    (void)rest;
    http_send_list(c, &page_recent);
}

static void get_checks(struct connection *c, const char *rest)
{
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    (void)rest;
    c->http->ops.status(c->http->ops.arg, &status);
    http_send_host(c, &page_checks, status.host);
}

static void get_leases(struct connection *c, const char *rest)
{
    (void)rest;
    http_send_list(c, &page_leases);
}

static void send_document(struct connection *c, json_t *document)
{
    struct evbuffer *body = evbuffer_new();
    if (body && page_write_json(document, body) == 0)
        http_send(c, 200, TYPE_JSON, body);
    if (body)
        evbuffer_free(body);
}

static void get_history(struct connection *c, const char *rest)
{
    (void)rest;
    send_document(c, history_document(c->http->history));
}

static json_t *list_of(const char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, json_string(texts[i]));
    return list;
}

static void get_about(struct connection *c, const char *rest)
{
    const struct http_options *o = &c->http->options;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    (void)rest;
    c->http->ops.status(c->http->ops.arg, &status);
    send_document(c,
                  json_pack("{s:s, s:s, s:o, s:o}", "host", status.host, "version", status.version, "zones",
                            list_of(o->names.zones, o->names.n_zones), "dns", list_of(o->dns_listen, o->n_dns_listen)));
}

static void get_events(struct connection *c, const char *rest)
{
    (void)rest;
    http_events_begin(c);
}

static void get_hosts(struct connection *c, const char *rest)
{
    (void)rest;
    get_list(c, &page_hosts);
}

/* ?domain=D&tag=T&tag=T. What cannot be read must not become all there is. */
static bool read_filter(const char *query, struct page_filter *ret_filter)
{
    int found;
    *ret_filter = (struct page_filter){.n_tags = 0};
    if (query_first(query, "domain", ret_filter->domain, sizeof ret_filter->domain) < 0)
        return false;
    while (ret_filter->n_tags < PAGE_TAGS_MAX &&
           (found = query_next(&query, "tag", ret_filter->tags[ret_filter->n_tags], RECORD_TAG_CAP)) != 0) {
        if (found < 0)
            return false;
        ret_filter->n_tags++;
    }
    char more[RECORD_TAG_CAP];
    return query_next(&query, "tag", more, sizeof more) == 0;
}

/* An empty list would make Prometheus drop all its targets; with an error it keeps those it has. */
static void get_http_sd(struct connection *c, const char *rest)
{
    struct page_filter filter;
    (void)rest;
    if (!read_filter(c->request.query, &filter))
        http_send_text(c, 400, "domain is one, tags are at most eight");
    else if (send_of_region(c, &page_http_sd, &filter))
        return;
    else if (is_unsynced(c))
        http_send_text(c, 503, "not synchronised yet");
    else
        http_send_some(c, &page_http_sd, &filter);
}

static void get_service(struct connection *c, const char *rest)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    uint64_t index;
    if (service_parse(rest, domain, service) < 0) {
        http_send_text(c, 400, "not <domain>/<service>");
        return;
    }
    int err = catalog_service_index(http_source(c->http).catalog, rest, &index);
    if (http_hold(c, rest, index) || (err == 0 && has_list(c, index)))
        return;
    err = err ? err : http_send_service(c, rest);
    if (err == -ENOENT)
        http_send_text(c, is_unsynced(c) ? 503 : 404, is_unsynced(c) ? "not synchronised yet" : "no such service");
    else if (err)
        http_send_text(c, 503, strerror(-err));
}

static const struct route {
    const char *path; /* one that ends with '/' stands for all that begin with it */
    void (*get)(struct connection *c, const char *rest);
} routes[] = {
    {"/metrics", get_metrics},  {"/healthz", get_healthz},      {"/readyz", get_readyz},
    {"/v1/status", get_status}, {"/v1/services", get_services}, {"/v1/services/", get_service},
    {"/v1/hosts", get_hosts},   {"/v1/http_sd", get_http_sd},   {"/v1/instances", get_instances},
    {"/v1/events", get_events}, {"/v1/explain", get_explain},   {"/v1/explain/", get_explain},
    {"/v1/leases", get_leases}, {"/v1/recent", get_recent},     {"/v1/history", get_history},
    {"/v1/about", get_about},   {"/v1/regions", get_regions},   {"/v1/checks", get_checks},
};

static const struct route *find_route(const char *path, const char **ret_rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t n = strlen(routes[i].path);
        bool prefix = routes[i].path[n - 1] == '/';
        if (prefix ? strncmp(path, routes[i].path, n) != 0 : strcmp(path, routes[i].path) != 0)
            continue;
        *ret_rest = path + n;
        return &routes[i];
    }
    return NULL;
}

static const struct http_file *find_file(const char *path)
{
    for (size_t i = 0; i < http_files_n; i++)
        if (strcmp(path, http_files[i].path) == 0)
            return &http_files[i];
    return NULL;
}

static void send_file(struct connection *c, const struct http_file *file)
{
    c->fields = file->fields;
    if (!http_has_it(c, file->tag))
        http_send_static(c, file->type, (const char *)file->bytes, file->n);
}

void http_route(struct connection *c)
{
    const char *rest;
    const struct route *route = find_route(c->request.path, &rest);
    const struct http_file *file = route ? NULL : find_file(c->request.path);
    metric_inc(&c->http->metrics.requests);
    if (file)
        send_file(c, file);
    else if (route)
        route->get(c, rest);
    else
        http_send_text(c, 404, "no such page");
}
