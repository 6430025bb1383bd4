/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The read-only HTTP interface: /metrics, /healthz, /readyz and what is below /v1 (http_routes.c). Main thread only, on the given event_base.
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
 * Every answer tells in `Discoverd-Sync` and `Discoverd-Age-Ms` how far it can be trusted.
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
#include "libdiscover/core/table_reader.h"
#include "proto/api.pb-c.h"

#define HTTP_HEARTBEAT_NS (15 * NS_PER_S) /* below the 30 s after which proxies give up, usually */

struct http;

struct http_options {
    const char *listen; /* "127.0.0.1:8054", "[::1]:8054"; port 0 takes a free one */
    int inherited; /* a listening socket that was passed (systemd), used instead of listen; stays the caller's; or 0 */
    struct http_names names; /* besides loopback's and the address itself, that requests may ask; must live on */

    const char *const *dns_listen; /* told to the page */
    size_t n_dns_listen;

    uint32_t connections_max;
    uint32_t per_user_max; /* of one user of this machine, or of one address; root and our own have no limit */
    uint32_t reserve;      /* of connections_max, for these two alone */
    uint32_t held_max;     /* requests and streams that wait for changes, beside connections_max */
    int64_t timeout_ns;    /* for the request, and for any part of the answer to be taken */
    int64_t idle_ns;       /* until the next request */
    int64_t heartbeat_ns;  /* of a stream: so often it says that it is there */
};

/* Another region, as it is read. */
struct http_region {
    struct catalog *catalog; /* lives as long as the interface */
    enum table_sync sync;
    int64_t age_ms; /* how old what is known of it may be; 0: live; -1: nothing is known */
};

struct http_ops {
    void *arg;
    const struct table *(*table)(void *arg); /* valid until the next turn of the loop */
    struct catalog *(*catalog)(void *arg);   /* lives longer than the interface; read, walked over and watched */

    /* Fills in all but the counters; its strings are read before the next turn of the loop. */
    void (*status)(void *arg, Discover__V1__Status *ret_status);

    /* Why what is so called is in the answers, or is not. -EINVAL: not a name; -ENOMEM. NULL: there is nothing to explain. */
    int (*explain)(void *arg, const char *what, json_t **ret_document);

    /* What its lease tells of another host. -ENOENT. NULL: nothing is known of any. */
    int (*host)(void *arg, const char *host, struct liveness_host *ret_host);

    /* What the checks of an instance of this host say, each in a line; a list. -ENOENT: it has none; -ENOMEM. NULL: the same. */
    int (*checks)(void *arg, const struct catalog_instance *i, json_t **ret_list);

    /* -ENOENT: no region of that name is read here. NULL: none is. */
    int (*region)(void *arg, const char *name, struct http_region *ret_region);
};

/* -EINVAL: listen cannot be parsed; -EADDRINUSE; or a negative errno. metrics is shown, and gets its own counters. */
int http_new(struct event_base *base, const struct http_options *options, const struct http_ops *ops,
             struct metrics *metrics, struct http **ret_http);
void http_free(struct http *h);

/* Lets nobody else in. */
void http_stop_accepting(struct http *h);

/* Whether somebody was let in and has not got his whole answer yet. */
bool http_is_owed(const struct http *h);

/* The port in use. */
uint16_t http_port(const struct http *h);

#endif
