/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP interface: writes answers, whole or in chunks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/documents/documents.h"
#include "daemon/http/http_impl.h"
#include "libdiscover/core/words.h"

struct page_source http_source(const struct http *h)
{
    struct page_source own = page_source_of(h->ops.catalog);
    own.history = h->history;
    own.ops = &h->ops;
    return own;
}

int http_source_of(const struct http *h, const char *region, struct page_source *ret_source)
{
    struct http_region other;
    int err = !*region ? 0 : h->ops.region ? h->ops.region(h->ops.arg, region, &other) : -ENOENT;
    if (err)
        return err;
    *ret_source = http_source(h);
    if (!*region)
        return 0;
    ret_source->catalog = other.catalog;
    ret_source->sync = other.sync;
    ret_source->age_ms = other.age_ms;
    return 0;
}

/* --- heads --- */

#define LENGTH_UNKNOWN (-1)
#define LENGTH_NONE    (-2) /* a status that never has a body */

static void add_status(struct connection *c, int status, struct evbuffer *out)
{
    const struct page_source own = http_source(c->http);
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", status, http_status_text(status));
    evbuffer_add_printf(out, "Discoverd-Sync: %s\r\nDiscoverd-Age-Ms: %" PRId64 "\r\n", sync_word(own.sync),
                        document_age_ms(own.sync, own.age_ms));
    if (c->index)
        evbuffer_add_printf(out, "Discoverd-Index: %" PRIu64 "\r\n", c->index);
}

static void add_connection(struct connection *c, int64_t length, struct evbuffer *out)
{
    if (length >= 0)
        evbuffer_add_printf(out, "Content-Length: %" PRId64 "\r\n", length);
    else if (length == LENGTH_UNKNOWN && c->request.chunks)
        evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n");
    else if (length == LENGTH_UNKNOWN)
        c->last = true; /* without a length or chunks, closing is how the answer ends */
    if (c->last)
        evbuffer_add_printf(out, "Connection: close\r\n");
    else if (!c->request.chunks)
        evbuffer_add_printf(out, "Connection: keep-alive\r\n");
}

/* The fields have browsers take the type as it is given, and show no older answer in place of this one. */
static void send_head(struct connection *c, int status, const char *type, int64_t length)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    add_status(c, status, out);
    evbuffer_add_printf(out, "Cache-Control: %s\r\nX-Content-Type-Options: nosniff\r\n",
                        c->tag[0] ? "no-cache" : "no-store");
    if (type)
        evbuffer_add_printf(out, "Content-Type: %s\r\n", type);
    if (c->tag[0])
        evbuffer_add_printf(out, "ETag: W/\"%s\"\r\n", c->tag);
    if (c->fields)
        evbuffer_add_printf(out, "%s", c->fields);
    if (status == 405)
        evbuffer_add_printf(out, "Allow: GET, HEAD\r\n");
    if (status == 503)
        evbuffer_add_printf(out, "Retry-After: 1\r\n");
    add_connection(c, length, out);
    evbuffer_add(out, "\r\n", 2);
}

/* --- answers that are whole --- */

void http_send(struct connection *c, int status, const char *type, struct evbuffer *body)
{
    send_head(c, status, type, (int64_t)evbuffer_get_length(body));
    if (!c->request.head_only)
        evbuffer_add_buffer(bufferevent_get_output(c->bev), body);
    http_connection_answered(c);
}

void http_send_text(struct connection *c, int status, const char *text)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    send_head(c, status, TYPE_TEXT, (int64_t)strlen(text) + 1);
    if (!c->request.head_only)
        evbuffer_add_printf(out, "%s\n", text);
    http_connection_answered(c);
}

void http_send_static(struct connection *c, const char *type, const char *bytes, size_t n)
{
    send_head(c, 200, type, (int64_t)n);
    if (!c->request.head_only)
        evbuffer_add_reference(bufferevent_get_output(c->bev), bytes, n, NULL, NULL);
    http_connection_answered(c);
}

bool http_has_it(struct connection *c, const char *tag)
{
    snprintf(c->tag, sizeof c->tag, "%s", tag);
    if (!request_has_tag(&c->request, tag))
        return false;
    send_head(c, 304, NULL, LENGTH_NONE);
    http_connection_answered(c);
    return true;
}

/* --- in pieces --- */

void http_send_endless(struct connection *c, const char *type)
{
    c->last = true;
    send_head(c, 200, type, LENGTH_UNKNOWN);
}

/*
 * Sends past the bufferevent, if nothing waits there: with hundreds of streams that each change is sent to, the two
 * further system calls of the bufferevent would be most of the cost. Returns how many bytes the kernel took.
 */
static size_t send_now(struct connection *c, const struct iovec *parts, int n)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n};
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
        return 0;
    ssize_t sent = sendmsg(bufferevent_getfd(c->bev), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

void http_send_bytes(struct connection *c, const void *bytes, size_t n)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    char size[24];
    bool chunks = c->request.chunks;
    struct iovec parts[3] = {{size, chunks ? (size_t)snprintf(size, sizeof size, "%zx\r\n", n) : 0},
                             {(void *)bytes, n},
                             {(void *)"\r\n", chunks ? 2 : 0}};
    size_t sent = send_now(c, parts, 3);
    for (int i = 0; i < 3; i++) {
        size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        sent -= skip;
        if (skip < parts[i].iov_len)
            evbuffer_add(out, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
    }
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

static void end_walk(struct connection *c)
{
    page_walk_fini(&c->walk);
    http_connection_answered(c);
}

/*
 * Writes the next piece into *ret_piece, which is the caller's. Returns 1 when there is more, 0 when that was all, or a
 * negative errno, when there is no piece.
 */
static int next_piece(struct connection *c, const struct loop_slice *slice, struct evbuffer **ret_piece)
{
    struct page_source source;
    struct evbuffer *piece = http_source_of(c->http, c->walk.region, &source) == 0 ? evbuffer_new() : NULL;
    int more = piece ? page_walk_step(&c->walk, &source, slice, piece) : -ENOMEM;
    if (more < 0 && piece)
        evbuffer_free(piece);
    *ret_piece = piece;
    return more;
}

/* Makes and sends the next piece. Returns as next_piece. */
static int walk_on(struct connection *c, const struct loop_slice *slice)
{
    struct evbuffer *piece;
    int more = next_piece(c, slice, &piece);
    if (more < 0)
        return more;
    send_piece(c, piece);
    evbuffer_free(piece);
    if (more == 0 && c->request.chunks)
        evbuffer_add(bufferevent_get_output(c->bev), "0\r\n\r\n", 5);
    return more;
}

void http_answer_on(struct connection *c, const struct loop_slice *slice)
{
    int more = walk_on(c, slice);
    if (more < 0) {
        metric_inc(&c->http->metrics.aborted); /* the client notices, as the end is missing */
        http_connection_close(c);
    } else if (more == 0) {
        end_walk(c);
    } else if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        http_wait_for_turn(c); /* nothing was written, so on_written does not follow */
    }
}

static void send_first(struct connection *c, struct evbuffer *piece)
{
    c->state = ANSWERING; /* on_written asks for the next piece */
    send_head(c, 200, TYPE_JSON, LENGTH_UNKNOWN);
    if (c->request.head_only)
        end_walk(c);
    else
        send_piece(c, piece);
}

/*
 * A list that is done with its first piece is sent with its length. remember: it is put into the cache, as it may be
 * asked for again unchanged.
 */
static void send_walk(struct connection *c, bool remember)
{
    struct loop_slice slice = loop_slice_begin();
    struct evbuffer *piece;
    int more = next_piece(c, &slice, &piece);
    if (more > 0)
        send_first(c, piece);
    else
        page_walk_fini(&c->walk);
    if (more == 0 && remember) {
        answer_cache_put(c->http->cache, c->walk.service, c->index, piece);
        metric_set(&c->http->metrics.answers_bytes, answer_cache_bytes(c->http->cache));
    }
    if (more == 0)
        http_send(c, 200, TYPE_JSON, piece);
    if (more >= 0)
        evbuffer_free(piece);
}

void http_send_list(struct connection *c, const struct page *page, const struct page_filter *filter, const char *region)
{
    struct page_source source;
    if (http_source_of(c->http, region, &source) < 0) {
        http_send_text(c, 404, "that region is not read here");
        return;
    }
    page_walk_init(&c->walk, &source, page);
    if (filter)
        c->walk.filter = *filter;
    snprintf(c->walk.region, sizeof c->walk.region, "%s", region);
    send_walk(c, false);
}

void http_send_host(struct connection *c, const struct page *page, const char *host)
{
    struct page_source source = http_source(c->http);
    if (page_walk_init_host(&c->walk, &source, page, host) == 0)
        send_walk(c, false);
}

static bool send_remembered(struct connection *c, const char *service)
{
    struct evbuffer *body = evbuffer_new();
    bool found = body && answer_cache_get(c->http->cache, service, c->index, body) == 0;
    if (found)
        http_send(c, 200, TYPE_JSON, body);
    if (body)
        evbuffer_free(body);
    return found;
}

/* While the catalog is live, a service's document changes only with the service itself. */
int http_send_service(struct connection *c, const char *service)
{
    struct page_source source = http_source(c->http);
    bool live = c->index && source.sync == TABLE_LIVE && source.age_ms == 0;
    if (live && send_remembered(c, service))
        return 0;
    int err = page_walk_init_service(&c->walk, &source, service);
    if (err == 0)
        send_walk(c, live);
    return err;
}
