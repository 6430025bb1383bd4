/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface: the table of paths, and what each answers. */
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
#include "libdiscover/core/words.h"

/* What a path answers with. */
struct route {
    const char *path; /* one that ends with '/' stands for all paths that begin with it */
    void (*get)(struct connection *c);
    const struct page *page;                                 /* for a list */
    json_t *(*document)(const Discover__V1__Status *status); /* for a document made from the daemon's status */
};

static bool is_unsynced(const struct connection *c)
{
    return http_source(c->http).sync == TABLE_UNSYNCED;
}

static void get_metrics(struct connection *c)
{
    struct http *h = c->http;
    struct evbuffer *body = evbuffer_new();
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    if (!body)
        return;
    h->ops.status(h->ops.arg, &status);
    prometheus_write(h->all_metrics, &status, body);
    http_send(c, 200, "text/plain; version=0.0.4; charset=utf-8", body);
    evbuffer_free(body);
}

static void get_healthz(struct connection *c)
{
    http_send_text(c, 200, "ok");
}

/*
 * Stale is ready: answers can be given. Unsynced is not: other hosts' instances are not known. Nor is a host whose name
 * another one has, or whose registrations NATS refuses: other hosts do not hear of it.
 */
static void get_readyz(struct connection *c)
{
    struct http *h = c->http;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    char text[512];
    h->ops.status(h->ops.arg, &status);
    bool refused = *status.write_refusal != '\0';
    snprintf(text, sizeof text, "%s%s%s", sync_word(http_source(h).sync),
             refused ? "; what this host registers is not stored: " : "", status.write_refusal);
    if (status.name_taken)
        http_send_text(c, 503, status.lease_problem);
    else
        http_send_text(c, is_unsynced(c) || refused ? 503 : 200, text);
}

static void send_document(struct connection *c, int status, json_t *document)
{
    struct evbuffer *body = evbuffer_new();
    if (body && page_write_json(document, body) == 0)
        http_send(c, status, TYPE_JSON, body);
    if (body)
        evbuffer_free(body);
}

static void get_of_status(struct connection *c)
{
    struct http *h = c->http;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    h->ops.status(h->ops.arg, &status);
    status_counters_fill(h->all_metrics, &status);
    send_document(c, 200, c->route->document(&status));
}

/* 404 with the document, as it names what may have been meant. */
static void get_explain(struct connection *c)
{
    const struct http_ops *ops = &c->http->ops;
    json_t *document = NULL;
    int err = ops->explain ? ops->explain(ops->arg, c->rest, &document) : -EINVAL;
    if (err == -EINVAL)
        http_send_text(c, 400, "not <domain>/<service>[[/<host>]/<instance>], and not a host");
    else if (err == 0)
        send_document(c, json_is_true(json_object_get(document, "known")) ? 200 : 404, document);
}

/* Whether the client has the list already: while the catalog is live, a list depends on its number alone. */
static bool has_list(struct connection *c, uint64_t index)
{
    char tag[40];
    if (http_source(c->http).sync != TABLE_LIVE)
        return false;
    snprintf(tag, sizeof tag, "%" PRIu64, index);
    return http_has_it(c, tag);
}

/*
 * ?region=R: ret_region is that of another region, or "". Returns false if it cannot be read; the client has got its
 * answer then.
 */
static bool read_region(struct connection *c, char ret_region[static LABEL_CAP])
{
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    ret_region[0] = '\0';
    int found = query_first(c->request.query, "region", ret_region, LABEL_CAP);
    if (found < 0)
        http_send_text(c, 400, "region is the name of one");
    if (found <= 0)
        return found == 0;
    c->http->ops.status(c->http->ops.arg, &status);
    if (strcmp(ret_region, status.region) == 0)
        ret_region[0] = '\0';
    return true;
}

/* A list of another region is sent at once: a wait, and the entity tag, are for the own region's. */
static void get_list(struct connection *c)
{
    char region[LABEL_CAP];
    uint64_t index = catalog_index(c->http->ops.catalog);
    if (read_region(c, region) && (*region || (!http_hold(c, "", index) && !has_list(c, index))))
        http_send_list(c, c->route->page, NULL, region);
}

/* A list with times in it changes by itself, without a change in the catalog: so it can neither wait nor have a tag. */
static void get_whole_list(struct connection *c)
{
    http_send_list(c, c->route->page, NULL, "");
}

static void get_checks(struct connection *c)
{
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    c->http->ops.status(c->http->ops.arg, &status);
    http_send_host(c, c->route->page, status.host);
}

static void get_history(struct connection *c)
{
    send_document(c, 200, history_document(c->http->history));
}

static json_t *texts(const struct string_list *list)
{
    return document_texts((const char *const *)list->items, list->n);
}

static void get_about(struct connection *c)
{
    const struct http_options *o = &c->http->options;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    c->http->ops.status(c->http->ops.arg, &status);
    send_document(c, 200,
                  json_pack("{s:s, s:s, s:o, s:o}", "host", status.host, "version", status.version, "zones",
                            texts(o->names.zones), "dns", texts(o->dns_listen)));
}

/* ?domain=D&tag=T&tag=T. A filter that cannot be read is an error: it must not select everything. */
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
static void get_http_sd(struct connection *c)
{
    struct page_filter filter;
    struct page_source source;
    char region[LABEL_CAP];
    if (!read_filter(c->request.query, &filter))
        http_send_text(c, 400, "domain is one, tags are at most eight");
    else if (!read_region(c, region))
        return;
    else if (http_source_of(c->http, region, &source) == 0 && source.sync == TABLE_UNSYNCED)
        http_send_text(c, 503, "not synchronised yet");
    else
        http_send_list(c, c->route->page, &filter, region);
}

static void get_service(struct connection *c)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    uint64_t index;
    if (service_parse(c->rest, domain, service) < 0) {
        http_send_text(c, 400, "not <domain>/<service>");
        return;
    }
    int err = catalog_service_index(c->http->ops.catalog, c->rest, &index);
    if (http_hold(c, c->rest, index) || (err == 0 && has_list(c, index)))
        return;
    err = err ? err : http_send_service(c, c->rest);
    if (err == -ENOENT)
        http_send_text(c, is_unsynced(c) ? 503 : 404, is_unsynced(c) ? "not synchronised yet" : "no such service");
    else if (err)
        http_send_text(c, 503, strerror(-err));
}

static const struct route routes[] = {
    {"/metrics", get_metrics, NULL, NULL},
    {"/healthz", get_healthz, NULL, NULL},
    {"/readyz", get_readyz, NULL, NULL},
    {"/v1/status", get_of_status, NULL, status_document},
    {"/v1/regions", get_of_status, NULL, regions_document},
    {"/v1/services", get_list, &page_services, NULL},
    {"/v1/services/", get_service, NULL, NULL},
    {"/v1/instances", get_list, &page_instances, NULL},
    {"/v1/hosts", get_list, &page_hosts, NULL},
    {"/v1/leases", get_whole_list, &page_leases, NULL},
    {"/v1/recent", get_whole_list, &page_recent, NULL},
    {"/v1/checks", get_checks, &page_checks, NULL},
    {"/v1/http_sd", get_http_sd, &page_http_sd, NULL},
    {"/v1/events", http_events_begin, NULL, NULL},
    {"/v1/explain", get_explain, NULL, NULL},
    {"/v1/explain/", get_explain, NULL, NULL},
    {"/v1/history", get_history, NULL, NULL},
    {"/v1/about", get_about, NULL, NULL},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        size_t n = strlen(routes[i].path);
        bool prefix = routes[i].path[n - 1] == '/';
        if (prefix ? strncmp(path, routes[i].path, n) == 0 : strcmp(path, routes[i].path) == 0)
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
    const char *path = c->request.path;
    const struct http_file *file = find_file(path);
    c->route = find_route(path);
    c->rest = c->route ? path + strlen(c->route->path) : "";
    metric_inc(&c->http->metrics.requests);
    if (file)
        send_file(c, file);
    else if (c->route)
        c->route->get(c);
    else
        http_send_text(c, 404, "no such page");
}
