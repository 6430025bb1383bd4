/* SPDX-License-Identifier: Apache-2.0 */
/* A call that waits for the daemon, and lists of them in the order in which they came. Pure; what is done with them: pending.h. */
#ifndef LIBDISCOVER_SESSION_CALL_LIST_H
#define LIBDISCOVER_SESSION_CALL_LIST_H

#include <stdbool.h>

#include "discover/discover.h"
#include "proto/api.pb-c.h"

struct discover_call {
    struct discover_call *next, **link; /* its place in one of the lists; NULL: in none */
    struct discover *d;
    discover_answer_fn *fn; /* NULL: nobody */
    void *arg;
    struct discover_call *whole; /* what it is a part of, or NULL */
    size_t n_parts;              /* its own that have not ended */
    int64_t begun_ns, timeout_ns;
    uint64_t serial;  /* of the registration that it is for; 0: it has a frame */
    uint32_t request; /* id of its message; 0: not sent yet, as what is held is sent */
    Discover__V1__ServerMessage__BodyCase expected;
    bool sent, ended, told;
    bool once;              /* it must not be said twice */
    bool interrupted;       /* the connection that it was sent over has ended */
    uint64_t round;         /* of dispatch, in which it ended */
    int result;             /* from here on: what it came to */
    char *text;             /* the reason, or the instance's name; NULL: "" */
    ProtobufCMessage *body; /* of the answer, if there is something in it */
    size_t n;
    uint8_t frame[]; /* n bytes to be sent */
};

struct call_list {
    struct discover_call *first, **end;
};

struct pending {
    struct call_list waiting, ended;
    int64_t due_ns;    /* no call's time is over before; 0: none waits */
    int64_t silent_ns; /* since when the daemon owes an answer and says nothing; 0: it does not */
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
