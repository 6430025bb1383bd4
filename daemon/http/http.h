/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The read-only HTTP interface: /metrics, /healthz, /readyz and what is below /v1 (http_routes.c). Main thread only, on the
 * given event_base.
 *
 * Answers are made one after the other in pieces, all of them together no longer than a slice of the loop at a time:
 * whoever asks for much, or often, waits behind the others, and nobody else waits for him.
 *
 * On bufferevents, not on evhttp: that has no limit on connections (libevent 2.1), and its answers are made whole
 * before they are sent. GET and HEAD, as many on a connection as the client likes, and as many ahead of the answers; everything
 * else, and requests that are too large or too slow, are refused and counted.
 *
 * A request may wait for a change (?index=N&wait=T), and /v1/events is a stream of all changes. These have a limit of their
 * own, for they take next to nothing while they wait.
 *
 * Every answer says in `Discoverd-Sync` and `Discoverd-Age-Ms` how far it can be trusted.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/metrics.h"
#include "daemon/http/http_host.h"
#include "daemon/catalog/catalog.h"
#include "daemon/catalog/catalog_read.h"
#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/table_format.h"
#include "proto/api.pb-c.h"

#define HTTP_HEARTBEAT_NS (15 * NS_PER_S) /* below the 30 s after which most proxies give up */

struct http;

struct http_options {
    const char *listen; /* "127.0.0.1:8054", "[::1]:8054"; port 0 takes a free one */
    /* a listening socket that was passed (systemd), used instead of listen; stays the caller's; 0: none */
    int inherited;
    /* names that requests may ask for, besides loopback's and the address itself; must outlive the interface */
    struct http_names names;

    const struct string_list *dns_listen; /* shown by the page; outlives the interface */

    uint32_t connections_max;
    /* connections of one user of this machine, or of one address; root and our own user have no limit */
    uint32_t per_user_max;
    uint32_t reserve;     /* places of connections_max that are for these two users alone */
    uint32_t held_max;    /* requests and streams that wait for changes, beside connections_max */
    int64_t timeout_ns;   /* for a request to arrive, and for any part of the answer to be taken */
    int64_t idle_ns;      /* until the next request on a connection */
    int64_t heartbeat_ns; /* between signs of life on a stream */
};

/* Another region, as it is read. */
struct http_region {
    struct catalog *catalog; /* lives as long as the interface */
    enum table_sync sync;
    int64_t age_ms; /* how old what is known of it may be; 0: it is live; -1: nothing is known */
};

struct http_ops {
    void *arg;
    struct catalog *catalog; /* outlives the interface; is read, walked over and watched */

    /* Fills in all but the counters; its strings are read before the next turn of the loop. */
    void (*status)(void *arg, Discover__V1__Status *ret_status);

    /*
     * Explains why what has this name is in the answers, or is not; the document is the caller's. -EINVAL: not a name;
     * -ENOMEM. NULL: nothing can be explained.
     */
    int (*explain)(void *arg, const char *what, json_t **ret_document);

    /* What is heard of another host's lease. -ENOENT. NULL: no lease is heard. */
    int (*host)(void *arg, const char *host, struct liveness_host *ret_host);

    /*
     * Results of the checks of an instance of this host, a list with a line for each, which is the caller's. -ENOENT:
     * it has none; -ENOMEM. NULL: there are no checks.
     */
    int (*checks)(void *arg, const struct catalog_instance *i, json_t **ret_list);

    /* How another region is. -ENOENT: no region of that name is read here. NULL: no region is. */
    int (*region)(void *arg, const char *name, struct http_region *ret_region);
};

/*
 * Listens. -EINVAL: listen cannot be parsed; -EADDRINUSE; or a negative errno. metrics is shown, and gets the
 * interface's own counters.
 */
int http_new(struct event_base *base, const struct http_options *options, const struct http_ops *ops,
             struct metrics *metrics, struct http **ret_http);
void http_free(struct http *h);

/* Accepts no further connections. */
void http_stop_accepting(struct http *h);

/* Whether a client has sent a request, or has connected, and has not got its whole answer yet. */
bool http_is_owed(const struct http *h);

#endif
