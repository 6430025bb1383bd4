/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live feed of a bucket: what the server republishes after it was stored. The callback, on a thread of
 * nats.c, posts copies; when the mailbox is full it drops, and one forced mail says so.
 *
 * Anybody who may write a key can make a message with headers that cannot be read, and with them its sequence. The server
 * appends it to the stream all the same, and republishes in the order of the stream but for few: so it is taken for the
 * next one, without content. When another message turns up with that sequence, that was wrong, and is a gap.
 */
#ifndef BUS_FEED_H
#define BUS_FEED_H

#include <nats/nats.h>
#include <stdatomic.h>

#include "daemon/bus/bus_mail.h"
#include "daemon/bus/bus_shared.h"
#include "daemon/bus/bus_stream.h"
#include "daemon/bus/bus_deferred_free.h"

#define BUS_FEED_GUESSES 512 /* a late message is late by less */

/* The sequences that were taken for those of messages that did not have their own. */
struct bus_feed_guesses {
    uint64_t all[BUS_FEED_GUESSES]; /* the latest ones, 0: none */
    size_t n;                       /* all there were */
};

struct bus_feed {
    struct bus_mail gap; /* in the mailbox while gap_posted, which main resets */
    atomic_bool gap_posted;
    enum bus_bucket bucket;
    uint64_t last_seq; /* the highest that was heard on this connection; 0: none was */
    struct bus_feed_guesses guesses;
    struct bus_shared *shared;
    struct bus_deferred
        deferred; /* belongs to the callback's thread, and after its end to whoever has waited for that */
};

/* Before each connection: its sequences may be those of another stream. */
void bus_feed_begin(struct bus_feed *feed);

/* A natsMsgHandler; closure is the feed. */
void bus_feed_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);

#endif
