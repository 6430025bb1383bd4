/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the messages of the live feed, on the thread that nats.c delivers them, into mails to the main thread. */
#include "daemon/bus/bus_feed.h"

#include <string.h>

#include "daemon/bus/bus_message.h"

static void gap(struct bus_feed *feed)
{
    if (!atomic_exchange(&feed->gap_posted, true))
        mailbox_force(feed->shared->box, &feed->gap.mail);
}

/*
 * Leases may wait for company in the mailbox: in a large fleet one arrives every millisecond, and says no more than
 * "still here". The own one may not: it is the canary, whose way is measured.
 */
static bool in_a_hurry(const struct bus_feed *feed, const struct kv_message *m)
{
    const char *host = feed->shared->options.host;
    return feed->bucket != BUS_HOSTS || (strlen(host) == m->key_len && memcmp(host, m->key, m->key_len) == 0);
}

static void post(struct bus_feed *feed, const struct kv_message *m)
{
    if (bus_mail_live(feed->shared->box, feed->bucket, m, in_a_hurry(feed, m)) == 0)
        return;
    metric_inc(&feed->shared->counters.live_dropped);
    gap(feed);
}

static bool was_guessed(const struct bus_feed *feed, uint64_t seq)
{
    for (size_t i = 0; i < BUS_FEED_GUESSES; i++)
        if (feed->guesses.all[i] == seq)
            return true;
    return false;
}

/*
 * Before the first message that has its sequence there is nothing to guess from: then the snapshot finds what is
 * missing.
 */
static void take_unreadable(struct bus_feed *feed, struct kv_message *m)
{
    metric_inc(&feed->shared->counters.unreadable);
    if (feed->last_seq == 0)
        return;
    m->seq = ++feed->last_seq;
    feed->guesses.all[feed->guesses.n++ % BUS_FEED_GUESSES] = m->seq;
    post(feed, m);
}

static void take_readable(struct bus_feed *feed, struct kv_message *m)
{
    if (!atomic_load(&feed->shared->message_ttl[feed->bucket]))
        m->ttl_ns = 0; /* such a server takes it for a header like any other */
    metric_inc(&feed->shared->counters.live);
    if (m->kind == KV_REFUSED || m->kind == KV_CROWDED)
        metric_inc(&feed->shared->counters.values_refused);
    if (m->seq > feed->last_seq)
        feed->last_seq = m->seq;
    else if (was_guessed(feed, m->seq))
        gap(feed);
    post(feed, m);
}

static void take(struct bus_feed *feed, natsMsg *msg)
{
    struct kv_message m;
    switch (bus_message_live(msg, &feed->shared->streams[feed->bucket], feed->shared->options.max_value, &m)) {
    case BUS_MESSAGE_OK:
        take_readable(feed, &m);
        break;
    case BUS_MESSAGE_UNREADABLE:
        take_unreadable(feed, &m);
        break;
    case BUS_MESSAGE_FOREIGN:
        metric_inc(&feed->shared->counters.foreign);
        break;
    }
}

void bus_feed_begin(struct bus_feed *feed)
{
    feed->last_seq = 0;
    feed->guesses = (struct bus_feed_guesses){0};
}

void bus_feed_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    struct bus_feed *feed = closure;
    take(feed, msg);
    bus_deferred_add(&feed->deferred, msg);
}
