/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface: reads requests from connections, one after the other. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/base/loop_meter.h"
#include "daemon/http/http_host.h"
#include "daemon/http/http_impl.h"
#include "libdiscover/core/clock.h"

#define DRAIN_NS (2 * NS_PER_S)

/* With more bytes than this still to be taken, the next request of a client waits. */
#define UNTAKEN_MAX 65536

static void read_request(struct connection *c);

void http_connection_deadline(struct connection *c, int64_t after_ns)
{
    int64_t now_ns = clock_now_ns();
    loop_timer_arm(&c->deadline, after_ns == INT64_MAX ? INT64_MAX : now_ns + after_ns, now_ns);
}

void http_connection_close(struct connection *c)
{
    struct http *h = c->http;
    http_stop_waiting(c);
    http_held_end(c);
    if (c->state == STREAMING)
        http_events_end(c);
    if (c->state == ANSWERING)
        page_walk_fini(&c->walk);
    DL_DELETE(h->connections, c);
    shares_give(c->share_of_held ? &h->held_shares : &h->shares, c->share);
    metric_set(&h->metrics.connections, --h->n_connections);
    loop_timer_fini(&c->deadline);
    if (c->bev)
        bufferevent_free(c->bev);
    free(c);
}

/*
 * Closing with bytes unread would be a reset, which may overtake the answer (RFC 9112 section 9.6): first only our
 * side is closed, and what still comes is thrown away.
 */
static void drain(struct connection *c)
{
    if (c->ended) {
        http_connection_close(c);
        return;
    }
    c->state = DRAINING;
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    http_connection_deadline(c, DRAIN_NS);
    struct evbuffer *in = bufferevent_get_input(c->bev);
    evbuffer_drain(in, evbuffer_get_length(in));
}

static void next_request(struct connection *c)
{
    c->state = READING;
    c->begun = c->woken = false;
    c->served = true;
    c->quiet_ns = clock_now_ns();
    http_connection_deadline(c, c->http->options.idle_ns);
    if (evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
        read_request(c);
}

void http_connection_answered(struct connection *c)
{
    size_t untaken = evbuffer_get_length(bufferevent_get_output(c->bev));
    http_connection_deadline(c, INT64_MAX); /* the bufferevent watches how long the client takes over the rest */
    c->state = SENDING;
    if (c->share_of_held && http_share_move(c, false) < 0)
        c->last = true;
    if (!c->last && untaken < UNTAKEN_MAX)
        next_request(c);
}

static bool is_for_us(const struct connection *c)
{
    return !c->request.host[0] ||
           http_host_is_ours(c->request.host, (const struct sockaddr *)&c->local, &c->http->options.names);
}

static void refuse(struct connection *c, int status)
{
    metric_inc(&c->http->metrics.refused);
    c->request = (struct request){0};
    c->last = true;
    http_send_text(c, status, http_status_text(status));
}

static void ask(struct connection *c)
{
    c->state = ASKING;
    c->last = !c->request.keep;
    c->index = 0;
    c->fields = NULL;
    c->tag[0] = '\0';
    http_connection_deadline(c, INT64_MAX);
    http_wait_for_turn(c);
}

/* The time of a request begins with its first byte. */
static void wait_for_rest(struct connection *c)
{
    if (!c->begun && c->served)
        http_connection_deadline(c, c->http->options.timeout_ns);
    c->begun = true;
}

static void read_request(struct connection *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_length(in), used = 0;
    const unsigned char *bytes = evbuffer_pullup(in, -1);
    int status = bytes ? request_parse((const char *)bytes, n, &c->request, &used) : 400;
    if (status == 0) {
        wait_for_rest(c);
        return;
    }
    evbuffer_drain(in, status == 200 ? used : n);
    if (status == 200 && !is_for_us(c))
        status = 421;
    if (status == 200)
        ask(c);
    else
        refuse(c, status);
}

/* While an answer is made, further requests wait in the buffer, which holds no more than a head. */
static void on_read(struct bufferevent *bev, void *arg)
{
    struct connection *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    loop_meter_enter();
    if (c->state == READING)
        read_request(c);
    else if (c->state == DRAINING)
        evbuffer_drain(in, evbuffer_get_length(in));
    loop_meter_leave();
}

/* All bytes of the bufferevent were given to the kernel. */
static void on_written(struct bufferevent *bev, void *arg)
{
    struct connection *c = arg;
    (void)bev;
    loop_meter_enter();
    if (c->state == ANSWERING)
        http_wait_for_turn(c);
    else if (c->state == STREAMING)
        http_events_written(c);
    else if (c->state == SENDING && c->last)
        drain(c);
    else if (c->state == SENDING)
        next_request(c);
    loop_meter_leave();
}

/*
 * A client that has shut down its side may still be reading an answer that is being made; one that waits for a change
 * has gone.
 */
static bool listens_still(const struct connection *c, short what)
{
    return (what & BEV_EVENT_EOF) && (c->state == ASKING || c->state == ANSWERING || c->state == SENDING);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct connection *c = arg;
    (void)bev;
    loop_meter_enter();
    if (what & BEV_EVENT_TIMEOUT)
        metric_inc(&c->http->metrics.timeouts);
    if (listens_still(c, what))
        c->last = c->ended = true;
    else
        http_connection_close(c);
    loop_meter_leave();
}

static void on_deadline(void *arg)
{
    struct connection *c = arg;
    if (c->state == HELD) {
        http_held_wake(c);
    } else if (c->state == STREAMING) {
        http_events_heartbeat(c);
    } else if (c->state == READING && (c->begun || !c->served)) {
        metric_inc(&c->http->metrics.timeouts);
        refuse(c, 408);
    } else {
        http_connection_close(c); /* no request is under way */
    }
}

static int connection_init(struct connection *c, struct http *h, int sock)
{
    int64_t ns = h->options.timeout_ns;
    const struct timeval timeout = {.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / NS_PER_US};
    socklen_t n = sizeof c->local;
    const int on = 1;
    if (loop_timer_init(&c->deadline, h->base, on_deadline, c) < 0)
        return -1;
    c->bev = bufferevent_socket_new(h->base, sock, BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev)
        return -1;
    /* An answer is written as a whole: the kernel must not wait for more to send with it. */
    (void)setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)getsockname(sock, (struct sockaddr *)&c->local, &n);
    http_connection_deadline(c, ns);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_set_timeouts(c->bev, NULL, &timeout);
    /* A head that fills this much is refused: no more need be read. */
    bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_HEAD_MAX + 1);
    return bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void http_connection_new(struct http *h, int sock, struct share *share)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        shares_give(&h->shares, share);
        metric_inc(&h->metrics.accept_errors);
        close(sock);
        return;
    }
    c->http = h;
    c->share = share;
    c->quiet_ns = clock_now_ns();
    DL_APPEND(h->connections, c);
    metric_set(&h->metrics.connections, ++h->n_connections);
    if (connection_init(c, h, sock) == 0)
        return;
    if (!c->bev)
        close(sock);
    metric_inc(&h->metrics.accept_errors);
    http_connection_close(c);
}
