/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream behind a bucket: what it must be set to, making it, asking for its state. Never changes one that
 * exists. Every function blocks for one request; reader thread.
 */
#ifndef BUS_STREAM_H
#define BUS_STREAM_H

#include <nats/nats.h>

#include "daemon/bus/bus.h"
#include "daemon/bus/bus_wire.h"

struct bus_stream {
    char name[BUS_KEY_MAX + 1];        /* "KV_SERVICES" */
    char subjects[BUS_KEY_MAX + 1];    /* "$KV.SERVICES.>" */
    char destination[BUS_KEY_MAX + 1]; /* "discover.local.services.>" */
    size_t prefix_len;                 /* of "$KV.SERVICES." */
    int64_t max_age_ns;
    int replicas;
};

struct bus_stream_state {
    struct bus_info info;
    int64_t last_time_ns; /* of the newest message, on the server's clock */
    int64_t now_ns;       /* the server's time now, as far as its messages tell: what ages are counted from */
    uint64_t first_seq;   /* of the oldest message */
    int replicas;
    bool direct; /* it has direct gets */
};

/* Called with a sentence for each setting that is not as it must be. */
typedef void bus_deviation_fn(void *arg, const char *text);

/*
 * Asks for the state. 0 or a negative errno with a reason: -ENOENT no such stream, -ENODEV nobody answers for it,
 * -ETIMEDOUT, -ENOTCONN, -EIO. deviation may be NULL.
 */
int bus_stream_info(jsCtx *js, const struct bus_stream *stream, bus_deviation_fn *deviation, void *arg,
                    struct bus_stream_state *ret_state, char ret_reason[static BUS_REASON_CAP]);

/* Makes it. 0 too when somebody else has just made it. */
int bus_stream_create(jsCtx *js, const struct bus_stream *stream, char ret_reason[static BUS_REASON_CAP]);

/* The errno for what nats.c returned, and its text. */
int bus_stream_error(natsStatus s, jsErrCode code, char ret_reason[static BUS_REASON_CAP]);

#endif
