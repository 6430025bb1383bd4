/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message from NATS says: key, value and sequence. Its writer chose the value and may have given any headers,
 * also those that a server gives; a server appends its own behind them, so of each name the last one counts. Its
 * subject counts as a whole: a message that somebody had delivered to our feed keeps the one it was stored under.
 * Pure; any thread.
 */
#ifndef BUS_MESSAGE_H
#define BUS_MESSAGE_H

#include <nats/nats.h>

#include "daemon/bus/bus_stream.h"
#include "daemon/sync/message.h"

enum bus_message_verdict {
    BUS_MESSAGE_OK,
    BUS_MESSAGE_FOREIGN,    /* not of this bucket, whoever sent it here */
    BUS_MESSAGE_UNREADABLE, /* its writer gave a header block of which nothing can be made out */
};

/*
 * The key, value and sequence of a message, which ret_m then points into: as the server republishes it; as a consumer
 * delivers it (the sequence is not in it); as the answer to a direct get, with the server's time in ret_time_ns.
 * Over a limit (BUS_KEY_MAX, max_value, BUS_HEADER_LINES_MAX): KV_REFUSED or KV_CROWDED, without the value. Of an unreadable live one the key is known.
 */
enum bus_message_verdict bus_message_live(natsMsg *msg, const struct bus_stream *stream, size_t max_value,
                                          struct kv_message *ret_m);
enum bus_message_verdict bus_message_pulled(natsMsg *msg, const struct bus_stream *stream, size_t max_value,
                                            struct kv_message *ret_m);
enum bus_message_verdict bus_message_got(natsMsg *msg, const struct bus_stream *stream, size_t max_value,
                                         struct kv_message *ret_m, int64_t *ret_time_ns);

/* The number in the last header of that name. False: there is none, or it is no number. */
bool bus_message_number(natsMsg *msg, const char *name, uint64_t *ret_number);

/* Whether a message has neither headers nor a value. */
bool bus_message_bare(natsMsg *msg);

#endif
