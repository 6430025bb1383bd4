/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the socket server share: api.c listens, api_client.c moves frames, api_request.c answers. */
#ifndef API_API_IMPL_H
#define API_API_IMPL_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/api/access.h"
#include "daemon/api/api.h"
#include "daemon/api/api_closing.h"
#include "daemon/api/api_subscription.h"
#include "daemon/base/loop.h"
#include "libdiscover/core/frame.h"

struct api_metrics {
    metric_value clients, closing, accepted, accept_errors, limited, displaced, requests, refused, denied, bad_frames,
        slow, handshake_timeouts, watches_limited, ejections, ejections_limited, peers_unwatched;
};

/* A frame on its way out. */
struct out_frame {
    struct out_frame *next;
    int fd; /* goes with its first byte; ours; or -1 */
    size_t n, sent;
    uint8_t bytes[];
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
    bool greeted, ended;
    bool orphaned;
    bool leaves;       /* has asked the host to leave, ... */
    uint32_t leave_id; /* ... by that request */
    bool forgets;      /* waits for a host to be forgotten */
    uint32_t forget_id;
    uint64_t reload; /* waits for this one; 0: for none */
    uint32_t reload_id;
    bool handling; /* its frames are carried out: the answers go together */
    bool paused;   /* has frames left over from this turn of the loop: it reads no more before they are done */
    struct api_document document;
    struct frame_reader reader;
    struct out_frame *out, **out_tail;
    size_t out_bytes;
    struct share *share;                    /* of the connections */
    struct api_subscription *subscriptions; /* by topic and interest */
    uint32_t n_subscriptions[API_INTERESTS];
    struct api_subscription *due; /* have something to be told */
    bool moved;                   /* is to be told that the table has */
    bool waiting;                 /* for its turn to be told */
    struct api_client *prev_waiting, *next_waiting;
    struct event *readable, *writable;
    struct event *peer_gone;   /* NULL: nobody needs to know */
    int pidfd;                 /* or -1 */
    struct loop_timer again;   /* to go on with the frames left over */
    struct loop_timer timeout; /* for the handshake; for the last words */
};

struct api {
    struct event_base *base;
    struct api_options options; /* its strings are copies */
    struct api_ops ops;
    struct metrics *all_metrics;
    struct api_metrics metrics;
    struct access_rule access;
    int sock;
    dev_t dev; /* of the socket file */
    ino_t ino;
    struct event *acceptable;
    struct loop_timer accept_again;
    struct api_client *clients;
    struct api_client *closed; /* of them: to be freed */
    size_t n_clients;
    struct api_ejection *ejections; /* newest first */
    uint64_t last_ejection;
    struct api_topic *topics;
    struct api_client *waiting; /* have something to be told, in the order of their turns */
    struct loop_timer deliver;
    struct shares client_shares, watch_shares;
    struct api_closing *closing;
    uint64_t last_id;
    unsigned depth; /* of our functions on the stack */
};

/* Around everything that comes from the loop or from outside; frees closed clients at the end. */
void api_enter(struct api *api);
void api_exit(struct api *api);

/* Takes the socket and its share over, also on failure. -ENOMEM. */
int api_client_new(struct api *api, int sock, const struct peer *peer, struct share *share);
void api_client_free(struct api_client *c);

/* Sends a message of that kind, the answer to request id or 0, with a copy of fd unless it is -1. A client whose output is over the limit is closed. */
void api_client_send(struct api_client *c, uint32_t id, Discover__V1__ServerMessage__BodyCase kind,
                     ProtobufCMessage *body, int fd);
void api_client_send_error(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason);

/* Last words, and the end. */
void api_client_fail(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason);
void api_client_close(struct api_client *c);

/* The connection ends with its process from now on. False: that is dead already. */
bool api_client_watch_peer(struct api_client *c);

/* As frame_recv, when a descriptor comes next: takes it if it is one pidfd, and keeps that of who may register. Else -EPROTO. */
int api_receive_pidfd(struct api_client *c);

/* The table's new segment. */
void api_client_send_moved(struct api_client *c);

#define API_SERVICE_RULE "not \"domain/service\" of two names, or the domain is reserved"

/* False: it is no service, and the client is told so. */
bool api_check_service(struct api_client *c, uint32_t id, const char *service);

/* instance may be empty where `named` is false. -EINVAL with the reason. */
int api_parse_names(const struct api *api, const char *service, const char *instance, bool named,
                    struct instance_key *ret_key, const char **ret_why);
void api_refuse(struct api_client *c, uint32_t id, Discover__V1__Error__Code code, const char *reason);

/* Ok, or what the agent's errno is called; why: said by whoever refused it, or NULL. */
void api_answer(struct api_client *c, uint32_t id, int err, const char *why);

void api_refuse_errno(struct api_client *c, uint32_t id, int err, const char *why);

/* States that operators set (api_override.c). */
void api_override_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_failover_handle(struct api_client *c, const Discover__V1__ClientMessage *m);

/* Checks (api_checks.c). */
void api_report_check_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_checks_handle(struct api_client *c, const Discover__V1__ClientMessage *m);

/* Services watched (api_watch.c). */
void api_watch_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_watch_tell(struct api_subscription *s);

/* Ejections that processes share (api_share.c). */
void api_share_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_eject_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_share_tell(struct api_subscription *s);
void api_ejections_free(struct api *api);

/* Documents (api_document.c). */
void api_document_handle(struct api_client *c, const Discover__V1__ClientMessage *m);
void api_document_drop(struct api_client *c);

/*
 * Rights (api_right.c): whether it is root or our own user; and, the client being told if not: whether it may register
 * anything, register or set states of this service ("": of the host) by a line of the policy, or do what is an operator's.
 */
bool api_is_operator(const struct api_client *c);
bool api_check_right(struct api_client *c, uint32_t id);
bool api_check_line(struct api_client *c, uint32_t id, const char *service, bool overrides);
bool api_check_operator(struct api_client *c, uint32_t id);

/* Around what is done for a client that may have given a trace context: service and instance say what of. */
void api_operation_begin(struct api_client *c, const char *traceparent, const char *tracestate, const char *service,
                         const char *instance);
void api_operation_end(struct api_client *c);

/* Carries out one frame. */
void api_request_handle(struct api_client *c, const uint8_t *payload, size_t n);

#endif
