/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the HTTP interface share:
 *   http.c             life, and whose turn it is
 *   http_listen.c      who is let in
 *   http_connection.c  from bytes to requests, one after the other
 *   http_answer.c      what goes back
 *   http_held.c        requests that wait for a change
 *   http_events.c      streams of changes
 *   http_routes.c      what is where
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
 * What a connection is doing. READING -> ASKING (it waits for its turn) -> ROUTING (a page makes the answer) -> READING, as long as
 * the client likes; on the way an answer may take its time: HELD until there is one, ANSWERING as long as there are further
 * pieces, SENDING until the client has taken enough of it. STREAMING ends only with the connection.
 */
enum connection_state { READING, ASKING, ROUTING, HELD, ANSWERING, SENDING, STREAMING, DRAINING };

struct held_key;

struct connection {
    struct connection *prev, *next;
    struct http *http;
    struct share *share;
    bool share_of_held; /* whose it is: of those who wait for a change, or of all others */
    struct bufferevent *bev;
    struct sockaddr_storage local; /* where it came in */
    struct loop_timer deadline;    /* of the request, of what it is held for, of the next heartbeat, of draining */
    enum connection_state state;
    struct connection **queue; /* it waits in this one for its turn, or NULL */
    struct connection *prev_waiting, *next_waiting;
    bool begun;       /* a part of the next request is there */
    bool served;      /* at least one request */
    bool last;        /* it is closed when the answer is whole */
    bool ended;       /* the client says nothing more */
    int64_t quiet_ns; /* since then it waits for the next request */

    struct request request;
    bool woken;         /* it was held, and is not held again */
    uint64_t index;     /* told with the answer; 0: none */
    const char *fields; /* further ones of the answer's head, whole lines; or NULL */
    char tag[64];       /* its entity tag; "": none */
    struct page_walk walk;

    struct held_key *held; /* what it waits for */
    struct connection *prev_held, *next_held;

    uint64_t told;        /* a stream: the last change it was told of */
    uint64_t told_status; /* and the last status */
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
    struct shares shares, held_shares;
    int diag; /* to ask the kernel who is there, or -1 */
    struct connection *connections;
    struct connection *asking;  /* have a request that is not answered yet, */
    struct connection *walking; /* or are to get the next piece; in the order of their turns */
    struct loop_timer pump;
    uint32_t n_connections;

    struct held_key *held; /* by what they wait for */
    uint32_t n_held;
    struct http_events *events;
    struct history *history;
    struct answer_cache *cache;
};

/* --- http.c --- */

/* It gets its turn; in the end http_answer_on or, of one that is ASKING, http_route is called. */
void http_wait_for_turn(struct connection *c);
void http_stop_waiting(struct connection *c);

/* --- http_listen.c: where connections come from. A negative errno, as http_new. --- */
int http_listen(struct http *h);
void http_listen_stop(struct http *h);

/* The share moves to those who wait, or back from them. -EDQUOT, -ENOSPC, -ENOMEM: it stays where it is. */
int http_share_move(struct connection *c, bool to_held);

/* --- http_connection.c --- */

/* Takes socket and share over, also on failure. */
void http_connection_new(struct http *h, int sock, struct share *share);
void http_connection_close(struct connection *c);

/* The answer is whole: on to the next request, or to the end. */
void http_connection_answered(struct connection *c);

/* Arms the one timer that a connection has; INT64_MAX: none. */
void http_connection_deadline(struct connection *c, int64_t after_ns);

/* --- http_answer.c --- */
const struct table *http_table(const struct http *h);
struct page_source http_source(const struct http *h);

/* That of another region; "": as above. -ENOENT: it is not read here. */
int http_source_of(const struct http *h, const char *region, struct page_source *ret_source);

/* Answers with what is in the body, which is emptied. */
void http_send(struct connection *c, int status, const char *type, struct evbuffer *body);
void http_send_text(struct connection *c, int status, const char *text);

/* The same with bytes that live for ever. */
void http_send_static(struct connection *c, const char *type, const char *bytes, size_t n);

/*
 * Answers with a list, piece by piece if it is long: of all there is; of another region; of this host's instances; or of one service, which
 * -ENOENT says is not there.
 */
void http_send_list(struct connection *c, const struct page *page);
void http_send_some(struct connection *c, const struct page *page, const struct page_filter *filter);
void http_send_region(struct connection *c, const struct page *page, const struct page_filter *filter,
                      const char *region);
void http_send_host(struct connection *c, const struct page *page, const char *host);
int http_send_service(struct connection *c, const char *service);

/* The head alone of what follows without an end that is known: of a stream. */
void http_send_endless(struct connection *c, const char *type);

/* Some bytes of that, as a chunk where there are chunks. n > 0. */
void http_send_bytes(struct connection *c, const void *bytes, size_t n);

/* The next piece. */
void http_answer_on(struct connection *c, const struct loop_slice *slice);

/*
 * The answer's entity tag, without its quotes. True: the client has that already, and has been told so; nothing more is to
 * be sent.
 */
bool http_has_it(struct connection *c, const char *tag);

/* --- http_held.c --- */

/*
 * For a page that can wait (?index=N&wait=T): index is that of the last change of what it shows, which key names: a service, or
 * "" for everything. True: it is held, or refused, and nothing is to be sent; it is asked again when there was a change,
 * or the time is over. The answer tells the index.
 */
bool http_hold(struct connection *c, const char *key, uint64_t index);
void http_held_end(struct connection *c); /* whatever it is */
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
void http_events_written(struct connection *c);                            /* all that it was told */
void http_events_on(struct connection *c, const struct loop_slice *slice); /* what it was not told of yet */

/* --- http_routes.c: answers a whole request, or leaves it unanswered for want of memory. --- */
void http_route(struct connection *c);

#endif
