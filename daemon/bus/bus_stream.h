/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream behind a bucket: making it, asking for its state. Never changes one that exists. Every function blocks
 * for one request; reader thread.
 */
#ifndef BUS_STREAM_H
#define BUS_STREAM_H

#include <nats/nats.h>

#include "daemon/bus/bus.h"
#include "daemon/bus/bus_settings.h"

struct bus_session;

struct bus_stream_state {
    struct bus_info info;
    int64_t now_ns;     /* the server's time now, as far as it or its messages show it: what ages are counted from */
    uint64_t first_seq; /* of the oldest message */
    struct bus_settings settings;
};

/*
 * Asks for the state. 0 or a negative errno with a reason: -ENOENT no such stream, -ENODEV nobody answers for it,
 * -ETIMEDOUT, -ENOTCONN, -EIO.
 */
int bus_stream_info(const struct bus_session *session, const struct bus_stream *stream,
                    struct bus_stream_state *ret_state, char ret_reason[static BUS_REASON_CAP]);

/* Makes the stream. 0 also when somebody else has just made it. */
int bus_stream_create(const struct bus_session *session, const struct bus_stream *stream,
                      char ret_reason[static BUS_REASON_CAP]);

/* Any other request about a stream of that name, "DELETE" for one; 0 or an error as above, or of wire_api_error. */
int bus_stream_order(const struct bus_session *session, const char *what, const char *name, const char *body,
                     char ret_reason[static BUS_REASON_CAP]);

/* The errno for what nats.c returned, and its text. */
int bus_stream_error(natsStatus s, jsErrCode code, char ret_reason[static BUS_REASON_CAP]);

#endif
