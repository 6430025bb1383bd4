/* SPDX-License-Identifier: Apache-2.0 */
/* The read-only HTTP interface: connections, and how answers go out. */
#include "daemon/http/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/base/loop_meter.h"
#include "daemon/http/http_host.h"
#include "daemon/http/http_impl.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

#define DRAIN_NS (2 * NS_PER_S)

static const struct metric metrics_table[] = {
    GAUGE_OF(http_metrics, connections, "discoverd_http_connections", "HTTP connections."),
    COUNTER_OF(http_metrics, requests, "discoverd_http_requests_total", "HTTP requests that were understood."),
    COUNTER_OF(http_metrics, limited, "discoverd_http_limited_total",
               "HTTP connections refused because of limits.http_clients or limits.http_clients_per_user."),
    COUNTER_OF(http_metrics, displaced, "discoverd_http_displaced_total",
               "HTTP connections closed because all were taken and their user had the most."),
    COUNTER_OF(http_metrics, refused, "discoverd_http_refused_total",
               "HTTP requests refused because of what they are."),
    COUNTER_OF(http_metrics, timeouts, "discoverd_http_timeouts_total",
               "HTTP connections closed because they were too slow."),
    COUNTER_OF(http_metrics, aborted, "discoverd_http_aborted_total",
               "HTTP answers broken off because the table moved."),
    COUNTER_OF(http_metrics, accept_errors, "discoverd_http_accept_errors_total",
               "HTTP connections that could not be taken, for want of descriptors or memory."),
};

/* --- whose turn it is --- */

static void wait_for_turn(struct connection *c, struct connection **queue)
{
    if (c->queue)
        return;
    c->queue = queue;
    DL_APPEND2(*queue, c, prev_waiting, next_waiting);
    loop_timer_arm(&c->http->pump, 0, 0);
}

static void stop_waiting(struct connection *c)
{
    if (c->queue)
        DL_DELETE2(*c->queue, c, prev_waiting, next_waiting);
    c->queue = NULL;
}

void http_connection_close(struct connection *c)
{
    struct http *h = c->http;
    stop_waiting(c);
    DL_DELETE(h->connections, c);
    shares_give(&h->shares, c->share);
    metric_set(&h->metrics.connections, --h->n_connections);
    if (c->walking)
        page_walk_fini(&c->walk);
    loop_timer_fini(&c->deadline);
    if (c->bev)
        bufferevent_free(c->bev);
    free(c);
}

/* --- answers --- */

const struct table *http_table(const struct http *h)
{
    return h->ops.table(h->ops.arg);
}

struct page_source http_source(const struct http *h)
{
    return (struct page_source){http_table(h), h->ops.catalog(h->ops.arg)};
}

/* length < 0: it is not known yet. */
static void send_head(struct connection *c, int status, const char *type, int64_t length)
{
    const struct table *t = http_table(c->http);
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\nConnection: close\r\n",
                        status, http_status_text(status), type);
    evbuffer_add_printf(out, "Discoverd-Sync: %s\r\nDiscoverd-Age-Ms: %lld\r\n", sync_word(table_sync(t)),
                        (long long)(table_age_ns(t, clock_now_ns()) / NS_PER_MS));
    if (status == 405)
        evbuffer_add_printf(out, "Allow: GET, HEAD\r\n");
    if (length >= 0)
        evbuffer_add_printf(out, "Content-Length: %lld\r\n", (long long)length);
    else if (c->request.chunks)
        evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n");
    evbuffer_add(out, "\r\n", 2);
    c->answered = true;
}

/* Takes what is in the body. */
void http_send(struct connection *c, int status, const char *type, struct evbuffer *body)
{
    send_head(c, status, type, (int64_t)evbuffer_get_length(body));
    if (!c->request.head_only)
        evbuffer_add_buffer(bufferevent_get_output(c->bev), body);
}

void http_send_text(struct connection *c, int status, const char *text)
{
    struct evbuffer *body = evbuffer_new();
    if (!body)
        return;
    evbuffer_add_printf(body, "%s\n", text);
    http_send(c, status, TYPE_TEXT, body);
    evbuffer_free(body);
}

/* RFC 9112 section 7.1; an empty piece would be the end. */
static void send_piece(struct connection *c, struct evbuffer *piece)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    size_t n = evbuffer_get_length(piece);
    if (n > 0 && c->request.chunks)
        evbuffer_add_printf(out, "%zx\r\n", n);
    evbuffer_add_buffer(out, piece);
    if (n > 0 && c->request.chunks)
        evbuffer_add(out, "\r\n", 2);
}

/* The next piece of a list. A negative errno: nothing more can be sent. */
static int walk_on(struct connection *c, const struct loop_slice *slice)
{
    struct page_source source = http_source(c->http);
    struct evbuffer *piece = evbuffer_new();
    if (!piece)
        return -ENOMEM;
    int more = page_walk_step(&c->walk, &source, slice, piece);
    if (more >= 0)
        send_piece(c, piece);
    evbuffer_free(piece);
    if (more != 0)
        return more;
    if (c->request.chunks)
        evbuffer_add(bufferevent_get_output(c->bev), "0\r\n\r\n", 5);
    page_walk_fini(&c->walk);
    c->walking = false;
    return 0;
}

static void keep_walking(struct connection *c, const struct loop_slice *slice)
{
    int more = walk_on(c, slice);
    if (more < 0) {
        metric_inc(&c->http->metrics.aborted); /* the missing end tells the client */
        http_connection_close(c);
    } else if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        wait_for_turn(c, &c->http->walking); /* nothing of this kind yet, so nobody would call back */
    }
}

void http_send_walk(struct connection *c)
{
    c->walking = true;
    send_head(c, 200, TYPE_JSON, -1);
    if (!c->request.head_only)
        return; /* the pieces come when the head is on its way */
    page_walk_fini(&c->walk);
    c->walking = false;
}

void http_send_list(struct connection *c, const struct page *page)
{
    page_walk_init(&c->walk, page);
    http_send_walk(c);
}

/* --- connections --- */

static void finish_request(struct connection *c)
{
    int64_t ns = c->http->options.timeout_ns;
    struct timeval timeout = {.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / NS_PER_US};
    loop_timer_arm(&c->deadline, INT64_MAX, 0);
    bufferevent_disable(c->bev, EV_READ);
    bufferevent_set_timeouts(c->bev, NULL, &timeout);
}

static bool is_for_us(const struct connection *c)
{
    const struct http_options *o = &c->http->options;
    struct sockaddr_storage local = {0};
    socklen_t n = sizeof local;
    (void)getsockname(bufferevent_getfd(c->bev), (struct sockaddr *)&local, &n);
    return !c->request.host[0] || http_host_is_ours(c->request.host, (const struct sockaddr *)&local, &o->names);
}

static void refuse(struct connection *c, int status)
{
    metric_inc(&c->http->metrics.refused);
    c->request = (struct request){0};
    finish_request(c);
    http_send_text(c, status, http_status_text(status));
}

static void read_request(struct connection *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_length(in);
    if (c->draining) {
        evbuffer_drain(in, n);
        return;
    }
    const unsigned char *bytes = evbuffer_pullup(in, -1);
    int status = bytes ? request_parse((const char *)bytes, n, &c->request) : 400;
    if (status == 0)
        return;
    evbuffer_drain(in, n);
    if (status == 200 && !is_for_us(c))
        status = 421;
    if (status != 200) {
        refuse(c, status);
        return;
    }
    finish_request(c);
    wait_for_turn(c, &c->http->asking);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    loop_meter_enter();
    read_request(arg);
    loop_meter_leave();
}

static void answer(struct connection *c)
{
    http_route(c);
    if (!c->answered) /* no memory for it */
        send_head(c, 500, TYPE_TEXT, 0);
}

/*
 * All answers together take one slice at a time. What was just asked for comes first: most of it is short, and what is
 * not waits with the other long ones after its first turn.
 */
static void on_pump(void *arg)
{
    struct http *h = arg;
    struct loop_slice slice = loop_slice_begin();
    while ((h->asking || h->walking) && !loop_slice_over(&slice)) {
        struct connection *c = h->asking ? h->asking : h->walking;
        stop_waiting(c);
        if (c->walking)
            keep_walking(c, &slice);
        else
            answer(c);
    }
    if (h->asking || h->walking)
        loop_timer_arm(&h->pump, 0, 0);
}

/*
 * Closing with bytes unread would be a reset, which may overtake the answer (RFC 9112 section 9.6): first only our
 * side is closed, and what still comes is thrown away.
 */
static void drain(struct connection *c)
{
    int64_t now_ns = clock_now_ns();
    c->draining = true;
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    loop_timer_arm(&c->deadline, now_ns + DRAIN_NS, now_ns);
    bufferevent_enable(c->bev, EV_READ);
}

/* Everything so far is on its way. */
static void on_written(struct bufferevent *bev, void *arg)
{
    struct connection *c = arg;
    (void)bev;
    loop_meter_enter();
    if (c->walking)
        wait_for_turn(c, &c->http->walking);
    else if (c->answered && !c->draining)
        drain(c);
    loop_meter_leave();
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct connection *c = arg;
    (void)bev;
    if (what & BEV_EVENT_TIMEOUT)
        metric_inc(&c->http->metrics.timeouts);
    http_connection_close(c);
}

static void on_deadline(void *arg)
{
    struct connection *c = arg;
    if (c->draining) {
        http_connection_close(c);
        return;
    }
    metric_inc(&c->http->metrics.timeouts);
    refuse(c, 408);
}

void http_connection_new(struct http *h, int sock, struct share *share)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c || loop_timer_init(&c->deadline, h->base, on_deadline, c) < 0) {
        free(c);
        close(sock);
        shares_give(&h->shares, share);
        metric_inc(&h->metrics.accept_errors);
        return;
    }
    c->http = h;
    c->share = share;
    DL_APPEND(h->connections, c);
    metric_set(&h->metrics.connections, ++h->n_connections);
    c->bev = bufferevent_socket_new(h->base, sock, BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev) {
        close(sock);
        http_connection_close(c);
        metric_inc(&h->metrics.accept_errors);
        return;
    }
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&c->deadline, now_ns + h->options.timeout_ns, now_ns);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    /* Reads no further than what already refuses a head. */
    bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_HEAD_MAX + 1);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
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
        err = metrics_add(metrics, metrics_table, sizeof metrics_table / sizeof *metrics_table, &h->metrics);
    if (err < 0) {
        http_free(h);
        return err;
    }
    *ret_http = h;
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    while (h->connections)
        http_connection_close(h->connections);
    http_listen_stop(h);
    loop_timer_fini(&h->pump);
    free(h);
}
