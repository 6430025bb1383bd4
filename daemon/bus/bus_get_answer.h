/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to "the first message from this sequence on". A direct get is answered by any server that has the stream, with
 * the message itself: what the server says stands in headers, behind those of the writer. STREAM.MSG.GET is answered by
 * the stream's leader, in JSON, where nothing that a writer can do changes what the server says. Pure; any thread.
 */
#ifndef BUS_GET_ANSWER_H
#define BUS_GET_ANSWER_H

#include <jansson.h>
#include <nats/nats.h>

#include "daemon/bus/bus_stream.h"
#include "daemon/sync/message.h"

enum bus_get_outcome {
    BUS_GET_MESSAGE,
    BUS_GET_FOREIGN,    /* a message that is not of the bucket; m has its sequence alone */
    BUS_GET_UNREADABLE, /* a message whose headers cannot be read: the leader's JSON has it */
    BUS_GET_NOTHING,    /* there is none up to the stream's end */
    BUS_GET_BATCH_END,  /* all that were asked for were sent */
    BUS_GET_REFUSED,    /* for another reason */
};

struct bus_get_answer {
    enum bus_get_outcome outcome;
    struct kv_message m; /* points into the message that was parsed, or into what follows */
    int64_t time_ns;     /* of the message, on the server's clock */
    bool batches;        /* the server knows batches */
    char reason[BUS_REASON_CAP];
    json_t *root;
    uint8_t *value;
};

void bus_get_direct(natsMsg *msg, const struct bus_stream *stream, size_t max_value, struct bus_get_answer *ret_answer);
void bus_get_leader(natsMsg *msg, const struct bus_stream *stream, size_t max_value, struct bus_get_answer *ret_answer);
void bus_get_answer_free(struct bus_get_answer *answer);

#endif
