/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct discover, and what every room may do with it. It calls no room but for look-ups; what happens on
 * the connection and in DNS is dispatched by handle.c alone. One thread at a time, but for what is marked [any thread].
 */
#ifndef LIBDISCOVER_CONTEXT_H
#define LIBDISCOVER_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "libdiscover/core/maker.h"
#include "libdiscover/core/poll_set.h"
#include "libdiscover/core/retry.h"
#include "libdiscover/core/trace_context.h"
#include "libdiscover/dns/dns_source.h"
#include "libdiscover/lookup/mapping.h"
#include "libdiscover/session/connection.h"
#include "libdiscover/session/held.h"

#define SOCKET_PATH_CAP 108 /* sun_path */
#define NAME_CAP        64
#define LAST_ERROR_CAP  256
#define DNS_SERVERS_CAP 512
#define DNS_ZONE_CAP    256

/* A call that waits for the daemon; what is done with it: pending.h. */
struct discover_call {
    struct discover_call *next, *prev; /* its place in one of the lists; prev NULL: it was in none yet */
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

/* The calls of a handle. Zeroed: none. */
struct pending {
    struct discover_call *waiting, *ended; /* ended: but fn was not called yet */
    int64_t due_ns;                        /* no call times out before; 0: none waits */
    int64_t silent_ns; /* since when the daemon owes an answer and has sent nothing; 0: it owes none */
    uint64_t round;
};

enum link_state { LINK_DOWN, LINK_GREETING, LINK_UP };

struct link_events; /* link.h */

struct discover {
    struct mappings mappings; /* the daemon's table; reading: [any thread] */
    struct dns_source *dns;   /* look-ups over DNS, from start to free; NULL: not used */
    struct discover_picker *pickers;
    struct share *shares; /* services whose pickers share their ejections */
    struct discover_watch *watches;
    bool watches_due;      /* some watch may have a change that dispatch has to report */
    bool waiting;          /* a call waits: work that only dispatch may do does not wake it */
    int watches_running;   /* nested dispatches that walk the watches: none is unlinked, new ones go to the head */
    _Atomic int connected; /* 1: connected to the daemon [any thread] */

    char socket_path[SOCKET_PATH_CAP];
    char name[NAME_CAP];
    int timeout_ms;
    enum discover_source source;
    char dns_servers[DNS_SERVERS_CAP];
    char dns_zone[DNS_ZONE_CAP];
    char dns_problem[LAST_ERROR_CAP]; /* what is wrong with $DISCOVERD_DNS or $DISCOVERD_ZONE; "": nothing */

    struct maker maker;  /* the process that started it; not set: it is not started */
    struct poll_set set; /* holds the connection and the set of the DNS source, too; waking it: [any thread] */
    int64_t timer_ns;    /* when the timer of the set goes off; 0: it is not set */

    const struct link_events *events; /* gets the daemon's messages */
    enum link_state link;
    bool lost; /* the link is down because a connection ended, not because there was no daemon */
    struct connection connection;
    struct retry reconnect, renew;
    int64_t up_since_ns;
    int64_t hello_ns; /* when Hello was sent on this connection */
    int64_t ahead_ns; /* how far our clock is ahead of the daemon's, in another time namespace */
    uint32_t last_id; /* of the last message */

    struct trace_context *trace; /* given to calls that begin now; NULL: none */
    struct pending pending;      /* calls that wait for the daemon, or to be reported */
    struct held *held;           /* registrations */
    bool freeing;                /* discover_free runs: no call begins any more */

    int reported; /* error of the last try to connect; 0: it did not fail, or in a way not to be reported */
    int mended;   /* error by which dispatch reports that descriptors were made anew; 0: none to report */
    int fault;    /* error that dispatch, or the call that waits, has to report; 0: none */
    char last_error[LAST_ERROR_CAP];
};

/*
 * The table to look a service up in, until mapping_leave in the same thread; NULL: there is none yet. And whether that
 * is still the one that context_enter would return. [any thread]
 */
static inline struct mapping *context_enter(struct discover *d, const char *service)
{
    struct mapping *mapping = mapping_enter(&d->mappings);
    return mapping || !d->dns ? mapping : dns_enter(d->dns, service);
}

static inline bool context_is_present(struct discover *d, const char *service, const struct mapping *mapping)
{
    struct mapping *current = atomic_load_explicit(&d->mappings.current, memory_order_relaxed);
    return current == mapping || (!current && d->dns && dns_is_present(d->dns, service, mapping));
}

/* For functions that talk to the daemon. -EINVAL: not started; -ECHILD: by the parent of this process. */
int context_check(const struct discover *d);

/*
 * Takes servers and zone of DNS from the environment, before any setter is called. What is wrong with them matters
 * only where DNS is needed.
 */
void settings_take_environment(struct discover *d);

/* Keeps the text for discover_last_error; returns code. */
int context_error(struct discover *d, int code, const char *text);

#endif
