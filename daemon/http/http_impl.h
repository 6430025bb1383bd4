/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the HTTP interface share:
 *   http.c             life, and whose turn it is
 *   http_listen.c      accepts connections, within limits
 *   http_connection.c  from bytes to requests, one after the other
 *   http_answer.c      writes answers
 *   http_held.c        requests that wait for a change
 *   http_events.c      streams of changes
 *   http_routes.c      the table of paths
 */
#ifndef HTTP_HTTP_IMPL_H
#define HTTP_HTTP_IMPL_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "daemon/base/loop.h"
#include "daemon/base/shares.h"
#include "daemon/http/answer_cache.h"
#include "daemon/http/history.h"
#include "daemon/http/http.h"
#include "daemon/http/pages.h"
#include "daemon/http/request.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct http_metrics {
    metric_value connections, held, streams;
    metric_value answers_bytes;
    metric_value requests, limited, displaced, refused, timeouts, aborted, accept_errors, held_limited, resets;
};

/*
 * What a connection is doing. READING -> ASKING (it waits for its turn) -> ROUTING (a page makes the answer) ->
 * READING, as long as the client likes; on the way an answer may take its time: HELD until there is one, ANSWERING as
 * long as there are further pieces, SENDING until the client has taken enough of it. STREAMING ends only with the
 * connection. DRAINING: our side is closed, and what still arrives is thrown away.
 */
enum connection_state { READING, ASKING, ROUTING, HELD, ANSWERING, SENDING, STREAMING, DRAINING };

struct held_key;
struct route;

struct connection {
    struct connection *prev, *next;
    struct http *http;
    struct share *share;
    bool share_of_held; /* share is of the places for requests that wait for a change, else of those for all others */
    struct bufferevent *bev;
    struct sockaddr_storage local; /* our address of the connection */
    struct loop_timer deadline;    /* of the request, of the wait for a change, of the next heartbeat, or of draining */
    enum connection_state state;
    struct connection **queue; /* the queue in which it waits for its turn; NULL: it waits in none */
    struct connection *prev_waiting, *next_waiting;
    bool begun;       /* a part of the next request has arrived */
    bool served;      /* at least one request was answered */
    bool last;        /* to be closed when the answer is whole */
    bool ended;       /* the client has shut down its side */
    int64_t quiet_ns; /* since when it waits for the next request */

    struct request request;
    const struct route *route; /* of the request's path */
    const char *rest;          /* what follows the route's path in it */
    bool woken;                /* it was held already, and is not held again */
    uint64_t index;            /* number of the last change of what is shown, sent with the answer; 0: none */
    const char *fields;        /* further fields of the answer's head, whole lines; or NULL */
    char tag[64];              /* the answer's entity tag; "": none */
    struct page_walk walk;

    struct held_key *held; /* what it waits for while HELD */
    struct connection *prev_held, *next_held;

    uint64_t sent;        /* number of the last change sent to a stream */
    uint64_t sent_status; /* number of the last status sent to a stream */
};

struct http {
    struct event_base *base;
    struct http_options options;
    struct http_ops ops;
    struct metrics *all_metrics;
    struct http_metrics metrics;
    struct evconnlistener *listener;
    struct loop_timer accept_again;
    unsigned accepted; /* connections accepted since the loop last turned to other events */
    struct shares shares, held_shares;
    int diag; /* a socket for asking the kernel whose a connection is; -1: none */
    struct connection *connections;
    struct connection *asking;  /* connections with a request that waits for its first turn */
    struct connection *walking; /* connections that wait for the turn of their next piece, in that order */
    bool walking_first;         /* in this slice those come before the ones that ask */
    struct loop_timer pump;
    uint32_t n_connections;

    struct held_key *held; /* by what their connections wait for */
    uint32_t n_held;
    struct http_events *events;
    struct history *history;
    struct answer_cache *cache;
};

/* --- http.c --- */

/* The connection gets its turn: then http_answer_on is called, or, if it is ASKING, http_route. */
void http_wait_for_turn(struct connection *c);
void http_stop_waiting(struct connection *c);

/* --- http_listen.c: where connections come from. A negative errno, as http_new. --- */
int http_listen(struct http *h);
void http_listen_stop(struct http *h);

/*
 * Moves the connection's share to the places of those who wait, or back. -EDQUOT, -ENOSPC, -ENOMEM: it stays where it
 * is.
 */
int http_share_move(struct connection *c, bool to_held);

/* --- http_connection.c --- */

/* Takes over the socket and its share, also on failure. */
void http_connection_new(struct http *h, int sock, struct share *share);
void http_connection_close(struct connection *c);

/* The answer is whole: goes on to the next request, or ends the connection. */
void http_connection_answered(struct connection *c);

/* Arms the one timer that a connection has, in after_ns; INT64_MAX: disarms it. */
void http_connection_deadline(struct connection *c, int64_t after_ns);

/* --- http_answer.c --- */
struct page_source http_source(const struct http *h);

/* The source of another region's pages; "": the own one's. -ENOENT: that region is not read here. */
int http_source_of(const struct http *h, const char *region, struct page_source *ret_source);

/* Answers with the contents of body, which is emptied and stays the caller's. */
void http_send(struct connection *c, int status, const char *type, struct evbuffer *body);
void http_send_text(struct connection *c, int status, const char *text);

/* The same with bytes that live as long as the process. */
void http_send_static(struct connection *c, const char *type, const char *bytes, size_t n);

/*
 * Answer with a list, piece by piece if it is long: http_send_list with all there is (filter NULL), here or in another
 * region ("": here); http_send_host with this host's instances; http_send_service with one service's. -ENOENT: there is
 * no such service, and nothing was sent.
 */
void http_send_list(struct connection *c, const struct page *page, const struct page_filter *filter,
                    const char *region);
void http_send_host(struct connection *c, const struct page *page, const char *host);
int http_send_service(struct connection *c, const char *service);

/* Sends the head of an answer whose end is not known: of a stream. */
void http_send_endless(struct connection *c, const char *type);

/* Sends some bytes of a stream, as a chunk where the client understands chunks. n > 0. */
void http_send_bytes(struct connection *c, const void *bytes, size_t n);

/* Sends the next piece of an answer. */
void http_answer_on(struct connection *c, const struct loop_slice *slice);

/*
 * Sets the answer's entity tag, given without quotes. Returns true if the client has that entity already: it was
 * answered so, and nothing more is to be sent.
 */
bool http_has_it(struct connection *c, const char *tag);

/* --- http_held.c --- */

/*
 * For a page that can wait (?index=N&wait=T). index: number of the last change of what it shows, which key names: a
 * service, or "" for everything. Returns true if the request is held, or was refused: nothing is to be sent, and the
 * route is called again when there was a change, or the time is over. The answer gets the index.
 */
bool http_hold(struct connection *c, const char *key, uint64_t index);
void http_held_end(struct connection *c); /* whichever key it waits for */
void http_held_wake(struct connection *c);
void http_held_changed(struct http *h, const char *service);
void http_held_fini(struct http *h);

/* --- http_events.c --- */
int http_events_init(struct http *h);
void http_events_fini(struct http *h);
void http_events_begin(struct connection *c);
void http_events_end(struct connection *c);
void http_events_changed(struct http *h);
void http_events_heartbeat(struct connection *c);
/* the kernel has taken all that was sent so far */
void http_events_written(struct connection *c);
void http_events_on(struct connection *c, const struct loop_slice *slice); /* sends what has changed since */

/* --- http_routes.c: answers a whole request, or leaves it unanswered for want of memory. --- */
void http_route(struct connection *c);

#endif
