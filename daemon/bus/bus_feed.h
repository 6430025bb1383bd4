/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live feed of a bucket: what the server republishes after it was stored. The callback, on a thread of
 * nats.c, posts copies; when the mailbox is full it drops, and one forced mail says so.
 */
#ifndef BUS_FEED_H
#define BUS_FEED_H

#include <nats/nats.h>
#include <stdatomic.h>

#include "daemon/bus/bus_counters.h"
#include "daemon/bus/bus_mail.h"
#include "daemon/bus/bus_stream.h"
#include "daemon/bus/bus_deferred_free.h"

struct bus_feed {
    struct bus_mail gap; /* in the mailbox while gap_posted */
    atomic_bool gap_posted;
    enum bus_bucket bucket;
    const struct bus_stream *stream;
    size_t max_value;
    const char *own_key; /* NULL: every message is in a hurry. Else only this one's are */
    struct mailbox *box;
    struct bus_counters *counters;
    struct bus_deferred spent; /* of the callback's thread, and of who has waited for its end */
};

/* A natsMsgHandler; closure is the feed. */
void bus_feed_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);

/* Main thread: the gap mail was taken. */
void bus_feed_gap_taken(struct bus_feed *feed);

#endif
