/* SPDX-License-Identifier: Apache-2.0 */
/* From republished messages to mails. */
#include "daemon/bus/bus_feed.h"

#include <string.h>

#include "daemon/bus/bus_message.h"

static void lost(struct bus_feed *feed)
{
    metric_inc(&feed->counters->live_dropped);
    if (!atomic_exchange(&feed->gap_posted, true))
        mailbox_force(feed->box, &feed->gap.mail);
}

void bus_feed_gap_taken(struct bus_feed *feed)
{
    atomic_store(&feed->gap_posted, false);
}

/*
 * In a large fleet a lease arrives every millisecond, and none of them says more than "still here". The own one is
 * the canary, whose way is measured.
 */
static bool in_a_hurry(const struct bus_feed *feed, const struct kv_message *m)
{
    return !feed->own_key || (strlen(feed->own_key) == m->key_len && memcmp(feed->own_key, m->key, m->key_len) == 0);
}

static void take(struct bus_feed *feed, natsMsg *msg)
{
    struct kv_message m;
    enum bus_message_verdict verdict = bus_message_live(msg, feed->stream, feed->max_value, &m);
    if (verdict != BUS_MESSAGE_OK) {
        metric_inc(verdict == BUS_MESSAGE_FOREIGN ? &feed->counters->foreign : &feed->counters->unreadable);
        return;
    }
    metric_inc(&feed->counters->live);
    if (m.kind == KV_REFUSED)
        metric_inc(&feed->counters->values_refused);
    if (bus_mail_live(feed->box, feed->bucket, &m, in_a_hurry(feed, &m)) < 0)
        lost(feed);
}

void bus_feed_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    struct bus_feed *feed = closure;
    take(feed, msg);
    bus_deferred_add(&feed->spent, msg);
}
