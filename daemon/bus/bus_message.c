/* SPDX-License-Identifier: Apache-2.0 */
/* Reads key, value and sequence from a message, whatever headers its writer gave it. */
#include "daemon/bus/bus_message.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus_header_block.h"

/*
 * The headers of a message, while they are read. Once nats.c could not parse them it must not be asked again: it would go on
 * from where it gave up.
 */
struct headers {
    natsMsg *msg;
    struct bus_header_block block; /* of too many lines for nats.c; else none */
    bool unreadable;               /* nats.c could not parse them */
};

static struct headers headers_of(natsMsg *msg)
{
    struct headers h = {.msg = msg};
    h.block = bus_header_block_between(natsMsg_GetSubject(msg), natsMsg_GetReply(msg), natsMsg_GetData(msg));
    if (!bus_header_block_is_crowded(&h.block))
        h.block.at = NULL;
    return h;
}

/* The last header of that name, or NULL; points into the message. */
static const char *last_header(struct headers *h, const char *name)
{
    const char **values = NULL, *last = NULL;
    int n = 0;
    if (h->block.at)
        return bus_header_block_last(&h->block, name);
    if (h->unreadable)
        return NULL;
    natsStatus s = natsMsgHeader_Values(h->msg, name, &values, &n);
    if (s == NATS_OK && n > 0)
        last = values[n - 1];
    h->unreadable = s != NATS_OK && s != NATS_NOT_FOUND;
    free(values);
    return last;
}

static bool is_delete(struct headers *h)
{
    const char *operation = last_header(h, "KV-Operation");
    if (operation && (strcmp(operation, "DEL") == 0 || strcmp(operation, "PURGE") == 0))
        return true;
    /* An expired key's marker is an empty message. An empty one that somebody put is a value that cannot be read. */
    return natsMsg_GetDataLength(h->msg) == 0 && last_header(h, "Nats-Marker-Reason");
}

/* Takes the trace context: the first header of its name, since no server gives one. */
static void trace(natsMsg *msg, struct kv_message *m)
{
    if (natsMsgHeader_Get(msg, "traceparent", &m->traceparent) == NATS_OK)
        (void)natsMsgHeader_Get(msg, "tracestate", &m->tracestate);
}

/* The first header of its name, as the server does. Whether the server heeds it is for the caller to know. */
static int64_t ttl(natsMsg *msg)
{
    const char *text = NULL;
    int64_t ns;
    return natsMsgHeader_Get(msg, "Nats-TTL", &text) == NATS_OK && wire_ttl(text, &ns) ? ns : 0;
}

static void content(struct headers *h, const struct bus_stream *stream, const char *key, size_t max_value,
                    struct kv_message *ret_m)
{
    size_t key_len = strlen(key);
    size_t n = (size_t)natsMsg_GetDataLength(h->msg);
    bool fits = key_len <= BUS_KEY_MAX && n <= max_value, taken = fits && !h->block.at;
    *ret_m = (struct kv_message){
        .kind = !fits          ? KV_REFUSED
                : !taken       ? KV_CROWDED
                : is_delete(h) ? KV_DELETE
                               : KV_PUT,
        .key = key,
        .key_len = key_len <= BUS_KEY_MAX ? key_len : BUS_KEY_MAX,
        .value = (const uint8_t *)natsMsg_GetData(h->msg),
        .n = taken ? n : 0,
    };
    if (stream->traced && taken && !h->unreadable)
        trace(h->msg, ret_m);
    if (ret_m->kind == KV_PUT && !h->unreadable)
        ret_m->ttl_ns = ttl(h->msg);
}

static void no_content(const char *key, struct kv_message *ret_m)
{
    size_t key_len = strlen(key);
    *ret_m = (struct kv_message){
        .kind = KV_UNREADABLE, .key = key, .key_len = key_len <= BUS_KEY_MAX ? key_len : BUS_KEY_MAX};
}

/* The subject it was stored under is what distinguishes buckets: a writer's header block can hide Nats-Stream alone. */
enum bus_message_verdict bus_message_live(natsMsg *msg, const struct bus_stream *stream, size_t max_value,
                                          struct kv_message *ret_m)
{
    struct headers h = headers_of(msg);
    uint64_t seq;
    const char *key = wire_key_of(natsMsg_GetSubject(msg), stream->destination);
    if (!key)
        return BUS_MESSAGE_FOREIGN;
    const char *stored = wire_key_of(last_header(&h, "Nats-Subject"), stream->subjects);
    const char *number = last_header(&h, "Nats-Sequence");
    if (h.unreadable) {
        no_content(key, ret_m);
        return BUS_MESSAGE_UNREADABLE;
    }
    if (!stored || strcmp(stored, key) != 0 || !wire_number(number, 10, &seq) || seq == 0)
        return BUS_MESSAGE_FOREIGN;
    content(&h, stream, key, max_value, ret_m);
    ret_m->seq = seq;
    (void)wire_time(last_header(&h, "Nats-Time-Stamp"), &ret_m->stored_ns);
    return BUS_MESSAGE_OK;
}

enum bus_message_verdict bus_message_pulled(natsMsg *msg, const struct bus_stream *stream, size_t max_value,
                                            struct kv_message *ret_m)
{
    struct headers h = headers_of(msg);
    const char *key = wire_key_of(natsMsg_GetSubject(msg), stream->subjects);
    if (!key)
        return BUS_MESSAGE_FOREIGN;
    content(&h, stream, key, max_value, ret_m);
    return BUS_MESSAGE_OK;
}

enum bus_message_verdict bus_message_got(natsMsg *msg, const struct bus_stream *stream, size_t max_value,
                                         struct kv_message *ret_m, int64_t *ret_time_ns)
{
    struct headers h = headers_of(msg);
    uint64_t seq;
    const char *number = last_header(&h, "Nats-Sequence");
    const char *time = last_header(&h, "Nats-Time-Stamp");
    const char *key = wire_key_of(last_header(&h, "Nats-Subject"), stream->subjects);
    if (h.unreadable)
        return BUS_MESSAGE_UNREADABLE;
    if (!key || !wire_number(number, 10, &seq) || seq == 0 || !wire_time(time, ret_time_ns))
        return BUS_MESSAGE_FOREIGN;
    content(&h, stream, key, max_value, ret_m);
    ret_m->seq = seq;
    return BUS_MESSAGE_OK;
}

bool bus_message_number(natsMsg *msg, const char *name, uint64_t *ret_number)
{
    struct headers h = headers_of(msg);
    return wire_number(last_header(&h, name), 10, ret_number);
}

bool bus_message_bare(natsMsg *msg)
{
    const char **names = NULL;
    int n = 0;
    if (headers_of(msg).block.at)
        return false;
    bool headers = natsMsgHeader_Keys(msg, &names, &n) != NATS_NOT_FOUND;
    free(names);
    return natsMsg_GetDataLength(msg) == 0 && !headers;
}
