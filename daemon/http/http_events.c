/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP interface: streams of changes, as server-sent events (WHATWG HTML section 9.2). An event has an instance as it is
 * by then, not as it was at the change: a client that has got all events has what the catalog has.
 *
 *   begin      the stream begins here; unless it says "resumed", the client is to ask for everything anew
 *   instance   an instance that came or changed
 *   gone       the id of an instance that is no more
 *   hosts      a host or its lease has changed
 *   status     how far the catalog can be trusted has changed
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

#include "daemon/catalog/catalog_changes.h"
#include "daemon/http/http_impl.h"
#include "daemon/http/page_json.h"
#include "daemon/http/query_string.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/words.h"

/*
 * The first change is sent at once, the ones that follow together: each sending is a packet for each stream, of some 6
 * us, and all of them are to take no more than the fiftieth part of a processor, however many streams there are.
 */
#define PUSH_NS            (20 * NS_PER_MS)
#define PUSH_PER_STREAM_NS (300 * NS_PER_US)
#define STATUS_NS          NS_PER_S
#define PIECE_MAX          32768

/* The changes behind one number, as text: made once, for all streams that have got so far. */
struct event_piece {
    uint64_t from, to;
    struct evbuffer *text;
};

struct http_events {
    struct connection *streams;
    struct loop_timer push, look;
    int64_t pushed_ns;
    int n;
    struct event_piece piece;
    struct evbuffer *status; /* the last status event, and its number */
    uint64_t n_status;
    int sync;
    bool bus_connected;
};

static void push_at(struct http *h, int64_t at_ns)
{
    loop_timer_arm(&h->events->push, at_ns, clock_now_ns());
}

static void on_push(void *arg)
{
    struct http *h = arg;
    h->events->pushed_ns = clock_now_ns();
    for (struct connection *c = h->events->streams; c; c = c->next_held)
        http_wait_for_turn(c);
}

void http_events_changed(struct http *h)
{
    const struct http_events *e = h->events;
    int64_t all_ns = e->n * PUSH_PER_STREAM_NS;
    if (e->streams)
        push_at(h, e->pushed_ns + (all_ns > PUSH_NS ? all_ns : PUSH_NS));
}

/* --- status --- */

/* Makes a status event when the status has changed. It has the two main points; a client asks for the rest. */
static void look_at_status(struct http *h)
{
    struct http_events *e = h->events;
    Discover__V1__Status status = DISCOVER__V1__STATUS__INIT;
    int sync = (int)http_source(h).sync;
    h->ops.status(h->ops.arg, &status);
    if (e->n_status && sync == e->sync && status.bus_connected == e->bus_connected)
        return;
    e->sync = sync;
    e->bus_connected = status.bus_connected;
    e->n_status++;
    evbuffer_drain(e->status, evbuffer_get_length(e->status));
    evbuffer_add_printf(e->status, "event: status\ndata: {\"sync\":\"%s\",\"bus_connected\":%s}\n\n", sync_word(sync),
                        status.bus_connected ? "true" : "false");
    http_events_changed(h);
}

static void on_look(void *arg)
{
    struct http *h = arg;
    int64_t now_ns = clock_now_ns();
    if (!h->events->streams)
        return;
    look_at_status(h);
    loop_timer_arm(&h->events->look, now_ns + STATUS_NS, now_ns);
}

/* --- changes --- */

static void write_change(const struct catalog *c, uint64_t index, uint64_t id, struct evbuffer *out)
{
    struct catalog_instance i;
    if (id == CHANGE_OF_HOSTS) {
        evbuffer_add_printf(out, "event: hosts\nid: %" PRIu64 "\ndata: {}\n\n", index);
    } else if (catalog_read(c, id, &i) == 0) {
        evbuffer_add_printf(out, "event: instance\nid: %" PRIu64 "\ndata: ", index);
        (void)page_write_json(page_service_instance_json(id, &i), out);
        evbuffer_add(out, "\n\n", 2);
    } else {
        evbuffer_add_printf(out, "event: gone\nid: %" PRIu64 "\ndata: {\"id\":\"%016" PRIx64 "\"}\n\n", index, id);
    }
}

/*
 * Has the piece that begins behind `from`. Returns 1; 0: nothing has changed since; -ESTALE: it is no longer known what
 * has.
 */
static int piece_from(struct http *h, uint64_t from, const struct loop_slice *slice)
{
    struct event_piece *p = &h->events->piece;
    const struct catalog *c = h->ops.catalog;
    uint64_t id, last = 0;
    int found = 0;
    if (p->from == from && p->to > from)
        return 1;
    evbuffer_drain(p->text, evbuffer_get_length(p->text));
    p->from = p->to = from;
    while (evbuffer_get_length(p->text) < PIECE_MAX && (p->to == from || !loop_slice_over(slice)) &&
           (found = catalog_next_change(c, &p->to, &id)) > 0) {
        if (p->to > from + 1 && id == last)
            continue; /* the event before has it as it is now */
        write_change(c, p->to, id, p->text);
        last = id;
    }
    return p->to > from ? 1 : found;
}

static void copy_to(struct connection *c, struct evbuffer *text)
{
    size_t n = evbuffer_get_length(text);
    http_send_bytes(c, evbuffer_pullup(text, -1), n);
}

static void send_begin(struct connection *c, bool resumed)
{
    char text[128];
    if (!resumed)
        c->sent = catalog_index(c->http->ops.catalog);
    int n = snprintf(text, sizeof text, "event: begin\nid: %" PRIu64 "\nretry: 1000\ndata: {\"resumed\":%s}\n\n",
                     c->sent, resumed ? "true" : "false");
    http_send_bytes(c, text, (size_t)n);
}

static bool has_news(const struct connection *c)
{
    return c->sent != catalog_index(c->http->ops.catalog) || c->sent_status != c->http->events->n_status;
}

void http_events_written(struct connection *c)
{
    if (has_news(c))
        http_wait_for_turn(c);
}

void http_events_on(struct connection *c, const struct loop_slice *slice)
{
    struct http_events *e = c->http->events;
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
        return; /* when the output has gone, there is another turn */
    if (c->sent_status != e->n_status)
        copy_to(c, e->status);
    c->sent_status = e->n_status;
    int found = piece_from(c->http, c->sent, slice);
    if (found > 0) {
        copy_to(c, e->piece.text);
        c->sent = e->piece.to;
    } else if (found < 0) {
        metric_inc(&c->http->metrics.resets);
        send_begin(c, false);
    }
    http_events_written(c);
}

/* --- streams --- */

static void count(struct http *h)
{
    struct connection *c;
    DL_COUNT2(h->events->streams, c, h->events->n, next_held);
    metric_set(&h->metrics.streams, (uint64_t)h->events->n);
}

/*
 * Where the client has got to, by the header that browsers send, or by the query. Returns false if the stream cannot go
 * on from there.
 */
static bool resumes(struct connection *c)
{
    char text[32] = "", *end;
    const char *from = c->request.last_event;
    uint64_t id;
    if (!*from && query_first(c->request.query, "index", text, sizeof text) > 0)
        from = text;
    c->sent = strtoull(from, &end, 10);
    uint64_t probe = c->sent;
    return end > from && !*end && catalog_next_change(c->http->ops.catalog, &probe, &id) >= 0;
}

void http_events_begin(struct connection *c)
{
    struct http_events *e = c->http->events;
    if (!c->request.head_only && http_share_move(c, true) < 0) {
        metric_inc(&c->http->metrics.held_limited);
        http_send_text(c, 503, "too many streams and requests that wait for a change (limits.http_held)");
        return;
    }
    http_send_endless(c, "text/event-stream");
    if (c->request.head_only) {
        http_connection_answered(c);
        return;
    }
    c->state = STREAMING;
    DL_APPEND2(e->streams, c, prev_held, next_held);
    count(c->http);
    look_at_status(c->http);
    if (!e->streams->next_held)
        on_look(c->http);
    send_begin(c, resumes(c));
    c->sent_status = 0;
    http_connection_deadline(c, c->http->options.heartbeat_ns);
}

void http_events_end(struct connection *c)
{
    DL_DELETE2(c->http->events->streams, c, prev_held, next_held);
    count(c->http);
}

/* Sends a line, so that proxies and the client know that the stream lives. */
void http_events_heartbeat(struct connection *c)
{
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
        http_send_bytes(c, ":\n\n", 3);
    http_connection_deadline(c, c->http->options.heartbeat_ns);
}

/* --- life --- */

int http_events_init(struct http *h)
{
    struct http_events *e = h->events = calloc(1, sizeof *h->events);
    if (!e)
        return -ENOMEM;
    e->piece.text = evbuffer_new();
    e->status = evbuffer_new();
    int err = e->piece.text && e->status ? loop_timer_init(&e->push, h->base, on_push, h) : -ENOMEM;
    return err ? err : loop_timer_init(&e->look, h->base, on_look, h);
}

void http_events_fini(struct http *h)
{
    struct http_events *e = h->events;
    if (!e)
        return;
    loop_timer_fini(&e->push);
    loop_timer_fini(&e->look);
    if (e->piece.text)
        evbuffer_free(e->piece.text);
    if (e->status)
        evbuffer_free(e->status);
    free(e);
    h->events = NULL;
}
