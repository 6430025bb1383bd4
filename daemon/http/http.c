/* SPDX-License-Identifier: Apache-2.0 */
/* The read-only HTTP interface: starts and stops it, and gives its connections their turns. */
#include "daemon/http/http.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "daemon/http/http_impl.h"

static const struct metric metrics_table[] = {
    GAUGE_OF(http_metrics, connections, "discoverd_http_connections", "HTTP connections."),
    GAUGE_OF(http_metrics, held, "discoverd_http_requests_held", "HTTP requests that wait for a change."),
    GAUGE_OF(http_metrics, streams, "discoverd_http_streams", "HTTP streams of events."),
    GAUGE_OF(http_metrics, answers_bytes, "discoverd_http_answers_bytes",
             "Memory of answers that are kept to be given again."),
    COUNTER_OF(http_metrics, requests, "discoverd_http_requests_total", "HTTP requests that were understood."),
    COUNTER_OF(http_metrics, refused, "discoverd_http_refused_total",
               "HTTP requests refused because of what they are."),
    COUNTER_OF(http_metrics, held_limited, "discoverd_http_held_limited_total",
               "HTTP requests that would have waited for a change, and streams, refused because of limits.http_held."),
    COUNTER_OF(http_metrics, resets, "discoverd_http_stream_resets_total",
               "Times a stream of events had to begin anew, as it had missed some."),
    COUNTER_OF(http_metrics, limited, "discoverd_http_connections_closed_total{reason=\"limit\"}",
               "HTTP connections refused or closed: limits.http_clients or limits.http_clients_per_user; to make room "
               "for others; too slow; no memory for the answer."),
    COUNTER_OF(http_metrics, displaced, "discoverd_http_connections_closed_total{reason=\"displaced\"}", NULL),
    COUNTER_OF(http_metrics, timeouts, "discoverd_http_connections_closed_total{reason=\"timeout\"}", NULL),
    COUNTER_OF(http_metrics, aborted, "discoverd_http_connections_closed_total{reason=\"aborted\"}", NULL),
    COUNTER_OF(http_metrics, accept_errors, "discoverd_http_accept_errors_total",
               "HTTP connections that could not be taken, for want of descriptors or memory."),
};
METRICS_LISTED(metrics_table)

/* --- whose turn it is --- */

void http_wait_for_turn(struct connection *c)
{
    if (c->queue)
        return;
    c->queue = c->state == ASKING ? &c->http->asking : &c->http->walking;
    DL_APPEND2(*c->queue, c, prev_waiting, next_waiting);
    loop_timer_arm(&c->http->pump, 0, 0);
}

void http_stop_waiting(struct connection *c)
{
    if (c->queue)
        DL_DELETE2(*c->queue, c, prev_waiting, next_waiting);
    c->queue = NULL;
}

static void answer(struct connection *c)
{
    c->state = ROUTING;
    http_route(c);
    if (c->state != ROUTING)
        return;
    http_send_text(c, 500, http_status_text(500)); /* no memory for the answer */
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
        http_connection_close(c);
}

static void take_turn(struct connection *c, const struct loop_slice *slice)
{
    if (c->state == ASKING)
        answer(c);
    else if (c->state == STREAMING)
        http_events_on(c, slice);
    else
        http_answer_on(c, slice);
}

static struct connection *first_in_turn(const struct http *h)
{
    struct connection *first = h->walking_first ? h->walking : h->asking;
    return first ? first : h->walking_first ? h->asking : h->walking;
}

/*
 * All answers together take one slice at a time. An answer that takes longer waits with the other long ones after its
 * first turn. New requests come first in one slice, as most of them are short, and the long ones in the next: a client
 * that sends requests without an end must not keep lists and streams waiting for ever.
 */
static void on_pump(void *arg)
{
    struct http *h = arg;
    struct loop_slice slice = loop_slice_begin();
    h->walking_first = !h->walking_first;
    while ((h->asking || h->walking) && !loop_slice_over(&slice)) {
        struct connection *c = first_in_turn(h);
        http_stop_waiting(c);
        take_turn(c, &slice);
    }
    if (h->asking || h->walking)
        loop_timer_arm(&h->pump, 0, 0);
}

static void service_changed(void *arg, const char *service)
{
    http_held_changed(arg, service);
    http_events_changed(arg);
}

/* --- life --- */

int http_new(struct event_base *base, const struct http_options *options, const struct http_ops *ops,
             struct metrics *metrics, struct http **ret_http)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->base = base;
    h->diag = -1;
    h->options = *options;
    h->ops = *ops;
    h->all_metrics = metrics;
    int err = loop_timer_init(&h->pump, base, on_pump, h);
    if (err == 0)
        err = http_listen(h);
    if (err == 0)
        err = http_events_init(h);
    if (err == 0)
        err = (h->cache = answer_cache_new()) ? 0 : -ENOMEM;
    if (err == 0)
        err = history_new(base, metrics, ops->catalog, &h->history);
    if (err == 0)
        err = metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &h->metrics);
    if (err < 0) {
        http_free(h);
        return err;
    }
    catalog_watch_services(h->ops.catalog, service_changed, h);
    *ret_http = h;
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    catalog_watch_services(h->ops.catalog, NULL, h);
    while (h->connections)
        http_connection_close(h->connections);
    http_events_fini(h);
    history_free(h->history);
    answer_cache_free(h->cache);
    http_held_fini(h);
    http_listen_stop(h);
    loop_timer_fini(&h->pump);
    free(h);
}
