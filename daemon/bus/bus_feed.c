/* SPDX-License-Identifier: Apache-2.0 */
/* From republished messages to mails. */
#include "daemon/bus/bus_feed.h"

#include <string.h>

#include "daemon/bus/bus_wire.h"

static const char *header(natsMsg *msg, const char *name)
{
    const char *value = NULL;
    return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

static bool is_delete(natsMsg *msg)
{
    /* An expired key's marker is an empty message, and some clients know it as an empty put: never a value. */
    if (natsMsg_GetDataLength(msg) == 0)
        return true;
    const char *operation = header(msg, "KV-Operation");
    return operation && (strcmp(operation, "DEL") == 0 || strcmp(operation, "PURGE") == 0);
}

void bus_feed_content(natsMsg *msg, size_t prefix_len, size_t max_value, struct kv_message *ret_m)
{
    const char *key = natsMsg_GetSubject(msg) + prefix_len;
    size_t key_len = strlen(key);
    size_t n = (size_t)natsMsg_GetDataLength(msg);
    bool fits = key_len <= BUS_KEY_MAX && n <= max_value;
    *ret_m = (struct kv_message){
        .kind = !fits            ? KV_REFUSED
                : is_delete(msg) ? KV_DELETE
                                 : KV_PUT,
        .key = key,
        .key_len = key_len <= BUS_KEY_MAX ? key_len : BUS_KEY_MAX,
        .value = (const uint8_t *)natsMsg_GetData(msg),
        .n = fits ? n : 0,
    };
}

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
    const char *stream = header(msg, "Nats-Stream");
    struct kv_message m;
    uint64_t seq;
    if (!stream || strcmp(stream, feed->stream) != 0 || !wire_number(header(msg, "Nats-Sequence"), 10, &seq)) {
        metric_inc(&feed->counters->live_foreign);
        return;
    }
    bus_feed_content(msg, feed->prefix_len, feed->max_value, &m);
    m.seq = seq;
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
