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
#include "libdiscover/session/call_list.h"

#define SOCKET_PATH_CAP 108 /* sun_path */
#define NAME_CAP        64
#define LAST_ERROR_CAP  256
#define DNS_SERVERS_CAP 512
#define DNS_ZONE_CAP    256

enum link_state { LINK_DOWN, LINK_GREETING, LINK_UP };

struct link_events; /* link.h */

struct discover {
    struct mappings mappings; /* the daemon's table; reading: [any thread] */
    struct dns_source *dns;   /* without one; NULL: not used. From start to free */
    struct discover_picker *pickers;
    struct share *shares; /* of pickers that share their ejections */
    struct discover_watch *watches;
    bool watches_due;      /* dispatch has to look at some */
    bool waiting;          /* a call waits: what is dispatch's alone wakes nobody */
    int watches_running;   /* dispatches, one in another: the list must stay as it is, but for new ones at its head */
    _Atomic int connected; /* [any thread] */

    char socket_path[SOCKET_PATH_CAP];
    char name[NAME_CAP];
    int timeout_ms;
    enum discover_source source;
    char dns_servers[DNS_SERVERS_CAP];
    char dns_zone[DNS_ZONE_CAP];
    char dns_problem[LAST_ERROR_CAP]; /* what is wrong with the environment's; "": nothing */

    bool started;
    struct maker maker;  /* who started it */
    struct poll_set set; /* the connection is in it, too, and so is that of DNS */
    int64_t timer_ns;    /* when the timer is set to go off; 0: it is not */

    const struct link_events *events; /* who dispatches what comes */
    enum link_state link;
    bool lost; /* it is down because a connection ended, not because there was nobody */
    struct connection connection;
    struct retry reconnect, renew;
    int64_t up_since_ns;
    int64_t hello_ns; /* when the daemon was greeted */
    int64_t ahead_ns; /* so much is our clock before the daemon's, in another time namespace */
    uint32_t last_id;

    struct trace_context *trace; /* of calls that begin now; NULL: none */
    struct pending pending;      /* calls */
    struct held *held;
    bool freeing; /* nothing begins any more */

    int reported; /* why the last try to connect failed, as far as that is worth telling; 0: it did not */
    int mended;   /* dispatch has to tell that descriptors were made anew; 0: they were not */
    int fault;    /* what dispatch, or the call that waits, has to tell; 0: nothing */
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

/* Makes discover_fd readable, so that dispatch runs. No more than that is for other threads. [any thread] */
void context_wake(const struct discover *d);

/* For functions that talk to the daemon. -EINVAL: not started; -ECHILD: by the parent of this process. */
int context_check(const struct discover *d);

/* When a call that begins now has waited long enough. */
int64_t context_deadline(const struct discover *d);

/* Which DNS the environment names; before anything is set. What is wrong with it matters only where DNS is needed. */
void settings_take_environment(struct discover *d);

/* Keeps the text for discover_last_error; returns code. */
int context_error(struct discover *d, int code, const char *text);

#endif
