/* SPDX-License-Identifier: Apache-2.0 */
/* The read-only HTTP interface: which path is what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/status_counters.h"
#include "daemon/catalog/catalog_changes.h"
#include "daemon/documents/documents.h"
#include "daemon/http/http_impl.h"
#include "daemon/http/page_json.h"
#include "daemon/http/prometheus.h"
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

static void write_status(void *arg, const struct discover_status *status)
{
    (void)page_write_json(status_document(status), arg);
}

static void get_status(struct connection *c, const char *rest)
{
    struct http *h = c->http;
    struct evbuffer *body = evbuffer_new();
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    (void)rest;
    if (!body)
        return;
    h->ops.status(h->ops.arg, &status);
    status_counters_fill(h->all_metrics, &status);
    if (status_message_tell(&status, write_status, body) == 0)
        http_send(c, 200, TYPE_JSON, body);
    evbuffer_free(body);
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

static uint64_t all_index(const struct connection *c)
{
    return catalog_index(http_source(c->http).catalog);
}

static void get_services(struct connection *c, const char *rest)
{
    (void)rest;
    if (!http_hold(c, "", all_index(c)))
        http_send_list(c, &page_services);
}

static void get_instances(struct connection *c, const char *rest)
{
    (void)rest;
    if (!http_hold(c, "", all_index(c)))
        http_send_list(c, &page_instances);
}

static void get_events(struct connection *c, const char *rest)
{
    (void)rest;
    http_events_begin(c);
}

static void get_hosts(struct connection *c, const char *rest)
{
    (void)rest;
    if (!http_hold(c, "", all_index(c)))
        http_send_list(c, &page_hosts);
}

/* An empty list would make Prometheus drop all its targets; with an error it keeps those it has. */
static void get_http_sd(struct connection *c, const char *rest)
{
    (void)rest;
    if (is_unsynced(c))
        http_send_text(c, 503, "not synchronised yet");
    else
        http_send_list(c, &page_http_sd);
}

static void get_service(struct connection *c, const char *rest)
{
    char domain[LABEL_CAP], service[LABEL_CAP];
    struct page_source source = http_source(c->http);
    uint64_t index;
    int err = service_parse(rest, domain, service);
    if (err == 0) {
        (void)catalog_service_index(source.catalog, rest, &index);
        if (http_hold(c, rest, index))
            return;
        err = page_walk_init_service(&c->walk, &source, rest);
    }
    if (err == 0)
        http_send_walk(c);
    else if (err == -EINVAL)
        http_send_text(c, 400, "not <domain>/<service>");
    else if (err == -ENOENT)
        http_send_text(c, is_unsynced(c) ? 503 : 404, is_unsynced(c) ? "not synchronised yet" : "no such service");
    else
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

void http_route(struct connection *c)
{
    const char *rest;
    const struct route *route = find_route(c->request.path, &rest);
    metric_inc(&c->http->metrics.requests);
    if (route)
        route->get(c, rest);
    else
        http_send_text(c, 404, "no such page");
}
