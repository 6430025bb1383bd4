/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the socket server share: api.c listens, api_client.c moves frames, api_request.c answers. */
#ifndef API_API_IMPL_H
#define API_API_IMPL_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/api/access.h"
#include "daemon/api/api.h"
#include "daemon/base/hash.h"
#include "daemon/base/loop.h"
#include "daemon/base/shares.h"
#include "libdiscover/core/frame.h"
#include "libdiscover/core/trace_context.h"

struct api_metrics {
    metric_value clients, closing, accepted, accept_errors, limited, displaced, requests, refused, denied, bad_frames,
        slow, handshake_timeouts, watches_limited, ejections, ejections_limited, peers_unwatched;
};

enum api_interest { API_CHANGES, API_EJECTIONS, API_INTERESTS };

struct api_topic {
    UT_hash_handle hh; /* in api.topics, by service */
    struct api_subscription *subscriptions[API_INTERESTS];
    struct trace_context *trace; /* context of the last change that had one; NULL: none had */
    char service[];
};

struct api_subscription {
    UT_hash_handle hh; /* in its client's subscriptions, by key */
    struct {
        struct api_topic *topic;
        uint64_t interest; /* enum api_interest; 64 bits, so that the key has no padding */
    } key;
    struct api_client *client;
    struct share *share;
    struct api_subscription *prev, *next; /* of the same topic and interest */
    struct api_subscription *prev_due, *next_due;
    bool due;
    bool traced;    /* API_CHANGES: the topic's trace is still to be sent */
    uint64_t heard; /* API_EJECTIONS: number of the newest that was sent */
};

/* A frame on its way out. */
struct out_frame {
    struct out_frame *next;
    int fd; /* sent with the frame's first byte, then closed; -1: none */
    size_t n, sent;
    uint8_t bytes[];
};

/* A request that is answered later. */
struct api_wait {
    uint64_t number; /* what it waits for, as a number of its kind; 0: it does not wait */
    uint32_t id;     /* of the request */
};

/* What a client reads in parts. */
struct api_document {
    char *text; /* NULL: none */
    size_t n, sent;
};

/*
 * A connection. It *ends* (client_gone is called, nothing more is read), is *closed*, and is freed when no function
 * of ours is on the stack any more: a call out of here may come back to the same connection.
 *
 * One that has registered something ends also with the process that opened it, even if a child of that keeps a copy of
 * the socket: it is *orphaned* then, and closed when what was said before is carried out.
 */
struct api_client {
    struct api_client *prev, *next;
    struct api_client *next_closed;
    struct api *api;
    uint64_t id;
    int sock; /* -1: closed */
    struct peer peer;
    uint32_t reviewed; /* the access_round in which its rights were asked for */
    bool greeted, ended;
    bool orphaned;
    struct api_wait leaves, forgets, reloads; /* requests of its that are answered later */
    bool handling;                            /* its frames are being carried out: the answers are sent together */
    bool paused; /* frames are left over from its turn: nothing is read before they are carried out */
    bool queued; /* it waits for its turn in the queue, and is not read before; its neighbours there */
    struct api_client *prev_queued, *next_queued;
    struct api_document document;
    struct frame_reader reader;
    struct out_frame *out, **out_tail;
    size_t out_bytes;
    struct share *share;                    /* of the places for connections */
    struct api_subscription *subscriptions; /* by topic and interest */
    uint32_t n_subscriptions[API_INTERESTS];
    struct api_subscription *due; /* those that have something to deliver */
    bool moved;                   /* it is to be sent the table's new segment */
    bool waiting;                 /* it waits for its turn to be notified */
    struct api_client *prev_waiting, *next_waiting;
    struct event *readable, *writable;
    struct event *peer_gone;   /* NULL: its process is not watched */
    int pidfd;                 /* or -1 */
    struct loop_timer timeout; /* of the handshake; at the end, for the reason to be sent */
};

struct api {
    struct event_base *base;
    struct api_options options; /* its strings are copies */
    struct api_ops ops;
    struct metrics *all_metrics;
    struct api_metrics metrics;
    struct access_rule access;
    uint32_t access_round; /* counts changes of access */
    size_t n_unreviewed;   /* at most so many clients, from the first one on, have rights by an earlier rule */
    int sock;
    dev_t dev; /* of the socket file */
    ino_t ino;
    struct event *acceptable;
    struct loop_timer accept_again;
    struct api_client *clients;
    struct api_client *closed; /* clients that are closed and to be freed */
    struct api_client *queue;  /* clients whose input waits for its turn */
    const struct share *last;  /* whose turn it was last; only compared, never read */
    bool turn_taken;           /* a client was served since the last turn of the loop */
    struct loop_timer pump;    /* runs as long as queue or turn_taken need it */
    struct loop_slice slice;   /* of the turns that are being taken now */
    size_t n_clients;
    struct api_ejection *ejections; /* newest first */
    uint64_t last_ejection;
    struct api_topic *topics;
    struct api_client *waiting; /* clients that are to be notified, in the order of their turns */
    struct loop_timer deliver;
    struct shares client_shares, watch_shares;
    struct api_closing *closing;
    uint64_t last_id;
    unsigned depth; /* functions of ours on the stack */
};

/* Called around everything that the loop or the rest of the daemon calls; the last api_exit frees closed clients. */
void api_enter(struct api *api);
void api_exit(struct api *api);

/* Takes over the socket and its share, also on failure. -ENOMEM. */
int api_client_new(struct api *api, int sock, const struct peer *peer, struct share *share);
void api_client_free(struct api_client *c);

/*
 * api_review asks anew what the client may do, if the rule has changed since. api_review_some does so for some of all
 * clients; returns true while there are more.
 */
void api_review(struct api_client *c);
bool api_review_some(struct api *api);

/* Takes turns for as long as a slice. A timer's function; arg: the API. */
void api_pump(void *arg);

/*
 * Sends a message of that kind, the answer to request id or 0, with a copy of fd unless it is -1. A client whose output is over
 * the limit is closed.
 */
void api_client_send(struct api_client *c, uint32_t id, Discover__V1__ServerMessage__BodyCase kind,
                     ProtobufCMessage *body, int fd);
void api_refuse(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason);

/*
 * api_client_fail sends the reason and ends the client; api_client_close closes it at once. It is freed later, by
 * api_exit.
 */
void api_client_fail(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason);
void api_client_close(struct api_client *c);

/* From now on the connection ends with its process. Returns false if that is dead already. */
bool api_client_watch_peer(struct api_client *c);

/*
 * As frame_recv, when a descriptor comes next: takes it if it is one pidfd, and keeps it if the client may register.
 * Else -EPROTO.
 */
int api_receive_pidfd(struct api_client *c);

#define API_SERVICE_RULE "not \"domain/service\" of two names, or the domain is reserved"

/* Returns false if it is no service's name; the client has been sent the reason. */
bool api_check_service(struct api_client *c, uint32_t id, const char *service);

/*
 * Parses the names into a key of this host. instance may be empty where `named` is false. -EINVAL with *ret_why
 * (static).
 */
int api_parse_names(const struct api *api, const char *service, const char *instance, bool named,
                    struct instance_key *ret_key, const char **ret_why);

/* Answers "ok", or an error by the agent's errno. why: the reason in words, or NULL. */
void api_answer(struct api_client *c, uint32_t id, int err, const char *why);

void api_refuse_errno(struct api_client *c, uint32_t id, int err, const char *why);

/* States that operators set (api_override.c). */
void api_override_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_failover_handle(struct api_client *c, const Discover__V1__ClientMessage *m);

/* Checks (api_checks.c). */
void api_report_check_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_checks_handle(struct api_client *c, const Discover__V1__ClientMessage *m);

/*
 * api_subscription.c. Carries out a request to subscribe, or to stop that. The subscription, which is due now; NULL: it has
 * stopped, or was refused, which the client has been told.
 */
struct api_subscription *api_subscribe(struct api_client *c, uint32_t id, enum api_interest interest,
                                       const char *service, bool stop);

/* Ends some of the client's subscriptions. Returns true when none is left. */
bool api_subscriptions_end_some(struct api_client *c);

/*
 * The subscription, or all those to a service, have something to deliver when their turn comes. trace: the context of the
 * change, which is copied; or NULL.
 */
void api_subscription_due(struct api_subscription *s);
void api_topic_due(struct api *api, enum api_interest interest, const char *service, const struct trace_context *trace);

/* The client is to be notified (of c->moved, or of what is due), or has taken what it was sent. */
void api_wait_for_turn(struct api_client *c);
void api_stop_waiting(struct api_client *c);

/* Notifies clients in their turns, for as long as a slice. A timer's function; arg: the API. */
void api_deliver(void *arg);

/* Services watched (api_subscription.c). */
void api_watch_handle(struct api_client *c, const Discover__V1__ClientMessage *m);

/* Ejections that processes share (api_share.c). */
void api_share_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_eject_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_share_deliver(struct api_subscription *s);
void api_ejections_free(struct api *api);

/* Closing connections whose peers have sent descriptors along (api_closing.c). -ENOMEM, or a negative errno. */
int api_closing_new(struct event_base *base, struct api *api, struct api_closing **ret_closing);

/* Closing that is under way goes on until the process ends. NULL is fine. */
void api_closing_free(struct api_closing *closing);

/* Whether so many connections wait to be closed that no more may be accepted. */
bool api_closing_is_full(struct api_closing *closing);

/*
 * Closes a copy of a descriptor that is still on its way, on a thread of its own, since some files do something at each
 * close (FUSE). The number of these threads is limited: make no copy when no more are taken.
 */
bool api_closing_takes_copies(const struct api_closing *closing);
void api_close_copy(struct api_closing *closing, int fd);

/*
 * Closes a connection: at once, or, where that may take a while, on a thread. The share is given back when it is
 * closed.
 */
void api_close(struct api_closing *closing, int sock, struct share *share);

/* Documents (api_document.c). */
void api_document_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_document_drop(struct api_client *c);

/*
 * Rights (api_right.c). api_is_operator: whether it is root or our own user. The others answer the client with the reason
 * if they return false: whether it may register anything; whether it may register, or set states of, this service ("": the
 * host) by a line of the policy; whether it may do what is an operator's.
 */
bool api_is_operator(const struct api_client *c);
bool api_check_right(struct api_client *c, uint32_t id);
bool api_check_line(struct api_client *c, uint32_t id, const char *service, bool overrides);
bool api_check_operator(struct api_client *c, uint32_t id);

/* Around what is done for a client that may have given a trace context; service and instance say what it concerns. */
void api_operation_begin(struct api_client *c, const char *traceparent, const char *tracestate, const char *service,
                         const char *instance);
void api_operation_end(struct api_client *c);

/* Carries out one frame. */
void api_request_handle(struct api_client *c, const uint8_t *payload, size_t n);

#endif
