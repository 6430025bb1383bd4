/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP interface share: http.c has the connections, http_routes.c says what is where. */
#ifndef HTTP_HTTP_IMPL_H
#define HTTP_HTTP_IMPL_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "daemon/base/loop.h"
#include "daemon/base/shares.h"
#include "daemon/http/http.h"
#include "daemon/http/pages.h"
#include "daemon/http/request.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct http_metrics {
    metric_value connections, requests, limited, displaced, refused, timeouts, aborted, accept_errors;
};

struct connection {
    struct connection *prev, *next;
    struct http *http;
    struct share *share;
    struct bufferevent *bev;
    struct loop_timer deadline; /* of the request */
    struct request request;
    struct connection **queue; /* it waits in this one for its turn, or NULL */
    struct connection *prev_waiting, *next_waiting;
    bool answered;
    bool draining; /* all is said: waits for the client to close */
    bool walking;  /* the rest of a list comes as the client takes it */
    struct page_walk walk;
};

struct http {
    struct event_base *base;
    struct http_options options;
    struct http_ops ops;
    struct metrics *all_metrics;
    struct http_metrics metrics;
    struct evconnlistener *listener;
    struct loop_timer accept_again;
    unsigned accepted; /* since the loop last turned to others */
    struct shares shares;
    int diag; /* to ask the kernel who is there, or -1 */
    struct connection *connections;
    struct connection *asking;  /* have a request that is not answered yet, */
    struct connection *walking; /* or are to get the next piece; in the order of their turns */
    struct loop_timer pump;
    uint32_t n_connections;
};

/* Where connections come from (http_listen.c). A negative errno, as http_new. */
int http_listen(struct http *h);
void http_listen_stop(struct http *h);

/* Takes socket and share over, also on failure. */
void http_connection_new(struct http *h, int sock, struct share *share);
void http_connection_close(struct connection *c);

const struct table *http_table(const struct http *h);
struct page_source http_source(const struct http *h);

/* Answers with what is in the body, which is emptied. */
void http_send(struct connection *c, int status, const char *type, struct evbuffer *body);
void http_send_text(struct connection *c, int status, const char *text);

/* Answers with a list, piece by piece: of all there is, or of one service's instances, in c->walk already. */
void http_send_list(struct connection *c, const struct page *page);
void http_send_walk(struct connection *c);

/* Answers a whole request, or leaves it unanswered for want of memory. */
void http_route(struct connection *c);

#endif
