/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of bus_link.h share. */
#ifndef BUS_LINK_IMPL_H
#define BUS_LINK_IMPL_H

#include <pthread.h>

#include "daemon/bus/bus_link.h"
#include "daemon/bus/bus_timeout.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"

#define DENIED_MAX    16
#define SUBSCRIPTIONS (BUS_BUCKETS + 2 + 3) /* the live feeds, answers to puts and to pulls, requests of others */

struct bus_link {
    struct bus_shared *shared;
    struct bus_timeout timeout;
    int64_t opened_ns;
    char publish_prefix[LABEL_CAP + 24]; /* of the subjects of what is published besides puts */
    size_t put_reply_len;                /* of "<inbox>.put.", in front of the id */
    char *value;                         /* max_value bytes: the one that is being written */
    int news_fd;
    struct bus_feed feeds[BUS_BUCKETS];
    struct bus_deferred
        deferred; /* answers that are done with; belongs to their callback's thread, and after its end to whoever has waited for that */

    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t changed;
    struct bus_session session; /* its nc and js while connected; the rest always */
    natsSubscription *subscriptions[SUBSCRIPTIONS];
    size_t n_subscriptions;
    bool open, lame, closed;
    bool silent;                /* closed because the server did not answer pings */
    unsigned users, deliveries; /* of the session; threads of nats.c that may call back for it */
    char lost_reason[BUS_REASON_CAP];
    bool publish_denied,
        publish_denied_reported; /* whether what was published was denied on this connection, and whether that was reported in this life */
    size_t n_denied;
    char denied[DENIED_MAX][BUS_SUBJECT_CAP]; /* requests that NATS did not permit on this connection */
};

/* Called by nats.c; closure is the link. */
void bus_link_on_closed(natsConnection *nc, void *closure);
void bus_link_on_lame_duck(natsConnection *nc, void *closure);
void bus_link_on_delivery_end(void *closure); /* a subscription's thread calls back no more */
void bus_link_on_error(natsConnection *nc, natsSubscription *sub, natsStatus s, void *closure);
void bus_link_on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure); /* to a put */

/* What others ask of this daemon: a copy goes to main, unless too many wait there. closure is the struct bus_shared. */
void bus_link_on_request(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);

#endif
