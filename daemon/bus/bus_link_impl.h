/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of bus_link.h share. */
#ifndef BUS_LINK_IMPL_H
#define BUS_LINK_IMPL_H

#include <pthread.h>

#include "daemon/bus/bus_link.h"
#include "daemon/bus/bus_timeout.h"
#include "libdiscover/core/clock.h"
#include "libdiscover/core/label.h"

#define DISCOVERED_MAX 16
#define DENIED_MAX     16

#define BUS_REQUEST_SUBJECTS 3

struct bus_link {
    struct bus_shared *shared;
    char *discovered[DISCOVERED_MAX]; /* servers of the cluster, as the last one named them */
    size_t n_discovered;
    int64_t request_timeout_ms, info_timeout_ms;
    char last_server[BUS_REASON_CAP]; /* of the connection before */
    struct bus_timeout timeout;
    int64_t opened_ns;
    char api_prefix[80], put_prefix[80];
    char publish_prefix[LABEL_CAP + 24]; /* of the subjects of what is published besides puts */
    char inbox[BUS_SUBJECT_CAP / 2];
    size_t put_reply_len;           /* of "<inbox>.put.", in front of the id */
    char *value;                    /* max_value bytes: the one that is being written */
    struct bus_inbox *read_answers; /* for the reader thread */
    int news_fd;
    struct bus_feed *feeds; /* BUS_BUCKETS */
    struct bus_deferred
        deferred; /* answers that are done with; belongs to their callback's thread, and after its end to whoever has waited for that */

    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t changed;
    struct bus_session session;
    natsSubscription *live[BUS_BUCKETS], *answers, *pulls, *requests[BUS_REQUEST_SUBJECTS];
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

/* What a call of nats.c that failed says, in words. Returns -ENOTCONN. */
int bus_link_failure(natsStatus s, char ret_reason[static BUS_REASON_CAP]);

#endif
