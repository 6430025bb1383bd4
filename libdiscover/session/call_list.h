/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that waits for the daemon, and lists of them in the order in which they came. Pure; what is done with them:
 * pending.h.
 */
#ifndef LIBDISCOVER_SESSION_CALL_LIST_H
#define LIBDISCOVER_SESSION_CALL_LIST_H

#include <stdbool.h>

#include "discover/discover.h"
#include "proto/api.pb-c.h"

struct discover_call {
    struct discover_call *next, **link; /* its place in one of the lists; link NULL: in none */
    struct discover *d;
    discover_answer_fn *fn; /* the caller's callback; NULL: none */
    void *arg;
    struct discover_call *whole; /* the call that it is a part of; NULL: none */
    size_t n_parts;              /* number of its own parts that have not ended */
    int64_t begun_ns, timeout_ns;
    uint64_t serial;  /* of the registration that it is for; 0: none, it has a frame */
    uint32_t request; /* id of its message; 0: for a registration whose message was not sent yet */
    Discover__V1__ServerMessage__BodyCase expected;
    bool sent, ended, reported;
    bool once;              /* its message must not be sent a second time */
    bool interrupted;       /* the connection that it was sent over has ended */
    uint64_t round;         /* number of the dispatch in which it ended */
    int result;             /* its outcome, and so are the next two */
    char *text;             /* why it failed, or the instance's name; NULL: "" */
    ProtobufCMessage *body; /* body of the answer; NULL: it has none */
    size_t n;
    uint8_t frame[]; /* its message, n bytes */
};

struct call_list {
    struct discover_call *first, **end;
};

/* The calls of a handle. */
struct pending {
    struct call_list waiting, ended; /* ended: but fn was not called yet */
    int64_t due_ns;                  /* no call times out before; 0: none waits */
    int64_t silent_ns;               /* since when the daemon owes an answer and has sent nothing; 0: it owes none */
    uint64_t round;
};

static inline void call_list_init(struct call_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static inline void call_list_add(struct call_list *list, struct discover_call *call)
{
    call->next = NULL;
    call->link = list->end;
    *list->end = call;
    list->end = &call->next;
}

static inline void call_list_remove(struct call_list *list, struct discover_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    else
        list->end = call->link;
    call->link = NULL;
}

static inline void pending_init(struct pending *p)
{
    *p = (struct pending){0};
    call_list_init(&p->waiting);
    call_list_init(&p->ended);
}

#endif
